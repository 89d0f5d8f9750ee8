"""Every async public function of the database under torture: all or nothing is kept, and nothing is left behind.

Each function is cancelled at each of its awaits, and each connect, execute, commit, open, rename and fsync beneath it
is made to fail. Afterwards the database holds what it held before, or what the function was to write; if the function
returned, the latter. The pool is full, nobody keeps others from writing, no task, thread or descriptor is left.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from fuzz.budget import fuzzer
from fuzz.databases import hops_of, small
from fuzz.schedule import Script, run
from fuzz.torture import Tormentor, torture
from harness.holdings import Holdings, left_behind
from harness.parts.database import free_slots, is_locked

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from harness.subject import Subject

FUZZ = fuzzer(__file__)
SLOTS = 2
CHANNEL, GUILD, USER = 11, 22, 33
MANY_ROWS = "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 199) SELECT i FROM n"
"""More rows than are fetched together."""

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@dataclass(frozen=True)
class Case:
    """A function under torture.

    Attributes:
        act: calls it.
        look: returns what of the database it may change, times left out.
    """

    act: Callable[[Any], Awaitable[Any]]
    look: Callable[[Any], Awaitable[Any]]


def message(word: str, user: int | None = USER) -> dict[str, Any]:
    """Return a message of the history."""
    return {"channel_id": CHANNEL, "role": "user", "content": word, "user_id": user}


async def settings(database: Any) -> Any:
    """Return a guild's settings."""
    found = await database.get_guild_settings(GUILD)
    return {name: value for name, value in found.items() if not name.endswith("_at")}


async def stats(database: Any) -> Any:
    """Return a user's counters."""
    found = await database.get_user_stats(USER, GUILD)
    return {name: value for name, value in found.items() if isinstance(value, int)}


async def history(database: Any) -> Any:
    """Return what was said in a channel."""
    return [each["content"] for each in await database.get_ai_history(CHANNEL, 100)]


async def queue(database: Any) -> Any:
    """Return a guild's queue."""
    return await database.load_music_queue(GUILD)


async def audit(database: Any) -> Any:
    """Return the entries of the audit log, whose chain must be whole."""
    verify = getattr(database, "verify_audit_chain", None)
    if verify is not None:
        found = await verify()
        assert found.ok, f"the chain of the audit log is broken: {found.problem}"
    return [each["action_type"] for each in await database.get_audit_logs(None, None, None, 100)]


async def words(database: Any) -> Any:
    """Return the words of a table of its own."""
    async with database.get_connection() as connection:
        cursor = await connection.execute("SELECT word FROM words")
        return [row[0] for row in await cursor.fetchall()]


async def errors(database: Any) -> Any:
    """Return the errors that were noted."""
    return [each["message"] for each in await database.get_errors()]


async def nothing(_database: Any) -> Any:
    """Return what never changes."""
    return ()


async def insert(database: Any, way: str) -> None:
    """Write two words in one body."""
    async with getattr(database, way)() as connection:
        await connection.execute("INSERT INTO words VALUES ('one')")
        cursor = await connection.execute("INSERT INTO words VALUES ('two')")
        await cursor.fetchall()


async def look_through(database: Any) -> None:
    """Read in every way that a connection offers."""
    async with database.get_connection() as connection:
        await connection.set_trace_callback(None)
        async with connection.execute(MANY_ROWS) as rows:
            assert [row[0] async for row in rows] == list(range(200))
        cursor = await connection.cursor()
        await cursor.execute(MANY_ROWS)
        assert (await cursor.fetchone())[0] == 0
        assert len(await cursor.fetchmany(100)) == 100
        assert len(await cursor.fetchall()) == 99
        async with cursor:
            await cursor.execute(MANY_ROWS)
        assert len(await connection.execute_fetchall(MANY_ROWS)) == 200
        with closing(sqlite3.connect(":memory:", check_same_thread=False)) as copy:
            await connection.backup(copy)


async def write_through(database: Any) -> None:
    """Write in every way that a connection offers, and commit in the end."""
    async with database.get_connection() as connection:
        await connection.executemany("INSERT INTO words VALUES (?)", [("one",), ("two",)])
        await connection.execute_insert("INSERT INTO words VALUES ('three')")
        cursor = await connection.cursor()
        await cursor.executemany("INSERT INTO words VALUES (?)", [("four",), ("five",)])
        await connection.commit()


