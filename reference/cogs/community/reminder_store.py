"""Where reminders are kept, from the moment they are acknowledged until they are delivered."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import TYPE_CHECKING

from reference.utils.timestamps import parse_utc, utc_text

from .when import zone_of

if TYPE_CHECKING:
    import sqlite3

    from reference.utils.database.store import Store

__all__ = ["MOST_REMINDERS", "Reminder", "ReminderStore"]

MOST_REMINDERS = 25
"""Of one person; as many as fit into one answer."""

COUNT = "SELECT COUNT(*) FROM reminder WHERE user_id = ?"
INSERT = """
INSERT INTO reminder (user_id, guild_id, channel_id, about, language, created_at, due_at, try_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?) RETURNING id
"""
DUE = "SELECT * FROM reminder WHERE try_at <= ? ORDER BY try_at, id LIMIT 100"
NEXT = "SELECT MIN(try_at) FROM reminder"
OF_USER = "SELECT * FROM reminder WHERE user_id = ? ORDER BY due_at, id"
DELETE = "DELETE FROM reminder WHERE id = ?"
CANCEL = "DELETE FROM reminder WHERE id = ? AND user_id = ? RETURNING *"
POSTPONE = "UPDATE reminder SET try_at = ? WHERE id = ?"
ZONE = "SELECT name FROM time_zone WHERE user_id = ?"
SET_ZONE = "INSERT INTO time_zone VALUES (?, ?) ON CONFLICT (user_id) DO UPDATE SET name = excluded.name"
FORGET = ("DELETE FROM reminder WHERE user_id = ?", "DELETE FROM time_zone WHERE user_id = ?")


@dataclass(frozen=True)
class Reminder:
    """Something that somebody wants to be reminded of.

    Attributes:
        id: its number; 0 before it is kept.
        guild_id: where it was asked for; None in direct messages.
        language: in which it was asked for.
    """

    user_id: int
    guild_id: int | None
    channel_id: int
    about: str
    language: str
    created_at: datetime
    due_at: datetime
    id: int = 0

    @classmethod
    def from_row(cls, row: sqlite3.Row) -> Reminder:
        """Read a row."""
        values = {name: row[name] for name in ("id", "user_id", "guild_id", "channel_id", "about", "language")}
        return cls(**values, created_at=parse_utc(row["created_at"]), due_at=parse_utc(row["due_at"]))


class ReminderStore:
    """Saves and finds reminders.

    Args:
        database: of the bot.
    """

    def __init__(self, database: Store) -> None:
        self._database = database

    async def add(self, reminder: Reminder) -> int | None:
        """Keep a reminder; return its number, or None where the person has too many already."""

        def add(raw: sqlite3.Connection) -> int | None:
            if raw.execute(COUNT, (reminder.user_id,)).fetchone()[0] >= MOST_REMINDERS:
                return None
            where = (reminder.user_id, reminder.guild_id, reminder.channel_id, reminder.about, reminder.language)
            due = utc_text(reminder.due_at)
            row = raw.execute(INSERT, (*where, utc_text(reminder.created_at), due, due)).fetchone()
            return int(row[0])

        return await self._database.write(add)

    async def due(self, now: datetime) -> list[Reminder]:
        """Return what is to be delivered now, the oldest first."""
        rows = await self._database.read(lambda raw: raw.execute(DUE, (utc_text(now),)).fetchall())
        return [Reminder.from_row(row) for row in rows]

    async def next_due(self) -> datetime | None:
        """Return when the next one is to be delivered."""
        text = await self._database.read(lambda raw: raw.execute(NEXT).fetchone()[0])
        return parse_utc(text) if text else None

    async def of_user(self, user_id: int) -> list[Reminder]:
        """Return the reminders of a person, the next one first."""
        rows = await self._database.read(lambda raw: raw.execute(OF_USER, (user_id,)).fetchall())
        return [Reminder.from_row(row) for row in rows]

    async def delivered(self, reminder: Reminder) -> None:
        """Forget a reminder."""
        await self._database.write(lambda raw: raw.execute(DELETE, (reminder.id,)))

    async def cancel(self, number: int, user_id: int) -> Reminder | None:
        """Forget a person's reminder; return what it was."""
        row = await self._database.write(lambda raw: raw.execute(CANCEL, (number, user_id)).fetchone())
        return Reminder.from_row(row) if row else None

    async def postpone(self, reminder: Reminder, until: datetime) -> None:
        """Try to deliver a reminder again later."""
        await self._database.write(lambda raw: raw.execute(POSTPONE, (utc_text(until), reminder.id)))

    async def zone(self, user_id: int) -> tzinfo:
        """Return where a person lives; UTC where they did not say."""
        row = await self._database.read(lambda raw: raw.execute(ZONE, (user_id,)).fetchone())
        try:
            return zone_of(row[0]) if row else UTC
        except ValueError:
            return UTC

    async def set_zone(self, user_id: int, name: str) -> None:
        """Remember where a person lives."""
        await self._database.write(lambda raw: raw.execute(SET_ZONE, (user_id, name)))

    async def export(self, user_id: int) -> dict[str, object]:
        """Return what is kept of a person."""
        reminders = [
            {"about": each.about, "due": utc_text(each.due_at), "channel": each.channel_id}
            for each in await self.of_user(user_id)
        ]
        row = await self._database.read(lambda raw: raw.execute(ZONE, (user_id,)).fetchone())
        kept = {"reminders": reminders, "time_zone": row[0] if row else None}
        return kept if any(kept.values()) else {}

    async def forget(self, user_id: int) -> int:
        """Forget a person; return how many entries went."""

        def forget(raw: sqlite3.Connection) -> int:
            raw.execute("PRAGMA secure_delete = ON")
            return sum(raw.execute(statement, (user_id,)).rowcount for statement in FORGET)

        return await self._database.write(forget)
