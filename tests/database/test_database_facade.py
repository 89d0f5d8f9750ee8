"""What the bot keeps: settings, counters, conversations, queues, audit trail, errors, JSON files."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from reference.utils.database import database as module
from reference.utils.database.database import Database, UnknownSettingError, UnknownStatError, init_database
from reference.utils.database.json_export import Exporter

if TYPE_CHECKING:
    from collections.abc import Callable


def test_threads_that_ask_at_once_get_one_database(monkeypatch: pytest.MonkeyPatch) -> None:
    """The database of the process is made once."""
    monkeypatch.setattr(Database, "_instance", None)
    start, made = threading.Barrier(8), list[Database]()

    def ask() -> None:
        start.wait(5)
        made.append(Database())

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(5)
    assert len({id(each) for each in made}) == 1


def test_making_a_database_touches_no_disk(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Files come with the first use; folders can be made beforehand."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Database, "_instance", None)
    monkeypatch.setattr(module, "EXPORT_DIR", module.DB_DIR / "db_export")
    assert "bot_database.db" in repr(Database())
    assert list(tmp_path.iterdir()) == []
    assert init_database() is Database()
    assert sorted(path.as_posix() for path in Path("data").rglob("*")) == ["data/db_export"]


async def test_settings_are_kept_one_by_one(database: Database) -> None:
    """What is not named stays; None goes back to the default; saving nothing is no change."""
    await database.save_guild_settings(7, prefix="?", music_volume=1, mode_247=True)
    await database.save_guild_settings(7, prefix=None)
    await database.save_guild_settings(7)
    settings = await database.get_guild_settings(7)
    assert (settings["prefix"], settings["music_volume"], settings["mode_247"]) == ("!", 1.0, True)
    assert (await database.get_guild_settings(8))["language"] == "en"


@pytest.mark.parametrize(
    ("settings", "said"),
    [({"prefix": 5}, "of type str"), ({"music_volume": 3}, "from 0 to 2"), ({"ai_channel_id": True}, "of type int")],
)
async def test_a_wrong_value_is_refused(database: Database, settings: dict[str, Any], said: str) -> None:
    """A value of another type or out of its limits is refused, and the rest of the call is not saved."""
    with pytest.raises(ValueError, match=said):
        await database.save_guild_settings(7, language="th", **settings)
    assert (await database.get_guild_settings(7))["language"] == "en"


async def test_unknown_names_are_listed_with_the_known_ones(database: Database) -> None:
    """The error helps whoever made a typing error."""
    with pytest.raises(UnknownSettingError, match=r"'prefx'; there are: prefix, "):
        await database.save_guild_settings(7, prefx="?")
    with pytest.raises(UnknownStatError, match=r"'mesages'; there are: messages_count, "):
        await database.increment_user_stat(1, 7, "mesages")
    with pytest.raises(UnknownStatError):
        await database.get_top_users(7, "user_id; --")


async def test_counters_count_down_to_zero(database: Database) -> None:
    """Counters add up from many tasks at once, never fall below zero, and rank members."""
    await asyncio.gather(*(database.increment_user_stat(1, 7, "messages_count") for _ in range(50)))
    await database.increment_user_stat(2, 7, "messages_count", 3)
    await database.increment_user_stat(2, 7, "messages_count", -10)
    await database.increment_user_stat(3, 7, "messages_count", -1)
    assert (await database.get_user_stats(1, 7))["messages_count"] == 50
    assert (await database.get_user_stats(2, 7))["messages_count"] == 0
    assert (await database.get_user_stats(9, 7))["last_active"] is None
    assert [row["user_id"] for row in await database.get_top_users(7, "messages_count")] == [1]
    with pytest.raises(ValueError, match="whole numbers"):
        await database.increment_user_stat(1, 7, "messages_count", 2**60)


async def test_history_is_the_newest_messages_oldest_first(database: Database) -> None:
    """One by one or in a batch, messages come back in the order in which they were said."""
    first = await database.save_ai_message(5, 1, "user", "0", message_id=99, timestamp="2026-01-01T00:00:00.000Z")
    batch = [{"channel_id": 5, "role": "model", "content": str(n)} for n in range(1, 1000)]
    assert await database.save_ai_messages_batch(batch) == 999
    assert await database.save_ai_messages_batch([]) == 0
    history = await database.get_ai_history(5, 3)
    assert [message["content"] for message in history] == ["997", "998", "999"]
    assert (await database.get_ai_history(5, 1000))[0]["id"] == first
    assert await database.prune_ai_history(5, 10) == 990
    assert await database.prune_ai_history(5, 10) == 0
    assert await database.get_ai_history(5, -1) == []


@pytest.mark.parametrize("broken", [{"role": "ghost"}, {"content": None}])
async def test_a_batch_is_saved_whole_or_not_at_all(database: Database, broken: dict[str, Any]) -> None:
    """One wrong message keeps the whole batch out, before SQLite is asked."""
    good = {"channel_id": 5, "role": "user", "content": "x"}
    with pytest.raises(ValueError, match=r"there is no role|needs content"):
        await database.save_ai_messages_batch([good, good | broken])
    assert await database.get_ai_history(5) == []


async def test_a_queue_is_replaced_whole(database: Database) -> None:
    """A track that cannot be written leaves the old queue."""
    await database.save_music_queue(7, [{"title": "เพลง"}, {"title": "b"}])
    with pytest.raises(TypeError):
        await database.save_music_queue(7, [{"title": object()}])
    assert await database.load_music_queue(7) == [{"title": "เพลง"}, {"title": "b"}]
    assert await database.clear_music_queue(7) == 2
    assert await database.load_music_queue(7) == []


async def test_audit_entries_are_found(database: Database) -> None:
    """Entries are filtered by guild, kind and age, newest first."""
    await database.log_audit("ban", 7, 1, 2, {"reason": "spam"})
    await database.log_audit("kick", 7)
    await database.log_audit("ban", 8, details="no object")
    assert [row["id"] for row in await database.get_audit_logs(days=1)] == [3, 2, 1]
    assert (await database.get_audit_logs(7, 7, "ban"))[0]["details"] == {"reason": "spam"}
    assert await database.get_audit_logs(days=-1) == []
    assert len(await database.get_audit_logs(None, limit=2)) == 2


@pytest.mark.parametrize(
    ("sql", "number", "problem"),
    [
        ("UPDATE audit_log SET user_id = 9 WHERE id = 2", 2, "not as it was written"),
        ("UPDATE audit_log SET timestamp = 'today' WHERE id = 3", 3, "not as it was written"),
        ("UPDATE audit_log SET hash = 'é' WHERE id = 1", 1, "not as it was written"),
        ("DELETE FROM audit_log WHERE id = 2", 3, "entry 2 is missing"),
        ("DELETE FROM audit_log WHERE id >= 2", 2, "reached entry 3, and ends at 1"),
        ("DELETE FROM audit_log", 1, "reached entry 3, and ends at 0"),
        ("DELETE FROM audit_head", 3, "head"),
        ("UPDATE audit_head SET hash = 'x'", 3, "replaced"),
        ("UPDATE audit_head SET entries = 2, hash = (SELECT hash FROM audit_log WHERE id = 2)", 3, "head"),
    ],
)
async def test_tampering_with_the_audit_log_shows(database: Database, sql: str, number: int, problem: str) -> None:
    """Edited entries, missing ones and a missing tail are noticed."""
    for _ in range(3):
        await database.log_audit("ban", 7)
    assert (await database.verify_audit_chain()).ok
    async with database.get_connection() as connection:
        await connection.execute(sql)
    found = await database.verify_audit_chain()
    assert (found.ok, found.number) == (False, number)
    assert problem in found.problem


async def test_what_is_sealed_is_what_is_stored(database: Database) -> None:
    """An id that came as another kind of number is no sign of tampering; nor is a log without entries."""
    assert (await database.verify_audit_chain()).ok
    await database.log_audit("ban", guild_id=True, user_id=7.0, details="ü")  # type: ignore[arg-type]
    found = await database.verify_audit_chain()
    assert (found.ok, found.entries) == (True, 1)


async def test_the_same_error_is_counted(database: Database) -> None:
    """An error that repeats makes one row."""
    for _ in range(3):
        await database.log_error("ValueError", "wrong", "x" * 20_000)
    await database.log_error("KeyError", "other", command="play")
    errors = await database.get_errors()
    assert sorted((row["error_type"], row["occurrences"]) for row in errors) == [("KeyError", 1), ("ValueError", 3)]
    assert max(len(row["traceback"] or "") for row in errors) == 16_000


async def test_health_is_told(database: Database, tmp_path: Path) -> None:
    """A database that answers is healthy; one that cannot be opened is not, and that is no exception."""
    assert await database.health_check()
    good, database.db_path = database.db_path, str(tmp_path)
    assert not await database.health_check()
    database.db_path = good


async def test_a_changed_history_is_exported_once(database: Database) -> None:
    """Many changes make one file, which other settings and channels do not touch."""
    for text in "abc":
        await database.save_ai_message(5, 1, "user", text)
    await database.export_guild_settings(7)
    await database.flush_pending_exports()
    files = sorted(Path(module.EXPORT_DIR).iterdir())  # noqa: ASYNC240
    assert [path.name for path in files] == ["ai_history_5.json", "guild_settings_7.json"]
    assert [message["content"] for message in json.loads(files[0].read_text(encoding="utf-8"))] == ["a", "b", "c"]
    assert await database.delete_ai_history(5) == 3
    await database.flush_pending_exports()
    assert not files[0].exists()


async def test_a_history_that_was_pruned_away_has_no_file(database: Database) -> None:
    """What was forgotten does not stay readable in a file."""
    await database.save_ai_message(1, 2, "user", "forget this")
    await database.flush_pending_exports()
    assert _exported() == ["ai_history_1.json"]
    assert await database.prune_ai_history(1, 0) == 1
    await database.flush_pending_exports()
    assert _exported() == []


async def test_what_is_said_during_a_deletion_is_exported(database: Database) -> None:
    """A message that is saved after the rows went and before the file does gets a file of its own."""
    await database.save_ai_message(1, 2, "user", "old")
    await database.flush_pending_exports()
    await asyncio.gather(database.delete_ai_history(1), database.save_ai_message(1, 2, "user", "new"))
    await database.flush_pending_exports()
    assert [row["content"] for row in await database.get_ai_history(1)] == ["new"]
    assert _exported() == ["ai_history_1.json"]


@pytest.mark.parametrize("steps", range(1, 12))
async def test_a_cancelled_deletion_leaves_no_file_behind(database: Database, steps: int) -> None:
    """Wherever a deletion is cancelled, the file says afterwards what the database does."""
    await database.save_ai_message(1, 2, "user", "forget this")
    await database.flush_pending_exports()
    deletion = asyncio.ensure_future(database.delete_ai_history(1))
    for _ in range(steps):
        await asyncio.sleep(0)
    deletion.cancel()
    await asyncio.gather(deletion, return_exceptions=True)
    await database.write(lambda raw: raw.execute("SELECT 1"))  # writes are done in their order
    await database.flush_pending_exports()
    assert bool(_exported()) == bool(await database.get_ai_history(1))


def _exported() -> list[str]:
    return [path.name for path in module.EXPORT_DIR.iterdir()]


async def test_a_deleted_file_is_not_put_back(tmp_path: Path) -> None:
    """An export that had read its rows before the deletion leaves no file behind."""
    exporter, reading, deleted = Exporter(lambda: tmp_path, 60), asyncio.Event(), asyncio.Event()

    async def produce() -> list[int]:
        reading.set()
        await deleted.wait()
        return [1]

    exporter.schedule("a.json", produce)
    flush = asyncio.ensure_future(exporter.flush())
    await reading.wait()
    await exporter.delete("a.json")
    deleted.set()
    await flush
    assert list(tmp_path.iterdir()) == []  # noqa: ASYNC240


async def test_a_cancelled_flush_is_made_up_for(tmp_path: Path) -> None:
    """What a cancelled flush did not write is due again; a failing producer keeps no other from its file."""
    exporter = Exporter(lambda: tmp_path, 60)
    exporter.schedule("bad.json", _raises)
    exporter.schedule("good.json", _returns([1]))
    exporter.schedule("slow.json", asyncio.Event().wait)
    flush = asyncio.ensure_future(exporter.flush())
    while not (tmp_path / "good.json").exists():  # noqa: ASYNC110  the file is what is waited for
        await asyncio.sleep(0)
    flush.cancel()
    await asyncio.wait([flush])
    assert exporter.pending[-1] == "slow.json"
    exporter.schedule("slow.json", _returns({"x": 1}))
    await exporter.settle()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["good.json", "slow.json"]  # noqa: ASYNC240


async def test_a_file_is_written_when_the_delay_is_over(tmp_path: Path) -> None:
    """Nobody has to ask for what is due; who settles waits for it."""
    exporter = Exporter(lambda: tmp_path, 0)
    exporter.schedule("a.json", _returns([1]))
    while exporter.pending:  # noqa: ASYNC110  the timer is what is waited for
        await asyncio.sleep(0)
    await exporter.settle()
    assert (tmp_path / "a.json").exists()


def test_what_is_due_outlives_its_loop(tmp_path: Path) -> None:
    """A clean-up in a second event loop writes what the first one left."""
    exporter = Exporter(lambda: tmp_path, 60)

    async def leave() -> None:
        exporter.schedule("a.json", _returns([1]))

    asyncio.run(leave())
    asyncio.run(exporter.settle())
    assert json.loads((tmp_path / "a.json").read_text(encoding="utf-8")) == [1]


async def _raises() -> None:
    raise sqlite3.OperationalError("gone")


def _returns(value: object) -> Callable[[], Any]:
    async def produce() -> object:
        return value

    return produce


async def test_a_user_is_forgotten_with_the_answers(database: Database) -> None:
    """What one user said goes from history and files, with the answers to it; what others said stays."""
    said = [(1, "a"), (None, "to a"), (2, "b"), (None, "to b"), (1, "c")]
    await database.save_ai_messages_batch(
        {"channel_id": 5, "user_id": user, "role": "user" if user else "assistant", "content": text}
        for user, text in said
    )
    await database.save_ai_message(6, 1, "user", "elsewhere")
    await database.flush_pending_exports()
    assert [row["content"] for row in await database.get_ai_messages_of(1)] == ["a", "c", "elsewhere"]
    assert await database.forget_ai_user(1) == 4
    await database.flush_pending_exports()
    assert [row["content"] for row in await database.get_ai_history(5)] == ["b", "to b"]
    kept = json.loads((module.EXPORT_DIR / "ai_history_5.json").read_text(encoding="utf-8"))
    assert [row["content"] for row in kept] == ["b", "to b"]
    assert not (module.EXPORT_DIR / "ai_history_6.json").exists()
    assert await database.forget_ai_user(1) == 0
