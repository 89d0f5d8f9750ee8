"""What the pool, its threads, the migrations and the exporter say and do at their edges."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import re
import sqlite3
import threading
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from reference.utils.database import database as module
from reference.utils.database import migrations
from reference.utils.database.crew import Crew, Inbox
from reference.utils.database.database import init_database
from reference.utils.database.json_export import Exporter
from reference.utils.database.migrations import MigrationError, discover_migrations, run_migrations
from reference.utils.database.pool import Pool, PoolTimeoutError
from reference.utils.database.slots import Slots
from reference.utils.database.sql_script import statements
from reference.utils.database.worker import Worker, connect

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from reference.utils.database.database import Database

ROWS = 200


@pytest.fixture
async def pool(tmp_path: Path) -> AsyncIterator[Pool]:
    """A pool of two with a table of 200 numbers."""
    made = Pool(lambda: str(tmp_path / "bot.db"), size=2, patience=0.01)
    async with made.lend() as connection:
        await connection.execute("CREATE TABLE numbers (number INTEGER PRIMARY KEY)")
        await connection.executemany("INSERT INTO numbers VALUES (?)", [(number,) for number in range(ROWS)])
    yield made
    await made.close()


def test_a_crew_is_as_large_as_the_work_at_once() -> None:
    """Three tasks at a time need three threads, which are used again for the next three."""
    crew, together = Crew(), threading.Barrier(4, timeout=30)
    for _ in range(100):
        inboxes = [Inbox(crew) for _ in range(3)]
        for inbox in inboxes:
            inbox.put(together.wait)
        together.wait()
    ours = [thread for thread in threading.enumerate() if thread.name.startswith("sqlite ")]
    assert all(thread.daemon for thread in ours), "a thread would keep the process from ending"
    assert 3 <= crew.size <= 50, "a few threads may be on their way back when the next tasks come"


def test_a_crew_grows_when_more_work_comes_at_once() -> None:
    """One thread that is free again takes one task: a second one that comes with it gets a thread of its own."""
    crew, together = Crew(), threading.Barrier(3)

    def meet() -> None:
        with suppress(threading.BrokenBarrierError):
            together.wait(10)

    Inbox(crew).put(lambda: None)
    while not crew._idle:
        threading.Event().wait(0.001)
    for inbox in (Inbox(crew), Inbox(crew)):
        inbox.put(meet)
    meet()
    assert not together.broken
    assert crew.size == 2


@pytest.mark.parametrize("rows", [1, ROWS])
async def test_a_clean_loan_ends_at_once(pool: Pool, rows: int) -> None:
    """After a query that was read to its end nothing is waited for, and the connection is idle again."""
    loan = pool.lend()
    connection = await loan.__aenter__()
    cursor = await connection.execute("SELECT number FROM numbers LIMIT ?", (rows,))
    assert len(await cursor.fetchall()) == rows
    with pytest.raises(StopIteration):
        loan.__aexit__(None, None, None).send(None)
    assert (pool.out, pool.idle) == (0, 1)


async def test_a_query_whose_rows_all_came_holds_nothing_open(pool: Pool) -> None:
    """Whoever takes the one row of a query and leaves is not kept by a cursor that might have more."""
    loan = pool.lend()
    connection = await loan.__aenter__()
    assert (await (await connection.execute("SELECT number FROM numbers LIMIT 1")).fetchone())[0] == 0
    with pytest.raises(StopIteration):
        loan.__aexit__(None, None, None).send(None)
    assert (pool.out, pool.idle) == (0, 1)


async def test_an_open_cursor_that_somebody_keeps_is_closed(pool: Pool) -> None:
    """Rows that nobody fetched hold back no checkpoint, though the cursor is still known."""
    async with pool.lend() as connection:
        kept = await connection.execute("SELECT number FROM numbers")
        await kept.fetchone()
    async with pool.lend() as connection:
        await connection.execute("INSERT INTO numbers VALUES (9000)")
        await connection.commit()
        assert (await connection.execute_fetchall("PRAGMA wal_checkpoint(TRUNCATE)"))[0][0] == 0
    with pytest.raises(sqlite3.ProgrammingError, match=r"^this connection was given back to the pool; ask the pool"):
        await kept.fetchmany(ROWS)


@pytest.mark.parametrize("size", [0, 1, 63, 64, 65, 199, 200, 201])
async def test_a_cursor_gives_as_many_rows_as_asked_for(pool: Pool, size: int) -> None:
    """However many rows are fetched first, the rest follows, and then there are none."""
    async with pool.lend() as connection, connection.execute("SELECT number FROM numbers ORDER BY number") as cursor:
        first = [row[0] for row in await cursor.fetchmany(size)]
        rest = [row[0] for row in await cursor.fetchall()]
        assert (first, rest) == ([*range(min(size, ROWS))], [*range(min(size, ROWS), ROWS)])
        assert (await cursor.fetchall(), await cursor.fetchone(), await cursor.fetchmany(5)) == ([], None, [])


async def test_a_cursor_knows_its_step(pool: Pool) -> None:
    """One row is fetched at a time unless the caller chooses; a closed cursor has none left."""
    async with pool.lend() as connection:
        cursor = await connection.execute("SELECT number FROM numbers ORDER BY number")
        assert [row[0] for row in await cursor.fetchmany()] == [0]
        cursor.arraysize = 3
        assert [row[0] for row in await cursor.fetchmany()] == [1, 2, 3]
        assert (cursor.rowcount, len(cursor.description)) == (-1, 1)
        await cursor.close()
        assert (await cursor.fetchall(), await cursor.fetchone(), await cursor.fetchmany()) == ([], None, [])
        inserted = await connection.executemany("INSERT INTO numbers VALUES (?)", [(500,), (501,)])
        assert (inserted.rowcount, inserted.description) == (2, None)
        assert (await connection.execute_insert("INSERT INTO numbers VALUES (?)", (502,)))[0] == 502


async def test_waiting_too_long_is_told_in_a_sentence(pool: Pool) -> None:
    """The error counts the connections and the seconds."""
    async with pool.lend(), pool.lend():
        with pytest.raises(PoolTimeoutError) as caught:
            await pool.read(lambda raw: raw.execute("SELECT 1"))
    assert str(caught.value) == "all 2 connections were out for 0.01 s; does a body wait for another?"
    assert pool.slots.free == 2


async def test_a_worker_says_what_it_is(tmp_path: Path) -> None:
    """A connection that is not open, was closed, or cannot be opened is named by its file."""
    path = str(tmp_path / "sub" / "folder" / "bot.db")
    worker = Worker(path, 3)
    await worker.opened()
    assert (worker.is_open, worker.has_failed, worker.generation, worker.path) == (True, False, 3, path)
    assert await worker.stopped(30) is True
    with pytest.raises(sqlite3.ProgrammingError, match=f"^{re.escape(path)} is not open$"):
        _ = worker.raw
    with pytest.raises(sqlite3.ProgrammingError, match=f"^{re.escape(path)} was closed$"):
        worker.begin(lambda: None)
    assert await worker.stopped(30) is True
    failed = Worker(str(tmp_path))
    with pytest.raises(sqlite3.OperationalError, match="unable to open"):
        await failed.opened()
    assert (failed.is_open, failed.has_failed) == (False, True)


async def test_a_worker_that_is_busy_is_not_waited_for_long(tmp_path: Path) -> None:
    """A stop that does not come in time is told."""
    worker, go_on = Worker(str(tmp_path / "bot.db")), threading.Event()
    await worker.opened()
    worker.submit(lambda: go_on.wait(30))
    assert await worker.stopped(0.01) is False
    go_on.set()


def test_a_connection_waits_for_others(tmp_path: Path) -> None:
    """A write begins at once with the lock, rows have names, and the same statement is prepared once."""
    raw = connect(str(tmp_path / "bot.db"))
    assert (raw.isolation_level, raw.row_factory) == ("IMMEDIATE", sqlite3.Row)
    raw.execute("CREATE TABLE numbers (number)")
    raw.execute("INSERT INTO numbers VALUES (1)")
    other = sqlite3.connect(tmp_path / "bot.db", timeout=0)
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        other.execute("BEGIN IMMEDIATE")
    raw.commit()
    for each in (other, raw):
        each.close()


def test_slots_say_what_is_wrong() -> None:
    """A pool of nothing, and a slot too many, are told with their numbers."""
    with pytest.raises(ValueError, match=r"^a pool needs at least one slot, not 0$"):
        Slots(0)
    slots = Slots(1)
    assert (slots.take(), slots.take(), slots.free, slots.locked()) == (True, False, 0, True)
    slots.release()
    assert (slots.free, slots.locked()) == (1, False)
    with pytest.raises(ValueError, match=r"^a slot was given back that nobody had taken: all 1 are free$"):
        slots.release()


async def test_closing_takes_no_longer_than_told(
    database: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """What is not written in time is named in the log, and what is out is not waited for any longer."""
    loop, never = asyncio.get_running_loop(), asyncio.Event()
    database.exporter.schedule("slow.json", never.wait)
    async with database.get_connection():
        begin = loop.time()
        assert await database.close_pool(0.05) is False
        assert 0.05 <= loop.time() - begin < 30
    assert [record.getMessage() for record in caplog.records if "time" in record.getMessage()] == [
        "not written in time: slow.json"
    ]
    never.set()


async def test_no_answer_in_time_is_unhealthy(
    database: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """An error without a text is named by its kind."""
    monkeypatch.setattr(module, "HEALTH_SECONDS", 0)
    assert await database.health_check() is False
    assert "the database does not answer: TimeoutError" in caplog.messages


def test_folders_are_made_with_those_above_them(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The folders of the database and of the JSON files may be deep, and may be there already."""
    database.db_path = str(tmp_path / "a" / "b" / "bot.db")
    monkeypatch.setattr(module, "EXPORT_DIR", tmp_path / "c" / "d")
    assert init_database() is init_database() is database
    assert (tmp_path / "a" / "b").is_dir()
    assert (tmp_path / "c" / "d").is_dir()


