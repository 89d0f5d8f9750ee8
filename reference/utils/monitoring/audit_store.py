"""Where the audit log is kept: an SQLite file for the entries, and the anchor of their chain in a file beside it.

An entry is stored when its transaction is committed to the disk (``synchronous=FULL``). Writers of several threads and
processes wait for each other (``BEGIN IMMEDIATE``). The anchor is written to a new file that replaces the old one.
"""

from __future__ import annotations

import json
import os
import sqlite3
import sys
import time
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from ..hash_chain import Anchor, Entry, Verification, seal, verify_chain  # noqa: TID252  the package has two names
from ..timestamps import utc_text  # noqa: TID252  the package has two names

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["AuditStore", "AuditStoreError"]

PATIENCE = 10.0
"""Seconds that a writer waits for another one."""

LARGEST_ENTRY = 64 * 1024
"""Characters of an entry; a longer one is refused, not cut."""

SCHEMA = """
CREATE TABLE IF NOT EXISTS audit_entries (
    number INTEGER PRIMARY KEY,
    at TEXT NOT NULL,
    body TEXT NOT NULL,
    previous TEXT NOT NULL,
    hash TEXT NOT NULL
) STRICT
"""
COLUMNS = "number, at, body, previous, hash"

OPEN_ELSEWHERE = 2.0 if sys.platform == "win32" else 0.0
"""Seconds for which a file that another thread or process has open is tried again: Windows alone refuses that."""

PAUSE = 0.005
Done = TypeVar("Done")


class AuditStoreError(Exception):
    """The log cannot take an entry: what is stored does not reach as far as it once did."""


