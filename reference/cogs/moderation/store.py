"""Where cases are kept: written down before the act, numbered after it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reference.utils.timestamps import parse_utc, utc_text

from .cases import Case

if TYPE_CHECKING:
    import sqlite3
    from datetime import datetime

    from reference.utils.database.store import Store

    from .cases import Draft

__all__ = ["CaseStore"]

INSERT = """
INSERT INTO mod_case (guild_id, action, target_id, target_name, moderator_id, reason, created_at, expires_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?) RETURNING *
"""
NEXT_NUMBER = """
INSERT INTO mod_case_count (guild_id, last) VALUES (?, 1)
ON CONFLICT (guild_id) DO UPDATE SET last = last + 1 RETURNING last
"""
NUMBER = "UPDATE mod_case SET number = ?, entry_id = ? WHERE id = ? RETURNING *"
SUPERSEDE = """
UPDATE mod_case SET is_over = 1
WHERE guild_id = ? AND target_id = ? AND action = 'ban' AND number IS NOT NULL AND is_over = 0 AND id <> ?
"""
DISCARD = "DELETE FROM mod_case WHERE id = ? AND number IS NULL"
BY_ID = "SELECT * FROM mod_case WHERE id = ?"
BY_NUMBER = "SELECT * FROM mod_case WHERE guild_id = ? AND number = ?"
BY_ENTRY = "SELECT 1 FROM mod_case WHERE guild_id = ? AND entry_id = ?"
HISTORY = """
SELECT * FROM mod_case WHERE guild_id = ? AND target_id = ? AND number IS NOT NULL AND (? OR action <> 'note')
ORDER BY number DESC LIMIT ? OFFSET ?
"""
COUNTS = """
SELECT action, COUNT(*) FROM mod_case
WHERE guild_id = ? AND target_id = ? AND number IS NOT NULL AND (? OR action <> 'note')
GROUP BY action ORDER BY action
"""
WARNINGS = """
SELECT COUNT(*) FROM mod_case WHERE guild_id = :guild AND target_id = :target AND action = 'warn'
AND number IS NOT NULL AND created_at >= :since AND number > COALESCE(
    (SELECT MAX(number) FROM mod_case WHERE guild_id = :guild AND target_id = :target AND action = 'timeout'), 0)
