"""Answers that are not whole yet: kept, so that one that a killed process left behind is marked at the next start."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

    from reference.utils.database.database import Database

__all__ = ["GrowingAnswer", "GrowingAnswers"]

INSERT = "INSERT OR REPLACE INTO ai_growing_answer (message_id, channel_id, language) VALUES (?, ?, ?)"
DELETE = "DELETE FROM ai_growing_answer WHERE message_id = ?"
SELECT = "SELECT message_id, channel_id, language FROM ai_growing_answer ORDER BY message_id"


class GrowingAnswer(NamedTuple):
    """A message with an answer that is not whole yet."""

    message_id: int
    channel_id: int
    language: str


class GrowingAnswers:
    """All answers that are not whole yet.

    Args:
        database: where they are kept.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, answer: GrowingAnswer) -> None:
        """Note that a message was sent whose answer is not whole yet."""

        def unit(raw: sqlite3.Connection) -> None:
            raw.execute(INSERT, answer)

        await self._database.write(unit)

    async def remove(self, message_ids: Iterable[int]) -> None:
        """Note that messages are whole, say that they were stopped, or are gone."""
        rows = [(message_id,) for message_id in message_ids]
        if not rows:
            return

        def unit(raw: sqlite3.Connection) -> None:
            raw.executemany(DELETE, rows)

        await self._database.write(unit)

    async def all(self) -> list[GrowingAnswer]:
        """Return those that there are."""
        rows = await self._database.read(lambda raw: raw.execute(SELECT).fetchall())
        return [GrowingAnswer(*row) for row in rows]
