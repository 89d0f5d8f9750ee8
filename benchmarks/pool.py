"""The connection pool: lending, a one-row query from 16 tasks, and 1,000 messages in one unit of work."""

from __future__ import annotations

import asyncio
import sqlite3
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.contest import Bout, Contender, Contest, peer
from reference.utils.database.database import Database
from reference.utils.database.json_export import Exporter
from reference.utils.database.pool import Pool

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    Ask = Callable[[], Awaitable[Any]]

TASKS = 16
TURNS = 8
"""Queries of each task in one step: a step is 128 queries."""

ROWS = 1000
QUERY = "SELECT id, word FROM words WHERE id = ?"
ROW = (500, "word 500")
INSERT = "INSERT INTO ai_history (channel_id, user_id, role, content, timestamp) VALUES (?, ?, ?, ?, ?)"
BATCH = [{"channel_id": 1, "user_id": 2, "role": "user", "content": f"message {n}"} for n in range(ROWS)]


def _file() -> str:
    """Return a new database with a table of words; its folder goes with the process."""
    folder = tempfile.TemporaryDirectory(prefix="bench-", ignore_cleanup_errors=True)
    _folders.append(folder)
    path = str(Path(folder.name) / "bench.db")
    with closing(sqlite3.connect(path)) as raw, raw:
        raw.execute("PRAGMA journal_mode = WAL")
        raw.execute("CREATE TABLE words (id INTEGER PRIMARY KEY, word TEXT)")
        raw.executemany("INSERT INTO words VALUES (?, ?)", [(n, f"word {n}") for n in range(ROWS)])
    return path


_folders: list[tempfile.TemporaryDirectory[str]] = []


async def _queue() -> Bout:
    queue: asyncio.Queue[int] = asyncio.Queue()
    queue.put_nowait(1)

    async def step() -> None:
        await queue.put(await queue.get())

    return Bout(step)


async def _ours_lending() -> Bout:
    pool = Pool(_constant(_file()))

    async def step() -> None:
        async with pool.lend():
            pass

    async def prove() -> None:
        async with pool.lend() as connection:
            if tuple((await connection.execute_fetchall(QUERY, (500,)))[0]) != ROW:
                raise ValueError("the row that came is another one")

    return Bout(step, prove=prove, close=_closing(pool.close))


def _constant(path: str) -> Callable[[], str]:
    return lambda: path


def _closing(close: Callable[[], Awaitable[object]]) -> Callable[[], Awaitable[None]]:
    async def finish() -> None:
        await close()

    return finish


def _crowd(ask: Ask, close: Callable[[], Awaitable[object]]) -> Bout:
    """Let 16 tasks ask in turn; a step returns the last row."""

    async def task() -> Any:
        for _ in range(TURNS):
            row = await ask()
        return tuple(row)

    async def step() -> Any:
        return (await asyncio.gather(*(task() for _ in range(TASKS))))[-1]

    return Bout(step, expect=ROW, close=_closing(close))


async def _one_hop() -> Bout:
    raw = sqlite3.connect(_file(), check_same_thread=False)
    executor = ThreadPoolExecutor(1)
    loop = asyncio.get_running_loop()

    def query() -> Any:
        return raw.execute(QUERY, (500,)).fetchone()

    async def close() -> None:
        executor.shutdown()
        raw.close()

    return _crowd(lambda: loop.run_in_executor(executor, query), close)


async def _ours_asking() -> Bout:
    pool = Pool(_constant(_file()))

    async def ask() -> Any:
        async with pool.lend() as connection:
            return await (await connection.execute(QUERY, (500,))).fetchone()

    return _crowd(ask, pool.close)


async def _new_connections() -> Bout:
    path, aiosqlite = _file(), peer("aiosqlite")

    async def ask() -> Any:
        async with aiosqlite.connect(path) as connection, connection.execute(QUERY, (500,)) as cursor:
            return await cursor.fetchone()

    return _crowd(ask, _nothing)


async def _nothing() -> None:
    pass


async def _aiosqlitepool(*, only_lend: bool) -> Bout:
    path, aiosqlite, module = _file(), peer("aiosqlite"), peer("aiosqlitepool")

    async def connect() -> Any:
        return await aiosqlite.connect(path)

    pool = module.SQLiteConnectionPool(connect, pool_size=8)

    async def ask() -> Any:
        async with pool.connection() as connection:
            if only_lend:
                return None
            cursor = await connection.execute(QUERY, (500,))
            return await cursor.fetchone()

    return Bout(ask, close=_closing(pool.close)) if only_lend else _crowd(ask, pool.close)


