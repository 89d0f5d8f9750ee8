"""What outlives an event loop, and what waits for its time: the exporter's delay, retries, what was made ready."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from typing import TYPE_CHECKING

import pytest

from reference.utils.database import migrations
from reference.utils.database import pool as pool_module
from reference.utils.database import worker as worker_module
from reference.utils.database.connection import see_through
from reference.utils.database.database import Database
from reference.utils.database.json_export import Exporter
from reference.utils.database.pool import Pool
from tests.reliability.warp import warp

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def test_a_change_after_a_flush_is_collected_for_the_whole_delay() -> None:
    """Whoever asks for the files begins a new delay: what changes later is not written by the timer of before."""
    asked: list[float] = []

    async def scene(clock: Callable[[], float]) -> None:
        begin = clock()

        async def gone() -> None:
            asked.append(clock() - begin)
            raise OSError

        exporter = Exporter(lambda: pytest.fail("nothing is written"), 60)
        exporter.schedule("a.json", gone)
        await exporter.flush()
        await asyncio.sleep(30)
        exporter.schedule("a.json", gone)
        await asyncio.sleep(50)
        exporter.schedule("a.json", gone)
        await asyncio.sleep(50)

    warp(scene)
    assert asked == pytest.approx([0, 90])


def test_a_change_outside_of_any_loop_is_due(tmp_path: Path) -> None:
    """What changes before a loop runs is written by the first that is asked for the files."""
    exporter = Exporter(lambda: tmp_path, 60)

    async def content() -> list[int]:
        return [1]

    exporter.schedule("a.json", content)
    assert exporter.pending == ["a.json"]
    asyncio.run(exporter.settle())
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]


def test_a_timer_of_a_loop_that_is_gone_is_made_up_for(tmp_path: Path) -> None:
    """What was due in a loop that ended before its time is written by the next one, when something changes there."""
    exporter = Exporter(lambda: tmp_path, 0.05)

    async def content() -> list[int]:
        return [1]

    async def schedule(name: str) -> None:
        exporter.schedule(name, content)

    async def go_on() -> None:
        await schedule("b.json")
        async with asyncio.timeout(30):
            while exporter.pending:  # noqa: ASYNC110  the timer is what is waited for
                await asyncio.sleep(0.01)
        await exporter.settle()

    loop = asyncio.new_event_loop()
    loop.run_until_complete(schedule("a.json"))
    loop.close()
    asyncio.run(go_on())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.json", "b.json"]


def test_a_file_under_way_in_a_loop_that_is_gone_is_not_waited_for(tmp_path: Path) -> None:
    """A clean-up in a later loop ends, though an export of the loop before it never will."""
    exporter, asked = Exporter(lambda: tmp_path, 0), []

    async def never() -> None:
        asked.append(asyncio.current_task())
        await asyncio.get_running_loop().create_future()

    async def leave() -> None:
        exporter.schedule("a.json", never)
        while not asked:  # noqa: ASYNC110  the timer is what is waited for
            await asyncio.sleep(0)

    loop = asyncio.new_event_loop()
    loop.run_until_complete(leave())
    for task in asked:
        task._log_destroy_pending = False  # type: ignore[union-attr]  # the loop ends in its midst, as on Ctrl+C
    loop.close()
    asyncio.run(asyncio.wait_for(exporter.settle(), 30))
    assert list(tmp_path.iterdir()) == []


def test_tables_that_a_loop_left_unmade_are_made_by_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A loop that ends while the tables are made leaves the work to whoever asks in a later one."""
    monkeypatch.setattr(Database, "_instance", None)
    made = Database()
    made.db_path = str(tmp_path / "bot.db")
    loop = asyncio.new_event_loop()
    first = loop.create_task(made.get_user_stats(1, 2))
    while made._readying is None:
        loop.run_until_complete(asyncio.sleep(0))
    for task in (first, made._readying):
        task._log_destroy_pending = False  # type: ignore[union-attr]  # the loop ends in its midst, as on Ctrl+C
    loop.close()

    async def later() -> int:
        async with asyncio.timeout(25):
            return int((await made.get_user_stats(1, 2))["messages_count"])

    assert asyncio.run(later()) == 0
    asyncio.run(made.close_pool(0.1))


