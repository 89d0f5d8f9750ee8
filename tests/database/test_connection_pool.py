"""The pool and what it lends: cursors, transactions, closing, other loops, other files."""

from __future__ import annotations

import asyncio
import gc
import sqlite3
import subprocess
import sys
import threading
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from reference.utils.database import worker as worker_module
from reference.utils.database.connection import Connection
from reference.utils.database.crew import Crew, Inbox
from reference.utils.database.pool import Pool, PoolTimeoutError
from reference.utils.database.worker import Worker

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine, Generator

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
async def pool(tmp_path: Path) -> AsyncIterator[Pool]:
    """A pool of two with a table of 200 numbers."""
    made = Pool(lambda: str(tmp_path / "bot.db"), size=2)
    async with made.lend() as connection:
        await connection.execute("CREATE TABLE numbers (number INTEGER PRIMARY KEY)")
        await connection.executemany("INSERT INTO numbers VALUES (?)", [(number,) for number in range(200)])
    yield made
    await made.close()


async def test_a_cursor_gives_all_rows_in_order(pool: Pool) -> None:
    """Rows come one by one, in parts, all at once or in a loop, the same ones each time."""
    everything = list(range(200))
    async with pool.lend() as connection:
        select = "SELECT number FROM numbers ORDER BY number"
        async with connection.execute(select) as cursor:
            assert [row["number"] async for row in cursor] == everything
        cursor = await connection.execute(select)
        rows = [
            await cursor.fetchone(),
            *await cursor.fetchmany(70),
            *await cursor.fetchmany(),
            *await cursor.fetchall(),
        ]
        assert [row[0] for row in rows] == everything
        assert await cursor.fetchone() is None
        assert [row[0] for row in await connection.execute_fetchall(select)] == everything
        assert cursor.description[0][0] == "number"


async def test_a_cursor_runs_statements_of_its_own(pool: Pool) -> None:
    """A cursor that was asked for runs one statement after another."""
    async with pool.lend() as connection, connection.cursor() as cursor:
        await cursor.execute("INSERT INTO numbers VALUES (?)", (1000,))
        assert (cursor.lastrowid, cursor.rowcount, await cursor.fetchall()) == (1000, 1, [])
        await cursor.executemany("DELETE FROM numbers WHERE number = ?", [(1000,), (1,)])
        assert cursor.rowcount == 2
        async with cursor as same:
            await same.execute("SELECT number FROM numbers")
        assert await cursor.fetchall() == []
        assert (await connection.execute_insert("INSERT INTO numbers VALUES (2000)"))[0] == 2000


async def test_a_body_that_ends_well_is_committed(pool: Pool) -> None:
    """What a body wrote without a commit of its own is kept, and a rollback of its own is obeyed."""
    async with pool.lend() as connection:
        await connection.execute("DELETE FROM numbers")
        assert connection.in_transaction
        await connection.rollback()
        await connection.execute("DELETE FROM numbers WHERE number > 2")
        assert connection.total_changes >= 197
    async with pool.lend() as connection:
        assert len(await connection.execute_fetchall("SELECT * FROM numbers")) == 3


async def test_what_a_body_left_under_way_is_waited_for(pool: Pool) -> None:
    """Of two statements that a body began, the one that is not done when it ends still belongs to its transaction."""
    go_on = threading.Event()

    def slow(raw: sqlite3.Connection) -> None:
        go_on.wait(30)
        raw.execute("DELETE FROM numbers")

    async with pool.lend() as connection:
        quick = asyncio.create_task(connection.run(lambda _raw: None))
        late = asyncio.create_task(connection.run(slow))
        await quick
        asyncio.get_running_loop().call_soon(go_on.set)
    await late
    async with pool.lend() as connection:
        assert not connection.in_transaction
    assert await pool.write(lambda raw: raw.execute("SELECT COUNT(*) FROM numbers").fetchone()[0]) == 0


