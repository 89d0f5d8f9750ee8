"""Fixtures that tests of several areas share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reference.utils.database import database as module
from reference.utils.database.database import Database

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


@pytest.fixture
async def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Database]:
    """A database of its own on a new file, closed afterwards."""
    monkeypatch.setattr(Database, "_instance", None)
    monkeypatch.setattr(module, "EXPORT_DIR", tmp_path / "export")
    made = Database()
    made.db_path = str(tmp_path / "data" / "bot.db")
    yield made
    assert await made.close_pool(), "the database could not be closed in time"
