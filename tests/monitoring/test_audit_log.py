"""The audit log: what it stores, what it never claims, and what of the past it finds changed."""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
import threading
from typing import TYPE_CHECKING

import pytest

from reference.utils.hash_chain import GENESIS, Anchor, seal, verify_chain
from reference.utils.monitoring import audit_log
from reference.utils.monitoring.audit_log import AuditLogger
from reference.utils.monitoring.audit_store import AuditStore, AuditStoreError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def store(tmp_path: Path) -> AuditStore:
    """A store in a folder that is not there yet."""
    return AuditStore(tmp_path / "data" / "audit.db")


@pytest.fixture
def log(store: AuditStore) -> AuditLogger:
    """An audit log in a fresh store."""
    return AuditLogger(store)


async def fill(log: AuditLogger, count: int = 5) -> None:
    """Store some actions."""
    for number in range(count):
        assert await log.log_action("warn", actor_id=1, guild_id=number % 2, target_id=number)


def change(store: AuditStore, statement: str) -> None:
    """Do to the file what nobody should."""
    connection = sqlite3.connect(store.path)
    with connection:
        connection.execute(statement)
    connection.close()


async def test_actions_come_back(log: AuditLogger) -> None:
    """What was stored comes back, the newest first, with times in UTC and without secrets."""
    assert await log.log_action("ban", 1, 2, 3, {"reason": "spam", "token": "abc"}, extra="x")
    assert await log.log_action("kick", actor_id=4)
    newest, oldest = await log.get_recent_actions()
    assert newest["action"] == "kick"
    assert oldest["details"] == {"reason": "spam", "token": "[redacted]", "extra": "x"}
    assert oldest["timestamp"].endswith("Z")
    assert (await log.verify()).ok


async def test_filters_and_limits(log: AuditLogger) -> None:
    """Actions can be asked for by server, kind and person, and no more than asked for come."""
    await fill(log)
    assert [entry["target_id"] for entry in await log.get_recent_actions(2)] == [4, 3]
    assert [entry["target_id"] for entry in await log.get_recent_actions(2, guild_id=0)] == [4, 2]
    assert await log.get_recent_actions(action="ban") == []
    assert await log.get_recent_actions(0, actor_id=1) == []
    assert len(await log.get_recent_actions(actor_id=1)) == 5


async def test_nothing_stored_is_no_success(
    log: AuditLogger, store: AuditStore, caplog: pytest.LogCaptureFixture
) -> None:
    """Where nothing can be stored the answer is False, and the log says why."""
    store.path.parent.parent.joinpath("data").write_text("a file is in the way", encoding="utf-8")
    assert not await log.log_action("ban")
    assert "was not written to the audit log" in caplog.text


async def test_what_cannot_be_written_is_no_success(log: AuditLogger) -> None:
    """An entry that is too long, or contains itself, is refused whole."""
    assert not await log.log_action("ban", reason="x" * 100_000)
    loop: dict[str, object] = {}
    loop["loop"] = loop
    assert await log.log_action("ban", details=loop)
    assert len(await log.get_recent_actions()) == 1


async def test_failed_transaction_leaves_nothing(log: AuditLogger, store: AuditStore) -> None:
    """Where the table refuses the entry, nothing is stored and nothing is claimed."""
    await fill(log, 1)
    change(store, "CREATE TRIGGER no BEFORE INSERT ON audit_entries BEGIN SELECT RAISE(ABORT, 'no'); END")
    assert not await log.log_action("ban")
    assert len(await log.get_recent_actions()) == 1


@pytest.mark.parametrize(
    ("statement", "number"),
    [
        ("UPDATE audit_entries SET body = replace(body, 'warn', 'ban') WHERE number = 2", 2),
        ("UPDATE audit_entries SET at = '2020-01-01T00:00:00.000000Z' WHERE number = 5", 5),
        ("UPDATE audit_entries SET previous = hash WHERE number = 3", 3),
        ("UPDATE audit_entries SET hash = 'é' WHERE number = 5", 5),
        ("DELETE FROM audit_entries WHERE number = 1", 2),
        ("DELETE FROM audit_entries WHERE number = 3", 4),
        ("DELETE FROM audit_entries WHERE number >= 4", 4),
        ("DELETE FROM audit_entries", 1),
    ],
)
async def test_changes_of_the_past_are_found(log: AuditLogger, store: AuditStore, statement: str, number: int) -> None:
    """An edit, a missing entry, and a missing end are found, with the place."""
    await fill(log)
    change(store, statement)
    found = await log.verify()
    assert not found.ok
    assert found.number == number
    assert found.problem


async def test_missing_end_is_not_written_over(log: AuditLogger, store: AuditStore) -> None:
    """After the end was cut off, or the anchor taken away, no new entry hides it."""
    await fill(log)
    change(store, "DELETE FROM audit_entries WHERE number = 5")
    assert not await log.log_action("ban")
    store.anchor_path.unlink()
    assert not await log.log_action("ban")
    assert (await log.verify()).problem == "the anchor audit.db.anchor is missing"
    store.anchor_path.write_text("no anchor", encoding="ascii")
    assert not await log.log_action("ban")
    assert "cannot be read" in (await log.verify()).problem
    with pytest.raises(AuditStoreError, match="cannot be read"):
        store.append("{}")


