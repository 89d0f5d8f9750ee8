"""The database against a plain model of what it should hold, names that are not what they seem, and migrations.

Whatever is saved, counted, said, queued and forgotten, the answers are those of dictionaries and lists. A name that is
not of the list is refused and changes nothing, whatever its text is or compares equal to. After any history of
migrations, failing ones included, the version is that of the last file applied, all of which is there.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import re
import sqlite3
import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

from hypothesis import given
from hypothesis import strategies as st

from fuzz.budget import fuzzer
from fuzz.databases import hops_of, small
from fuzz.schedule import Script, run

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from harness.subject import Subject

FUZZ = fuzzer(__file__)
GUILD, USER = 7, 8
SETTINGS = ("prefix", "language")
STATS = ("messages_count", "commands_count", "ai_interactions")
REPORT = re.compile(r"\bversion\W{0,3}(?:v\W?)?(\d+)", re.IGNORECASE)


def on_a_database(subject: Subject, main: Callable[[Any], Awaitable[None]]) -> None:
    """Run something on a new database, and close it."""

    async def whole() -> None:
        loop: Any = asyncio.get_running_loop()
        with hops_of(subject, loop), tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            database = small(subject, str(Path(folder, "bot.db")), 2)
            try:
                await main(database)
            finally:
                await database.close_pool()

    run(whole, Script())


class Sly(str):
    """A text that compares equal to another one."""

    __slots__ = ("like",)
    like: str

    def __new__(cls, text: str, like: str) -> Sly:  # noqa: PYI034  a subclass is not meant
        """Make a text that is taken for ``like``."""
        made = super().__new__(cls, text)
        made.like = like
        return made

    def __eq__(self, other: object) -> bool:
        return self.like == other

    def __hash__(self) -> int:
        return hash(self.like)


def names(known: tuple[str, ...]) -> st.SearchStrategy[str]:
    """Draw names: known ones, any others, ones that hold SQL, and ones that also compare equal to a known one."""
    pairs = st.sampled_from([(one, other) for one in known for other in known if one != other])
    hostile = pairs.map(lambda pair: (f"{pair[1]} = 99, {pair[0]}", pair[0]))
    comments = pairs.map(lambda pair: (f"{pair[0]} /* of somebody */", pair[0]))
    return st.one_of(
        st.sampled_from(known),
        st.text(max_size=8),
        hostile.map(lambda pair: pair[0]),
        st.one_of(hostile, comments).map(lambda pair: Sly(*pair)),
    )


@FUZZ.tries
@given(name=names(SETTINGS), value=st.sampled_from(["?", "th"]))
def test_names_of_settings(*, subject: Subject, name: str, value: str) -> None:
    """Only a setting of the list is saved, under its own name; any other is refused and nothing changes."""

    async def main(database: Any) -> None:
        await database.save_guild_settings(GUILD, prefix="!", language="en")
        await judged(
            lambda: database.save_guild_settings(GUILD, **{name: value}),
            lambda: database.get_guild_settings(GUILD),
            name,
            SETTINGS,
        )

    on_a_database(subject, main)


@FUZZ.tries
@given(name=names(STATS), amount=st.integers(1, 5))
def test_names_of_counters(*, subject: Subject, name: str, amount: int) -> None:
    """Only a counter of the list is counted, under its own name; any other is refused and nothing changes."""

    async def main(database: Any) -> None:
        await database.increment_user_stat(USER, GUILD, STATS[0], 1)
        await judged(
            lambda: database.increment_user_stat(USER, GUILD, name, amount),
            lambda: database.get_user_stats(USER, GUILD),
            name,
            STATS,
        )

    on_a_database(subject, main)


async def judged(act: Callable[[], Any], look: Callable[[], Any], name: str, known: tuple[str, ...]) -> None:
    """Do something under a name, and judge what changed."""
    before = await look()
    ran: list[str] = []
    try:
        await act()
    except (ValueError, KeyError, TypeError):
        ran.append("refused")
    except sqlite3.Error as error:
        raise AssertionError(f"the name {str.__str__(name)!r} reached SQLite: {error}") from error
    after = await look()
    changed = {each for each in known if before.get(each) != after.get(each)}
    meant = getattr(name, "like", name)
    assert changed <= {meant}, f"the name {str.__str__(name)!r} changed {sorted(changed)}"
    assert ran or meant in known, f"the unknown name {str.__str__(name)!r} was taken without a word"


# Against a model

words = st.text(max_size=10)
acts = st.lists(
    st.one_of(
        st.tuples(st.just("set"), st.sampled_from(SETTINGS), words),
        st.tuples(st.just("count"), st.sampled_from(STATS), st.integers(0, 10**6)),
        st.tuples(st.just("say"), st.integers(1, 2), words),
        st.tuples(st.just("batch"), st.integers(1, 2), st.lists(words, max_size=3)),
        st.tuples(st.just("forget"), st.integers(1, 2), st.none()),
        st.tuples(st.just("prune"), st.integers(1, 2), st.integers(0, 3)),
        st.tuples(st.just("queue"), st.none(), st.lists(words, max_size=3)),
        st.tuples(st.sampled_from(["clear", "renew", "close"]), st.none(), st.none()),
    ),
    max_size=10,
)


class Model:
    """What the database should hold, in dictionaries and lists, next to the database."""

    def __init__(self, database: Any) -> None:
        self.database = database
        self.settings: dict[str, Any] = {}
        self.stats: dict[str, int] = {}
        self.said: dict[int, list[str]] = {1: [], 2: []}
        self.queue: list[dict[str, str]] = []

    async def do(self, act: tuple[str, Any, Any]) -> None:
        """Do the same to both."""
        kind, what, value = act
        it = self.database
        if kind == "set":
            await it.save_guild_settings(GUILD, **{what: value})
            self.settings[what] = value
        elif kind == "count":
            await it.increment_user_stat(USER, GUILD, what, value)
            self.stats[what] = self.stats.get(what, 0) + value
        elif kind == "say":
            await it.save_ai_message(what, USER, "user", value)
            self.said[what].append(value)
        elif kind == "batch":
            await it.save_ai_messages_batch(
                [{"channel_id": what, "role": "user", "content": word, "user_id": USER} for word in value]
            )
            self.said[what] += value
        elif kind == "forget":
            await it.delete_ai_history(what)
            self.said[what] = []
        elif kind == "prune":
            await it.prune_ai_history(what, value)
            self.said[what] = self.said[what][max(0, len(self.said[what]) - value) :]
        else:
            await self._do_to_queue(kind, value)

    async def _do_to_queue(self, kind: str, value: list[str]) -> None:
        if kind == "queue":
            self.queue = [{"title": word} for word in value]
            await self.database.save_music_queue(GUILD, self.queue)
        elif kind == "clear":
            await self.database.clear_music_queue(GUILD)
            self.queue = []
        elif kind == "renew":
            await self.database._reinitialize_pool()
        else:
            await self.database.close_pool()

    async def compare(self) -> None:
        """Compare the answers of both."""
        it = self.database
        settings = await it.get_guild_settings(GUILD)
        assert {name: settings[name] for name in self.settings} == self.settings, "a setting is another than was saved"
        stats = await it.get_user_stats(USER, GUILD)
        assert {name: stats[name] for name in self.stats} == self.stats, "a counter is another than was counted"
        for channel, said in self.said.items():
            for limit in (100, 2):
                found = [each["content"] for each in await it.get_ai_history(channel, limit)]
                assert found == said[-limit:], f"the history says {found}; {said[-limit:]} was said"
        queue = await it.load_music_queue(GUILD)
        assert queue == self.queue, f"the queue holds {queue}; {self.queue} was saved"


@FUZZ.tries
@given(history=acts)
def test_any_history(*, subject: Subject, history: list[tuple[str, Any, Any]]) -> None:
    """After each act the database answers as the model does."""

    async def main(database: Any) -> None:
        model = Model(database)
        for act in history:
            await model.do(act)
            await model.compare()

    on_a_database(subject, main)


# Migrations

statements = st.sampled_from(
    [
        "CREATE TABLE {} (word TEXT DEFAULT ';')",
        "CREATE TABLE {} (id INTEGER); -- and; so on",
        "CREATE TABLE {} (word TEXT) /* ; */",
        "CREATE TABLE {} (word TEXT); INSERT INTO {} VALUES ('a;b')",
    ]
)
files = st.lists(
    st.tuples(st.lists(statements, min_size=1, max_size=3), st.sampled_from([None, None, 0, 1, 2])), max_size=3
)
"""Each file's statements, and after how many of them one fails."""


