"""What the fuzzers found, kept as cases: one test for each defect, named after what it was."""

from __future__ import annotations

import asyncio
import json
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from reference.utils.database import database as databases
from reference.utils.database.database import Database

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture
async def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Database]:
    """A new database in the folder of the test."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Database, "_instance", None)
    found = databases.init_database()
    yield found
    await found.close_pool()


async def test_a_folder_that_could_not_be_made_once(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """A write whose connection met a folder that could not be made fails; the next write works."""
    await database.init_schema()
    await database._reinitialize_pool()
    with monkeypatch.context() as patch:
        patch.setattr(Path, "mkdir", _refuse)
        with pytest.raises(PermissionError):
            await database.save_guild_settings(1, prefix="?")
    await database.save_guild_settings(1, prefix="?")
    assert (await database.get_guild_settings(1))["prefix"] == "?"


def _refuse(_path: Path, *_args: Any, **_options: Any) -> None:
    raise PermissionError(13, "Permission denied")


async def test_an_export_that_failed_once(
    database: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A file that could not be exported stays due and is written with the next flush."""
    await database.save_ai_message(1, 2, "user", "hello")
    with monkeypatch.context() as patch, caplog.at_level(logging.CRITICAL):
        patch.setattr(Path, "replace", _refuse)
        await database.flush_pending_exports()
    assert database.exporter.pending == ["ai_history_1.json"]
    await database.flush_pending_exports()
    exported = await asyncio.to_thread(Path(databases.EXPORT_DIR, "ai_history_1.json").read_bytes)
    assert [message["content"] for message in json.loads(exported)] == ["hello"]
