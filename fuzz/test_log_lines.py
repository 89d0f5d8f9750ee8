"""Lines of a log: any text in, one line out that no terminal obeys; files that lose no line; repeats that are counted.

Whatever a message, a name, a level or an exception says, nothing of it begins a line of its own. A file that is put
aside tears no line and loses none that it should keep. A message that repeats itself is shown or counted, every time.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import time
from typing import TYPE_CHECKING, Any
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fuzz.budget import fuzzer

if TYPE_CHECKING:
    from pathlib import Path

    from harness.subject import Subject

FUZZ = fuzzer(__file__)
FORGED = "2026-01-01T00:00:00.000Z CRITICAL root: forged"
OBEYED = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")
"""What a terminal, an editor or a reader of lines obeys, and what no file can hold (Unicode: Cc, Bidi_Control, Cs)."""

COLOR = re.compile("\x1b\\[[0-9;]*m")
FRAGMENTS = (
    *("\n", "\r", "\r\n", "\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\u2029", "\x1b[2J", "\x1b]0;t\x07", "\u202e"),
    *("\x00", "\x7f", "\x9b", "\ud800", "\ufeff", "%s", "%d", "{}", "  | ", FORGED, "word"),
)
texts = st.lists(st.sampled_from(FRAGMENTS) | st.text(max_size=3), max_size=6).map("".join)
arguments = st.lists(texts | st.integers() | st.none(), max_size=2).map(tuple)


class Trouble(Exception):  # noqa: N818  an exception of a user's making
    """An exception that says anything."""


def record_of(name: str, level: str, message: str, args: tuple[Any, ...], error: str | None) -> logging.LogRecord:
    """Make a record, with an exception that was raised where one is wanted."""
    info: Any = None
    if error is not None:
        try:
            raise Trouble(error)  # noqa: TRY301  it is to have a traceback
        except Trouble:
            info = sys.exc_info()
    record = logging.LogRecord(name, logging.INFO, "file.py", 1, message, args, info)
    record.levelname = level
    return record


@FUZZ.tries
@given(
    kind=st.sampled_from(["PlainFormatter", "ColorFormatter"]),
    name=texts,
    level=st.just("INFO") | texts,
    message=texts,
    args=arguments,
    error=st.none() | texts,
)
def test_any_text_stays_in_its_line(
    *, subject: Subject, kind: str, name: str, level: str, message: str, args: tuple[Any, ...], error: str | None
) -> None:
    """Whatever a record says, its first line is its own, and the others are marked as a traceback's."""
    formatter = getattr(subject.monitoring.logger, kind)()
    written = formatter.format(record_of(name, level, message, args, error))
    first, *others = COLOR.sub("", written).split("\n") if kind == "ColorFormatter" else written.split("\n")
    assert first.startswith("20"), f"a line does not begin with its time: {first[:80]!r}"
    assert error is not None or not others, f"a text began a line of its own: {others[0][:80]!r}"
    for line in [first, *others]:
        obeyed = OBEYED.findall(line)
        assert not obeyed, f"a line holds {obeyed[0]!r}, which is obeyed: {line[:80]!r}"
    stray = [line for line in others if not line.startswith("  | ")]
    assert not stray, f"a text began a line of its own: {stray[0][:80]!r}"


TIMES, SECONDS = 2, 10.0
Said = tuple[str, int, float]
"""A message, its level, and the seconds that passed before it."""


