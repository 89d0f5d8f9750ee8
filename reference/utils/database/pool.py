"""The connection pool: what is lent out, what is idle, and who may have how many.

Every decision is taken in a method without `await`, under a thread lock; opening, closing and rolling back follow
outside. So a caller that is cancelled anywhere leaves the slots, the count and the connections right, and the pool
serves one event loop after another.
"""

from __future__ import annotations

import asyncio
import random
import sqlite3
import threading
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from .connection import Connection, see_through
from .slots import Slots
from .worker import Worker, in_transaction

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import TracebackType

__all__ = ["POOL_SIZE", "Loan", "Pool", "PoolTimeoutError"]

T = TypeVar("T")

POOL_SIZE = 16
"""Connections that may be lent out at the same time."""

PATIENCE = 30.0
"""Seconds to wait for a slot: longer means that bodies wait for each other."""

FIRST_DELAY = 0.05
"""Seconds, about, before a refused connection is tried again; doubled each time."""


class PoolTimeoutError(TimeoutError):
    """No connection came back in time."""


class Pool:
    """Connections to one file, lent out up to a number, and one more that does the facade's writes in turn.

    Attributes:
        slots: who has one may have a connection.
    """

    def __init__(self, path: Callable[[], str], size: int = POOL_SIZE, patience: float = PATIENCE) -> None:
        """Describe a pool; nothing is opened.

        Args:
            path: says which file; asked each time a connection is lent or opened.
            size: connections that may be out at the same time.
            patience: seconds to wait for one of them.
        """
        self.slots = Slots(size)
        self._path = path
        self._patience = patience
        self._lock = threading.Lock()
        self._idle: list[Worker] = []
        self._writer: Worker | None = None
        self._generation = 0
        self._out = 0
        self._waiting_for_none: list[tuple[asyncio.AbstractEventLoop, asyncio.Future[None]]] = []

    @property
    def out(self) -> int:
        """How many connections are lent out; changed under the lock, with what it counts (audit finding F06)."""
        return self._out

    @property
    def idle(self) -> int:
        """How many open connections wait for a caller."""
        return len(self._idle)

    def __repr__(self) -> str:
        return f"<Pool {self._out} of {self.slots.size} out, {len(self._idle)} idle>"

    def _check_out(self) -> tuple[Worker | None, list[Worker]]:
        """Decide what a caller with a slot gets: an idle connection or none, and what is too old to be used."""
        stale: list[Worker] = []
        path = self._path()
        with self._lock:
            self._out += 1
            while self._idle:
                worker = self._idle.pop()
                if worker.path == path:
                    return worker, stale
                stale.append(worker)
        return None, stale

    def give_back(self, worker: Worker | None) -> None:
        """Take a connection back, or the slot alone of one that was never opened (audit finding F06).

        May be called from any thread; never waits.
        """
        nobody: list[tuple[asyncio.AbstractEventLoop, asyncio.Future[None]]] = []
        with self._lock:
            self._out -= 1
            keep = worker is not None and worker.is_open and worker.generation == self._generation
            if keep and worker is not None:
                self._idle.append(worker)
            if not self._out and self._waiting_for_none:
                nobody, self._waiting_for_none = self._waiting_for_none, nobody
        self.slots.release()
        if worker is not None and not keep:
            worker.stop()
        for loop, future in nobody:
            with suppress(RuntimeError):  # its loop is closed, nobody waits
                loop.call_soon_threadsafe(_wake, future)

    def _retire(self) -> list[Worker]:
        """Decide that no connection of today is lent again; return those that nobody has."""
        with self._lock:
            self._generation += 1
            retired, self._idle = self._idle, []
            if self._writer is not None:
                retired.append(self._writer)
                self._writer = None
            return retired

    async def acquire(self) -> Worker:
        """Take a slot and an open connection.

        Raises:
            PoolTimeoutError: no slot became free.
            sqlite3.Error: a connection could not be opened; the slot is free again.
        """
        if not self.slots.take():
            await self._queue()
        worker, stale = self._check_out()
        try:
            for old in stale:
                old.stop()
            if worker is None:
                worker = Worker(self._path(), self._generation)
                await worker.opened()
        except BaseException:
            if worker is not None:
                worker.stop()
            self.give_back(None)
            raise
        return worker

    async def _queue(self) -> None:
        try:
            async with asyncio.timeout(self._patience):
                await self.slots.acquire()
        except TimeoutError:
            raise PoolTimeoutError(
                f"all {self.slots.size} connections were out for {self._patience:g} s; does a body wait for another?"
            ) from None

    def lend(self, attempts: int = 1) -> Loan:
        """Return what lends a connection to the body of an `async with`.

        Args:
            attempts: how often to try to get one; the body itself is run once (audit finding F07).
        """
        return Loan(self, attempts)

    async def read(self, unit: Callable[[sqlite3.Connection], T]) -> T:
        """Do a unit of reading on a connection of the pool, in one thread hop."""
        async with Loan(self, 1) as connection:
            return await connection.run(unit)

    async def write(self, unit: Callable[[sqlite3.Connection], T]) -> T:
        """Do a unit of work in one transaction and one thread hop, after all that were asked for before.

        A caller that is cancelled while it waits for its turn changes nothing; one that is cancelled later does not
        stop its transaction.
        """
        writer, future = self._enqueue(partial(in_transaction, unit=unit))
        try:
            return await future
        except Exception:
            if not writer.is_open:  # SQLite could not open the file, or the system not make its folder
                self._dismiss(writer)
            raise

    def _enqueue(self, unit: Callable[[sqlite3.Connection], T]) -> tuple[Worker, asyncio.Future[T]]:
        """Put a unit in the writer's queue, which is the order of all writes."""
        path = self._path()
        with self._lock:
            if self._writer is None or self._writer.path != path or self._writer.has_failed:
                self._writer = Worker(path, self._generation)
            writer = self._writer
            return writer, writer.begin(lambda: unit(writer.raw))

    def _dismiss(self, writer: Worker) -> None:
        with self._lock:
            if self._writer is writer:
                self._writer = None

    async def reinitialize(self, seconds: float = 5.0) -> None:
        """Use new connections from here on: idle ones are closed now, those that are out when they come back.

        Nobody is waited for, and nobody's slot changes: however often this is done, no more connections are out than
        there are slots (audit finding F06).

        Args:
            seconds: how long closing the idle ones may take.
        """
        await _stop_all(self._retire(), seconds)

    async def close(self, seconds: float = 5.0) -> bool:
        """Close all connections; those that are out get time to come back, and are closed later if they do not.

        The pool may be used again afterwards, in this event loop or another.

        Args:
            seconds: how long this may take.

        Returns:
            Whether everything was closed.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        all_stopped = await _stop_all(self._retire(), seconds)
        future = loop.create_future()
        with self._lock:
            if self._out == 0:
                return all_stopped
            self._waiting_for_none.append((loop, future))
        await asyncio.wait([future], timeout=max(0.0, deadline - loop.time()))
        return all_stopped and future.done()


class Loan:
    """Lends a connection to the body of an `async with`, once.

    A body that ends well has its writes committed; of one that raises or is cancelled nothing is kept, and its
    exception arrives as it is (audit finding F07).
    """

    __slots__ = ("_attempts", "_connection", "_pool", "_worker")

    def __init__(self, pool: Pool, attempts: int) -> None:
        self._pool = pool
        self._attempts = attempts

    async def __aenter__(self) -> Connection:
        self._worker = await self._acquire() if self._attempts > 1 else await self._pool.acquire()
        self._connection = Connection(self._worker)
        return self._connection

    async def _acquire(self) -> Worker:
        """Try to get a connection, again after a growing delay; no slot is held meanwhile (audit finding F07)."""
        delay = FIRST_DELAY
        for _ in range(self._attempts - 1):
            try:
                return await self._pool.acquire()
            except sqlite3.OperationalError:
                await asyncio.sleep(delay * random.uniform(0.5, 1.5))  # noqa: S311  spreads callers, guards nothing
                delay *= 2
        return await self._pool.acquire()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._connection.end():
            self._pool.give_back(self._worker)
            return
        finish = partial(self._finish, keep=kind is None)
        if kind is not None:
            self._connection.interrupt()
        if kind is GeneratorExit:  # the task is being thrown away: nothing can be awaited
            self._worker.submit(lambda: _quietly(finish))
            return
        future = self._worker.begin(finish)
        if kind is None:
            await see_through(future)
        else:
            with suppress(sqlite3.Error):  # the body's exception says what went wrong
                await see_through(future)

    def _finish(self, *, keep: bool) -> None:
        """Bring the connection in order in its thread, and give it back whatever happens."""
        worker: Worker | None = self._worker
        try:
            self._connection.settle(keep=keep)
        except sqlite3.Error:
            if self._worker.raw.in_transaction:
                self._worker.stop()
                worker = None
            raise
        finally:
            self._pool.give_back(worker)


def _wake(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


def _quietly(call: Callable[[], object]) -> None:
    with suppress(sqlite3.Error):
        call()


async def _stop_all(workers: Iterable[Worker], seconds: float) -> bool:
    return all(await asyncio.gather(*(worker.stopped(seconds) for worker in workers)))
