"""A bot without a gateway: discord.py's own `Bot`, whose figures the test sets, and which notes who reads them."""

from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import discord
from discord.ext import commands

if TYPE_CHECKING:
    from collections.abc import Sequence

FIGURES = ("cogs", "guilds", "latency", "user", "users", "voice_clients")


class QuietBot(commands.Bot):
    """A `commands.Bot` that was never connected, with figures made up by the test.

    Attributes:
        figures: what the bot says: cogs, guilds, latency, user, users, voice_clients, ready.
        readers: (figure, thread name) for every reading.
    """

    def __init__(self, **figures: Any) -> None:
        """Make a bot with ``figures``; what is not given is empty."""
        self.figures: dict[str, Any] = {"cogs": {}, "guilds": [], "latency": 0.05, "users": [], "voice_clients": []}
        self.figures |= {"user": "bot", "ready": True, **figures}
        self.readers: list[tuple[str, str]] = []
        super().__init__(command_prefix="!", intents=discord.Intents(guilds=True), help_command=None)

    def is_ready(self) -> bool:
        """Say whether the bot is connected."""
        return bool(self._read("ready"))

    def get_cog(self, name: str, /) -> Any:
        """Return a cog by its name."""
        return self._read("cogs").get(name)

    def _read(self, figure: str) -> Any:
        self.readers.append((figure, threading.current_thread().name))
        return self.figures[figure]


def _figure(name: str) -> property:
    return property(lambda bot: bot._read(name), doc=f"The bot's {name}, as the test set them.")  # noqa: SLF001


for _name in FIGURES:
    setattr(QuietBot, _name, _figure(_name))


def guild(members: int, name: str = "server") -> Any:
    """Make a server of so many members."""
    return SimpleNamespace(id=members, name=name, member_count=members, members=[], voice_client=None)


class ModelCog:
    """A cog that keeps figures about its language model, itself and in a manager.

    Args:
        names: phases of the model's work besides the calls; the first one is the name of the model, too.
    """

    def __init__(self, names: Sequence[str] = ()) -> None:
        self.chat_manager = self
        self._names = names

    def get_performance_stats(self) -> dict[str, Any]:
        """Return figures by phase."""
        numbers = {"count": 1, "avg_ms": 1.0, "min_ms": 1.0, "max_ms": 1.0, "p95_ms": 1.0}
        model = {"model": self._names[0]} if self._names else {}
        return {name: dict(numbers) for name in (*self._names, "api")} | model
