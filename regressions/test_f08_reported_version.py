"""The version that is reported after migrations is not kept by those who apply them.

After the files were applied, the version in the closing message was whatever the loop over the files had looked at
last. That is a name without a value where there were no files, and another version than the database's where the list
of files and what was applied part: numbers with gaps, nothing to do, a file that comes while others are applied, a
file that fails. The version reported is that of the last file that was applied, and it is true: all of that file is
in the database, and nothing of a later one.
"""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING, Any

import pytest

from harness.parts.database import used, within

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from harness.subject import Subject

pytestmark = pytest.mark.filterwarnings(
    "ignore::ResourceWarning", "ignore::RuntimeWarning", "ignore::pytest.PytestUnraisableExceptionWarning"
)

STUCK = "the migrations never came to an end"
REPORT = re.compile(r"\bversion\W{0,3}(?:v\W?)?(\d+)", re.IGNORECASE)


class Setting:
    """A folder of migrations of one's own and a new database.

    Attributes:
        folder: where the files are.
    """

    def __init__(self, migrations: Any, connection: Any, folder: Path, log: pytest.LogCaptureFixture) -> None:
        self._migrations = migrations
        self._connection = connection
        self._log = log
        self.folder = folder

    def add(self, number: int, sql: str | None = None) -> None:
        """Put a file there, which makes a table of its number if nothing else is said."""
        name = f"{number:03}_step.sql"
        (self.folder / name).write_text(sql or f"CREATE TABLE step_{number} (id INTEGER);\n", encoding="utf-8")

    async def run(self) -> int:
        """Apply what is new; return how many files that were."""
        self._log.clear()
        try:
            applied: int = await within(self._migrations.run_migrations(self._connection), STUCK)
        except UnboundLocalError as error:
            pytest.fail(f"a run of the migrations ended in UnboundLocalError: {error}")
        return applied

    async def version(self) -> int:
        """Return the version of the database."""
        version: int = await self._migrations.get_current_version(self._connection)
        return version

    async def tables(self) -> set[str]:
        """Return the tables that the files made."""
        cursor = await self._connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        return {row[0] for row in await cursor.fetchall() if row[0].startswith("step")}

    def reported(self) -> int | None:
        """Return the version that the log named last; None where it named none."""
        versions = [match for record in self._log.records for match in REPORT.findall(record.getMessage())]
        return int(versions[-1]) if versions else None

    async def check(self, applied: int, expected: int, version: int) -> None:
        """Check a run: how many files it said it applied, and both places that say the version."""
        assert applied == expected, f"{applied} files were said to be applied; {expected} were new"
        current = await self.version()
        assert current == version, f"the database says it is at version {current}; {version} was applied last"
        reported = self.reported()
        assert reported in (None, version), f"version {reported} was reported; {version} was applied last"


@pytest.fixture
async def setting(
    subject: Subject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> AsyncIterator[Setting]:
    """A new database and an empty folder of migrations."""
    migrations = subject.database.migrations
    folder = tmp_path / "steps"
    folder.mkdir()
    monkeypatch.setattr(migrations, "MIGRATIONS_DIR", folder)
    caplog.set_level(logging.INFO)
    async with (
        used(subject.database.database, tmp_path / "bot.db") as database,
        database.get_connection() as connection,
    ):
        yield Setting(migrations, connection, folder, caplog)


async def test_numbers_with_gaps(setting: Setting) -> None:
    """Files 2, 5 and 11 bring a database to version 11, and file 30 to 30 later."""
    for number in (2, 5, 11):
        setting.add(number)
    await setting.check(await setting.run(), 3, 11)
    setting.add(30)
    await setting.check(await setting.run(), 1, 30)
    assert await setting.tables() == {"step_2", "step_5", "step_11", "step_30"}, "a file was counted and not applied"


async def test_nothing_to_apply(setting: Setting) -> None:
    """An empty folder, and a folder of which all is applied, apply nothing and keep the version."""
    await setting.check(await setting.run(), 0, 0)
    setting.add(4)
    await setting.run()
    await setting.check(await setting.run(), 0, 4)


async def test_a_file_that_comes_during_the_run(setting: Setting, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file appears while others are applied: it is applied or not, and the version says which."""
    setting.add(1)
    setting.add(2)
    opened = type(setting.folder).read_text

    def read_text(path: Path, *arguments: Any, **options: Any) -> str:
        if path.name == "002_step.sql" and not (setting.folder / "009_step.sql").exists():
            setting.add(9)
        return opened(path, *arguments, **options)

    monkeypatch.setattr(type(setting.folder), "read_text", read_text)
    applied = await setting.run()
    tables = await setting.tables()
    await setting.check(applied, len(tables), max(int(name.removeprefix("step_")) for name in tables))
    left = 3 - applied
    await setting.check(await setting.run(), left, 9)


async def test_a_file_that_fails(setting: Setting) -> None:
    """A file fails at its second statement: the version stays, nothing of it is kept, and mended it is applied."""
    setting.add(1)
    setting.add(2, "CREATE TABLE step_2 (id INTEGER);\nINSERT INTO no_such_table VALUES (1);\n")
    setting.add(3)
    failed = False
    try:
        await setting.run()
    except Exception:  # noqa: BLE001  how it is told is the tree's choice
        failed = True
    assert failed, "a migration that fails was taken for applied"
    current = await setting.version()
    assert current == 1, f"the database says it is at version {current}; 1 was applied last, 2 failed"
    assert setting.reported() in (None, 1, 2), f"version {setting.reported()} was reported; 1 was applied last"
    assert await setting.tables() == {"step_1"}, "a part of a migration that failed was kept"
    setting.add(2)
    await setting.check(await setting.run(), 2, 3)


async def test_a_semicolon_within_a_statement(setting: Setting) -> None:
    """A `;` in a text, a comment or a trigger ends no statement: the whole file is applied."""
    setting.add(
        1,
        "-- first; then\nCREATE TABLE step_1 (word TEXT DEFAULT ';'); /* ; */\n"
        "CREATE TRIGGER again AFTER DELETE ON step_1 BEGIN\n"
        "  INSERT INTO step_1 VALUES (old.word || ';'); SELECT 1;\nEND;\n"
        "INSERT INTO step_1 VALUES ('a;b');\nDELETE FROM step_1;\n",
    )
    await setting.check(await setting.run(), 1, 1)
    cursor = await setting._connection.execute("SELECT word FROM step_1")
    rows = [row[0] for row in await cursor.fetchall()]
    assert rows == ["a;b;"], f"a file with ; in texts and a trigger left {rows}"
