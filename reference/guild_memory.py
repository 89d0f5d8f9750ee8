"""What is known of guilds, read from the database once and kept in memory until it changes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Generic, TypeVar

from .utils.reliability.memory_manager import TTLCache

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["GuildMemory"]

T = TypeVar("T")

MOST_GUILDS = 5_000
LIFETIME = 600.0
"""Seconds for which a guild's value is kept in memory; a change that is followed by `forget` is seen at once."""


class GuildMemory(ABC, Generic[T]):
    """One value of each guild.

    Attributes:
        cache: what was read lately; a memory monitor may empty it.
        listeners: told the id of a guild whose value changed.
    """

    def __init__(self) -> None:
        self._changes = 0
        self.listeners: list[Callable[[int], None]] = []
        self.cache: TTLCache[int, T] = TTLCache(MOST_GUILDS, LIFETIME)

    @abstractmethod
    async def read(self, guild_id: int) -> T:
        """Read the value of a guild from the database."""

    async def of(self, guild_id: int) -> T:
        """Return the value of a guild."""
        known = self.cache.get(guild_id)
        if known is not None:
            return known
        changes = self._changes
        value = await self.read(guild_id)
        if changes == self._changes:  # else what was read may be older than what was written meanwhile
            self.cache.set(guild_id, value)
        return value

    def forget(self, guild_id: int) -> None:
        """Read a guild's value anew when it is asked for next."""
        self._changes += 1
        self.cache.delete(guild_id)
        for listener in self.listeners:
            listener(guild_id)