@pytest.mark.parametrize("error", [None, sqlite3.OperationalError("disk full")])
async def test_who_is_cancelled_at_a_commit_stays_cancelled(error: Exception | None) -> None:
    """What cannot be stopped is waited for, however it ends, and then the caller is told that it was cancelled."""
    commit: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    caller = asyncio.create_task(see_through(commit))
    for _ in range(2):
        await asyncio.sleep(0)
        caller.cancel()
    await asyncio.sleep(0)
    assert not caller.done()
    if error is None:
        commit.set_result(1)
    else:
        commit.set_exception(error)
    await asyncio.wait([caller])
    assert caller.cancelled()


def test_a_connection_comes_back_though_the_loop_that_waited_for_it_is_gone(tmp_path: Path) -> None:
    """Whoever waited for the pool to be empty in a loop that ended does not disturb whoever gives back the last one."""
    pool = Pool(lambda: str(tmp_path / "bot.db"))
    first, second = asyncio.new_event_loop(), asyncio.new_event_loop()
    worker = first.run_until_complete(pool.acquire())
    closing = first.create_task(pool.close(60))
    for _ in range(10):
        first.run_until_complete(asyncio.sleep(0))
    assert not closing.done()
    closing._log_destroy_pending = False  # type: ignore[attr-defined]  # the loop ends in its midst, as on Ctrl+C
    first.close()
    pool.give_back(worker)
    assert (pool.out, pool.idle) == (0, 0)
    assert second.run_until_complete(pool.close(30))
    second.close()


async def test_new_connections_are_had_while_an_old_one_works(tmp_path: Path) -> None:
    """Whoever renews the pool waits no longer than told for a write that takes long, which is done all the same."""
    pool, go_on = Pool(lambda: str(tmp_path / "bot.db")), threading.Event()

    def create(raw: sqlite3.Connection) -> None:
        go_on.wait(30)
        raw.execute("CREATE TABLE slow (x)")

    write = asyncio.create_task(pool.write(create))
    await asyncio.sleep(0)
    try:
        await asyncio.wait_for(pool.reinitialize(0.01), 25)
        assert not write.done()
    finally:
        go_on.set()
    await write
    assert await pool.write(lambda raw: raw.execute("SELECT * FROM slow").fetchall()) == []
    assert await pool.close()


@pytest.mark.parametrize(("asked", "tried"), [(-1, 1), (0, 1), (1, 1), (2, 2), (3, 3)])
async def test_a_connection_is_tried_for_as_often_as_asked(
    database: Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, asked: int, tried: int
) -> None:
    """A file that cannot be opened is tried as many times as the caller said, once at least, and its error arrives."""
    opened: list[str] = []
    connect = worker_module.connect

    def counting(path: str) -> sqlite3.Connection:
        opened.append(path)
        return connect(path)

    monkeypatch.setattr(worker_module, "connect", counting)
    monkeypatch.setattr(pool_module, "FIRST_DELAY", 0)
    database.db_path = str(tmp_path)
    with pytest.raises(sqlite3.OperationalError, match="unable to open"):
        async with database.get_connection_with_retry(asked):
            pytest.fail("a folder was opened")
    assert (len(opened), database._connection_count) == (tried, 0)


async def test_tables_are_looked_at_once(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once the tables are there nobody asks for their files again, until another database is chosen."""
    await database.increment_user_stat(1, 2, "messages_count")
    monkeypatch.setattr(migrations, "MIGRATIONS_DIR", tmp_path / "schema")
    (tmp_path / "schema").mkdir()
    (tmp_path / "schema" / "wrong name.sql").touch()
    await database.increment_user_stat(1, 2, "messages_count")
    assert (await database.get_user_stats(1, 2))["messages_count"] == 2
    database.db_path = str(tmp_path / "other.db")
    with pytest.raises(migrations.MigrationError, match="wrong name"):
        await database.get_user_stats(1, 2)
