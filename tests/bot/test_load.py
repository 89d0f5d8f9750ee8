"""Many messages at once, over connections that break: none is lost, none is heard or answered twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from discord.backoff import ExponentialBackoff

if TYPE_CHECKING:
    import discord as client

    from tests.bot.conftest import Stage

MESSAGES = 1000
ASKERS = 100


@pytest.fixture(autouse=True)
def _without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let clients come back at once."""
    monkeypatch.setattr(ExponentialBackoff, "delay", lambda _self: 0.0)


async def test_a_thousand_messages_are_heard_once_each(stage: Stage) -> None:
    """The bot hears 1,000 messages once each and in their order, though its connection breaks all the time."""
    heard: list[int] = []

    async def on_message(message: client.Message) -> None:
        heard.append(message.id)

    stage.bot.add_listener(on_message)
    general = stage.channels["general"]
    breaks = (stage.discord.faults.drop, stage.discord.faults.half_frame, stage.discord.faults.reconnect)
    said = []
    for number in range(MESSAGES):
        said.append(stage.member.say(general, f"message {number}").id)
        if number % 100 == 50:
            breaks[number // 100 % len(breaks)]()
        if number % 100 == 99:
            await stage.settled()
    await stage.settled()
    assert heard == said
    assert sum(1 for fault in stage.discord.faults.log if fault.kind in {"drop", "half_frame", "reconnect"}) == 10


async def test_each_command_is_answered_once(stage: Stage) -> None:
    """Commands of 100 people are answered once each, though Discord finds the bot too quick meanwhile."""
    bot_channel = stage.channels["bot"]
    world, guild = stage.discord.world, stage.town.guild
    stage.discord.faults.rate_limit("/channels/*/messages", method="POST", retry_after=0.01, times=4)
    questions = []
    for number in range(ASKERS):
        user = world.add_user(f"Asker{number}")
        world.add_member(guild, user)
        questions.append(stage.discord.person(user).say(bot_channel, "!ping"))
    await stage.settled(20)
    bot = stage.town.application.bot
    answers = [message for message in bot_channel.messages.values() if message.author is bot]
    assert len(answers) == len(questions) == ASKERS
    assert stage.discord.faults.counts["rate_limit"] == 4
