"""Brings a database to the newest schema: SQL files, applied in the order of their numbers, each whole or not at all.

A file is named `NNN_lower_snake.sql` and is never changed once it was released; what was applied is kept in the table
`schema_version`, with the file's checksum. A database that holds something is copied with SQLite's backup interface
before its first change.
"""

from __future__ import annotations

import hashlib
import logging
import re
import sqlite3
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol
from uuid import uuid4

from .sql_script import statements

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from .sql_script import Statement

__all__ = [
    "MIGRATIONS_DIR",
    "MigrationError",
    "discover_migrations",
    "get_current_version",
    "run_migrations",
]

logger = logging.getLogger(__name__)

MIGRATIONS_DIR = Path(__file__).resolve().parent / "schema"
"""The folder of the SQL files."""

FILE_NAME = re.compile(r"(\d{3,})_[a-z0-9]+(?:_[a-z0-9]+)*\.sql")
NOT_IN_A_MIGRATION = {"BEGIN", "COMMIT", "END", "ROLLBACK", "SAVEPOINT", "RELEASE", "VACUUM", "ATTACH", "DETACH"}
"""Statements that would end or escape the transaction in which a file is applied."""

TABLE = """
CREATE TABLE IF NOT EXISTS schema_version (
    version INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    checksum TEXT NOT NULL,
    applied_at TEXT NOT NULL
)
"""


class AsyncConnection(Protocol):
    """What is used of a connection: one of this package's, or of aiosqlite."""

    def execute(self, sql: str, parameters: Any = ..., /) -> Awaitable[Any]:
        """Run a statement."""

    async def commit(self) -> None:
        """Keep what was written."""

    async def rollback(self) -> None:
        """Undo what was written."""

    async def backup(self, target: sqlite3.Connection, /) -> None:
        """Copy the database."""


class MigrationError(RuntimeError):
    """The schema cannot be brought up to date; the text says which file and which statement. Nothing of it is kept."""


def discover_migrations() -> list[tuple[int, Path]]:
    """Return the files of `MIGRATIONS_DIR` with their versions, lowest first.

    Raises:
        MigrationError: a file is misnamed, or two have one number.
    """
    found: dict[int, Path] = {}
    for path in sorted(Path(MIGRATIONS_DIR).glob("*.sql")):
        match = FILE_NAME.fullmatch(path.name)
        if match is None:
            raise MigrationError(f"{path.name}: a migration is named like 007_add_reminders.sql")
        version = int(match[1])
        if version in found:
            raise MigrationError(f"{path.name} and {found[version].name} have the same number")
        found[version] = path
    return sorted(found.items())


async def get_current_version(conn: AsyncConnection) -> int:
    """Return the version of the last file that was applied; 0 for a new database."""
    cursor = await conn.execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'schema_version'")
    if await cursor.fetchone() is None:
        return 0
    cursor = await conn.execute("SELECT COALESCE(MAX(version), 0) FROM schema_version")
    return int((await cursor.fetchone())[0])


async def run_migrations(conn: AsyncConnection) -> int:
    """Apply the files that are newer than the database.

    The version that is reported is that of the last file that was applied by this run, or the one that the database
    had; it is not taken from the list of files, which may change meanwhile (audit finding F08).

    Args:
        conn: a connection without an open transaction.

    Returns:
        How many files were applied.

    Raises:
        MigrationError: a file is misnamed, was changed after it was applied, comes too late, or fails; the files
            before it stay applied.
    """
    files = discover_migrations()
    await conn.execute(TABLE)
    await conn.commit()
    version = await get_current_version(conn)
    await _check_history(conn, files, version)
    pending = [(number, path) for number, path in files if number > version]
    if pending:
        await _back_up(conn, version)
    applied = 0
    for number, path in pending:
        if await _apply(conn, number, path):
            applied += 1
            version = number
    if applied:
        logger.info("applied %d migration(s), now at version %d", applied, version)
    return applied


async def _check_history(conn: AsyncConnection, files: list[tuple[int, Path]], current: int) -> None:
    """Refuse files that differ from what was applied under their number.

    Raises:
        MigrationError: see `run_migrations`.
    """
    cursor = await conn.execute("SELECT version, checksum FROM schema_version")
    known = {int(row[0]): row[1] for row in await cursor.fetchall()}
    for number, path in files:
        if number > current:
            continue
        if number not in known:
            raise MigrationError(f"{path.name} comes too late: the database is at version {current}; renumber it")
        if known[number] != _checksum(_read(path)):
            raise MigrationError(f"{path.name} was changed after it was applied; write a new migration instead")


async def _apply(conn: AsyncConnection, number: int, path: Path) -> bool:
    """Apply one file in one transaction; tell whether it was, or somebody else had done so meanwhile."""
    script = _read(path)
    todo = _statements(path, script)
    await conn.execute("BEGIN IMMEDIATE")
    try:
        if await get_current_version(conn) >= number:
            await conn.rollback()
            return False
        for position, statement in enumerate(todo, 1):
            await _run(conn, path, position, statement)
        await conn.execute(
            "INSERT INTO schema_version (version, name, checksum, applied_at) VALUES (?, ?, ?, ?)",
            (number, path.name, _checksum(script), datetime.now(UTC).isoformat(timespec="seconds")),
        )
        await conn.commit()
    except BaseException:
        await conn.rollback()
        raise
    logger.debug("applied %s", path.name)
    return True


async def _run(conn: AsyncConnection, path: Path, position: int, statement: Statement) -> None:
    try:
        await conn.execute(statement.text)
    except sqlite3.Error as error:
        start = " ".join(statement.text.split())[:80]
        raise MigrationError(
            f"{path.name}: statement {position}, line {statement.line}: {error}; nothing of the file was kept: {start}"
        ) from error


def _statements(path: Path, script: str) -> list[Statement]:
    try:
        found = list(statements(script))
    except ValueError as error:
        raise MigrationError(f"{path.name}: {error}") from error
    for statement in found:
        if statement.keyword in NOT_IN_A_MIGRATION:
            raise MigrationError(f"{path.name}: line {statement.line}: {statement.keyword} is not for a migration")
    return found


def _read(path: Path) -> str:
    """Return the text of a file, with the line ends that it has everywhere."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise MigrationError(f"{path.name} cannot be read: {error}") from error


def _checksum(script: str) -> str:
    return hashlib.sha256(script.encode()).hexdigest()


async def _back_up(conn: AsyncConnection, version: int) -> None:
    """Copy a database that holds something to a file beside it, named after its version."""
    cursor = await conn.execute("PRAGMA database_list")
    file = next((row[2] for row in await cursor.fetchall() if row[1] == "main"), "")
    cursor = await conn.execute(
        "SELECT 1 FROM sqlite_master WHERE name NOT LIKE 'sqlite_%' AND name <> 'schema_version'"
    )
    if not file or await cursor.fetchone() is None:
        return
    place = Path(file)
    copy = place.with_name(f"{place.name}.v{version:03}.bak")
    beside = copy.with_name(f"{copy.name}.{uuid4().hex}.part")
    try:
        with closing(sqlite3.connect(beside, check_same_thread=False)) as target:
            await conn.backup(target)
        beside.replace(copy)
    finally:
        with suppress(OSError):  # a cancelled copy may still be open, and Windows then keeps the file
            beside.unlink(missing_ok=True)
    logger.info("copied the database to %s before its schema is changed", copy.name)
