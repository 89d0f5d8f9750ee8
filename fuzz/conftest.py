"""Options of the fuzzers: the schedule to replay, where to write how much was tried, and where to keep failures."""

from __future__ import annotations

import itertools
import json
import os
import random
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from fuzz import bounds, budget
from fuzz.early import Early
from fuzz.reach import Reach
from harness.parts.interleave import observers

if TYPE_CHECKING:
    from collections.abc import Generator

EARLY = pytest.StashKey[Early]()
REACH = pytest.StashKey[Reach]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options."""
    group = parser.getgroup("fuzz", "searching for defects")
    group.addoption("--schedule", metavar="S", help="replay this schedule alone, as a failure printed it")
    group.addoption("--fuzz-counts", metavar="FILE", help="write how many examples were tried to FILE, as JSON")
    group.addoption("--fuzz-failures", metavar="FOLDER", help="keep each failure as a file in FOLDER, to be promoted")
    group.addoption(
        "--fuzz-reach", metavar="FILE", help="write which lines of the project were reached to FILE, as JSON"
    )
    group.addoption("--fuzz-order", metavar="N", type=int, help="run the tests in an order that follows from N")


@pytest.fixture
def replay(request: pytest.FixtureRequest) -> str | None:
    """The schedule to replay, None for all."""
    schedule: str | None = request.config.getoption("--schedule", None)
    return schedule


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, None, None]:
    """Keep each example that fails at once."""
    if (folder := item.config.getoption("--fuzz-failures", None)) and isinstance(item, pytest.Function):
        item.stash[EARLY] = early = Early(Path(folder), item)
        budget.failed[:] = [early.keep]
    try:
        return (yield)
    finally:
        budget.failed.clear()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Keep what failed."""
    report = yield
    folder = item.config.getoption("--fuzz-failures", None)
    if folder and report.failed and call.excinfo is not None and isinstance(item, pytest.Function):
        arguments: dict[str, Any] = dict(budget.last)
        item.stash.setdefault(EARLY, Early(Path(folder), item)).keep(arguments, call.excinfo.value)
    return report


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Bring the tests into another order, so that those at the end of a file have their time as well."""
    if (number := config.getoption("--fuzz-order", None)) is not None:
        random.Random(number).shuffle(items)  # noqa: S311  no secret


def pytest_configure(config: pytest.Config) -> None:
    """Write the counts each second, for a run may be ended at any moment, and see whether its time is up."""
    if target := config.getoption("--fuzz-counts", None):
        over = threading.Event()
        config.add_cleanup(over.set)
        threading.Thread(target=_write_counts, args=(Path(target), over), name="counts", daemon=True).start()
    if config.getoption("--fuzz-reach", None):
        config.stash[REACH] = Reach()
        config.stash[REACH].start()


def _write_counts(target: Path, over: threading.Event) -> None:
    observers.add(threading.get_ident())
    seconds = float(os.environ.get("FUZZ_SECONDS", "inf"))
    for second in itertools.count(1):
        if over.wait(1.0):
            return
        _write(target)
        if second >= seconds:
            budget.is_over.set()


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
    """Write the counts, and what was reached."""
    if target := session.config.getoption("--fuzz-counts", None):
        _write(Path(target))
    if reach := session.config.stash.get(REACH, None):
        Path(session.config.getoption("--fuzz-reach")).write_text(json.dumps(reach.stop()), encoding="utf-8")
