"""A long answer in messages of Discord's size: code blocks are closed where they are cut, and opened again."""

from __future__ import annotations

import re

__all__ = ["LONGEST_MESSAGE", "split_text", "with_footer"]

LONGEST_MESSAGE = 2000
"""Characters of a message."""

FENCE = "```"
CLOSING = f"\n{FENCE}"
_LANGUAGE = re.compile(r"```([\w+#.-]{0,20})\n")


def split_text(text: str, limit: int = LONGEST_MESSAGE) -> list[str]:
    """Split a text into parts, at line ends or else at spaces.

    A part that another one follows depends only on the text up to its end: as a text grows, the parts that were full
    stay as they are.

    Args:
        text: Discord's Markdown.
        limit: characters of a part; at least 50.

    Returns:
        The parts, each with its code blocks closed; none for a text without any visible character.
    """
    parts: list[str] = []
    opening = ""
    rest = text.strip()
    while rest:
        whole = opening + rest
        end = CLOSING if _open_fence(whole) is not None else ""
        if len(whole) + len(end) <= limit:
            return [*parts, whole + end]
        cut = _cut(rest, limit - len(opening) - len(CLOSING))
        part = opening + rest[:cut].rstrip()
        fence = _open_fence(part)
        parts.append(part if fence is None else part + CLOSING)
        opening, rest = _continued(fence, rest[cut:])
    return parts


def with_footer(parts: list[str], footer: str, limit: int = LONGEST_MESSAGE) -> list[str]:
    """Add a line below the last part; in a part of its own where there is no room.

    Args:
        parts: of an answer.
        footer: the line; nothing is added where it is empty.
        limit: characters of a part.
    """
    if not footer:
        return parts
    if parts and len(parts[-1]) + 1 + len(footer) <= limit:
        return [*parts[:-1], f"{parts[-1]}\n{footer}"]
    return [*parts, footer]


def _open_fence(text: str) -> str | None:
    """Return the line that opened a code block which is still open; None where none is."""
    if text.count(FENCE) % 2 == 0:
        return None
    found = _LANGUAGE.match(text, text.rfind(FENCE))
    return f"{FENCE}{found[1] if found else ''}\n"


def _cut(text: str, room: int) -> int:
    """Return where to cut: after the last line end or space of the room's second half, but within no mark of a code."""
    for separator in ("\n", " "):
        place = text.rfind(separator, room // 2, room)
        if place > 0:
            return place + 1
    cut = room
    while cut > 1 and text[cut - 1] == text[cut] == "`":
        cut -= 1
    return cut


def _continued(fence: str | None, rest: str) -> tuple[str, str]:
    """Return what opens the next part, and what is left for it; a block that would be empty is not opened again."""
    if fence is None:
        return "", rest.lstrip("\n ")
    rest = rest.removeprefix("\n")
    if rest.lstrip().startswith(FENCE):
        return "", rest.lstrip()[len(FENCE) :].lstrip("\n ")
    return fence, rest
