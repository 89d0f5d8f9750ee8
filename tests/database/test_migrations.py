"""Migrations: files and their names, checksums, copies, the splitting of scripts."""

from __future__ import annotations

import asyncio
import sqlite3
from typing import TYPE_CHECKING

import aiosqlite
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference.utils.database import migrations
from reference.utils.database.connection import Connection
from reference.utils.database.migrations import (
    MIGRATIONS_DIR,
    MigrationError,
    discover_migrations,
    get_current_version,
    run_migrations,
)
from reference.utils.database.sql_script import statements

if TYPE_CHECKING:
    from pathlib import Path

    from reference.utils.database.database import Database


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder of migrations."""
    made = tmp_path / "schema"
    made.mkdir()
    monkeypatch.setattr(migrations, "MIGRATIONS_DIR", made)
    return made


def put(folder: Path, name: str, sql: str = "SELECT 1;") -> Path:
    """Write a migration."""
    path = folder / name
    path.write_text(sql, encoding="utf-8", newline="")
    return path


async def apply(database: Database) -> int:
    """Run the migrations over a connection of the pool."""
    async with database.get_connection() as connection:
        return await run_migrations(connection)


def test_the_schema_is_numbered_without_gaps() -> None:
    """The files that come with the bot are 1, 2, 3 and so on."""
    versions = [version for version, _ in discover_migrations()]
    assert versions == list(range(1, len(versions) + 1))
    assert len(list(MIGRATIONS_DIR.iterdir())) == len(versions)


def test_files_are_sorted_by_number(folder: Path) -> None:
    """Number 1000 comes after 999, whatever the alphabet says."""
    for name in ("1000_last.sql", "999_before.sql", "002_first.sql"):
        put(folder, name)
    put(folder, "notes.txt")
    assert [version for version, _ in discover_migrations()] == [2, 999, 1000]


@pytest.mark.parametrize("name", ["2_short.sql", "002-dash.sql", "002_Upper.sql", "002_.sql", "extra.sql"])
def test_a_misnamed_file_is_refused(folder: Path, name: str) -> None:
    """A file that would never be applied is an error at the start."""
    put(folder, name)
    with pytest.raises(MigrationError, match="is named like"):
        discover_migrations()


def test_a_number_is_given_once(folder: Path) -> None:
    """Two files of one number are refused, with both names."""
    put(folder, "002_a.sql")
    put(folder, "0002_b.sql")
    with pytest.raises(MigrationError, match=r"0002_b\.sql|002_a\.sql"):
        discover_migrations()


async def test_a_failure_names_file_statement_and_line(database: Database, folder: Path) -> None:
    """The error says where to look, and what SQLite said."""
    put(folder, "001_words.sql", "-- words\nCREATE TABLE words (word);\n\n/* wrong */\nINSERT INTO wrods VALUES (1);\n")
    with pytest.raises(MigrationError, match=r"001_words\.sql: statement 2, line 5: no such table: .*wrods"):
        await apply(database)


async def test_a_file_that_was_changed_is_refused(database: Database, folder: Path) -> None:
    """An applied file must stay as it was; other line ends are no change."""
    path = put(folder, "001_words.sql", "CREATE TABLE words (\nword);\n")
    assert await apply(database) == 1
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert await apply(database) == 0
    put(folder, "001_words.sql", "CREATE TABLE words (letter);\n")
    with pytest.raises(MigrationError, match="was changed after it was applied"):
        await apply(database)


async def test_a_file_that_comes_too_late_is_refused(database: Database, folder: Path) -> None:
    """A number below the database's version would never be applied, so it is an error."""
    put(folder, "005_new.sql")
    await apply(database)
    put(folder, "003_old.sql")
    with pytest.raises(MigrationError, match="comes too late"):
        await apply(database)


