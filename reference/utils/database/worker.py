"""One SQLite connection, used in the threads of the crew and nowhere else.

Those are daemons, so none keeps a process from ending, and belong to no event loop: a second `asyncio.run` goes on
with the same connection. A unit of work is one function that is sent there and back once.
"""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import weakref
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from .crew import Inbox, crew

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

__all__ = ["BUSY_SECONDS", "PRAGMAS", "Worker", "connect", "in_transaction"]

T = TypeVar("T")

BUSY_SECONDS = 5.0
"""How long a statement waits for another process or connection that writes."""

PRAGMAS = (
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    "PRAGMA cache_size = -16000",
    "PRAGMA temp_store = MEMORY",
    "PRAGMA trusted_schema = OFF",
)
"""Given to every connection, whoever asks for it (audit finding F07); the cache is 16 MB."""

_turning_to_wal = threading.Lock()
"""Two connections that turn a new file to WAL at once refuse each other without waiting; the threads queue."""


def connect(path: str) -> sqlite3.Connection:
    """Open a database in WAL mode with every pragma; a write begins with BEGIN IMMEDIATE.

    Args:
        path: the file; its folder is made.

    Raises:
        sqlite3.Error: it cannot be opened.
    """
    if path != ":memory:":
        Path(path).parent.mkdir(parents=True, exist_ok=True)
    raw = sqlite3.connect(
        path, timeout=BUSY_SECONDS, isolation_level="IMMEDIATE", check_same_thread=False, cached_statements=256
    )
    try:
        raw.row_factory = sqlite3.Row
        with _turning_to_wal:
            if raw.execute("PRAGMA journal_mode").fetchone()[0] not in {"wal", "memory"}:
                raw.execute("PRAGMA journal_mode = WAL").fetchone()
        for pragma in PRAGMAS:
            raw.execute(pragma).close()
    except BaseException:
        raw.close()
        raise
    return raw


def in_transaction(raw: sqlite3.Connection, unit: Callable[[sqlite3.Connection], T]) -> T:
    """Do a unit of work in one transaction, of which all or nothing is kept."""
    raw.execute("BEGIN IMMEDIATE")
    try:
        result = unit(raw)
        raw.commit()
    except BaseException:
        with suppress(sqlite3.Error):
            raw.rollback()
        raise
    return result


class _Box:
    """What the threads use of a worker, which they must not keep alive."""

    __slots__ = ("error", "raw")

    def __init__(self) -> None:
        self.raw: sqlite3.Connection | None = None
        self.error: BaseException | None = None

    def open(self, path: str) -> None:
        try:
            self.raw = connect(path)
        except BaseException as error:  # noqa: BLE001  whoever asks first is told
            self.error = error

    def close(self) -> None:
        raw, self.raw = self.raw, None
        if raw is not None:
            raw.close()


class Worker:
    """A connection that is opened at once, in another thread, and used there.

    Attributes:
        path: the file.
        generation: of the pool that made it; a connection of an older one is not used again.
    """

    __slots__ = ("__weakref__", "_box", "_inbox", "_stop", "generation", "path")

    def __init__(self, path: str, generation: int = 0) -> None:
        """Begin to open `path`; whether that works is said by `opened`, or the first task.

        Raises:
            sqlite3.OperationalError: there is no thread to do it in.
        """
        self.path = path
        self.generation = generation
        self._box = _Box()
        self._inbox = Inbox(crew)
        self._stop = weakref.finalize(self, _put_if_served, self._inbox, self._box.close)
        self._put(partial(self._box.open, path))

    @property
    def raw(self) -> sqlite3.Connection:
        """The connection, for what is safe from any thread.

        Raises:
            sqlite3.ProgrammingError: it is not open.
        """
        if self._box.raw is None:
            raise sqlite3.ProgrammingError(f"{self.path} is not open")
        return self._box.raw

    @property
    def is_open(self) -> bool:
        """Whether the connection was opened and not closed since."""
        return self._box.raw is not None

    @property
    def has_failed(self) -> bool:
        """Whether the connection could not be opened."""
        return self._box.error is not None

    def _put(self, task: Callable[[], object]) -> None:
        try:
            self._inbox.put(task)
        except RuntimeError as error:
            raise sqlite3.OperationalError(f"{self.path} cannot be used: {error}") from error

    def submit(self, call: Callable[[], Any]) -> None:
        """Have something done after all that was asked before; nobody waits for it, and it must not raise."""
        self._put(call)

    def begin(self, call: Callable[[], T]) -> asyncio.Future[T]:
        """Have something done; it is left out if the future is cancelled before its turn.

        Raises:
            sqlite3.ProgrammingError: the worker was told to stop.
            sqlite3.OperationalError: there is no thread to do it in.
        """
        if not self._stop.alive:
            raise sqlite3.ProgrammingError(f"{self.path} was closed")
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._put(partial(_do, future, call, self._box))
        return future

    async def opened(self) -> None:
        """Wait until the connection is open.

        Raises:
            sqlite3.Error: it could not be opened.
        """
        await self.begin(lambda: None)

    def stop(self) -> None:
        """Close the connection after all that was asked before."""
        self._stop()

    def stopped(self, seconds: float) -> Coroutine[Any, Any, bool]:
        """Stop now; what is returned waits for the end, and tells whether it came in time."""
        future: asyncio.Future[None] | None = None
        with suppress(sqlite3.Error):
            future = self.begin(self._box.close)
        self.stop()
        return _has_ended(future, seconds)


async def _has_ended(future: asyncio.Future[None] | None, seconds: float) -> bool:
    if future is not None:
        await asyncio.wait([future], timeout=seconds)
    return future is None or (future.done() and (future.cancelled() or future.exception() is None))


def _put_if_served(inbox: Inbox, task: Callable[[], object]) -> None:
    with suppress(RuntimeError):  # the crew is empty, so nothing was ever opened
        inbox.put(task)


def _do(future: asyncio.Future[Any], call: Callable[[], Any], box: _Box) -> None:
    if future.cancelled():
        return
    result, error = None, box.error
    if error is None:
        try:
            result = call()
        except BaseException as raised:  # noqa: BLE001  the waiter gets it
            error = raised
    with suppress(RuntimeError):  # its loop is closed, nobody waits
        future.get_loop().call_soon_threadsafe(_settle, future, result, error)


def _settle(future: asyncio.Future[Any], result: Any, error: BaseException | None) -> None:
    if future.done():
        return
    if error is None:
        future.set_result(result)
    else:
        future.set_exception(error)
