"""Server-sent events (WHATWG HTML, section 9.2), read from chunks that are cut anywhere."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["LONGEST_EVENT", "EventTooLongError", "SSEParser", "ServerSentEvent"]

LONGEST_EVENT = 1_000_000
"""Characters; a longer one is no piece of a chat."""

_LINE_END = re.compile(r"\r\n|\n|\r")


class EventTooLongError(ValueError):
    """An event does not end."""


@dataclass(frozen=True, slots=True)
class ServerSentEvent:
    """An event.

    Attributes:
        data: its lines of data, joined.
        name: its type.
    """

    data: str
    name: str = "message"


class SSEParser:
    """Turns the bytes of a stream into events; comments and unknown fields are left out."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")("replace")
        self._rest = ""
        self._data: list[str] = []
        self._size = 0
        self._name = ""

    def feed(self, chunk: bytes) -> Iterator[ServerSentEvent]:
        """Yield the events that a chunk completes.

        Raises:
            EventTooLongError: an event holds more than `LONGEST_EVENT` characters.
        """
        yield from self._take(self._decoder.decode(chunk))

    def finish(self) -> Iterator[ServerSentEvent]:
        """Yield the event that the end of the stream completes: many servers leave out the last blank line."""
        yield from self._take(self._decoder.decode(b"", final=True) + "\n\n")

    def _take(self, text: str) -> Iterator[ServerSentEvent]:
        text = self._rest + text
        start = 0
        for end in _LINE_END.finditer(text):
            if end[0] == "\r" and end.end() == len(text):
                break  # the other half of the line end may follow
            yield from self._line(text[start : end.start()])
            start = end.end()
        self._rest = text[start:]
        if len(self._rest) + self._size > LONGEST_EVENT:
            raise EventTooLongError(f"an event is longer than {LONGEST_EVENT} characters")

    def _line(self, line: str) -> Iterator[ServerSentEvent]:
        if not line:
            if self._data:
                yield ServerSentEvent("\n".join(self._data), self._name or "message")
            self._data, self._size, self._name = [], 0, ""
            return
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "data":
            self._data.append(value)
            self._size += len(value)
        elif field == "event":
            self._name = value
