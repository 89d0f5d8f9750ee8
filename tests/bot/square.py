"""The stage with the community area alone; tests import the fixtures by name."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from reference import bot as bot_module
from reference.bot import build_bot
from tests.bot.conftest import running

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from localdiscord import Person
    from localdiscord.model.channel import Channel
    from localdiscord.model.message import Message
    from localdiscord.model.user import User
    from reference.bot import Bot
    from reference.config import Settings
    from tests.bot.conftest import Stage

__all__ = ["NOON", "Square", "settings", "square"]

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
"""A Monday."""


@pytest.fixture
def settings(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings of a bot with the community area alone."""
    monkeypatch.setattr(bot_module, "AREAS", ("community",))
    return settings


class Square:
    """The stage, and a clock that the test sets.

    Attributes:
        now: what the bot takes for the time.
    """

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.bot: Bot = stage.bot
        self.guild, self.world = stage.town.guild, stage.discord.world
        self.general: Channel = stage.channels["general"]
        self.alice, self.bob, self.carol, self.somchai = stage.owner, stage.moderator, stage.member, stage.thai
        self.now = NOON
        self.take_clock(self.bot)

    def take_clock(self, bot: Bot) -> None:
        """Give a bot the test's clock."""
        for name in ("Reminders", "Polls"):
            cog: Any = bot.get_cog(name)
            cog.schedule.now = lambda: self.now

    def cog(self, name: str) -> Any:
        """Return a cog of the bot."""
        return self.bot.get_cog(name)

    def pass_time(self, **time: float) -> None:
        """Let time pass, and what is due be done."""
        self.now += timedelta(**time)
        for name in ("Reminders", "Polls"):
            if cog := self.cog(name):
                cog.schedule.wake()

    async def use(self, person: Person, command: str, /, **options: Any) -> Message:
        """Have somebody use a command; return the answer."""
        return await person.reply(person.slash(self.general, command, **options))

    async def told(self, person: Person, command: str, /, **options: Any) -> str:
        """Have somebody use a command; return what it answers."""
        return (await self.use(person, command, **options)).content

    def said(self, channel: Channel | None = None) -> list[Message]:
        """Return what the bot said in a channel."""
        messages = (channel or self.general).messages.values()
        return [message for message in messages if message.author is self.stage.town.application.bot]

    def direct(self, user: User) -> list[Message]:
        """Return what the bot wrote to somebody directly."""
        channels = [channel for channel in self.world.channels.values() if user in channel.recipients]
        return [message for channel in channels for message in channel.messages.values()]

    @contextlib.asynccontextmanager
    async def restarted(self) -> AsyncIterator[Bot]:
        """Run a new bot on the same database, after the old one has ended."""
        if not self.bot.is_closed():
            await self.bot.close()
        bot = build_bot(self.bot.settings, connector=self.stage.discord.connector(), guild_ready_timeout=0)
        setup_hook = bot.setup_hook

        async def set_up() -> None:
            await setup_hook()
            self.take_clock(bot)

        bot.setup_hook = set_up  # type: ignore[method-assign]
        self.bot = bot
        async with running(bot, self.stage.discord):
            yield bot


@pytest.fixture
def square(stage: Stage) -> Square:
    """The stage with the community area alone."""
    return Square(stage)
