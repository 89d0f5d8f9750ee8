"""What a caller holds while a pooled connection is lent to it: the interface of aiosqlite, with fewer thread hops.

`execute` fetches the first rows on its way, so a small query is one hop and not two. The loan ends with the body of
`async with`: a task that was left behind cannot write into the next caller's transaction.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Generator, Iterable

    from .worker import Worker

__all__ = ["Connection", "Cursor", "see_through"]

T = TypeVar("T")
AHEAD = 64
"""Rows that are fetched together."""

Parameters = Any
"""A sequence for `?`, a mapping for `:name`."""


class Pending(Generic[T]):
    """A cursor on its way: to be awaited, or entered with `async with`, which closes the cursor."""

    __slots__ = ("_start", "_value")

    def __init__(self, start: Generator[Any, Any, T]) -> None:
        self._start = start

    def __await__(self) -> Generator[Any, Any, T]:
        return self._start

    async def __aenter__(self) -> T:
        self._value = await self
        return self._value

    async def __aexit__(self, *_: object) -> None:
        await self._value.close()  # type: ignore[attr-defined]  # only cursors come this way


class Connection:
    """A loan of a pooled connection."""

    __slots__ = ("_cursors", "_is_over", "_pending", "_worker")

    def __init__(self, worker: Worker) -> None:
        """Lend out an open `worker`."""
        self._worker = worker
        self._pending = 0
        self._is_over = False
        self._cursors: list[Cursor] = []

    async def run(self, unit: Callable[[sqlite3.Connection], T]) -> T:
        """Do a unit of work, as many statements as it takes, in one thread hop.

        Args:
            unit: called with the `sqlite3.Connection` in the connection's thread.

        Raises:
            sqlite3.ProgrammingError: the loan is over.
        """
        if self._is_over:
            raise sqlite3.ProgrammingError("this connection was given back to the pool; ask the pool for another")
        future = self._worker.begin(lambda: unit(self._worker.raw))
        self._pending += 1
        try:
            return await future
        finally:
            if not future.cancelled():
                self._pending -= 1

    def execute(self, sql: str, parameters: Parameters = ()) -> Pending[Cursor]:
        """Run a statement; the result is a cursor that holds its first rows."""
        return Pending(self.cursor_of(lambda raw: raw.execute(sql, parameters)).__await__())

    def executemany(self, sql: str, parameters: Iterable[Parameters]) -> Pending[Cursor]:
        """Run a statement once for each of `parameters`, in one hop."""
        return Pending(self.cursor_of(lambda raw: raw.executemany(sql, parameters)).__await__())

    def executescript(self, script: str) -> Pending[Cursor]:
        """Run statements one after another; like `sqlite3`, commits an open transaction first."""
        return Pending(self.cursor_of(lambda raw: raw.executescript(script)).__await__())

    async def cursor_of(self, start: Callable[[sqlite3.Connection], sqlite3.Cursor]) -> Cursor:
        """Return a cursor over what `start` begins in the connection's thread."""
        cursor = Cursor(self)
        await self.run(lambda raw: cursor.begin(start(raw)))
        return cursor

    def cursor(self) -> Pending[Cursor]:
        """Return a cursor that has run nothing yet."""
        return Pending(self.cursor_of(lambda raw: raw.cursor()).__await__())

    async def execute_fetchall(self, sql: str, parameters: Parameters = ()) -> list[Any]:
        """Run a statement and return all its rows."""
        return await self.run(lambda raw: raw.execute(sql, parameters).fetchall())

    async def execute_insert(self, sql: str, parameters: Parameters = ()) -> Any:
        """Run an INSERT and return the new row's id in a row, as aiosqlite does."""

        def insert(raw: sqlite3.Connection) -> Any:
            raw.execute(sql, parameters)
            return raw.execute("SELECT last_insert_rowid()").fetchone()

        return await self.run(insert)

    async def commit(self) -> None:
        """Keep what was written."""
        await self.run(lambda raw: raw.commit())

    async def rollback(self) -> None:
        """Undo what was written since the last commit."""
        await self.run(lambda raw: raw.rollback())

    async def backup(self, target: sqlite3.Connection) -> None:
        """Copy the whole database into an open connection that may be used from another thread."""
        await self.run(lambda raw: raw.backup(target))

    async def set_trace_callback(self, handler: Callable[[str], object] | None) -> None:
        """Call `handler` with every statement that SQLite runs; None stops that."""
        await self.run(lambda raw: raw.set_trace_callback(handler))

    @property
    def in_transaction(self) -> bool:
        """Whether something was written and neither committed nor rolled back."""
        return self._worker.raw.in_transaction

    @property
    def total_changes(self) -> int:
        """Rows changed since the connection was opened."""
        return self._worker.raw.total_changes

    @property
    def row_factory(self) -> Any:
        """What makes a row; `sqlite3.Row` at first, and again for the next caller."""
        return self._worker.raw.row_factory

    @row_factory.setter
    def row_factory(self, factory: Any) -> None:
        self._worker.raw.row_factory = factory

    def note(self, cursor: Cursor) -> None:
        """Remember a cursor that has rows left, which must be closed with the loan."""
        self._cursors.append(cursor)

    def end(self) -> bool:
        """End the loan; tell whether the connection is clean: nothing under way, nothing open."""
        self._is_over = True
        raw = self._worker.raw
        raw.row_factory = sqlite3.Row
        return not (self._pending or raw.in_transaction or any(cursor.has_more for cursor in self._cursors))

    def settle(self, *, keep: bool) -> None:
        """Bring an unclean connection in order, in its thread: commit or roll back, close what is open.

        Raises:
            sqlite3.Error: it could not be kept; it is rolled back then.
        """
        for cursor in self._cursors:
            cursor.cut_off()
        raw = self._worker.raw
        try:
            if keep and raw.in_transaction:
                raw.commit()
        finally:
            if raw.in_transaction:
                raw.rollback()

    def interrupt(self) -> None:
        """Make a statement that still runs for a cancelled caller fail soon."""
        if self._pending:
            with suppress(sqlite3.Error):
                self._worker.raw.interrupt()


