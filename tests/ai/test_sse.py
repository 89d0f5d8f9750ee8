"""Server-sent events, in whatever chunks they arrive."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference.cogs.ai.sse import LONGEST_EVENT, EventTooLongError, ServerSentEvent, SSEParser

STREAM = (
    b"\xef\xbb\xbf: a comment\r\n"
    b'data: {"a": 1}\r\n\r\n'
    b"event: error\rdata:two\rdata: lines\r\r"
    b"id: 7\nretry: 10\ndata\n\n"
    + "data: ไทย\n\n".encode()
    + b"\n\n\nevent: nothing\n\n"
    + b"data: the end without a blank line"
)
EVENTS = [
    ServerSentEvent('{"a": 1}'),
    ServerSentEvent("two\nlines", "error"),
    ServerSentEvent(""),
    ServerSentEvent("ไทย"),
    ServerSentEvent("the end without a blank line"),
]


def read(*chunks: bytes) -> list[ServerSentEvent]:
    """Read a stream from chunks."""
    parser = SSEParser()
    events = [event for chunk in chunks for event in parser.feed(chunk)]
    return [*events, *parser.finish()]


@given(st.lists(st.integers(0, len(STREAM))))
def test_chunks_are_cut_anywhere(cuts: list[int]) -> None:
    """The events are the same wherever the stream is cut: within a character, a line end or a word."""
    places = [0, *sorted(cuts), len(STREAM)]
    chunks = [STREAM[start:end] for start, end in itertools.pairwise(places)]
    assert read(*chunks) == EVENTS


@given(st.binary(max_size=200))
def test_any_bytes_are_read(noise: bytes) -> None:
    """What is no text is read as well, into something that a later stage refuses."""
    assert all(isinstance(event.data, str) for event in read(noise))


@pytest.mark.parametrize("chunk", [b"data: " + b"x" * 1000, b"data: xxx\n" * 200])
def test_an_endless_event_is_refused(chunk: bytes) -> None:
    """An event that does not end, in one line or in many, is not collected for ever."""
    with pytest.raises(EventTooLongError, match="longer than"):
        read(*[chunk] * (LONGEST_EVENT // 500))