async def take_back(database: Any) -> None:
    """Write, and roll it back."""
    async with database.get_connection() as connection:
        await connection.execute("INSERT INTO words VALUES ('never')")
        await connection.rollback()


async def crowd(database: Any) -> None:
    """Have more bodies at once than there are connections, and wait for a slot by hand as well."""

    async def body() -> None:
        async with database.get_connection() as connection:
            await connection.execute("SELECT 1")

    async with asyncio.TaskGroup() as tasks:
        for _ in range(SLOTS + 2):
            tasks.create_task(body())
    async with database._get_pool_semaphore():
        await asyncio.sleep(0)


async def export(database: Any) -> None:
    """Have what was said exported now."""
    await database.save_ai_message(CHANNEL, USER, "user", "exported")
    await database.flush_pending_exports()


CASES = {
    "save_guild_settings": Case(lambda it: it.save_guild_settings(GUILD, prefix="?", language="th"), settings),
    "increment_user_stat": Case(lambda it: it.increment_user_stat(USER, GUILD, "messages_count", 5), stats),
    "save_ai_message": Case(lambda it: it.save_ai_message(CHANNEL, USER, "user", "new"), history),
    "save_ai_messages_batch": Case(lambda it: it.save_ai_messages_batch([message("a"), message("b")]), history),
    "delete_ai_history": Case(lambda it: it.delete_ai_history(CHANNEL), history),
    "prune_ai_history": Case(lambda it: it.prune_ai_history(CHANNEL, 1), history),
    "forget_ai_user": Case(lambda it: it.forget_ai_user(USER), history),
    "save_music_queue": Case(lambda it: it.save_music_queue(GUILD, [{"title": "one"}, {"title": "two"}]), queue),
    "clear_music_queue": Case(lambda it: it.clear_music_queue(GUILD), queue),
    "log_audit": Case(lambda it: it.log_audit("unban", GUILD, USER, details={"why": "a mistake"}), audit),
    "log_error": Case(lambda it: it.log_error("ValueError", "no such thing"), errors),
    "get_ai_history": Case(history, history),
    "get_guild_settings": Case(settings, settings),
    "health_check": Case(lambda it: it.health_check(), nothing),
    "init_schema": Case(lambda it: it.init_schema(), history),
    "_reinitialize_pool": Case(lambda it: it._reinitialize_pool(), history),
    "get_connection": Case(lambda it: insert(it, "get_connection"), words),
    "get_connection_with_retry": Case(lambda it: insert(it, "get_connection_with_retry"), words),
    "flush_pending_exports": Case(export, history),
    "get_ai_messages_of": Case(lambda it: it.get_ai_messages_of(USER), history),
    "get_user_stats": Case(stats, stats),
    "get_top_users": Case(lambda it: it.get_top_users(GUILD, "messages_count"), stats),
    "load_music_queue": Case(queue, queue),
    "get_audit_logs": Case(audit, audit),
    "get_errors": Case(errors, errors),
    "export_guild_settings": Case(lambda it: it.export_guild_settings(GUILD), settings),
    "reading": Case(look_through, words),
    "writing": Case(write_through, words),
    "rollback": Case(take_back, words),
    "crowd": Case(crowd, nothing),
    "close_pool": Case(lambda it: it.close_pool(), history),
}


async def fill(database: Any) -> None:
    """Put something of each kind into a new database."""
    await database.init_schema()
    await database.save_guild_settings(GUILD, prefix="!")
    await database.increment_user_stat(USER, GUILD, "messages_count", 1)
    await database.save_ai_messages_batch([message("old"), message("answer", None), message("older")])
    await database.save_music_queue(GUILD, [{"title": "zero"}])
    await database.log_audit("ban", GUILD, USER)
    async with database.get_connection() as connection:
        await connection.execute("CREATE TABLE words (word TEXT)")
    await database.close_pool()