"""
REASON = "UPDATE mod_case SET reason = ? WHERE guild_id = ? AND number = ? RETURNING *"
PENDING = "SELECT * FROM mod_case WHERE guild_id = ? AND number IS NULL ORDER BY id"
UNTOLD = """
SELECT * FROM mod_case WHERE guild_id = ? AND number IS NOT NULL AND log_message_id IS NULL AND created_at >= ?
AND action <> 'note' ORDER BY number
"""
DUE = """
SELECT * FROM mod_case WHERE action = 'ban' AND is_over = 0 AND number IS NOT NULL AND expires_at <= ?
ORDER BY expires_at
"""
NEXT_DUE = "SELECT MIN(expires_at) FROM mod_case WHERE action = 'ban' AND is_over = 0 AND number IS NOT NULL"
LAST = "SELECT MAX(created_at) FROM mod_case WHERE guild_id = ? AND number IS NOT NULL"
OVER = "UPDATE mod_case SET is_over = 1 WHERE id = ?"
TOLD = "UPDATE mod_case SET log_channel_id = ?, log_message_id = ? WHERE id = ?"
OF_USER = "SELECT * FROM mod_case WHERE target_id = ? AND number IS NOT NULL ORDER BY guild_id, number"
FORGET_USER = "UPDATE mod_case SET target_name = '', reason = '' WHERE target_id = ?"


class CaseStore:
    """Saves and finds cases.

    Args:
        database: of the bot.
    """

    def __init__(self, database: Store) -> None:
        self._database = database

    async def open(self, draft: Draft) -> Case:
        """Write down what is about to be done."""
        return await self._database.write(lambda raw: Case.from_row(raw.execute(INSERT, draft.values()).fetchone()))

    async def settle(self, case: Case, entry_id: int | None = None) -> Case:
        """Number a case, for it was done; one that has a number keeps it.

        Args:
            case: the case.
            entry_id: the entry of Discord's audit log, where it is known.
        """

        def settle(raw: sqlite3.Connection) -> Case:
            known = raw.execute(BY_ID, (case.id,)).fetchone()
            if known is not None and known["number"] is not None:
                return Case.from_row(known)
            return _number(raw, case, entry_id)

        return await self._database.write(settle)

    async def record(self, draft: Draft, entry_id: int | None = None) -> Case | None:
        """Write down what has been done already; None where that entry of Discord's audit log is known."""

        def record(raw: sqlite3.Connection) -> Case | None:
            if entry_id is not None and raw.execute(BY_ENTRY, (draft.guild_id, entry_id)).fetchone():
                return None
            return _number(raw, Case.from_row(raw.execute(INSERT, draft.values()).fetchone()), entry_id)

        return await self._database.write(record)

    async def discard(self, case: Case) -> None:
        """Forget a case, for it was not done."""
        await self._database.write(lambda raw: raw.execute(DISCARD, (case.id,)))

    async def get(self, case_id: int) -> Case | None:
        """Return the case of an id, numbered or not."""
        return _one(await self._rows(BY_ID, case_id))

    async def find(self, guild_id: int, number: int) -> Case | None:
        """Return the case of a number."""
        return _one(await self._rows(BY_NUMBER, guild_id, number))

    async def history(
        self, guild_id: int, target_id: int, limit: int, offset: int = 0, *, notes: bool = True
    ) -> list[Case]:
        """Return the cases of somebody, the newest first, with the notes or without."""
        return await self._rows(HISTORY, guild_id, target_id, notes, limit, offset)

    async def counts(self, guild_id: int, target_id: int, *, notes: bool = True) -> dict[str, int]:
        """Return how many cases of each action somebody has, the notes included or not."""
        values = (guild_id, target_id, notes)
        return dict(await self._database.read(lambda raw: [tuple(row) for row in raw.execute(COUNTS, values)]))

    async def warnings(self, guild_id: int, target_id: int, since: datetime) -> int:
        """Return how often somebody was warned since a time, and since the last time-out."""
        values = {"guild": guild_id, "target": target_id, "since": utc_text(since)}
        return int(await self._database.read(lambda raw: raw.execute(WARNINGS, values).fetchone()[0]))

    async def set_reason(self, guild_id: int, number: int, reason: str) -> Case | None:
        """Give a case another reason; None where there is no such case."""
        values = (reason, guild_id, number)
        rows = await self._database.write(lambda raw: raw.execute(REASON, values).fetchall())
        return _one([Case.from_row(row) for row in rows])

    async def pending(self, guild_id: int) -> list[Case]:
        """Return the cases of which it is not known whether they were done."""
        return await self._rows(PENDING, guild_id)

    async def untold(self, guild_id: int, since: datetime) -> list[Case]:
        """Return the cases that the mod-log was not told."""
        return await self._rows(UNTOLD, guild_id, utc_text(since))

    async def last(self, guild_id: int) -> datetime | None:
        """Return when the last case of a guild was made."""
        text = await self._database.read(lambda raw: raw.execute(LAST, (guild_id,)).fetchone()[0])
        return parse_utc(text) if text else None

    async def due(self, now: datetime) -> list[Case]:
        """Return the bans that are to be lifted by now."""
        return await self._rows(DUE, utc_text(now))

    async def next_due(self) -> datetime | None:
        """Return when the next ban is to be lifted."""
        text = await self._database.read(lambda raw: raw.execute(NEXT_DUE).fetchone()[0])
        return parse_utc(text) if text else None

    async def set_over(self, case: Case) -> None:
        """Note that a ban was lifted."""
        await self._database.write(lambda raw: raw.execute(OVER, (case.id,)))

    async def set_told(self, case: Case, channel_id: int, message_id: int) -> None:
        """Note the message that told a case."""
        await self._database.write(lambda raw: raw.execute(TOLD, (channel_id, message_id, case.id)))

    async def of_user(self, user_id: int) -> list[dict[str, Any]]:
        """Return what is kept about somebody, to be handed out to them."""
        rows = await self._database.read(lambda raw: raw.execute(OF_USER, (user_id,)).fetchall())
        names = ("guild_id", "number", "action", "reason", "created_at", "expires_at")
        return [{name: row[name] for name in names} for row in rows]

    async def forget_user(self, user_id: int) -> int:
        """Forget the name and the reasons of somebody; that bans end on time needs the rest. Return how many."""
        return await self._database.write(lambda raw: raw.execute(FORGET_USER, (user_id,)).rowcount)

    async def _rows(self, statement: str, *values: Any) -> list[Case]:
        rows = await self._database.read(lambda raw: raw.execute(statement, values).fetchall())
        return [Case.from_row(row) for row in rows]


def _number(raw: sqlite3.Connection, case: Case, entry_id: int | None) -> Case:
    draft = case.draft
    number = raw.execute(NEXT_NUMBER, (draft.guild_id,)).fetchone()[0]
    row = raw.execute(NUMBER, (number, entry_id, case.id)).fetchone()
    if draft.action in {"ban", "unban"}:
        raw.execute(SUPERSEDE, (draft.guild_id, draft.target_id, case.id))
    return Case.from_row(row)


def _one(cases: list[Case]) -> Case | None:
    return cases[0] if cases else None