@FUZZ.tries
@given(runs=st.lists(files, min_size=1, max_size=3))
def test_any_migrations(*, subject: Subject, runs: list[list[tuple[list[str], int | None]]]) -> None:
    """After each run the version is that of the last file applied; all of it is there, and nothing of a failed one."""

    async def main(database: Any) -> None:
        with tempfile.TemporaryDirectory() as name:
            async with database.get_connection() as connection:
                with mock.patch.object(subject.database.migrations, "MIGRATIONS_DIR", Path(name)):
                    await migrated(subject, connection, Path(name), runs)

    on_a_database(subject, main)


async def migrated(
    subject: Subject, connection: Any, folder: Path, runs: list[list[tuple[list[str], int | None]]]
) -> None:
    """Add files and run them, again and again; the failed ones are mended before the next run."""
    numbers = itertools.count(1)
    present: dict[int, set[str]] = {}
    broken: dict[int, tuple[list[str], int]] = {}
    version = 0
    for added in runs:
        for number, (content, _) in broken.items():
            write(folder, number, content, None)
        broken.clear()
        for content, fails in added:
            number = next(numbers)
            texts = [text.replace("{}", f"step_{number}_{index}") for index, text in enumerate(content)]
            present[number] = {f"step_{number}_{index}" for index in range(len(texts))}
            write(folder, number, texts, fails)
            if fails is not None:
                broken[number] = (texts, fails)
        version = min(broken, default=max(present, default=0) + 1) - 1
        reported = await run_once(subject, connection, fails=bool(broken))
        await judge(subject, connection, version, present, reported)