class Stage:
    """A filled database to start from, copied for each run."""

    def __init__(self, subject: Subject, folder: Path) -> None:
        self._subject = subject
        self._folder = folder
        self._count = 0
        self.template = folder / "template.db"
        self.run(fill, self.template)

    def run(self, main: Callable[[Any], Awaitable[Any]], path: Path) -> Any:
        """Run something on a database in a file, in an event loop of its own."""

        async def whole() -> Any:
            loop: Any = asyncio.get_running_loop()
            with hops_of(self._subject, loop):
                return await main(small(self._subject, str(path), SLOTS))

        return run(whole, Script())

    def copy(self) -> Path:
        """Return a fresh copy of the file."""
        self._count += 1
        path = self._folder / f"{self._count}.db"
        shutil.copyfile(self.template, path)
        return path


@pytest.fixture
def stage(subject: Subject, tmp_path: Path) -> Stage:
    """A filled database; exported files go to the working directory, which is the test's own."""
    return Stage(subject, tmp_path)


def plays(subject: Subject, folder: Path) -> Iterator[tuple[str, Callable[[Tormentor], None]]]:
    """Yield each function's name, and what calls it once."""
    stage = Stage(subject, folder)
    for name, case in CASES.items():
        states = states_of(stage, case)
        yield name, partial(play, stage, case, states)


def states_of(stage: Stage, case: Case) -> tuple[Any, Any]:
    """Return what the database holds before a function and after it."""
    before = stage.run(case.look, stage.copy())

    async def undisturbed(database: Any) -> Any:
        await case.act(database)
        after = await case.look(database)
        await database.close_pool()
        return after

    return before, stage.run(undisturbed, stage.copy())


@pytest.mark.parametrize("name", CASES)
def test_all_or_nothing(stage: Stage, name: str) -> None:
    """A function that is cancelled anywhere, or whose calls fail anywhere, leaves everything right."""
    case = CASES[name]
    FUZZ.count(torture(partial(play, stage, case, states_of(stage, case)), FUZZ.examples))


def play(stage: Stage, case: Case, states: tuple[Any, Any], tormentor: Tormentor) -> None:
    """Run a case once, disturbed, and judge what is left."""
    path = stage.copy()
    held = Holdings.now(outside=False)

    async def main(database: Any) -> None:
        error = await tormentor.bear(_called(case.act, database), sqlite3.Error, OSError, RuntimeError)
        found = await case.look(database)  # which waits for the schema, that a cancelled caller leaves to be made
        count = database._connection_count
        assert count == 0, f"{count} connections are counted as out"
        free = await free_slots(database)
        assert free == SLOTS, f"{free} of {SLOTS} slots are free"
        if error is None:
            assert found == states[1], f"it returned, and the database holds {found}, not {states[1]}"
        assert found in states, f"the database holds {found}: neither what was there nor what was to be"
        assert await database.close_pool(), "closing the pool did not come to an end"

    stage.run(main, path)
    assert not is_locked(path), "a transaction was left open"
    left = left_behind(held, outside=False)
    assert not left, f"{', '.join(left)} left behind"
    files = sorted(each.name for each in Path.cwd().rglob("*.part"))
    assert not files, f"half a file was left behind: {files[0]}"


async def _called(act: Callable[[Any], Awaitable[Any]], database: Any) -> None:
    await act(database)


def exported_words(folder: Path) -> list[str]:
    """Return what the exported files say."""
    return [each["content"] for path in folder.glob("*.json") for each in json.loads(path.read_bytes())]


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.look is history])
def test_exports_follow(stage: Stage, subject: Subject, name: str) -> None:
    """However a change of the history was disturbed, the exported file says in the end what the database holds."""
    folder = Path(subject.database.database.EXPORT_DIR)

    def exported(tormentor: Tormentor) -> None:
        for old in folder.glob("*.json"):
            old.unlink()

        async def main(database: Any) -> None:
            await export(database)
            await tormentor.over(_called(CASES[name].act, database))
            held = await history(database)
            assert await database.close_pool(), "closing the pool did not come to an end"
            said = exported_words(folder)
            assert said == held, f"the exported file says {said}; the database holds {held}"

        stage.run(main, stage.copy())

    FUZZ.count(torture(exported, FUZZ.examples))
