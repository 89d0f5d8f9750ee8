"""Handlers of lines: the queue is bounded, nothing is lost in silence, and the end of the process writes the rest."""

from __future__ import annotations

import io
import json
import logging
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from harness.project import HOME
from reference.utils.monitoring.log_lines import LineHandler, QueuedLineHandler, RotatingFile

if TYPE_CHECKING:
    from pathlib import Path


class Gate(io.BytesIO):
    """A stream that writes nothing before it is opened."""

    def __init__(self) -> None:
        super().__init__()
        self.entered = threading.Event()
        self.open = threading.Event()

    def write(self, data: object, /) -> int:
        """Wait, then write."""
        self.entered.set()
        assert self.open.wait(10)
        return super().write(data)  # type: ignore[arg-type]


class Broken(io.BytesIO):
    """A stream on a disk that is full."""

    def write(self, _data: object, /) -> int:
        """Fail."""
        raise OSError(28, "No space left on device")

    def flush(self) -> None:
        """Fail."""
        raise OSError(28, "No space left on device")


def test_overflow_is_counted_and_told() -> None:
    """Lines that come while the queue is full are dropped, counted, and a line tells how many."""
    gate = Gate()
    handler = QueuedLineHandler(gate, capacity=3)
    handler.write_line(b"first\n")
    assert gate.entered.wait(10)
    for number in range(10):
        handler.write_line(b"%d\n" % number)
    gate.open.set()
    handler.close()
    *lines, last = gate.getvalue().splitlines()
    assert lines == [b"first", b"0", b"1", b"2"]
    assert json.loads(last)["dropped"] == 7
    assert handler.dropped == 7


def test_flush_waits_for_what_is_queued() -> None:
    """After a flush everything that was logged before is written, in order."""
    stream = io.BytesIO()
    handler = QueuedLineHandler(stream)
    for number in range(1000):
        handler.write_line(b"%d\n" % number)
    handler.flush()
    assert stream.getvalue() == b"".join(b"%d\n" % number for number in range(1000))
    handler.close()


def test_flush_and_close_are_bounded() -> None:
    """A stuck disk holds up neither a flush nor a close for longer than the patience."""
    gate = Gate()
    handler = QueuedLineHandler(gate, patience=0.01)
    handler.write_line(b"x\n")
    assert gate.entered.wait(10)
    handler.flush()
    handler.close()
    assert gate.getvalue() == b""
    gate.open.set()


def test_after_close_lines_are_written_at_once() -> None:
    """A line that is logged after the end of the queue is written at once; closing an unused handler is fine."""
    stream = io.BytesIO()
    handler = QueuedLineHandler(stream)
    handler.close()
    handler.write_line(b"late\n")
    assert stream.getvalue() == b"late\n"


def test_capacity_is_checked() -> None:
    """A queue without room is refused."""
    with pytest.raises(ValueError, match="one at least"):
        QueuedLineHandler(capacity=0)


def test_end_of_process_writes_the_rest(tmp_path: Path) -> None:
    """A process that logs and ends leaves all of its lines in the file."""
    code = (
        "import logging, sys; from reference.utils.monitoring.log_lines import *;"
        "from reference.utils.monitoring.structured_logger import get_logger;"
        "logging.getLogger().addHandler(QueuedLineHandler(RotatingFile(sys.argv[1])));"
        "[get_logger('end').warning('line', number=n) for n in range(500)]"
    )
    file = tmp_path / "deep" / "log.jsonl"
    subprocess.run([sys.executable, "-c", code, str(file)], cwd=HOME, check=True, timeout=60)
    assert [json.loads(line)["number"] for line in file.read_bytes().splitlines()] == list(range(500))


def test_broken_stream_raises_nothing() -> None:
    """A disk that is full costs lines, and no exception."""
    handler = LineHandler(Broken())
    handler.write_line(b"x\n")
    handler.flush()
    handler.close()


def test_record_that_cannot_be_formatted(monkeypatch: pytest.MonkeyPatch) -> None:
    """A formatter that fails is reported the way the standard library does it."""
    handler = LineHandler(io.BytesIO())
    handled: list[logging.LogRecord] = []
    monkeypatch.setattr(handler, "handleError", handled.append)
    monkeypatch.setattr(handler, "format", lambda record: record.nothing)
    handler.emit(logging.makeLogRecord({"msg": "x"}))
    assert len(handled) == 1


def test_standard_error_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a stream lines go to standard error as it is then: binary below, text alone, or none at all."""
    handler = LineHandler()
    binary = io.BytesIO()
    monkeypatch.setattr(sys, "stderr", io.TextIOWrapper(binary, encoding="utf-8"))
    handler.emit(logging.makeLogRecord({"msg": "one"}))
    assert b'"one"' in binary.getvalue()
    text = io.StringIO()
    monkeypatch.setattr(sys, "stderr", text)
    handler.write_line(b"two\n")
    handler.flush()
    assert text.getvalue() == "two\n"
    monkeypatch.setattr(sys, "stderr", None)
    handler.write_line(b"three\n")
    handler.flush()


def test_rotation(tmp_path: Path) -> None:
    """A file that has grown enough is put aside; as many older ones are kept as asked for."""
    file = RotatingFile(tmp_path / "log", largest=10, keep=2)
    for text in (b"one----\n", b"two----\n", b"three--\n", b"four---\n"):
        file.write(text)
        file.flush()
    file.close()
    file.flush()
    found = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert found == {"log": b"four---\n", "log.1": b"three--\n", "log.2": b"two----\n"}


def test_rotation_without_older_files(tmp_path: Path) -> None:
    """With none to keep, the file begins anew; closing its handler closes it."""
    file = RotatingFile(tmp_path / "log", largest=10, keep=0)
    handler = LineHandler(file)
    handler.write_line(b"one----\n")
    handler.write_line(b"two----\n")
    handler.close()
    assert (tmp_path / "log").read_bytes() == b"two----\n"


def test_rotation_that_fails(tmp_path: Path) -> None:
    """Where the file cannot be put aside, lines go on into it."""
    (tmp_path / "log.1").mkdir()
    file = RotatingFile(tmp_path / "log", largest=10, keep=1)
    file.write(b"one----\n")
    file.write(b"two----\n")
    file.close()
    assert (tmp_path / "log").read_bytes() == b"one----\ntwo----\n"
