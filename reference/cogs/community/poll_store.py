"""Where polls and votes are kept."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reference.utils.timestamps import parse_utc, utc_text

from .poll import Poll

if TYPE_CHECKING:
    import sqlite3
    from datetime import datetime

    from reference.utils.database.store import Store

__all__ = ["MOST_OPEN", "Count", "PollStore"]

MOST_OPEN = 25
"""Open polls of a guild."""

OPEN = "SELECT COUNT(*) FROM poll WHERE guild_id = ? AND closed_at IS NULL"
INSERT = """
INSERT INTO poll (guild_id, channel_id, author_id, question, options, most_votes, language, created_at, closes_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING *
"""
POSTED = "UPDATE poll SET message_id = ? WHERE id = ? AND message_id IS NULL"
FIND = "SELECT * FROM poll WHERE id = ?"
RECENT = "SELECT * FROM poll WHERE guild_id = ? ORDER BY closed_at IS NOT NULL, id DESC LIMIT 25"
TALLY = "SELECT option, COUNT(*) FROM poll_vote WHERE poll_id = ? GROUP BY option"
VOTERS = "SELECT COUNT(DISTINCT user_id) FROM poll_vote WHERE poll_id = ?"
VOTES = "SELECT option FROM poll_vote WHERE poll_id = ? AND user_id = ?"
UNVOTE = "DELETE FROM poll_vote WHERE poll_id = ? AND user_id = ?"
VOTE = "INSERT INTO poll_vote (poll_id, user_id, option) VALUES (?, ?, ?)"
CLOSE = "UPDATE poll SET closed_at = ? WHERE id = ? AND closed_at IS NULL RETURNING *"
CLOSE_DUE = "UPDATE poll SET closed_at = closes_at WHERE closed_at IS NULL AND closes_at <= ?"
UNSHOWN = "SELECT * FROM poll WHERE closed_at IS NOT NULL AND is_shown_closed = 0 ORDER BY id LIMIT 100"
SHOWN = "UPDATE poll SET is_shown_closed = 1 WHERE id = ?"
NEXT = "SELECT MIN(closes_at) FROM poll WHERE closed_at IS NULL"
DELETE = "DELETE FROM poll WHERE id = ?"
DELETE_VOTES = "DELETE FROM poll_vote WHERE poll_id = ?"
OF_USER = """
SELECT poll.question, poll.options, poll_vote.option FROM poll_vote JOIN poll ON poll.id = poll_vote.poll_id
WHERE poll_vote.user_id = ? ORDER BY poll.id, option
"""
BY_USER = "SELECT question FROM poll WHERE author_id = ? ORDER BY id"
FORGET_GUILD = (
    "DELETE FROM poll_vote WHERE poll_id IN (SELECT id FROM poll WHERE guild_id = ?)",
    "DELETE FROM poll WHERE guild_id = ?",
)
FORGET = ("DELETE FROM poll_vote WHERE user_id = ?", "UPDATE poll SET author_id = 0 WHERE author_id = ?")


@dataclass(frozen=True)
class Count:
    """A poll and how it stands.

    Attributes:
        tally: votes by option.
        voters: how many people voted.
    """

    poll: Poll
    tally: dict[int, int]
    voters: int


class PollStore:
    """Saves polls and votes.

    Args:
        database: of the bot.
    """

    def __init__(self, database: Store) -> None:
        self._database = database

    async def add(self, poll: Poll) -> Poll | None:
        """Keep a poll before its message is sent; None where the guild has too many open ones."""

        def add(raw: sqlite3.Connection) -> Poll | None:
            if raw.execute(OPEN, (poll.guild_id,)).fetchone()[0] >= MOST_OPEN:
                return None
            options = json.dumps(poll.options, ensure_ascii=False)
            closes = utc_text(poll.closes_at) if poll.closes_at else None
            place = (poll.guild_id, poll.channel_id, poll.author_id, poll.question, options)
            row = raw.execute(INSERT, (*place, poll.most_votes, poll.language, utc_text(poll.created_at), closes))
            return Poll.from_row(row.fetchone())

        return await self._database.write(add)

    async def posted(self, poll_id: int, message_id: int) -> None:
        """Remember the message of a poll."""
        await self._database.write(lambda raw: raw.execute(POSTED, (message_id, poll_id)))

    async def remove(self, poll_id: int) -> None:
        """Forget a poll and its votes."""

        def remove(raw: sqlite3.Connection) -> None:
            raw.execute(DELETE_VOTES, (poll_id,))
            raw.execute(DELETE, (poll_id,))

        await self._database.write(remove)

    async def count(self, poll_id: int) -> Count | None:
        """Return a poll and how it stands; None where there is none."""
        return await self._database.read(lambda raw: _count(raw, poll_id))

    async def recent(self, guild_id: int) -> list[Poll]:
        """Return the newest polls of a guild, open ones first."""
        rows = await self._database.read(lambda raw: raw.execute(RECENT, (guild_id,)).fetchall())
        return [Poll.from_row(row) for row in rows]

    async def vote(self, poll_id: int, user_id: int, option: int, message_id: int) -> tuple[Count, bool] | None:
        """Take a vote, or take it back.

        Args:
            poll_id: the poll.
            user_id: who votes.
            option: whose button was pressed.
            message_id: under which; a poll whose message a crash kept from being remembered learns of it.

        Returns:
            How the poll stands, and whether the vote changed something; None where there is no such poll or option.
        """

        def vote(raw: sqlite3.Connection) -> tuple[Count, bool] | None:
            known = raw.execute(FIND, (poll_id,)).fetchone()
            poll = Poll.from_row(known) if known else None
            if poll is None or option >= len(poll.options):
                return None
            raw.execute(POSTED, (message_id, poll_id))
            changed = poll.closed_at is None and _vote(raw, poll, user_id, option)
            count = _count(raw, poll_id)
            return (count, changed) if count else None

        return await self._database.write(vote)

    async def close(self, poll_id: int, now: datetime) -> Poll | None:
        """End a poll; None where it is over already."""
        row = await self._database.write(lambda raw: raw.execute(CLOSE, (utc_text(now), poll_id)).fetchone())
        return Poll.from_row(row) if row else None

    async def close_due(self, now: datetime) -> list[Count]:
        """End the polls whose time is over; return those that ended and whose message does not show it yet."""

        def close(raw: sqlite3.Connection) -> list[Count]:
            raw.execute(CLOSE_DUE, (utc_text(now),))
            return [count for row in raw.execute(UNSHOWN).fetchall() if (count := _count(raw, row["id"]))]

        return await self._database.write(close)

    async def shown(self, poll_id: int) -> None:
        """Note that the message of a poll shows that it is over."""
        await self._database.write(lambda raw: raw.execute(SHOWN, (poll_id,)))

    async def next_close(self) -> datetime | None:
        """Return when the next poll ends."""
        text = await self._database.read(lambda raw: raw.execute(NEXT).fetchone()[0])
        return parse_utc(text) if text else None

    async def forget_guild(self, guild_id: int) -> None:
        """Forget the polls of a guild, and their votes."""

        def forget(raw: sqlite3.Connection) -> None:
            for statement in FORGET_GUILD:
                raw.execute(statement, (guild_id,))

        await self._database.write(forget)

    async def export(self, user_id: int) -> dict[str, Any]:
        """Return what is kept of a person."""

        def export(raw: sqlite3.Connection) -> dict[str, Any]:
            votes = [
                {"question": row["question"], "vote": json.loads(row["options"])[row["option"]]}
                for row in raw.execute(OF_USER, (user_id,))
            ]
            asked = [row["question"] for row in raw.execute(BY_USER, (user_id,))]
            return {"votes": votes, "asked": asked} if votes or asked else {}

        return await self._database.read(export)

    async def forget(self, user_id: int) -> int:
        """Forget a person's votes, and who asked what; return how many entries changed."""

        def forget(raw: sqlite3.Connection) -> int:
            raw.execute("PRAGMA secure_delete = ON")
            return sum(raw.execute(statement, (user_id,)).rowcount for statement in FORGET)

        return await self._database.write(forget)


def _vote(raw: sqlite3.Connection, poll: Poll, user_id: int, option: int) -> bool:
    before = frozenset(row[0] for row in raw.execute(VOTES, (poll.id, user_id)))
    after = poll.voted(before, option)
    if after == before:
        return False
    raw.execute(UNVOTE, (poll.id, user_id))
    raw.executemany(VOTE, [(poll.id, user_id, each) for each in sorted(after)])
    return True


def _count(raw: sqlite3.Connection, poll_id: int) -> Count | None:
    row = raw.execute(FIND, (poll_id,)).fetchone()
    if row is None:
        return None
    tally = {each[0]: each[1] for each in raw.execute(TALLY, (poll_id,))}
    return Count(Poll.from_row(row), tally, raw.execute(VOTERS, (poll_id,)).fetchone()[0])
