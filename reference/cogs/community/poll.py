"""Polls: what they ask, what was voted, and how they look."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import discord

from reference.utils.localization import get_message
from reference.utils.timestamps import parse_utc

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping
    from datetime import datetime

__all__ = ["LONGEST_OPTION", "MOST_OPTIONS", "Poll", "options_in", "poll_embed"]

MOST_OPTIONS = 10
LONGEST_OPTION = 80
"""What fits on a button."""

BAR = 12
"""Characters of a bar."""

SEPARATORS = re.compile(r"\s*[|\n;]\s*")
OPEN, CLOSED = 0x5865F2, 0x747F8D


@dataclass(frozen=True)
class Poll:
    """A poll.

    Attributes:
        id: its number; 0 before it is kept.
        message_id: None before its message is there.
        most_votes: for how many options a person may vote.
        closes_at: when it ends by itself; None for never.
        closed_at: when it ended; None while it is open.
    """

    guild_id: int
    channel_id: int
    author_id: int
    question: str
    options: tuple[str, ...]
    most_votes: int
    language: str
    created_at: datetime
    closes_at: datetime | None = None
    closed_at: datetime | None = None
    message_id: int | None = None
    id: int = 0

    @classmethod
    def from_row(cls, row: sqlite3.Row) -> Poll:
        """Read a row."""
        names = ("id", "guild_id", "channel_id", "message_id", "author_id", "question", "most_votes", "language")
        closes, closed = row["closes_at"], row["closed_at"]
        return cls(
            **{name: row[name] for name in names},
            options=tuple(json.loads(row["options"])),
            created_at=parse_utc(row["created_at"]),
            closes_at=parse_utc(closes) if closes else None,
            closed_at=parse_utc(closed) if closed else None,
        )

    def voted(self, before: frozenset[int], option: int) -> frozenset[int]:
        """Return what a person's votes are after a button was pressed: a vote is taken away by pressing again.

        Where only one vote is allowed, another option takes its place; where more are, a vote beyond them changes
        nothing.

        Args:
            before: the options that the person voted for.
            option: whose button was pressed.
        """
        if option in before:
            return before - {option}
        if self.most_votes == 1:
            return frozenset({option})
        return before | {option} if len(before) < self.most_votes else before


def options_in(text: str) -> list[str]:
    """Return the options that somebody wrote, parted by `|`, `;` or line ends; each once."""
    found = (" ".join(each.split()) for each in SEPARATORS.split(text))
    return list(dict.fromkeys(each for each in found if each))


def poll_embed(poll: Poll, tally: Mapping[int, int], voters: int) -> discord.Embed:
    """Show a poll.

    Args:
        poll: which.
        tally: votes by option.
        voters: how many people voted.
    """
    colour = CLOSED if poll.closed_at else OPEN
    most = max(tally.values(), default=0)
    lines = [_line(poll, number, tally.get(number, 0), voters, most) for number in range(len(poll.options))]
    embed = discord.Embed(title=_plain(poll.question)[:256], description="\n".join(lines), colour=colour)
    embed.set_footer(text=_footer(poll, voters))
    if poll.closed_at or poll.closes_at:
        key = "community.polls.closed" if poll.closed_at else "community.polls.closes"
        moment = int((poll.closed_at or poll.closes_at or poll.created_at).timestamp())
        embed.add_field(name="\u200b", value=get_message(key, poll.language, time=f"<t:{moment}:R>"), inline=False)
    return embed


def _line(poll: Poll, number: int, votes: int, voters: int, most: int) -> str:
    share = votes / voters if voters else 0.0
    filled = round(share * BAR)
    mark = " 🏆" if poll.closed_at and votes and votes == most else ""
    bar = "█" * filled + "░" * (BAR - filled)
    return f"**{number + 1}.** {_plain(poll.options[number])}{mark}\n`{bar}` {share:.0%} · {votes}"


def _footer(poll: Poll, voters: int) -> str:
    text = get_message("community.polls.voters", poll.language, count=voters)
    if poll.most_votes > 1:
        text += " · " + get_message("community.polls.several", poll.language, count=poll.most_votes)
    return f"{text} · #{poll.id}"


def _plain(text: str) -> str:
    return discord.utils.escape_mentions(discord.utils.escape_markdown(text))