@FUZZ.tries
@given(
    said=st.lists(
        st.tuples(
            st.sampled_from(["one", "two", "three"]),
            st.sampled_from([logging.INFO, logging.INFO, logging.ERROR]),
            st.sampled_from([0.0, 0.0, 1.0, 9.0, 11.0]),
        ),
        max_size=25,
    )
)
def test_what_is_hidden_is_counted(*, subject: Subject, said: list[Said]) -> None:
    """A repeated message passes a few times in a while; those that do not are told with the next that does."""
    chosen = subject.monitoring.logger.RepeatFilter(TIMES, SECONDS)
    now = 5000.0
    hidden: dict[str, int] = {}
    passed: dict[str, list[float]] = {}
    for text, level, pause in said:
        now += pause
        record = record_of("logger", "INFO", text, (), None)
        record.levelno = level
        with mock.patch.object(time, "monotonic", lambda now=now: now):
            is_shown = chosen.filter(record)
        if level >= logging.ERROR:
            assert is_shown, "an error was hidden"
            continue
        shown = [when for when in passed.get(text, []) if now - when < SECONDS]
        assert is_shown or shown, "a message was hidden that was not shown lately"
        if not is_shown:
            hidden[text] = hidden.get(text, 0) + 1
            continue
        told = int(vars(record).get("hidden_before", 0))
        assert told in {0, hidden.get(text, 0)}, f"{told} messages were told as hidden; {hidden.get(text, 0)} were"
        assert told or not hidden.get(text), "a message was shown, and those hidden before it were not told"
        hidden[text] = 0
        passed[text] = [*shown, now]
        assert len(passed[text]) <= 2 * TIMES, f"a message was shown {len(passed[text])} times within {SECONDS:g} s"


@FUZZ.tries
@given(name=texts, level=st.just("INFO") | texts, message=texts, args=arguments, error=st.none() | texts)
def test_any_text_stays_in_its_object(
    *, subject: Subject, name: str, level: str, message: str, args: tuple[Any, ...], error: str | None
) -> None:
    """Whatever a record and its exception say, it is one line that no terminal obeys, and one object of JSON."""
    formatter = subject.monitoring.structured_logger.StructuredFormatter()
    line = formatter.format(record_of(name, level, message, args, error))
    obeyed = OBEYED.findall(line)
    assert not obeyed, f"a line holds {obeyed[0]!r}, which is obeyed: {line[:80]!r}"
    try:
        said = json.loads(line)
    except ValueError as wrong:
        raise AssertionError(f"a text broke the JSON of its line: {wrong}") from wrong
    assert isinstance(said, dict), f"a line is no object: {line[:80]!r}"


LARGEST, KEPT = 60, 2


@pytest.mark.parametrize("queued", [False, True], ids=["at once", "queued"])
@FUZZ.tries
@given(sizes=st.lists(st.integers(1, 70), max_size=20), closes=st.sets(st.integers(0, 20), max_size=3))
def test_a_file_that_is_put_aside(
    *, subject: Subject, tmp_path_factory: pytest.TempPathFactory, queued: bool, sizes: list[int], closes: set[int]
) -> None:
    """The newest lines are in the files that are kept, whole and in order, and no file is larger than it may be."""
    lines = subject.monitoring.log_lines
    path: Path = tmp_path_factory.mktemp("log") / "bot.jsonl"
    file = lines.RotatingFile(path, LARGEST, KEPT)
    handler = lines.QueuedLineHandler(file) if queued else lines.LineHandler(file)
    given_lines = [f"{number:02}:".encode() + b"x" * size for number, size in enumerate(sizes)]
    for number, line in enumerate(given_lines):
        if number in closes:
            handler.flush()
            file.close()
        handler.write_line(line + b"\n")
    handler.close()
    files = [path.with_name(f"{path.name}.{number}") for number in range(KEPT, 0, -1)] + [path]
    contents = [each.read_bytes() for each in files if each.exists()]
    kept = b"".join(contents).splitlines()
    assert kept == given_lines[len(given_lines) - len(kept) :], "lines were lost, torn or put out of order"
    for content in contents:
        assert len(content) <= LARGEST or content.count(b"\n") == 1, f"a file has {len(content)} bytes"
    assert len(contents) <= KEPT + 1, f"{len(contents)} files are kept"
    assert len(contents) > KEPT or len(kept) == len(given_lines), f"{len(given_lines) - len(kept)} lines were lost"