async def test_chain_made_anew(log: AuditLogger, store: AuditStore) -> None:
    """A chain that was made anew from the start does not have the anchor's hash."""
    await fill(log, 2)
    first = seal(1, "2026-01-01T00:00:00.000000Z", "{}", GENESIS)
    second = seal(2, "2026-01-01T00:00:00.000000Z", "{}", first.hash)
    for entry in (first, second):
        values = f"body='{entry.body}', at='{entry.at}', previous='{entry.previous}', hash='{entry.hash}'"
        change(store, f"UPDATE audit_entries SET {values} WHERE number={entry.number}")  # noqa: S608
    assert "made anew" in (await log.verify()).problem


async def test_older_log_with_its_anchor(log: AuditLogger, store: AuditStore) -> None:
    """An older log that is put back with its own anchor is found by an anchor that was kept elsewhere."""
    await fill(log, 2)
    old = store.path.read_bytes(), store.anchor_path.read_bytes()
    await fill(log, 1)
    kept = (await log.verify()).head
    assert (await log.verify(kept)).ok
    store.path.write_bytes(old[0])
    store.anchor_path.write_bytes(old[1])
    assert (await log.verify()).ok
    assert (await log.verify(kept)).problem == "the end is missing: the log reached entry 3, and ends at 2"


async def test_anchor_behind_is_in_order(log: AuditLogger, store: AuditStore) -> None:
    """A process that ended between entry and anchor leaves a log in order, which goes on."""
    await fill(log, 1)
    behind = store.anchor_path.read_bytes()
    await fill(log, 1)
    store.anchor_path.write_bytes(behind)
    assert (await log.verify()).ok
    await fill(log, 1)
    assert json.loads(store.anchor_path.read_bytes())["number"] == 3


async def test_writers_at_once(store: AuditStore) -> None:
    """Many writers at once leave one unbroken chain."""
    logs = [AuditLogger(AuditStore(store.path)) for _ in range(4)]
    stored = await asyncio.gather(*(logs[number % 4].log_action("x", number) for number in range(20)))
    assert all(stored)
    found = await logs[0].verify()
    assert (found.ok, found.entries) == (True, 20)


async def test_empty_and_foreign_logs(log: AuditLogger, store: AuditStore) -> None:
    """A log that was never written, or a database without the table, is empty; what is no database raises."""
    assert await log.get_recent_actions() == []
    assert (await log.verify()).ok
    store.path.parent.mkdir()
    change(store, "CREATE TABLE other (x)")
    assert await log.get_recent_actions() == []
    store.path.write_bytes(b"this is no database at all, but long enough" * 50)
    with pytest.raises(sqlite3.DatabaseError):
        await log.get_recent_actions()
    assert not await log.log_action("ban")


async def test_locked_tables_raise(log: AuditLogger, store: AuditStore) -> None:
    """An error of the database other than a missing table is not taken for an empty log."""
    store.path.parent.mkdir()
    change(store, "CREATE TABLE audit_entries (number)")
    with pytest.raises(sqlite3.OperationalError, match="no such column"):
        await log.get_recent_actions()


async def test_unreadable_body(log: AuditLogger, store: AuditStore) -> None:
    """An entry whose content was destroyed is shown as such."""
    await fill(log, 1)
    change(store, "UPDATE audit_entries SET body = 'x'")
    assert (await log.get_recent_actions())[0]["action"] == "unreadable"


def test_key() -> None:
    """With a key an entry can only be checked, or made, by who has it."""
    entry = seal(1, "t", "{}", GENESIS, b"key")
    assert verify_chain([entry], Anchor(1, entry.hash), b"key").ok
    assert not verify_chain([entry], None, b"other").ok


async def test_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file, the anchor and the key are those that the environment names."""
    monkeypatch.setenv(audit_log.FILE_VARIABLE, str(tmp_path / "a.db"))
    monkeypatch.setenv(audit_log.ANCHOR_VARIABLE, str(tmp_path / "elsewhere" / "anchor"))
    monkeypatch.setenv(audit_log.KEY_VARIABLE, "key")
    log = AuditLogger()
    assert await log.log_action("x")
    assert (tmp_path / "elsewhere" / "anchor").exists()
    assert not (await AuditLogger(AuditStore(tmp_path / "a.db", tmp_path / "elsewhere" / "anchor")).verify()).ok


async def test_without_a_thread_an_action_is_refused_in_words(
    log: AuditLogger, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Where the system has no thread to write in, the answer is no and the log says why; nothing is raised."""
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        assert not await log.log_action("ban", 1)
    assert "new thread" in caplog.text


async def test_a_full_disk_leaves_no_half_anchor(store: AuditStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """An anchor that could not be written leaves no file beside it, and the next entry is stored."""
    log = AuditLogger(store)
    await fill(log, 1)
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fail)
        assert not await log.log_action("ban", 1)
    assert sorted(path.name for path in store.path.parent.iterdir()) == ["audit.db", "audit.db.anchor"]
    assert await log.log_action("kick", 1)
    assert (await log.verify()).ok


def refuse(_thread: threading.Thread) -> None:
    """Be a system that has no more threads."""
    raise RuntimeError("can't start new thread")


def fail(_descriptor: int) -> None:
    """Be a disk that is full."""
    raise OSError(28, "No space left on device")