@pytest.mark.parametrize("statement", ["COMMIT", "begin", "VACUUM", "ATTACH 'x' AS y"])
async def test_a_file_cannot_end_its_transaction(database: Database, folder: Path, statement: str) -> None:
    """Statements that would keep half of a file are refused before anything is run."""
    put(folder, "001_escape.sql", f"CREATE TABLE words (word);\n{statement};\n")
    with pytest.raises(MigrationError, match="is not for a migration"):
        await apply(database)


@pytest.mark.parametrize("sql", ["CREATE TABLE words (word DEFAULT 'x", b"\xff"])
async def test_an_unreadable_file_is_refused(database: Database, folder: Path, sql: str | bytes) -> None:
    """A script that ends in the midst of a text, or is no UTF-8, is named."""
    (folder / "001_broken.sql").write_bytes(sql if isinstance(sql, bytes) else sql.encode())
    with pytest.raises(MigrationError, match=r"001_broken\.sql"):
        await apply(database)


async def test_a_database_that_holds_something_is_copied_first(
    database: Database, folder: Path, tmp_path: Path
) -> None:
    """Before its schema is changed, a database is copied beside itself under its old version."""
    put(folder, "001_words.sql", "CREATE TABLE words (word); INSERT INTO words VALUES ('kept');")
    await apply(database)
    assert not list(tmp_path.rglob("*.bak*")), "an empty database was copied"  # noqa: ASYNC240
    put(folder, "002_drop.sql", "DROP TABLE words;")
    await apply(database)
    copies = list(tmp_path.rglob("*.bak*"))  # noqa: ASYNC240
    assert [path.name for path in copies] == ["bot.db.v001.bak"]
    copy = sqlite3.connect(copies[0])
    assert copy.execute("SELECT word FROM words").fetchall() == [("kept",)]
    copy.close()


async def test_a_copy_that_fails_leaves_nothing_behind(
    database: Database, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the copy does not fit on the disk, nothing is changed, and no part of it fills the disk further."""
    put(folder, "001_words.sql", "CREATE TABLE words (word);")
    await apply(database)
    put(folder, "002_drop.sql", "DROP TABLE words;")

    async def full(*_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(Connection, "backup", full)
    with pytest.raises(sqlite3.OperationalError, match="disk is full"):
        await apply(database)
    assert not list(tmp_path.rglob("*.bak*"))  # noqa: ASYNC240
    async with database.get_connection() as connection:
        assert await get_current_version(connection) == 1


async def test_two_runs_at_once_apply_each_file_once(database: Database, folder: Path) -> None:
    """Two starts at the same time share the work: no file is applied twice."""
    for number in range(1, 4):
        put(folder, f"00{number}_step.sql", f"CREATE TABLE step_{number} (x);")
    assert sum(await asyncio.gather(apply(database), apply(database))) == 3


async def test_a_connection_of_aiosqlite_will_do(folder: Path) -> None:
    """The runner asks nothing of a connection that aiosqlite does not have."""
    put(folder, "001_words.sql", "CREATE TABLE words (word);")
    async with aiosqlite.connect(":memory:") as connection:
        assert await get_current_version(connection) == 0
        assert await run_migrations(connection) == 1
        assert await get_current_version(connection) == 1


def test_a_script_is_split_as_sqlite_sees_it() -> None:
    """Comments and empty statements fall away; each statement knows its line."""
    script = "-- ;\n;;\nSELECT ';';\n/* ; */ SELECT 2 -- ;\n;\nSELECT 3"
    assert [(each.line, each.keyword) for each in statements(script)] == [(3, "SELECT"), (4, "SELECT"), (6, "SELECT")]
    assert list(statements("-- nothing\n")) == []


@given(st.lists(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=12), max_size=6))
def test_texts_are_never_split(texts: list[str]) -> None:
    """Whatever the texts in a script contain, they come back whole."""
    script = "".join("SELECT '" + text.replace("'", "''") + "';" for text in texts)
    with sqlite3.connect(":memory:") as raw:
        back = [raw.execute(each.text).fetchone()[0] for each in statements(script)]
    raw.close()
    assert back == texts
