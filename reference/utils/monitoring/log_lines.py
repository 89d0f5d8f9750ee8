"""Handlers for lines that are written already: one that writes at once, and one with a bounded queue and a thread.

Both are `logging.Handler`s, so any logger may use them. A `StructuredLogger` gives them its finished line and saves
the making of a record.
"""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections import deque
from pathlib import Path
from typing import IO, Any, Protocol

from .log_format import StructuredFormatter, event_line, event_of

__all__ = ["LineHandler", "LineWriter", "QueuedLineHandler", "RotatingFile"]

CAPACITY = 10_000
"""Lines that may wait to be written."""

LARGEST_FILE = 10 * 1024 * 1024
"""Bytes after which a file of lines is put aside."""

PATIENCE = 5.0
"""Seconds that a flush waits at most, so that a stuck disk does not hold up the end of the process."""


class LineWriter(Protocol):
    """Where lines go: any binary stream will do."""

    def write(self, data: bytes, /) -> object:
        """Write bytes."""
        ...

    def flush(self) -> object:
        """Hand over what was written."""
        ...


class RotatingFile:
    """A file of lines that is put aside when it has grown enough; opened at the first line.

    Args:
        path: of the newest file; older ones are ``path.1``, ``path.2``...
        largest: bytes.
        keep: how many older ones are kept.
    """

    def __init__(self, path: Path | str, largest: int = LARGEST_FILE, keep: int = 5) -> None:
        self.path = Path(path)
        self._largest = largest
        self._keep = keep
        self._file: IO[bytes] | None = None

    def write(self, data: bytes, /) -> None:
        """Append bytes."""
        file = self._file or self._open()
        if file.tell() and file.tell() + len(data) > self._largest:
            self._rotate()
            file = self._open()
        file.write(data)

    def flush(self) -> None:
        """Hand what was written to the operating system."""
        if self._file is not None:
            self._file.flush()

    def close(self) -> None:
        """Close the file; the next line opens it again."""
        file, self._file = self._file, None
        if file is not None:
            file.close()

    def _open(self) -> IO[bytes]:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._file = self.path.open("ab")
        return self._file

    def _rotate(self) -> None:
        """Put the file aside; where another process holds it open on Windows, go on with it as it is."""
        self.close()
        try:
            for number in range(self._keep - 1, 0, -1):
                older = self._aside(number)
                if older.exists():
                    older.replace(self._aside(number + 1))
            if self._keep:
                self.path.replace(self._aside(1))
            else:
                self.path.unlink()
        except OSError:
            self._largest *= 2

    def _aside(self, number: int) -> Path:
        return self.path.with_name(f"{self.path.name}.{number}")


class LineHandler(logging.Handler):
    """Writes lines at once.

    Args:
        stream: where to; None for standard error as it is at that moment.
        level: the least that is written.
    """

    def __init__(self, stream: LineWriter | None = None, level: int = logging.NOTSET) -> None:
        super().__init__(level)
        self._stream = stream
        self._mutex = threading.RLock()  # not the lock of `Handler`: `logging.shutdown` holds that while it flushes
        self.setFormatter(StructuredFormatter())

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record."""
        try:
            self.write_line(self.format(record).encode("utf-8", "backslashreplace") + b"\n")
        except Exception:  # noqa: BLE001  a logger never raises
            self.handleError(record)

    def write_line(self, line: bytes) -> None:
        """Write a finished line, which ends with a line feed; what cannot be written is lost, never raised."""
        with self._mutex:
            try:
                (self._stream or _standard_error()).write(line)
            except (OSError, ValueError):
                return

    def flush(self) -> None:
        """Hand over what was written."""
        with self._mutex:
            try:
                (self._stream or _standard_error()).flush()
            except (OSError, ValueError):
                return

    def close(self) -> None:
        """Flush; a stream that can rotate is closed, any other belongs to whoever gave it."""
        self.flush()
        if isinstance(self._stream, RotatingFile):
            with self._mutex:
                self._stream.close()
        super().close()


def _standard_error() -> LineWriter:
    """Return standard error as a binary stream; a replacement that only takes text is wrapped."""
    stream = sys.stderr
    binary: LineWriter | None = getattr(stream, "buffer", None)
    return binary or _TextOnly(stream)


class _TextOnly:
    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def write(self, data: bytes) -> None:
        if self._stream is not None:
            self._stream.write(data.decode("utf-8", "backslashreplace"))

    def flush(self) -> None:
        if self._stream is not None:
            self._stream.flush()


class QueuedLineHandler(LineHandler):
    """Hands lines to a thread that writes them, so that a slow disk never holds up the event loop.

    At most ``capacity`` lines wait. What comes while the queue is full is dropped and counted, and a line says how
    many were lost as soon as there is room. The thread begins with the first line. `close`, which `logging.shutdown`
    calls at the end of the process, writes what still waits.

    Args:
        stream: where to.
        capacity: lines.
        level: the least that is written.
        patience: seconds that `flush` and `close` wait at most.
    """

    def __init__(
        self,
        stream: LineWriter | None = None,
        capacity: int = CAPACITY,
        level: int = logging.NOTSET,
        patience: float = PATIENCE,
    ) -> None:
        if capacity < 1:
            raise ValueError("a queue of lines has room for one at least")
        super().__init__(stream, level)
        self._patience = patience
        self._capacity = capacity
        self._lines: deque[bytes] = deque()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._is_closing = False
        self._is_writing = False
        self._lost = 0
        self.dropped = 0

    def write_line(self, line: bytes) -> None:
        """Queue a line; it is dropped and counted where the queue is full, and written at once after `close`."""
        with self._changed:
            if not self._is_closing:
                if len(self._lines) >= self._capacity:
                    self._lost += 1
                    self.dropped += 1
                    return
                self._lines.append(line)
                if self._thread is None:
                    self._start()
                if len(self._lines) == 1:
                    self._changed.notify_all()
                return
        super().write_line(line)

    def flush(self) -> None:
        """Wait until all that was queued before is written, for `patience` seconds at most."""
        deadline = time.monotonic() + self._patience
        with self._changed:
            while (self._lines or self._is_writing) and self._thread is not threading.current_thread():
                if not self._changed.wait(max(0.0, deadline - time.monotonic())) and time.monotonic() >= deadline:
                    return
        super().flush()

    def close(self) -> None:
        """Write what still waits and end the thread; lines that come later are written at once."""
        with self._changed:
            self._is_closing = True
            thread = self._thread
            self._changed.notify_all()
        if thread is not None and thread is not threading.current_thread():
            thread.join(self._patience)
        if thread is None or not thread.is_alive():
            super().close()

    def _start(self) -> None:
        self._thread = threading.Thread(target=self._run, name="log-writer", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while batch := self._next():
            for line in batch:
                super().write_line(line)
            super().flush()
            with self._changed:
                self._is_writing = False
                self._changed.notify_all()

    def _next(self) -> list[bytes]:
        """Wait for lines and take all of them; nothing once the handler is closed."""
        with self._changed:
            while not self._lines and not self._lost and not self._is_closing:
                self._changed.wait()
            batch = list(self._lines)
            self._lines.clear()
            if self._lost:
                batch.append(_loss(self._lost))
                self._lost = 0
            self._is_writing = bool(batch)
            return batch


def _loss(count: int) -> bytes:
    text = f"{count} log lines were dropped: they came faster than they could be written"
    return event_line(event_of("WARNING", __name__, text, {"dropped": count}))
