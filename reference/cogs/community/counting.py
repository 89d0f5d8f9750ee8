"""Counting what members do, gathered in memory and written down every few seconds in one unit.

A bot that is killed loses at most the counts of those seconds; one that ends in order loses none.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from reference.utils.database.user_stats import STATS
from reference.utils.timestamps import utc_text

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Coroutine
    from typing import Any

    from reference.utils.database.store import Store

__all__ = ["Counting"]

FLUSH_SECONDS = 5.0
MOST_WAITING = 2_000
"""Counts of so many members are written down at once, without waiting."""

ACTIVITY = """
INSERT INTO guild_activity (guild_id, day, messages) VALUES (?, ?, ?)
ON CONFLICT (guild_id, day) DO UPDATE SET messages = messages + excluded.messages
"""
DAYS = "SELECT day, messages FROM guild_activity WHERE guild_id = ? AND day >= ? ORDER BY day"
FORGET_GUILD = "DELETE FROM guild_activity WHERE guild_id = ?"


class Counting:
    """Counts.

    Args:
        database: of the bot.
        spawn: does something in the background.
    """

    def __init__(self, database: Store, spawn: Callable[[Coroutine[Any, Any, None], str], object]) -> None:
        self._database = database
        self._spawn = spawn
        self._members: Counter[tuple[int, int, str]] = Counter()
        self._days: Counter[tuple[int, str]] = Counter()
        self._timer: asyncio.TimerHandle | None = None

    def add(self, user_id: int, guild_id: int, stat: str, amount: int = 1) -> None:
        """Count something that a member did.

        Args:
            user_id: the member.
            guild_id: the guild.
            stat: a name of `STATS`.
            amount: how much.
        """
        self._members[user_id, guild_id, stat] += amount
        self._later()

    def add_message(self, user_id: int, guild_id: int) -> None:
        """Count a message, for the member and for the day."""
        self._days[guild_id, f"{datetime.now(UTC):%Y-%m-%d}"] += 1
        self.add(user_id, guild_id, "messages_count")

    def _later(self) -> None:
        loop = asyncio.get_running_loop()
        if len(self._members) >= MOST_WAITING:
            self._begin()
        elif self._timer is None:
            self._timer = loop.call_later(FLUSH_SECONDS, self._begin)

    def _begin(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._spawn(self.flush(), "counts are written down")

    async def flush(self) -> None:
        """Write down what was counted; what cannot be written is kept for the next time.

        Raises:
            sqlite3.Error: it cannot be written.
        """
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        members, self._members = self._members, Counter()
        days, self._days = self._days, Counter()
        if not members:
            return
        now = utc_text()

        def write(raw: sqlite3.Connection) -> None:
            for (user, guild, stat), amount in members.items():
                raw.execute(STATS[stat], {"user": user, "guild": guild, "amount": amount, "now": now})
            raw.executemany(ACTIVITY, [(guild, day, count) for (guild, day), count in days.items()])

        try:
            await self._database.write(write)
        except BaseException:
            self._members.update(members)
            self._days.update(days)
            raise

    async def days(self, guild_id: int, since: str) -> dict[str, int]:
        """Return the messages of a guild by day, from a day on."""
        rows = await self._database.read(lambda raw: raw.execute(DAYS, (guild_id, since)).fetchall())
        return {row[0]: row[1] for row in rows}

    def forget_member(self, user_id: int) -> int:
        """Forget what was counted of a person and is not written down yet; return how many counts went."""
        keys = [key for key in self._members if key[0] == user_id]
        for key in keys:
            del self._members[key]
        return len(keys)

    async def forget_guild(self, guild_id: int) -> None:
        """Forget the days of a guild that the bot has left."""
        await self._database.write(lambda raw: raw.execute(FORGET_GUILD, (guild_id,)))
