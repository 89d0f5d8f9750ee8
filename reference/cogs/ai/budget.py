"""The daily budget of tokens: reserved before a request, settled after it, kept in the database.

A reservation and the check before it are one unit of work, so requests side by side, even of two processes, cannot
overdraw. One that a killed process left behind is dropped at the next start.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from reference.cogs.ai.errors import BudgetError

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable

    from reference.cogs.ai.chat import Usage
    from reference.utils.database.database import Database

__all__ = ["KEPT_DAYS", "BudgetStatus", "DailyUsage", "Reservation", "TokenBudget"]

KEPT_DAYS = 60
"""Days for which usage is kept."""

IN_USE = """
SELECT
    COALESCE((SELECT input_tokens + output_tokens FROM ai_usage
              WHERE scope = :scope AND scope_id = :scope_id AND day = :day), 0)
  + COALESCE((SELECT SUM(tokens) FROM ai_reservation WHERE day = :day
              AND CASE :scope WHEN 'user' THEN user_id ELSE guild_id END = :scope_id), 0)
"""
RESERVE = "INSERT INTO ai_reservation (day, user_id, guild_id, tokens) VALUES (?, ?, ?, ?)"
RELEASE = "DELETE FROM ai_reservation WHERE id = ?"
ADD = """
INSERT INTO ai_usage (scope, scope_id, day, input_tokens, output_tokens, requests) VALUES (?, ?, ?, ?, ?, 1)
ON CONFLICT (scope, scope_id, day) DO UPDATE SET
    input_tokens = input_tokens + excluded.input_tokens,
    output_tokens = output_tokens + excluded.output_tokens,
    requests = requests + 1
"""
DAYS = """
SELECT day, input_tokens, output_tokens, requests FROM ai_usage WHERE scope = ? AND scope_id = ?
ORDER BY day DESC LIMIT ?
"""


@dataclass(frozen=True, slots=True)
class Reservation:
    """Tokens that are set aside for a request."""

    number: int
    day: str
    user_id: int
    guild_id: int | None
    tokens: int


@dataclass(frozen=True, slots=True)
class BudgetStatus:
    """How much of a day's budget is in use.

    Attributes:
        scope: `user` or `guild`.
        used: tokens that were used or are reserved.
        limit: tokens of a day; 0 for no limit.
    """

    scope: str
    used: int
    limit: int

    @property
    def left(self) -> int | None:
        """What may still be used; None where there is no limit."""
        return max(0, self.limit - self.used) if self.limit else None


@dataclass(frozen=True, slots=True)
class DailyUsage:
    """What was used on one day (UTC)."""

    day: str
    input_tokens: int
    output_tokens: int
    requests: int


class TokenBudget:
    """The budgets of all users and guilds.

    Args:
        database: where they are kept.
        user_limit: tokens of one user and day; 0 for no limit.
        guild_limit: tokens of one guild and day; 0 for no limit.
        now: tells the time.
    """

    def __init__(
        self,
        database: Database,
        *,
        user_limit: int,
        guild_limit: int,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._database = database
        self._limits = {"user": user_limit, "guild": guild_limit}
        self._now = now

    async def open(self) -> None:
        """Drop what an earlier process left reserved, and what is too old to be of use."""
        oldest = (self._now() - timedelta(days=KEPT_DAYS)).strftime("%Y-%m-%d")

        def tidy(raw: sqlite3.Connection) -> None:
            raw.execute("DELETE FROM ai_reservation")
            raw.execute("DELETE FROM ai_usage WHERE day < ?", (oldest,))

        await self._database.write(tidy)

    async def reserve(self, user_id: int, guild_id: int | None, tokens: int) -> Reservation:
        """Set tokens aside.

        Args:
            user_id: who asks.
            guild_id: where; None in a direct message.
            tokens: the most that the request may use.

        Raises:
            BudgetError: so many are not left; nothing was set aside.
        """
        now = self._now()
        day = now.strftime("%Y-%m-%d")
        scopes = _scopes(user_id, guild_id)

        def unit(raw: sqlite3.Connection) -> int:
            for scope, scope_id in scopes:
                status = self._status(raw, scope, scope_id, day)
                if status.left is not None and tokens > status.left:
                    raise BudgetError(scope, status.used, status.limit, _midnight_after(now))
            return raw.execute(RESERVE, (day, user_id, guild_id, tokens)).lastrowid or 0

        return Reservation(await self._database.write(unit), day, user_id, guild_id, tokens)

    async def settle(self, reservation: Reservation, usage: Usage) -> None:
        """Put what was used in the place of what was reserved."""

        def unit(raw: sqlite3.Connection) -> None:
            raw.execute(RELEASE, (reservation.number,))
            for scope, scope_id in _scopes(reservation.user_id, reservation.guild_id):
                raw.execute(ADD, (scope, scope_id, reservation.day, usage.input_tokens, usage.output_tokens))

        await self._database.write(unit)

    async def release(self, reservation: Reservation) -> None:
        """Give back what was reserved; nothing of it was used."""

        def unit(raw: sqlite3.Connection) -> None:
            raw.execute(RELEASE, (reservation.number,))

        await self._database.write(unit)

    async def status(self, user_id: int, guild_id: int | None) -> list[BudgetStatus]:
        """Tell how today's budgets of a user, and of a guild if there is one, stand."""
        day = self._now().strftime("%Y-%m-%d")
        scopes = _scopes(user_id, guild_id)
        return await self._database.read(
            lambda raw: [self._status(raw, scope, scope_id, day) for scope, scope_id in scopes]
        )

    async def days(self, scope: str, scope_id: int, limit: int = 7) -> list[DailyUsage]:
        """Return the newest days on which a user or a guild used anything, the newest first."""
        rows = await self._database.read(lambda raw: raw.execute(DAYS, (scope, scope_id, limit)).fetchall())
        return [DailyUsage(*row) for row in rows]

    def _status(self, raw: sqlite3.Connection, scope: str, scope_id: int, day: str) -> BudgetStatus:
        used = raw.execute(IN_USE, {"scope": scope, "scope_id": scope_id, "day": day}).fetchone()[0]
        return BudgetStatus(scope, used, self._limits[scope])


def _scopes(user_id: int, guild_id: int | None) -> list[tuple[str, int]]:
    return [("user", user_id)] if guild_id is None else [("user", user_id), ("guild", guild_id)]


def _midnight_after(now: datetime) -> datetime:
    return now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
