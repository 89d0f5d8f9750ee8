"""Options of the fuzzers: the schedule to replay, where to write how much was tried, and where to keep failures."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from fuzz import bounds, budget, cases
from harness.parts.interleave import observers

if TYPE_CHECKING:
    from collections.abc import Generator


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options."""
    group = parser.getgroup("fuzz", "searching for defects")
    group.addoption("--schedule", metavar="S", help="replay this schedule alone, as a failure printed it")
    group.addoption("--fuzz-counts", metavar="FILE", help="write how many examples were tried to FILE, as JSON")
    group.addoption("--fuzz-failures", metavar="FOLDER", help="keep each failure as a file in FOLDER, to be promoted")


@pytest.fixture
def replay(request: pytest.FixtureRequest) -> str | None:
    """The schedule to replay, None for all."""
    schedule: str | None = request.config.getoption("--schedule", None)
    return schedule


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Keep what failed."""
    report = yield
    folder = item.config.getoption("--fuzz-failures", None)
    if folder and report.failed and call.excinfo is not None and isinstance(item, pytest.Function):
        arguments: dict[str, Any] = {**(item.callspec.params if hasattr(item, "callspec") else {}), **budget.last}
        failure = cases.failure_of(item.path.name, item.originalname, arguments, call.excinfo.value)
        cases.keep(Path(folder), failure)
    return report


def pytest_configure(config: pytest.Config) -> None:
    """Write the counts every now and then, for a run may be ended at any moment."""
    if target := config.getoption("--fuzz-counts", None):
        over = threading.Event()
        config.add_cleanup(over.set)
        threading.Thread(target=_write_counts, args=(Path(target), over), name="counts", daemon=True).start()


def _write_counts(target: Path, over: threading.Event) -> None:
    observers.add(threading.get_ident())
    while not over.wait(1.0):
        _write(target)


def _write(target: Path) -> None:
    beside = target.with_suffix(".part")
    beside.write_text(json.dumps(budget.counts.copy()), encoding="utf-8")
    beside.replace(target)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Tell to what bound schedules were explored, where the run is asked for more than dots."""
    if bounds.known and terminalreporter.config.get_verbosity() > 0:
        terminalreporter.section("schedules that were explored")
        for line in bounds.lines():
            terminalreporter.write_line(line)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write the counts."""
    if target := session.config.getoption("--fuzz-counts", None):
        _write(Path(target))
