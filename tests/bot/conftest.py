"""A local Discord with the bot on it."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from typing import TYPE_CHECKING

import pytest

from fuzz.conformance import judged
from localdiscord import LocalDiscord
from reference.bot import Bot, build_bot
from reference.config import LimitSettings, Settings
from reference.utils.database.database import Database
from tests.bot.settling import settled

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path
    from types import ModuleType

    from localdiscord import Person


READY_SECONDS = 120.0
"""A bot is ready in one; a machine may be busy, and Wine is slow."""


class Stage:
    """A local Discord, the bot that is logged in to it, and the people of the town.

    Attributes:
        discord: the server.
        bot: the bot.
    """

    def __init__(self, discord: LocalDiscord, bot: Bot) -> None:
        """Name the people."""
        self.discord = discord
        self.bot = bot
        self.town = discord.town
        self.channels = discord.town.channels
        self.owner: Person = discord.person(self.town.owner)
        self.moderator: Person = discord.person(self.town.moderator)
        self.member: Person = discord.person(self.town.members[0])
        self.thai: Person = discord.person(self.town.members[1])

    async def settled(self, seconds: float = 20.0) -> None:
        """Wait until the bot has heard and handled all that happened, and Discord has answered it."""
        await settled(self.discord, seconds)


@pytest.fixture
async def discord() -> AsyncIterator[LocalDiscord]:
    """A local Discord; all it says is held against Discord's own description of its API, where that is present."""
    async with LocalDiscord() as server:
        with judged(server):
            yield server


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """The settings of a bot that keeps everything in a folder of its own."""
    return Settings(data=tmp_path / "data", limits=LimitSettings(commands=1000))


@pytest.fixture
async def stage(discord: LocalDiscord, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Stage]:
    """A local Discord with the bot, ready."""
    monkeypatch.setattr(Database, "_instance", None)
    bot = build_bot(settings, connector=discord.connector(), guild_ready_timeout=0)
    async with running(bot, discord):
        yield Stage(discord, bot)
    assert await Database().close_pool(), "the database could not be closed in time"


@contextlib.asynccontextmanager
async def running(bot: Bot, discord: LocalDiscord) -> AsyncIterator[None]:
    """Run a bot until the body ends."""
    ready = asyncio.Event()

    async def on_ready() -> None:
        ready.set()

    bot.add_listener(on_ready)
    async with bot:
        task = asyncio.create_task(bot.start(discord.town.application.token))
        waiter = asyncio.create_task(ready.wait())
        await asyncio.wait({task, waiter}, return_when=asyncio.FIRST_COMPLETED, timeout=60)
        waiter.cancel()
        if task.done():
            await task
        assert bot.failed_areas == [], "an area could not be loaded; the log says why"
        areas = {name: module for name, module in sys.modules.items() if name.startswith("reference.cogs.")}
        yield
    await task
    _keep(areas)


def _keep(modules: dict[str, ModuleType]) -> None:
    """Put back what discord.py forgets with a bot: tests have one of each module, and need not read it anew."""
    sys.modules.update(modules)
    for name, module in modules.items():
        package, _, child = name.rpartition(".")
        setattr(sys.modules[package], child, module)
