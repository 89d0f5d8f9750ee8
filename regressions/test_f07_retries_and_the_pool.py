"""Connections with retries go round the pool.

Asking with retries opened a connection of its own each time, set it up in its own words, and closed it at the end:
nothing was reused, and such a connection behaved otherwise than one of the pool. Retries are for getting a connection
only. A body that has begun is never run again, and its exception reaches the caller as it is: a generator that tries
the body again, as the audit proposes, surfaces any failure as `RuntimeError: generator didn't stop after athrow()`.
"""

from __future__ import annotations

import asyncio
import sqlite3
from typing import TYPE_CHECKING, Any

import pytest

from harness.parts.database import Openings, free_slots, is_locked, used, within

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from harness.subject import Subject

pytestmark = pytest.mark.filterwarnings(
    "ignore::ResourceWarning", "ignore::RuntimeWarning", "ignore::pytest.PytestUnraisableExceptionWarning"
)

PRAGMAS = ("cache_size", "foreign_keys", "synchronous", "journal_mode", "busy_timeout", "temp_store")
USES = 20
STUCK = "a caller waited for ever for a connection with retries"


@pytest.fixture(autouse=True)
def no_delays(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the delays between attempts pass at once."""
    pause = asyncio.sleep

    async def sleep(delay: float, result: object = None) -> object:
        return await pause(0, result)

    monkeypatch.setattr(asyncio, "sleep", sleep)


async def value(loan: AbstractAsyncContextManager[Any], sql: str) -> Any:
    """Return the first value of a query over a connection that is lent."""
    async with loan as connection:
        cursor = await connection.execute(sql)
        row = await cursor.fetchone()
        return row[0]


async def test_connections_are_reused(subject: Subject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Many uses with retries, one after another, open no more connections than as many ordinary uses."""
    openings = Openings(monkeypatch)
    counts = []
    for name in ("get_connection", "get_connection_with_retry"):
        async with used(subject.database.database, tmp_path / f"{name}.db") as database:
            before = openings.count
            for _ in range(USES):
                await within(value(getattr(database, name)(), "SELECT 1"), STUCK)
            counts.append(openings.count - before)
    ordinary, retried = counts
    assert retried <= ordinary + 1, f"{USES} uses with retries opened {retried} connections, ordinary ones {ordinary}"


async def test_connections_are_set_up_alike(subject: Subject, tmp_path: Path) -> None:
    """A connection with retries has the settings of one of the pool, the cache included."""
    settings = []
    for name in ("get_connection", "get_connection_with_retry"):
        async with used(subject.database.database, tmp_path / f"{name}.db") as database:
            lend = getattr(database, name)
            settings.append({each: await value(lend(), f"PRAGMA {each}") for each in PRAGMAS})
    ordinary, retried = settings
    different = {each: (ordinary[each], retried[each]) for each in PRAGMAS if ordinary[each] != retried[each]}
    assert not different, f"a connection with retries is set up otherwise than an ordinary one: {different}"


async def test_a_slot_is_held_while_a_body_runs(subject: Subject, tmp_path: Path) -> None:
    """A connection with retries counts against the limit of the pool while it is out, and not after."""
    async with used(subject.database.database, tmp_path / "bot.db") as database:
        slots = await free_slots(database)
        async with database.get_connection_with_retry() as connection:
            await connection.execute("SELECT 1")
            free = await free_slots(database)
        assert free == slots - 1, f"{free} of {slots} slots are free while a connection with retries is out"
        assert await free_slots(database) == slots, "a slot was lost with a connection with retries"


async def test_a_refused_connection_is_asked_for_again(
    subject: Subject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file is locked for two attempts; at the third the body runs, once."""
    openings = Openings(monkeypatch)
    async with used(subject.database.database, tmp_path / "bot.db") as database:
        openings.refuse = 2
        runs = 0

        async def use() -> None:
            nonlocal runs
            async with database.get_connection_with_retry(max_retries=3):
                runs += 1

        try:
            await within(use(), STUCK)
        except sqlite3.OperationalError as error:
            raise AssertionError(
                f"a connection that was refused twice was not asked for a third time: {error}"
            ) from error
        assert runs == 1, f"the body ran {runs} times"


async def test_the_last_refusal_is_told(subject: Subject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where every attempt is refused, the caller gets SQLite's error, the body never runs and no slot is lost."""
    openings = Openings(monkeypatch)
    async with used(subject.database.database, tmp_path / "bot.db") as database:
        slots = await free_slots(database)
        openings.refuse = 1000
        said: object = "nothing"
        try:
            await within(value(database.get_connection_with_retry(max_retries=2), "SELECT 1"), STUCK)
        except Exception as error:  # noqa: BLE001  judged below
            said = error
        openings.refuse = 0
        assert isinstance(said, sqlite3.OperationalError), f"the caller of a locked database was told {said!r}"
        assert await free_slots(database) == slots, "a slot was lost with refused attempts"


@pytest.mark.parametrize(
    "error",
    [LookupError("the body's own"), sqlite3.OperationalError("database is locked"), asyncio.CancelledError()],
    ids=["own", "locked", "cancelled"],
)
async def test_a_body_runs_once_and_its_exception_arrives(
    subject: Subject, tmp_path: Path, error: BaseException
) -> None:
    """A body that raises, whatever it raises, is not run again; the very exception arrives and nothing is kept."""
    path = tmp_path / "bot.db"
    async with used(subject.database.database, path) as database:
        async with database.get_connection() as connection:
            await connection.execute("CREATE TABLE words (word TEXT)")
            await connection.commit()
        runs = 0
        arrived: BaseException | None = None

        async def use() -> None:
            nonlocal runs, arrived
            try:
                async with database.get_connection_with_retry() as connection:
                    runs += 1
                    await connection.execute("INSERT INTO words VALUES ('lost')")
                    raise error  # noqa: TRY301  raised by the body itself
            except BaseException as other:  # noqa: BLE001  judged below
                arrived = other

        await within(use(), "a body that raised never came to an end")
        assert arrived is error, f"the body raised {error!r} and its caller got {arrived!r}"
        assert runs == 1, f"a body that raised was run {runs} times"
        assert not is_locked(path), "a transaction was left open by a body that raised"
        left = await within(value(database.get_connection(), "SELECT COUNT(*) FROM words"), STUCK)
        assert left == 0, "the next caller sees what a body wrote that raised"