async def _sqlalchemy(*, only_lend: bool) -> Bout:
    module = peer("sqlalchemy.ext.asyncio")
    engine = module.create_async_engine(f"sqlite+aiosqlite:///{_file()}", pool_size=8)
    query = peer("sqlalchemy").text(QUERY.replace("?", ":id"))

    async def ask() -> Any:
        async with engine.connect() as connection:
            if only_lend:
                await connection.get_raw_connection()
                return None
            return (await connection.execute(query, {"id": 500})).first()

    return Bout(ask, close=_closing(engine.dispose)) if only_lend else _crowd(ask, engine.dispose)


async def _databases() -> Bout:
    database = peer("databases").Database(f"sqlite+aiosqlite:///{_file()}")
    await database.connect()

    async def ask() -> Any:
        row = await database.fetch_one(QUERY.replace("?", ":id"), {"id": 500})
        return tuple(row._mapping.values()) if row else None  # noqa: SLF001  the row's public mapping, named as a tuple's

    return _crowd(ask, database.disconnect)


def _history() -> str:
    path = _file()
    with closing(sqlite3.connect(path)) as raw, raw:
        raw.execute("PRAGMA synchronous = NORMAL")
        raw.execute(
            "CREATE TABLE ai_history (id INTEGER PRIMARY KEY AUTOINCREMENT, channel_id INTEGER NOT NULL, "
            "user_id INTEGER, role TEXT NOT NULL, content TEXT NOT NULL, message_id INTEGER, timestamp TEXT NOT NULL)"
        )
        raw.execute("CREATE INDEX ai_history_by_channel ON ai_history (channel_id, id)")
    return path


def _rows() -> list[tuple[object, ...]]:
    now = datetime.now(UTC).isoformat()
    return [(m["channel_id"], m["user_id"], m["role"], m["content"], now) for m in BATCH]


async def _batch_floor() -> Bout:
    raw = sqlite3.connect(_history(), check_same_thread=False)
    raw.execute("PRAGMA synchronous = NORMAL")
    executor = ThreadPoolExecutor(1)
    loop = asyncio.get_running_loop()

    def insert() -> int:
        with raw:
            return raw.executemany(INSERT, _rows()).rowcount

    async def close() -> None:
        executor.shutdown()
        raw.close()

    return Bout(lambda: loop.run_in_executor(executor, insert), expect=ROWS, close=close)


async def _batch_ours() -> Bout:
    Database._instance = None  # noqa: SLF001  a database of its own
    database = Database()
    database.db_path = _file()
    database._exporter = Exporter(lambda: Path(_folders[-1].name), 3600)  # noqa: SLF001  writes no file meanwhile
    Database._instance = None  # noqa: SLF001

    async def step() -> int:
        return await database.save_ai_messages_batch(BATCH)

    return Bout(step, expect=ROWS, close=_closing(database.close_pool))


CONTESTS = [
    Contest(
        "pool",
        "Connection pool: acquire and release",
        10.0,
        [
            Contender("asyncio.Queue get and put", _queue),
            Contender("Pool.lend", _ours_lending, is_ours=True),
            Contender("aiosqlitepool", partial(_aiosqlitepool, only_lend=True), "aiosqlitepool"),
            Contender("SQLAlchemy", partial(_sqlalchemy, only_lend=True), "SQLAlchemy"),
        ],
    ),
    Contest(
        "pool.select",
        "Connection pool: 128 one-row queries by 16 tasks",
        1.3,
        [
            Contender("sqlite3 in one hop", _one_hop, note="one connection, one thread, no pool"),
            Contender("Pool.lend", _ours_asking, is_ours=True),
            Contender("aiosqlitepool", partial(_aiosqlitepool, only_lend=False), "aiosqlitepool"),
            Contender("SQLAlchemy", partial(_sqlalchemy, only_lend=False), "SQLAlchemy"),
            Contender("databases", _databases, "databases"),
            Contender("new connection", _new_connections, "aiosqlite"),
        ],
    ),
    Contest(
        "pool.batch",
        "Database: insert 1,000 messages in one unit of work",
        3.0,
        [
            Contender("executemany in one hop", _batch_floor),
            Contender("save_ai_messages_batch", _batch_ours, is_ours=True),
        ],
    ),
]