class AuditStore:
    """Entries of an audit log in a file; every call opens it and closes it again.

    Args:
        path: of the SQLite file; its folder is made when the first entry is written.
        anchor_path: of the anchor; None for ``path`` with ``.anchor`` behind it. On another disk, or where only the
            bot may write, it guards against more.
        key: for HMAC; empty for plain hashes.
    """

    def __init__(self, path: Path | str, anchor_path: Path | str | None = None, key: bytes = b"") -> None:
        self.path = Path(path)
        self.anchor_path = Path(anchor_path) if anchor_path else self.path.with_name(f"{self.path.name}.anchor")
        self._key = key

    def append(self, body: str) -> Entry:
        """Store an action and return its entry, once it and the anchor are on the disk.

        Args:
            body: the action, as JSON.

        Raises:
            AuditStoreError: the end of the log, or the whole of it, is missing.
            ValueError: the body is too long.
            sqlite3.Error: the file cannot be written.
            OSError: the folder or the anchor cannot be written; in the latter case the entry may be there.
        """
        if len(body) > LARGEST_ENTRY:
            raise ValueError(f"an entry of {len(body)} characters is too long; {LARGEST_ENTRY} are allowed")
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self._open() as connection:
            connection.execute(SCHEMA)
            connection.execute("BEGIN IMMEDIATE")
            try:
                head = self._head(connection)
                entry = seal(head.number + 1, utc_text(), body, head.hash, self._key)
                values = (entry.number, entry.at, entry.body, entry.previous, entry.hash)
                connection.execute(f"INSERT INTO audit_entries ({COLUMNS}) VALUES (?, ?, ?, ?, ?)", values)  # noqa: S608
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
            self._anchor_end(connection)
        return entry

    def recent(self, limit: int) -> list[Entry]:
        """Return the newest entries, the newest first; none where there is no log yet."""
        return list(self._read(f"SELECT {COLUMNS} FROM audit_entries ORDER BY number DESC LIMIT ?", limit))  # noqa: S608

    def walk(self) -> Iterator[Entry]:
        """Yield all entries, the newest first."""
        yield from self._read(f"SELECT {COLUMNS} FROM audit_entries ORDER BY number DESC LIMIT ?", -1)  # noqa: S608

    def verify(self, expected: Anchor | None = None) -> Verification:
        """Check the whole log against its anchor.

        Args:
            expected: an anchor that was kept elsewhere, such as in a channel of the owners; it guards against an
                older log that was put back together with its older anchor.

        Raises:
            sqlite3.Error: the file cannot be read.
        """
        anchor, problem = self._try_anchor()
        if problem:
            return Verification(False, 0, problem)
        entries = list(self._read(f"SELECT {COLUMNS} FROM audit_entries ORDER BY number LIMIT ?", -1))  # noqa: S608
        found = verify_chain(entries, anchor, self._key)
        if found.ok and anchor is None and entries:
            return Verification(False, len(entries), f"the anchor {self.anchor_path.name} is missing", None, found.head)
        return verify_chain(entries, expected, self._key) if found.ok and expected is not None else found

    def _read(self, query: str, limit: int) -> Iterator[Entry]:
        if not self.path.exists():
            return
        with self._open() as connection:
            try:
                rows = connection.execute(query, (limit,))
            except sqlite3.OperationalError as error:
                if "no such table" in str(error):
                    return
                raise
            yield from (Entry(*row) for row in rows)

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self.path, timeout=PATIENCE, isolation_level=None)) as connection:
            connection.execute("PRAGMA synchronous=FULL")
            yield connection

    def _head(self, connection: sqlite3.Connection) -> Anchor:
        """Return the end of the chain, which must reach as far as the anchor says.

        Raises:
            AuditStoreError: it does not; a new entry would hide that.
        """
        head = _end(connection)
        anchor, problem = self._try_anchor()
        if anchor is None and not problem:
            if head.number:
                raise AuditStoreError(f"the anchor {self.anchor_path.name} is missing")
            self._write_anchor(anchor := Anchor())
        if anchor is None:
            raise AuditStoreError(problem)
        if head.number < anchor.number or (head.number == anchor.number and head != anchor):
            raise AuditStoreError(f"the log reached entry {anchor.number} once, and now ends at {head.number}")
        return head

    def _try_anchor(self) -> tuple[Anchor | None, str]:
        try:
            data = json.loads(_patiently(lambda: self.anchor_path.read_text(encoding="ascii")))
            return Anchor(int(data["number"]), str(data["hash"])), ""
        except FileNotFoundError:
            return None, ""
        except (ValueError, KeyError, TypeError):
            return None, f"the anchor {self.anchor_path.name} cannot be read"

    def _anchor_end(self, connection: sqlite3.Connection) -> None:
        """Anchor the end of what is stored; one writer at a time, so that the anchor never goes back."""
        connection.execute("BEGIN IMMEDIATE")
        try:
            self._write_anchor(_end(connection))
        finally:
            connection.execute("ROLLBACK")

    def _write_anchor(self, anchor: Anchor) -> None:
        self.anchor_path.parent.mkdir(parents=True, exist_ok=True)
        beside = self.anchor_path.with_name(f"{self.anchor_path.name}.{os.getpid()}")
        try:
            with beside.open("w", encoding="ascii") as file:
                file.write(json.dumps({"number": anchor.number, "hash": anchor.hash}))
                file.flush()
                os.fsync(file.fileno())
            _patiently(lambda: beside.replace(self.anchor_path))
        finally:
            with suppress(OSError):
                beside.unlink(missing_ok=True)


def _patiently(act: Callable[[], Done]) -> Done:
    """Do again what Windows refuses as long as another thread or process has the file open."""
    end = time.monotonic() + OPEN_ELSEWHERE
    while True:
        try:
            return act()
        except PermissionError:
            if time.monotonic() >= end:
                raise
        time.sleep(PAUSE)


def _end(connection: sqlite3.Connection) -> Anchor:
    row = connection.execute("SELECT number, hash FROM audit_entries ORDER BY number DESC LIMIT 1").fetchone()
    return Anchor(*row) if row else Anchor()
