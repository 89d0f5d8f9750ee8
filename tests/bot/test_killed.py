"""A bot that is killed in the middle of its work, or asked to end: what it acknowledged is there afterwards, once."""

from __future__ import annotations

import asyncio
import shutil
from typing import TYPE_CHECKING

import pytest

from tests.bot.band import tones
from tests.bot.bot_process import BotProcess, launch

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from localdiscord import LocalDiscord, Person
    from localdiscord.model.channel import Channel
    from localdiscord.model.interaction import Interaction
    from localdiscord.model.message import Message

__all__ = ["launch"]

WORK = 4
"""How many rounds of work are acknowledged before the end."""


@pytest.fixture
def data(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for the bot, with tones to play."""
    shutil.copytree(tones(tmp_path_factory.getbasetemp()), tmp_path / "data" / "music")
    return tmp_path / "data"


class Work:
    """What people ask of the bot, over and over, and what it has acknowledged.

    Args:
        discord: where.
    """

    def __init__(self, discord: LocalDiscord) -> None:
        self.discord = discord
        self.channel: Channel = discord.town.channels["bot"]
        self.owner: Person = discord.person(discord.town.owner)
        self.moderator: Person = discord.person(discord.town.moderator)
        self.member: Person = discord.person(discord.town.members[0])
        self.warned: list[str] = []
        self.reminded: list[str] = []
        self.prefix = "!"

    async def round(self, number: int) -> None:
        """Do one round, and note what was acknowledged."""
        prefix = "?$%&+;"[number % 6]
        await self.owner.reply(self.owner.slash(self.channel, "settings prefix", prefix=prefix))
        self.prefix = prefix
        reason = f"offence {number}"
        warn = self.moderator.slash(self.channel, "warn", member=self.member.user, reason=reason)
        await self.moderator.reply(warn)
        self.warned.append(reason)
        about = f"errand {number}"
        await self.member.reply(self.member.slash(self.channel, "remind me", when="2 hours", about=about))
        self.reminded.append(about)

    def begin_more(self) -> list[Interaction]:
        """Ask for things whose answer nobody waits for."""
        return [
            self.owner.slash(self.channel, "settings prefix", prefix="#"),
            self.moderator.slash(self.channel, "warn", member=self.member.user, reason="under way"),
            self.member.slash(self.channel, "remind me", when="2 hours", about="under way"),
        ]

    async def play(self) -> None:
        """Fill the music queue: one track is played, one waits."""
        self.owner.join_voice(self.discord.town.channels["Lounge"])
        for query in ("long.wav", "second.wav"):
            await self.owner.reply(self.owner.slash(self.channel, "play", query=query), 15)

    async def check(self) -> None:
        """Compare what the bot says with what it had acknowledged; what was under way may be there once, or not."""
        cases = await self.moderator.reply(self.moderator.slash(self.channel, "cases", user=self.member.user))
        reminders = await self.member.reply(self.member.slash(self.channel, "remind list"))
        queue = await self.owner.reply(self.owner.slash(self.channel, "queue"))
        for reason in self.warned:
            assert str(cases.payload()).count(reason) == 1
        for about in self.reminded:
            assert str(reminders.payload()).count(about) == 1
        assert str(cases.payload()).count("under way") <= 1
        assert str(reminders.payload()).count("under way") <= 1
        assert "long" in str(queue.payload())
        assert "second" in str(queue.payload())
        for prefix in {self.prefix, "#"}:
            self.owner.say(self.channel, f"{prefix}ping")
        await self.owner.expect(self.channel, _is_pong)
        await self.owner.reply(self.owner.slash(self.channel, "ping"))
        assert sum(map(_is_pong, self.channel.messages.values())) == 2


def _is_pong(message: Message) -> bool:
    return message.content.startswith("Pong")


@pytest.mark.parametrize("how", ["kill", "terminate"])
async def test_what_was_acknowledged_is_kept(
    discord: LocalDiscord, data: Path, launch: Callable[..., BotProcess], how: str
) -> None:
    """After kill -9 as after SIGTERM in the middle of work: settings, cases, reminders and queue are there."""
    work = Work(discord)
    process = launch(data)
    await process.ready()
    await work.play()
    for number in range(WORK):
        await work.round(number)
    work.begin_more()
    if how == "kill":
        process.kill()
    else:
        assert await process.terminate() == 0
    successor = launch(data)
    await successor.ready()
    async with asyncio.timeout(60):
        await work.check()
