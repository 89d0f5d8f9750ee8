"""What strangers wrote, made harmless: for the database, for a message, for Discord's audit log."""

from __future__ import annotations

import unicodedata

import aiohttp
import discord
from discord.utils import escape_markdown

__all__ = ["LONGEST_REASON", "TROUBLE", "audit_line", "audit_reason", "clean", "reference_in", "shown"]

LONGEST_REASON = 1000
"""Characters of a reason that are kept."""

LONGEST_AUDIT_REASON = 512
"""Characters that Discord's audit log takes."""

TROUBLE = (discord.HTTPException, aiohttp.ClientError, OSError)
"""What a request to Discord can end with."""

JOINERS = "\u200c\u200d"
"""Zero-width letters that scripts and emoji need; they are kept between visible characters."""


def clean(text: str | None, longest: int = LONGEST_REASON) -> str:
    """Return a text without control and format characters, in one line, and not longer than allowed.

    Args:
        text: what somebody wrote; None for nothing.
        longest: characters; a longer text ends with an ellipsis.
    """
    kept = (" " if each.isspace() else each for each in text or "" if each.isspace() or _is_visible(each))
    line = " ".join("".join(kept).split()).strip(JOINERS)
    return line if len(line) <= longest else line[: longest - 1].rstrip() + "…"


def _is_visible(character: str) -> bool:
    return character in JOINERS or unicodedata.category(character) not in {"Cc", "Cf", "Cs", "Co", "Cn"}


def shown(text: str) -> str:
    """Return a text as it goes into a message: no mention, no link with another name, no markdown."""
    return escape_markdown(text).replace("<", "\\<").replace("@", "@\u200b")


def audit_reason(case_id: int, moderator: str, reason: str) -> str:
    """Return what goes into Discord's audit log: who and why, and the mark by which an act is found again."""
    mark = f" [#{case_id}]"
    return clean(f"{moderator}: {reason or '-'}", LONGEST_AUDIT_REASON - len(mark)) + mark


def audit_line(moderator: str, reason: str) -> str:
    """Return what goes into Discord's audit log for what is no case."""
    return clean(f"{moderator}: {reason}", LONGEST_AUDIT_REASON)


def reference_in(reason: str | None) -> int | None:
    """Return the id of the case that an entry of the audit log belongs to."""
    _, separator, mark = (reason or "").rpartition(" [#")
    number = mark.removesuffix("]")
    return int(number) if separator and number.isascii() and number.isdecimal() else None