class Cursor:
    """The rows of a statement, fetched some at a time.

    Attributes:
        description: the columns, as `sqlite3` has it.
        lastrowid: of the last INSERT.
        rowcount: rows changed; -1 for a query.
        arraysize: what `fetchmany` returns by default.
    """

    __slots__ = ("_connection", "_is_done", "_raw", "_rows", "arraysize", "description", "lastrowid", "rowcount")

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._raw: sqlite3.Cursor | None = None
        self._rows: deque[Any] = deque()
        self._is_done = True
        self.arraysize = 1
        self.description: Any = None
        self.lastrowid: int | None = None
        self.rowcount = -1

    def begin(self, raw: sqlite3.Cursor) -> None:
        """Take over a cursor in the connection's thread, with its first rows."""
        self._raw = raw
        self.description, self.lastrowid = raw.description, raw.lastrowid
        self._rows.clear()
        self._is_done = raw.description is None
        if not self._is_done:
            self._fetch(AHEAD)
            if not self._is_done:
                self._connection.note(self)
        self.rowcount = raw.rowcount

    @property
    def has_more(self) -> bool:
        """Whether the statement may have rows that were not fetched, and so is still open."""
        return not self._is_done

    def _fetch(self, count: int) -> None:
        rows = self._raw.fetchmany(count) if self._raw is not None else []
        self._rows.extend(rows)
        self._is_done = len(rows) < count

    async def _have(self, count: int) -> None:
        if len(self._rows) < count and not self._is_done:
            await self._connection.run(lambda _: self._fetch(max(AHEAD, count - len(self._rows))))

    async def fetchone(self) -> Any:
        """Return the next row, or None."""
        await self._have(1)
        return self._rows.popleft() if self._rows else None

    async def fetchmany(self, size: int | None = None) -> list[Any]:
        """Return up to `size` rows."""
        wanted = self.arraysize if size is None else size
        await self._have(wanted)
        return [self._rows.popleft() for _ in range(min(wanted, len(self._rows)))]

    async def fetchall(self) -> list[Any]:
        """Return all rows that are left."""
        if not self._is_done:
            await self._connection.run(lambda _: self._fetch_rest())
        rows = list(self._rows)
        self._rows.clear()
        return rows

    def _fetch_rest(self) -> None:
        if self._raw is not None:
            self._rows.extend(self._raw.fetchall())
        self._is_done = True

    async def execute(self, sql: str, parameters: Parameters = ()) -> Self:
        """Run a statement with this cursor."""
        await self._connection.run(lambda raw: self.begin(raw.execute(sql, parameters)))
        return self

    async def executemany(self, sql: str, parameters: Iterable[Parameters]) -> Self:
        """Run a statement once for each of `parameters`."""
        await self._connection.run(lambda raw: self.begin(raw.executemany(sql, parameters)))
        return self

    async def close(self) -> None:
        """Let go of the rows that are left."""
        if not self._is_done:
            await self._connection.run(lambda _: self.drop())
        self._rows.clear()

    def drop(self) -> None:
        """Close the cursor in the connection's thread; no rows are left."""
        self._is_done = True
        self.cut_off()

    def cut_off(self) -> None:
        """Close the cursor in the connection's thread; asking for the rows that are left is an error then."""
        if self._raw is not None:
            self._raw.close()

    async def __aiter__(self) -> AsyncIterator[Any]:
        while (row := await self.fetchone()) is not None:
            yield row

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


async def see_through(future: asyncio.Future[T]) -> T:
    """Wait until a future is done even if the waiting task is cancelled meanwhile; then say either outcome."""
    cancelled: asyncio.CancelledError | None = None
    while not future.done():
        try:
            await asyncio.wait([future])
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        future.exception()
        raise cancelled
    return future.result()