async def test_a_connection_that_cannot_be_brought_in_order_is_closed(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where neither commit nor rollback works, as on a disk that is gone, that is told and nobody gets it again."""

    def settle(_connection: Connection, *, keep: bool) -> None:
        raise sqlite3.OperationalError(f"disk I/O error, {keep}")

    with monkeypatch.context() as patch:
        patch.setattr(Connection, "settle", settle)
        with pytest.raises(sqlite3.OperationalError, match="disk I/O error, True"):
            async with pool.lend() as connection:
                await connection.execute("DELETE FROM numbers")
    assert (pool.out, pool.idle, pool.slots.free) == (0, 0, 2)
    async with pool.lend() as connection:
        assert len(await connection.execute_fetchall("SELECT * FROM numbers")) == 200


def test_what_went_wrong_first_is_told() -> None:
    """Where even the rollback fails, the error of the unit of work arrives and not that of the rollback."""

    def unit(raw: sqlite3.Connection) -> None:
        raw.close()
        raise LookupError

    with pytest.raises(LookupError):
        worker_module.in_transaction(sqlite3.connect(":memory:"), unit)


async def test_a_commit_that_fails_is_undone_and_told(pool: Pool) -> None:
    """A constraint that is checked at the commit fails the `async with`, and the next caller finds all in order."""
    async with pool.lend() as connection:
        await connection.executescript(
            "CREATE TABLE child (n INTEGER REFERENCES numbers (number) DEFERRABLE INITIALLY DEFERRED);"
        )
    with pytest.raises(sqlite3.IntegrityError):
        async with pool.lend() as connection:
            await connection.execute("INSERT INTO child VALUES (5000)")
    async with pool.lend() as connection:
        assert not connection.in_transaction
        assert await connection.execute_fetchall("SELECT * FROM child") == []
    assert pool.out == 0


async def test_a_loan_ends_with_its_body(pool: Pool) -> None:
    """A task that was left behind cannot use the connection any more."""
    async with pool.lend() as connection:
        cursor = await connection.execute("SELECT number FROM numbers")
    with pytest.raises(sqlite3.ProgrammingError, match="given back"):
        await connection.execute("DELETE FROM numbers")
    with pytest.raises(sqlite3.ProgrammingError, match="given back"):
        await cursor.fetchall()


async def test_an_open_cursor_holds_back_no_checkpoint(pool: Pool) -> None:
    """Rows that nobody fetched are let go with the loan, so the log can be emptied."""
    async with pool.lend() as connection:
        await (await connection.execute("SELECT number FROM numbers")).fetchone()
    async with pool.lend() as connection:
        await connection.execute("INSERT INTO numbers VALUES (9000)")
        await connection.commit()
        row = (await connection.execute_fetchall("PRAGMA wal_checkpoint(TRUNCATE)"))[0]
        assert row[0] == 0, "the checkpoint was held back"


async def test_the_row_factory_is_the_callers_own(pool: Pool) -> None:
    """A caller's choice of rows is forgotten with the loan."""
    async with pool.lend() as connection:
        connection.row_factory = None
        assert connection.row_factory is None
        assert await connection.execute_fetchall("SELECT 1") == [(1,)]
    async with pool.lend() as connection:
        assert isinstance((await connection.execute_fetchall("SELECT 1"))[0], sqlite3.Row)


async def test_a_cancelled_query_is_stopped(pool: Pool) -> None:
    """A query that would run for very long ends soon after its task was cancelled, and its connection is used again."""
    endless = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT COUNT(*) FROM n"
    started = asyncio.Event()

    async def query() -> None:
        async with pool.lend() as connection:
            started.set()
            await connection.execute(endless)

    task = asyncio.ensure_future(query())
    await started.wait()
    task.cancel()
    await asyncio.wait_for(asyncio.wait([task]), 10)
    assert task.cancelled()
    assert pool.out == 0


async def test_a_trace_sees_the_statements(pool: Pool) -> None:
    """A trace callback is called with what is run, and a copy holds what the database holds."""
    seen: list[str] = []
    async with pool.lend() as connection:
        await connection.set_trace_callback(seen.append)
        await connection.execute("SELECT 7")
        await connection.set_trace_callback(None)
        copy = sqlite3.connect(":memory:", check_same_thread=False)
        await connection.backup(copy)
    assert seen == ["SELECT 7"]
    assert copy.execute("SELECT COUNT(*) FROM numbers").fetchone()[0] == 200
    copy.close()


async def test_waiting_for_a_slot_has_an_end(tmp_path: Path) -> None:
    """Bodies that wait for each other are told so."""
    pool = Pool(lambda: str(tmp_path / "bot.db"), size=1, patience=0.01)
    async with pool.lend():
        with pytest.raises(PoolTimeoutError, match="all 1 connections were out"):
            async with pool.lend():
                pass
    assert repr(pool) == "<Pool 0 of 1 out, 1 idle>"
    await pool.close()


async def test_another_path_is_another_database(tmp_path: Path) -> None:
    """A path that changes is used from the next loan and the next write on."""
    path = [str(tmp_path / "one.db")]
    pool = Pool(lambda: path[0])
    await pool.write(lambda raw: raw.execute("CREATE TABLE one (x)"))
    await pool.read(lambda raw: raw.execute("SELECT * FROM one"))
    path[0] = str(tmp_path / "two.db")
    with pytest.raises(sqlite3.OperationalError, match="no such table"):
        await pool.read(lambda raw: raw.execute("SELECT * FROM one"))
    await pool.write(lambda raw: raw.execute("CREATE TABLE two (x)"))
    assert pool.idle == 1
    assert await pool.read(lambda raw: raw.execute("SELECT * FROM two").fetchall()) == []
    await pool.close()


async def test_a_write_that_fails_is_undone(pool: Pool) -> None:
    """A unit of work that raises in its midst leaves nothing, and the next one is done."""

    def half(raw: sqlite3.Connection) -> None:
        raw.execute("DELETE FROM numbers")
        raise LookupError

    with pytest.raises(LookupError):
        await pool.write(half)
    assert await pool.write(lambda raw: raw.execute("SELECT COUNT(*) FROM numbers").fetchone()[0]) == 200


async def test_a_file_that_cannot_be_opened_is_told_each_time(tmp_path: Path) -> None:
    """A folder in place of the file fails the reader and the writer, and works once it is gone."""
    place = tmp_path / "bot.db"
    place.mkdir()
    pool = Pool(lambda: str(place))
    for unit in (pool.read, pool.write):
        with pytest.raises(sqlite3.OperationalError):
            await unit(lambda raw: raw.execute("SELECT 1"))
    place.rmdir()
    assert (await pool.write(lambda raw: raw.execute("SELECT 1").fetchone()))[0] == 1
    assert await pool.close()


async def test_closing_waits_for_what_is_out_and_no_longer_than_told(pool: Pool) -> None:
    """A connection that is out keeps closing waiting for its time, works on, and is closed when it comes back."""
    async with pool.lend() as connection:
        assert not await pool.close(0.01)
        assert len(await connection.execute_fetchall("SELECT 1")) == 1
        closing = asyncio.ensure_future(pool.close(10))
        await asyncio.sleep(0)
    assert await closing
    assert (pool.out, pool.idle) == (0, 0)


async def test_closing_waits_for_the_last_that_is_out(pool: Pool) -> None:
    """Of two connections that are out the first to come back does not end the closing, the second does."""
    async with pool.lend():
        async with pool.lend():
            closing = asyncio.create_task(pool.close(30))
            while pool.idle or not pool._waiting_for_none:  # noqa: ASYNC110  the closing is what is waited for
                await asyncio.sleep(0)
        for _ in range(10):
            await asyncio.sleep(0)
        assert not closing.done()
    assert await closing
    assert (pool.out, pool.idle) == (0, 0)


async def test_new_connections_replace_the_old_ones_at_once(pool: Pool) -> None:
    """After a renewal idle connections are gone, and one that is out is not lent again."""
    async with pool.lend():
        await pool.reinitialize()
        assert pool.idle == 0
    assert pool.idle == 0


class ThrownAway:
    """Awaits a coroutine up to the point where it yields `self`, and closes it there."""

    def __init__(self) -> None:
        self.work: Coroutine[Any, Any, None] | None = None

    async def here(self) -> None:
        """Be where the coroutine is closed."""
        await _Yields(self)

    def __await__(self) -> Generator[Any, Any, None]:
        assert self.work is not None
        steps = self.work.__await__()
        while (waited_for := next(steps)) is not self:
            yield waited_for
        self.work.close()


class _Yields:
    def __init__(self, value: object) -> None:
        self.value = value

    def __await__(self) -> Generator[Any, Any, None]:
        yield self.value


async def test_a_coroutine_that_is_thrown_away_keeps_nothing(pool: Pool) -> None:
    """A body that is closed and never finished, as of a loop that stopped, leaves slot and database free."""
    end = ThrownAway()

    async def write() -> None:
        async with pool.lend() as connection:
            await connection.execute("DELETE FROM numbers")
            await end.here()

    end.work = write()
    await end
    assert await pool.write(lambda raw: raw.execute("SELECT COUNT(*) FROM numbers").fetchone()[0]) == 200
    async with pool.lend():
        assert pool.out == 1


def test_one_pool_serves_one_loop_after_another(tmp_path: Path) -> None:
    """A connection that was opened in one event loop is lent in the next."""
    pool = Pool(lambda: str(tmp_path / "bot.db"))

    async def use() -> int:
        async with pool.lend() as connection:
            await connection.execute("CREATE TABLE IF NOT EXISTS loops (x)")
            await connection.execute("INSERT INTO loops VALUES (1)")
            return len(await connection.execute_fetchall("SELECT * FROM loops"))

    assert [asyncio.run(use()) for _ in range(3)] == [1, 2, 3]
    assert pool.idle == 1
    asyncio.run(pool.close())


async def test_a_worker_that_is_dropped_closes_its_connection(tmp_path: Path) -> None:
    """Nobody has to stop a worker that nobody has; a stopped one says so."""
    worker = Worker(str(tmp_path / "bot.db"))
    await worker.opened()
    connection = Connection(worker)
    assert connection.end()
    assert await worker.stopped(5)
    assert await worker.stopped(5), "stopping twice is no harm"
    with pytest.raises(sqlite3.ProgrammingError, match="not open"):
        _ = worker.raw
    with pytest.raises(sqlite3.ProgrammingError, match="was closed"):
        await worker.opened()
    other = Worker(str(tmp_path / "bot.db"))
    await other.opened()
    raw = other.raw
    del other
    gc.collect()
    while is_open(raw):  # noqa: ASYNC110  a thread closes it
        await asyncio.sleep(0)


def is_open(raw: sqlite3.Connection) -> bool:
    """Tell whether a connection can be used."""
    try:
        return raw.total_changes >= 0
    except sqlite3.ProgrammingError:
        return False


def test_short_tasks_share_a_thread_and_a_long_one_stops_nobody() -> None:
    """An inbox whose task is not done holds up no other inbox, and its own tasks keep their order."""
    crew, go_on, done = Crew(), threading.Event(), list[str]()
    slow, quick, finished = Inbox(crew), Inbox(crew), threading.Event()
    slow.put(lambda: go_on.wait(5))
    slow.put(lambda: done.append("slow"))
    slow.put(finished.set)
    for number in range(3):
        passed = threading.Event()
        quick.put(partial(done.append, str(number)))
        quick.put(passed.set)
        assert passed.wait(5)
    go_on.set()
    assert finished.wait(5)
    assert done == ["0", "1", "2", "slow"]
    assert crew.size <= 5


def test_a_process_ends_without_closing(tmp_path: Path) -> None:
    """A program that closes nothing ends by itself, and what it wrote is there."""
    program = (
        "import asyncio\nfrom reference.utils.database.database import db\n"
        "async def main():\n"
        "    db.db_path = 'bot.db'\n"
        "    await db.increment_user_stat(1, 2, 'messages_count')\n"
        "    loan = db.get_connection()\n"
        "    await (await loan.__aenter__()).execute('DELETE FROM user_stats')\n"
        "asyncio.run(main())\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    assert (run.returncode, run.stderr) == (0, "")
    with sqlite3.connect(tmp_path / "bot.db") as raw:
        assert raw.execute("SELECT messages_count FROM user_stats").fetchone() == (1,)
    raw.close()


@pytest.mark.parametrize("turns", range(3))
async def test_a_close_that_is_cancelled_closes_all_the_same(pool: Pool, turns: int) -> None:
    """Whoever closes the pool and is cancelled, be it before anything ran: the connections are closed soon, unasked."""
    async with pool.lend() as one, pool.lend() as other:
        raws = [connection._worker.raw for connection in (one, other)]
    closing = asyncio.create_task(pool.close())
    for _ in range(turns + 1):
        await asyncio.sleep(0)
    closing.cancel()
    await asyncio.gather(closing, return_exceptions=True)
    async with asyncio.timeout(10):
        while any(is_open(raw) for raw in raws):  # noqa: ASYNC110  a thread closes them
            await asyncio.sleep(0)


async def test_without_a_thread_a_connection_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the system gives the crew no thread, a caller is told so at once; the next one, who gets one, is served."""
    monkeypatch.setattr(worker_module, "crew", Crew())
    pool = Pool(lambda: str(tmp_path / "bot.db"), 1)
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        for ask in (pool.read, pool.write):
            with pytest.raises(sqlite3.OperationalError, match="new thread"):
                await asyncio.wait_for(ask(lambda raw: raw.execute("SELECT 1").fetchone()[0]), 5.0)
    assert await pool.write(lambda raw: raw.execute("SELECT 1").fetchone()[0]) == 1
    assert await pool.close()


def test_a_crew_that_cannot_grow_works_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no further thread can be had, those that are there do the work, and count as free again afterwards."""
    crew, go_on, done = Crew(), threading.Event(), threading.Semaphore(0)
    Inbox(crew).put(lambda: go_on.wait(5))
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        for _ in range(3):
            Inbox(crew).put(done.release)
    assert crew.size == 1
    go_on.set()
    assert all(done.acquire(timeout=5) for _ in range(3))
    Inbox(crew).put(lambda: go_on.wait(5))
    Inbox(crew).put(done.release)
    assert done.acquire(timeout=5)
    assert crew.size <= 2


def refuse(_thread: threading.Thread) -> None:
    """Be a system that has no more threads."""
    raise RuntimeError("can't start new thread")