def write(folder: Path, number: int, texts: list[str], fails: int | None) -> None:
    """Write a file, one statement of which fails if so wished."""
    rows = list(texts)
    if fails is not None:
        rows.insert(min(fails, len(rows)), "INSERT INTO no_such_table VALUES (1)")
    (folder / f"{number:03}_step.sql").write_text(";\n".join(rows) + ";\n", encoding="utf-8")


class Heard(logging.Handler):
    """Keeps what was logged."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a message."""
        self.said.append(record.getMessage())


async def run_once(subject: Subject, connection: Any, *, fails: bool) -> list[int]:
    """Run the migrations; return the versions that the log named."""
    heard, logger = Heard(), logging.getLogger("utils.database.migrations")
    logger.addHandler(heard)
    level = logger.level
    logger.setLevel(logging.INFO)
    try:
        await subject.database.migrations.run_migrations(connection)
        assert not fails, "a migration that fails was taken for applied"
    except UnboundLocalError as error:
        raise AssertionError(f"a run of the migrations ended in UnboundLocalError: {error}") from error
    except (sqlite3.Error, RuntimeError) as error:
        if not fails:
            raise AssertionError(f"a migration was refused: {error}") from error
    finally:
        logger.removeHandler(heard)
        logger.setLevel(level)
    return [int(match) for text in heard.said for match in REPORT.findall(text)]


async def judge(
    subject: Subject, connection: Any, version: int, present: dict[int, set[str]], reported: list[int]
) -> None:
    """Judge the version and the tables after a run."""
    current = await subject.database.migrations.get_current_version(connection)
    assert current == version, f"the database says it is at version {current}; {version} was applied last"
    assert not reported or reported[-1] == version, f"version {reported[-1]} was reported; {version} was applied last"
    cursor = await connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
    tables = {row[0] for row in await cursor.fetchall() if row[0].startswith("step")}
    due = set().union(*(names for number, names in present.items() if number <= version))
    assert tables == due, f"the tables {sorted(tables ^ due)} are there or missing in spite of version {version}"


@FUZZ.tries
@given(
    numbers=st.lists(st.integers(1, 40), min_size=1, max_size=4, unique=True).map(sorted),
    place=st.integers(0, 3),
    later=st.integers(1, 9),
)
def test_a_file_that_comes_during_a_run(*, subject: Subject, numbers: list[int], place: int, later: int) -> None:
    """A file that appears while others are applied is applied or not, and the version says which."""
    late = numbers[-1] + later

    async def main(database: Any) -> None:
        with tempfile.TemporaryDirectory() as name, calling("come", partial(step, Path(name), late)):
            for index, number in enumerate(numbers):
                step(Path(name), number, *(["SELECT come()"] if index == place % len(numbers) else []))
            async with database.get_connection() as connection:
                with mock.patch.object(subject.database.migrations, "MIGRATIONS_DIR", Path(name)):
                    reported = await run_once(subject, connection, fails=False)
                    cursor = await connection.execute("SELECT name FROM sqlite_master WHERE name LIKE 'step%'")
                    applied = {int(row[0].removeprefix("step_")): {str(row[0])} for row in await cursor.fetchall()}
                    assert applied.keys() >= set(numbers), f"files {numbers} were there and {set(applied)} applied"
                    await judge(subject, connection, max(applied), applied, reported)

    on_a_database(subject, main)


def step(folder: Path, number: int, *more: str) -> int:
    """Write a file that makes a table of its number, and does more."""
    write(folder, number, [f"CREATE TABLE step_{number} (id INTEGER)", *more], None)
    return number


@contextlib.contextmanager
def calling(name: str, function: Callable[[], int]) -> Iterator[None]:
    """Let statements call a function, on every connection that is opened until the block ends."""
    connect = sqlite3.connect

    def opened(*args: Any, **options: Any) -> sqlite3.Connection:
        connection: sqlite3.Connection = connect(*args, **options)
        connection.create_function(name, 0, function)
        return connection

    with mock.patch.object(sqlite3, "connect", opened):
        yield
