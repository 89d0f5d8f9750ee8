"""Answers that are not whole yet: noted before they are shown, so that a next start finds what a kill left behind."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import sqlite3

    from reference.utils.database.database import Database

__all__ = ["GrowingAnswer", "GrowingAnswers"]

INSERT = "INSERT INTO ai_growing_answer (channel_id, question_id, language) VALUES (?, ?, ?)"
DELETE = "DELETE FROM ai_growing_answer WHERE id = ?"
SELECT = "SELECT id, channel_id, question_id, language FROM ai_growing_answer ORDER BY id"


class GrowingAnswer(NamedTuple):
    """An answer that is not whole yet.

    Attributes:
        number: its own.
        channel_id: where it is shown.
        question_id: Discord's number of the message or interaction that it answers; those of its messages are greater.
        language: the code of the language that the person reads.
    """

    number: int
    channel_id: int
    question_id: int
    language: str


class GrowingAnswers:
    """All answers that are not whole yet.

    Args:
        database: where they are kept.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def begin(self, channel_id: int, question_id: int, language: str) -> int:
        """Note that an answer is about to be shown; return its number. Arguments are those of `GrowingAnswer`."""
        values = (channel_id, question_id, language)
        return await self._database.write(lambda raw: raw.execute(INSERT, values).lastrowid or 0)

    async def end(self, number: int) -> None:
        """Note that an answer is whole, says that it was stopped, or is gone."""

        def unit(raw: sqlite3.Connection) -> None:
            raw.execute(DELETE, (number,))

        await self._database.write(unit)

    async def all(self) -> list[GrowingAnswer]:
        """Return those that there are."""
        rows = await self._database.read(lambda raw: raw.execute(SELECT).fetchall())
        return [GrowingAnswer(*row) for row in rows]
