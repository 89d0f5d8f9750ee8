"""Fixtures of the tests of the AI chat's parts that need no Discord."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reference.cogs import FOLDER
from reference.utils.database import database as module
from reference.utils.database.database import Database
from reference.utils.localization import add_locales
from tests.ai.service import Service

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


@pytest.fixture(autouse=True)
def _texts() -> None:
    add_locales(FOLDER / "ai" / "locales")


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    """A service that listens."""
    async with Service() as service:
        yield service


@pytest.fixture
async def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Database]:
    """A database of its own on a new file, closed afterwards."""
    monkeypatch.setattr(Database, "_instance", None)
    monkeypatch.setattr(module, "EXPORT_DIR", tmp_path / "export")
    made = Database()
    made.db_path = str(tmp_path / "data" / "bot.db")
    yield made
    assert await made.close_pool(), "the database could not be closed in time"
