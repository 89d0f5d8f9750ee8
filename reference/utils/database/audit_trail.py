"""Who did what, in a chain of hashes that shows edits and missing entries, and the errors somebody should look at.

The trail is for what moderators look up guild by guild. The head of its chain lies in the same database, so it shows
accidents and edits by hand; against somebody who can write the whole database anew stands the log of
`monitoring.audit_log`, with its key and an anchor elsewhere.
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from ..fast_json import json_dumps, json_loads  # noqa: TID252  the package is loaded under two names
from ..hash_chain import GENESIS, Anchor, Entry, Verification, seal, verify_chain  # noqa: TID252  the package is loaded under two names
from ..timestamps import utc_text  # noqa: TID252  the package is loaded under two names
from .store import Store

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator, Mapping

__all__ = ["AuditTrail"]

INSERT = """
INSERT INTO audit_log (id, timestamp, action_type, guild_id, user_id, target_id, details, hash)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
"""
SELECT = """
SELECT * FROM audit_log
WHERE timestamp >= :since AND (:guild IS NULL OR guild_id = :guild) AND (:kind IS NULL OR action_type = :kind)
ORDER BY id DESC LIMIT :limit
"""
ALL = "SELECT id, timestamp, action_type, guild_id, user_id, target_id, details, hash FROM audit_log ORDER BY id"
HEAD = "SELECT entries, hash FROM audit_head"
MOVE_HEAD = "UPDATE audit_head SET entries = ?, hash = ?"

COUNT_AGAIN = """
UPDATE error_log SET occurrences = occurrences + 1, last_seen = :now
WHERE id = (
    SELECT MAX(id) FROM error_log
    WHERE error_type = :error_type AND message = :message AND traceback IS :traceback AND guild_id IS :guild_id
    AND user_id IS :user_id AND command IS :command AND last_seen >= :recently
)
"""
NEW_ERROR = """
INSERT INTO error_log (error_type, message, traceback, guild_id, user_id, command, first_seen, last_seen)
VALUES (:error_type, :message, :traceback, :guild_id, :user_id, :command, :now, :now)
"""
RECENTLY = timedelta(hours=1)
LONGEST = 16_000
"""Characters that are kept of a traceback, counted from its end."""


class AuditTrail(Store):
    """The audit log and the error log."""

    async def log_audit(
        self,
        action_type: str,
        guild_id: int | None = None,
        user_id: int | None = None,
        target_id: int | None = None,
        details: Mapping[str, Any] | str | None = None,
    ) -> int:
        """Add an entry to the audit log; it is stored when this returns.

        Args:
            action_type: what was done, such as "ban".
            guild_id: where.
            user_id: by whom.
            target_id: to whom or what.
            details: anything else, as an object or a text.

        Returns:
            The entry's number, counted from 1 without gaps.
        """
        text = json_dumps({} if details is None else details, sort_keys=True)
        ids = [None if value is None else int(value) for value in (guild_id, user_id, target_id)]
        values = (str(action_type), *ids, text)

        def append(raw: sqlite3.Connection) -> int:
            head = Anchor(*raw.execute(HEAD).fetchone())
            entry = seal(head.number + 1, utc_text(), _body(values), head.hash)
            raw.execute(INSERT, (entry.number, entry.at, *values, entry.hash))
            raw.execute(MOVE_HEAD, (entry.number, entry.hash))
            return entry.number

        return await self.write(append)

    async def get_audit_logs(
        self,
        days: float | None = 7,
        guild_id: int | None = None,
        action_type: str | None = None,
        limit: int = 100,
    ) -> list[dict[str, Any]]:
        """Return entries of the audit log, newest first.

        Args:
            days: how far to look back; None for all.
            guild_id: of this guild alone.
            action_type: of this kind alone.
            limit: how many at most.
        """
        values = {"since": _days_ago(days), "guild": guild_id, "kind": action_type, "limit": max(0, limit)}
        rows = await self.read(lambda raw: raw.execute(SELECT, values).fetchall())
        return [{**dict(row), "details": json_loads(row["details"])} for row in rows]

    async def verify_audit_chain(self) -> Verification:
        """Look for entries of the audit log that were changed, and for missing ones, the last included."""

        def look(raw: sqlite3.Connection) -> Verification:
            row = raw.execute(HEAD).fetchone()
            head = Anchor(*row) if row else None
            found = verify_chain(_entries(raw.execute(ALL)), head)
            if found.ok and found.head != head:
                problem = "the head of the chain was changed or is missing"
                return replace(found, ok=False, problem=problem, number=found.head.number)
            return found

        return await self.write(look)

    async def log_error(
        self,
        error_type: str,
        message: str,
        traceback: str | None = None,
        guild_id: int | None = None,
        user_id: int | None = None,
        command: str | None = None,
    ) -> None:
        """Note an error; the same one within an hour is counted and not repeated.

        Args:
            error_type: the name of the exception.
            message: its text.
            traceback: where it happened; the end is kept of a long one.
            guild_id: where it was noticed.
            user_id: by whom.
            command: with what.
        """
        values = {
            "error_type": error_type,
            "message": message,
            "traceback": traceback and traceback[-LONGEST:],
            "guild_id": guild_id,
            "user_id": user_id,
            "command": command,
            "now": utc_text(),
            "recently": utc_text(datetime.now(UTC) - RECENTLY),
        }

        def note(raw: sqlite3.Connection) -> None:
            if not raw.execute(COUNT_AGAIN, values).rowcount:
                raw.execute(NEW_ERROR, values)

        await self.write(note)

    async def get_errors(self, limit: int = 50) -> list[dict[str, Any]]:
        """Return the errors, the one seen last first."""
        select = "SELECT * FROM error_log ORDER BY last_seen DESC, id DESC LIMIT ?"
        rows = await self.read(lambda raw: raw.execute(select, (max(0, limit),)).fetchall())
        return [dict(row) for row in rows]


def _days_ago(days: float | None) -> str:
    """Return the text of a moment, that of all if there is none; one that no calendar has is the nearest that has."""
    if days is None:
        return ""
    try:
        return utc_text(datetime.now(UTC) - timedelta(days=days))
    except OverflowError:
        return "" if days > 0 else utc_text(datetime.max.replace(tzinfo=UTC))


def _body(values: Iterable[object]) -> str:
    """Return what an entry says, as the text that is sealed."""
    return json.dumps(list(values))


def _entries(rows: Iterable[Iterable[Any]]) -> Iterator[Entry]:
    previous = GENESIS
    for number, at, *values, link in rows:
        yield Entry(number, at, _body(values), previous, link)
        previous = link
