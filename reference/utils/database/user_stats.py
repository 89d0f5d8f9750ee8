"""What a member did in a guild: a fixed set of counters, each with its prewritten statement."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from ..timestamps import utc_text  # noqa: TID252  the package is loaded under two names
from .store import Store

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping

__all__ = ["STATS", "UnknownStatError", "UserStats"]


class UnknownStatError(ValueError):
    """There is no counter of this name; nothing was counted."""


def _increment(column: str) -> str:
    return (
        f"INSERT INTO user_stats (user_id, guild_id, {column}, first_seen, last_active) "  # noqa: S608  from STATS alone
        "VALUES (:user, :guild, MAX(:amount, 0), :now, :now) ON CONFLICT (user_id, guild_id) "
        f"DO UPDATE SET {column} = MAX({column} + :amount, 0), last_active = excluded.last_active"
    )


STATS: Mapping[str, str] = MappingProxyType(
    {
        name: _increment(name)
        for name in ("messages_count", "commands_count", "ai_interactions", "music_requests", "voice_seconds")
    }
)
"""The counters with the statements that add to them, written when this is imported (audit finding F05)."""

SELECT = "SELECT * FROM user_stats WHERE user_id = ? AND guild_id = ?"
TOP = {
    name: f"SELECT * FROM user_stats WHERE guild_id = ? AND {name} > 0 ORDER BY {name} DESC, user_id LIMIT ?"  # noqa: S608
    for name in STATS
}
LARGEST = 2**53
"""A larger amount is a mistake."""


class UserStats(Store):
    """The counters of members."""

    async def increment_user_stat(self, user_id: int, guild_id: int, stat_name: str, amount: int = 1) -> None:
        """Add to a counter of a member, which never falls below zero.

        The name is only ever looked up; what SQLite is given was written beforehand (audit finding F05).

        Args:
            user_id: the member.
            guild_id: the guild; 0 for direct messages.
            stat_name: a name of `STATS`.
            amount: what to add; negative to take away.

        Raises:
            UnknownStatError: there is no such counter.
            ValueError: the amount is no whole number of a sensible size.
        """
        statement = _known(stat_name, STATS)
        if abs(amount) > LARGEST or int(amount) != amount:
            raise ValueError(f"{stat_name} is counted in whole numbers up to 2**53, not {amount!r}")
        values = {"user": user_id, "guild": guild_id, "amount": amount, "now": utc_text()}

        def add(raw: sqlite3.Connection) -> None:
            raw.execute(statement, values)

        await self.write(add)

    async def get_user_stats(self, user_id: int, guild_id: int) -> dict[str, Any]:
        """Return all counters of a member by name; zeros for one who was never seen."""
        row = await self.read(lambda raw: raw.execute(SELECT, (user_id, guild_id)).fetchone())
        nothing = {"user_id": user_id, "guild_id": guild_id, **dict.fromkeys(STATS, 0)}
        return dict(row) if row else {**nothing, "first_seen": None, "last_active": None}

    async def get_top_users(self, guild_id: int, stat_name: str, limit: int = 10) -> list[dict[str, Any]]:
        """Return the members of a guild with the highest counter, highest first.

        Raises:
            UnknownStatError: there is no such counter.
        """
        statement = _known(stat_name, TOP)
        rows = await self.read(lambda raw: raw.execute(statement, (guild_id, max(0, limit))).fetchall())
        return [dict(row) for row in rows]


def _known(stat_name: str, statements: Mapping[str, str]) -> str:
    statement = statements.get(stat_name)
    if statement is None:
        raise UnknownStatError(f"there is no counter {stat_name!r}; there are: {', '.join(STATS)}")
    return statement
