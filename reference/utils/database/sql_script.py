"""Splits an SQL script into its statements, as SQLite itself sees them.

A `;` ends a statement unless it stands in a string, a name, a comment or the body of a trigger; SQLite's own
`sqlite3_complete` decides that.
"""

from __future__ import annotations

import re
import sqlite3
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Statement", "statements"]

_COMMENTS = re.compile(r"\s+|--[^\n]*(?:\n|$)|/\*.*?(?:\*/|$)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement of a script.

    Attributes:
        text: the statement, without the comments before it.
        line: where it begins, counted from 1.
    """

    text: str
    line: int

    @property
    def keyword(self) -> str:
        """Its first word in capitals."""
        return self.text.split(None, 1)[0].rstrip(";").upper()


def statements(script: str) -> Iterator[Statement]:
    """Yield the statements of a script, comments and empty statements left out.

    Raises:
        ValueError: the script ends within a string, a comment or a trigger.
    """
    start = 0
    for end in [match.end() for match in re.finditer(";", script)]:
        if sqlite3.complete_statement(script[start:end]):
            yield from _statement(script, start, end)
            start = end
    rest = script[start:]
    if _without_comments(rest) and not sqlite3.complete_statement(f"{rest}\n;"):
        raise ValueError(f"line {_line(script, start + _leading(rest))}: the last statement has no end")
    yield from _statement(script, start, len(script))


def _statement(script: str, start: int, end: int) -> Iterator[Statement]:
    first = start + _leading(script[start:end])
    text = script[first:end].rstrip()
    if text.strip(";").strip():
        yield Statement(text, _line(script, first))


def _leading(text: str) -> int:
    """Return how many characters of white space and comments a text begins with."""
    position = 0
    while match := _COMMENTS.match(text, position):
        position = match.end()
    return position


def _without_comments(text: str) -> str:
    return text[_leading(text) :]


def _line(script: str, position: int) -> int:
    return script.count("\n", 0, position) + 1