async def test_a_file_that_cannot_be_written_is_named(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The log names the file and says that it will be tried again, which it is; others are written."""
    exporter, bad = Exporter(lambda: tmp_path / "deep" / "export", 60), True

    async def producer() -> dict[str, Any]:
        if bad:
            raise sqlite3.OperationalError("gone")
        return {"é": 1}

    async def good() -> list[int]:
        return [1]

    exporter.schedule("b.json", producer)
    exporter.schedule("a.json", good)
    assert exporter.pending == ["a.json", "b.json"]
    await exporter.flush()
    assert caplog.messages == ["b.json could not be exported; it is tried again with the next files"]
    assert exporter.pending == ["b.json"]
    bad = False
    await exporter.settle()
    folder = tmp_path / "deep" / "export"
    assert {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir()} == {
        "a.json": "[1]",
        "b.json": '{"é":1}',
    }


def test_each_loop_writes_what_comes_due_in_it(tmp_path: Path) -> None:
    """A timer of a loop that is gone does not keep a later loop from having one of its own."""
    exporter = Exporter(lambda: tmp_path, 0)

    async def good() -> list[int]:
        return [1]

    async def leave() -> None:
        exporter.schedule("a.json", good)

    async def go_on() -> None:
        exporter.schedule("b.json", good)
        async with asyncio.timeout(30):
            while exporter.pending:  # noqa: ASYNC110  the timer is what is waited for
                await asyncio.sleep(0)
        await exporter.settle()

    asyncio.run(leave())
    asyncio.run(go_on())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.json", "b.json"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder of migrations."""
    made = tmp_path / "schema"
    made.mkdir()
    monkeypatch.setattr(migrations, "MIGRATIONS_DIR", made)
    return made


async def apply(database: Database) -> int:
    """Run the migrations over a connection of the pool."""
    async with database.get_connection() as connection:
        return await run_migrations(connection)


async def refused(database: Database) -> str:
    """Return what is said of migrations that cannot be applied."""
    with pytest.raises(MigrationError) as caught:
        await apply(database)
    return str(caught.value)


async def test_what_was_applied_is_written_down(
    database: Database, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Each file is noted with name, checksum and time; the log says how many, what version, and where the copy is."""
    caplog.set_level(logging.DEBUG, migrations.__name__)
    script = "CREATE TABLE words (word);\r\nINSERT INTO words VALUES ('x');\n"
    (folder / "001_words.sql").write_bytes(script.encode())
    before = datetime.now(UTC).replace(microsecond=0)
    assert await apply(database) == 1
    (folder / "003_more.sql").write_bytes(b"\xef\xbb\xbfCREATE TABLE more (word);")
    assert await apply(database) == 1
    assert await apply(database) == 0
    rows = await database._pool.read(lambda raw: [tuple(row) for row in raw.execute("SELECT * FROM schema_version")])
    texts = [script.replace("\r\n", "\n"), "CREATE TABLE more (word);"]
    assert [row[:3] for row in rows] == [
        (number, name, hashlib.sha256(text.encode()).hexdigest())
        for number, name, text in zip((1, 3), ("001_words.sql", "003_more.sql"), texts, strict=True)
    ]
    assert all(before <= datetime.fromisoformat(row[3]) <= datetime.now(UTC) for row in rows)
    assert [record.getMessage() for record in caplog.records if record.name == migrations.__name__] == [
        "applied 001_words.sql",
        "applied 1 migration(s), now at version 1",
        "copied the database to bot.db.v001.bak before its schema is changed",
        "applied 003_more.sql",
        "applied 1 migration(s), now at version 3",
    ]


async def test_every_refusal_is_a_sentence(database: Database, folder: Path) -> None:
    """The file, the statement and its line are named, and what can be done where something can."""
    first, bad = folder / "002_first.sql", folder / "003_bad.sql"
    first.write_text("SELECT 1;", encoding="utf-8")
    long = "x" * 200
    bad.write_text(f"SELECT 1;\n\nINSERT  INTO\n nowhere VALUES ('{long}');", encoding="utf-8")
    start = f"INSERT INTO nowhere VALUES ('{long}')"[:80]  # noqa: S608  a wrong one, as text
    assert await refused(database) == (
        f"003_bad.sql: statement 2, line 3: no such table: nowhere; nothing of the file was kept: {start}"
    )
    bad.write_text("SELECT 1;\nvacuum;", encoding="utf-8")
    assert await refused(database) == "003_bad.sql: line 2: VACUUM is not for a migration"
    bad.write_text("SELECT 1;\n\n SELECT 'x", encoding="utf-8")
    assert await refused(database) == "003_bad.sql: line 3: the last statement has no end"
    bad.write_bytes(b"\xff")
    assert (await refused(database)).startswith("003_bad.sql cannot be read: 'utf-8' codec")
    bad.unlink()
    late = folder / "001_late.sql"
    late.write_text("SELECT 1;", encoding="utf-8")
    assert await refused(database) == "001_late.sql comes too late: the database is at version 2; renumber it"
    late.unlink()
    first.write_text("SELECT 2;", encoding="utf-8")
    assert await refused(database) == "002_first.sql was changed after it was applied; write a new migration instead"


def test_two_files_of_one_number_are_named(folder: Path) -> None:
    """The second by name is told with the first; a wrong name is told with a right one."""
    for name in ("0002_b.sql", "002_a.sql"):
        (folder / name).write_text("", encoding="utf-8")
    with pytest.raises(MigrationError, match=r"^002_a\.sql and 0002_b\.sql have the same number$"):
        discover_migrations()
    (folder / "0002_b.sql").rename(folder / "2_b.sql")
    with pytest.raises(MigrationError, match=r"^2_b\.sql: a migration is named like 007_add_reminders\.sql$"):
        discover_migrations()


def test_statements_are_cut_where_sqlite_cuts_them() -> None:
    """A trigger is one statement, comments before a statement are not part of it, and lines are counted from one."""
    script = (
        "/* first */ CREATE TABLE a (b);\n"
        "CREATE TRIGGER t AFTER INSERT ON a BEGIN\n  SELECT 1;\n  SELECT 2;\nEND;\n"
        "-- a ; in a comment\n\n  insert INTO a VALUES ('--;') ; -- done\n"
    )
    found = [(each.line, each.keyword, each.text) for each in statements(script)]
    assert [(line, keyword) for line, keyword, _ in found] == [(1, "CREATE"), (2, "CREATE"), (8, "INSERT")]
    assert found[0][2] == "CREATE TABLE a (b);"
    assert found[1][2].endswith("END;")
    assert found[2][2] == "insert INTO a VALUES ('--;') ;"
    split = [(each.line, each.text) for each in statements("\nSELECT 1;\n\nSELECT 2 \n")]
    assert split == [(2, "SELECT 1;"), (4, "SELECT 2")]
    with pytest.raises(ValueError, match=r"^line 3: the last statement has no end$"):
        list(statements("SELECT 1;\n\n SELECT 'x\n\n"))
    for unended in ("SELECT 1;\n/* no end", "SELECT 1;\n-- end"):
        assert [each.text for each in statements(unended)] == ["SELECT 1;"]
