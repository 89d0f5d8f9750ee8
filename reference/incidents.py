"""Errors that nobody foresaw, each with an id that the person was told, so that the operator can find it."""

from __future__ import annotations

import traceback
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .utils.monitoring.redaction import redact_text
from .utils.timestamps import utc_text

if TYPE_CHECKING:
    import sqlite3

    from .utils.database.database import Database

__all__ = ["Incident", "Incidents"]

MOST = 1000
"""Incidents that are kept; the oldest go first."""

INSERT = """
INSERT OR REPLACE INTO incidents (id, at, error_id, place, guild_id, user_id)
SELECT ?, ?, MAX(id), ?, ?, ? FROM error_log WHERE error_type = ? AND message = ? HAVING MAX(id) IS NOT NULL
"""
PRUNE = "DELETE FROM incidents WHERE id NOT IN (SELECT id FROM incidents ORDER BY at DESC LIMIT ?)"
SELECT = """
SELECT incidents.id, incidents.at, incidents.place, incidents.guild_id, incidents.user_id,
       error_log.error_type, error_log.message, error_log.traceback, error_log.occurrences
FROM incidents JOIN error_log ON error_log.id = incidents.error_id
"""


@dataclass(frozen=True, slots=True)
class Incident:
    """An error, as the operator looks it up.

    Attributes:
        id: what the person was told.
        at: when, as `utc_text` writes it.
        place: the command, button or event in which it happened.
        guild_id: where; None for direct messages and for what happened in no guild.
        user_id: to whom; None where it was nobody's request.
        error_type: the name of the exception.
        message: its text, without secrets.
        traceback: where it happened.
        occurrences: how often the same error was seen within an hour.
    """

    id: str
    at: str
    place: str
    guild_id: int | None
    user_id: int | None
    error_type: str
    message: str
    traceback: str | None
    occurrences: int


class Incidents:
    """The incidents that are kept.

    Args:
        database: where.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(
        self, number: str, error: BaseException, place: str, guild_id: int | None = None, user_id: int | None = None
    ) -> None:
        """Keep an incident.

        Args:
            number: its id.
            error: what happened.
            place: the command, button or event in which it happened.
            guild_id: where.
            user_id: to whom.

        Raises:
            sqlite3.Error: it could not be kept.
        """
        kind, message = type(error).__name__, redact_text(str(error))
        trace = redact_text("".join(traceback.format_exception(error)))
        await self._database.log_error(kind, message, trace, guild_id, user_id, place)
        values = (number, utc_text(), place, guild_id, user_id, kind, message)

        def write(raw: sqlite3.Connection) -> None:
            raw.execute(INSERT, values)
            raw.execute(PRUNE, (MOST,))

        await self._database.write(write)

    async def recent(self, limit: int = 10) -> list[Incident]:
        """Return the newest incidents, the newest first."""
        return await self._select(f"{SELECT} ORDER BY incidents.at DESC LIMIT ?", limit)

    async def get(self, number: str) -> Incident | None:
        """Return an incident by its id."""
        found = await self._select(f"{SELECT} WHERE incidents.id = ?", number)
        return found[0] if found else None

    async def _select(self, statement: str, value: Any) -> list[Incident]:
        rows = await self._database.read(lambda raw: raw.execute(statement, (value,)).fetchall())
        return [Incident(**dict(row)) for row in rows]
