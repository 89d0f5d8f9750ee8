"""A tree's database on a real file: fresh for each use, with SQLite's opening counted, refused or written down."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from contextlib import asynccontextmanager, closing
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine, Generator
    from pathlib import Path

    import pytest

PATIENCE = 10.0
"""Seconds after which a database is taken for stuck."""

MANY = 10_000
"""More slots than any pool has."""


def fresh(module: Any, path: Path) -> Any:
    """Return a database that was never used, on a file of its own."""
    module.Database._instance = None  # noqa: SLF001  how the process's database is reset
    database = module.Database()
    database.db_path = str(path)
    return database


@asynccontextmanager
async def used(module: Any, path: Path) -> AsyncIterator[Any]:
    """Lend a fresh database whose pool is set up in this loop, and close it afterwards."""
    database = fresh(module, path)
    database._get_pool_semaphore()  # noqa: SLF001  sets a lazy pool up
    try:
        yield database
    finally:
        module.Database._instance = None  # noqa: SLF001
        with contextlib.suppress(Exception):
            await asyncio.wait_for(database.close_pool(), PATIENCE)


async def within(work: Coroutine[Any, Any, Any], otherwise: str, seconds: float = PATIENCE) -> Any:
    """Return what ``work`` returns.

    Raises:
        AssertionError: it took longer; ``otherwise`` says what that means.
    """
    task = asyncio.ensure_future(work)
    done, _ = await asyncio.wait([task], timeout=seconds)
    if not done:
        task.cancel()
        await asyncio.wait([task], timeout=1.0)
        raise AssertionError(otherwise)
    return task.result()


async def free_slots(database: Any) -> int:
    """Count the slots of the pool that can be had at once, by taking and giving them back."""
    slots = database._get_pool_semaphore()  # noqa: SLF001
    taken = 0
    while not slots.locked() and taken < MANY:
        await slots.acquire()
        taken += 1
    for _ in range(taken):
        slots.release()
    return taken


def is_locked(path: Path) -> bool:
    """Tell whether somebody keeps others from writing to a database, for longer than a moment."""
    with closing(sqlite3.connect(path, timeout=2.0, isolation_level=None)) as other:
        try:
            other.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return True
        other.execute("ROLLBACK")
        return False


class Openings:
    """What happens when SQLite opens a file, from its making on.

    Attributes:
        count: how many connections were asked for.
        refuse: how many of the next are refused as locked.
        statements: the text of each statement given to SQLite, parameters not filled in.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = 0
        self.refuse = 0
        self.statements: list[str] = []
        self._connect = sqlite3.connect
        monkeypatch.setattr(sqlite3, "connect", self._open)

    def _open(self, *arguments: Any, **options: Any) -> sqlite3.Connection:
        self.count += 1
        if self.refuse:
            self.refuse -= 1
            raise sqlite3.OperationalError("database is locked")
        options.setdefault("factory", _recording(self.statements.append))
        connection: sqlite3.Connection = self._connect(*arguments, **options)
        return connection


def _recording(note: Callable[[str], None]) -> type[sqlite3.Connection]:
    """Return a connection class that notes what it and its cursors are asked to run."""

    class Noting:
        def execute(self, sql: str, *parameters: Any) -> Any:
            note(sql)
            return super().execute(sql, *parameters)  # type: ignore[misc]

        def executemany(self, sql: str, *parameters: Any) -> Any:
            note(sql)
            return super().executemany(sql, *parameters)  # type: ignore[misc]

        def executescript(self, script: str) -> Any:
            note(script)
            return super().executescript(script)  # type: ignore[misc]

    class Cursor(Noting, sqlite3.Cursor):
        pass

    class Connection(Noting, sqlite3.Connection):
        def cursor(self, factory: Any = Cursor) -> Any:
            return super().cursor(factory)

    return Connection


class CancelledAt:
    """Awaits a coroutine and cancels the task around it as it suspends for the n-th time.

    Attributes:
        awaits: how often it suspended so far.
        reached: whether it suspended that often.
    """

    def __init__(self, work: Coroutine[Any, Any, Any], moment: int) -> None:
        """Prepare to await ``work``; moments are counted from 1."""
        self._work = work
        self._moment = moment
        self.awaits = 0
        self.reached = False

    def __await__(self) -> Generator[Any, Any, Any]:
        steps = self._work.__await__()
        resume: Callable[[], Any] = lambda: next(steps)  # noqa: E731
        while True:
            try:
                waited_for = resume()
            except StopIteration as end:
                return end.value
            self._count()
            try:
                yield waited_for
            except BaseException as error:  # noqa: BLE001  handed on
                resume = _throwing(steps, error)
            else:
                resume = lambda: next(steps)  # noqa: E731

    def _count(self) -> None:
        self.awaits += 1
        task = asyncio.current_task()
        if self.awaits == self._moment and task is not None:
            self.reached = True
            task.cancel()


def _throwing(steps: Any, error: BaseException) -> Callable[[], Any]:
    return lambda: steps.throw(error)
