"""Options of the fuzzers: the schedule to replay, and where to write how many examples were tried."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fuzz import budget


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options."""
    group = parser.getgroup("fuzz", "searching for defects")
    group.addoption("--schedule", metavar="S", help="replay this schedule alone, as a failure printed it")
    group.addoption("--fuzz-counts", metavar="FILE", help="write how many examples were tried to FILE, as JSON")


@pytest.fixture
def replay(request: pytest.FixtureRequest) -> str | None:
    """The schedule to replay, None for all."""
    schedule: str | None = request.config.getoption("--schedule", None)
    return schedule


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write the counts."""
    if target := session.config.getoption("--fuzz-counts", None):
        Path(target).write_text(json.dumps(budget.counts), encoding="utf-8")
