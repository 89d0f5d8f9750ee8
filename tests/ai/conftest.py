"""Fixtures of the tests of the AI chat's parts that need no Discord."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reference.cogs import FOLDER
from reference.utils.localization import add_locales
from tests.ai.service import Service

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture(autouse=True)
def _texts() -> None:
    add_locales(FOLDER / "ai" / "locales")


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    """A service that listens."""
    async with Service() as service:
        yield service
