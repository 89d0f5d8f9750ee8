"""A pytest plugin, the leak oracle: what a test began is over after it, and no event loop stood still meanwhile.

A test that passed and left a task, thread, descriptor, socket, HTTP session, process, database connection or temporary
file is failed by name, with what it left and where that was made. Fixtures of a wider scope may hold what they like.
"""

from __future__ import annotations

import asyncio
import asyncio.runners
import contextlib
import gc
import tempfile
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from unittest import mock

import pytest
from aiohttp import web_app

from harness import holdings
from harness.holdings import Holdings
from harness.made import MADE
from harness.scratch import scratch_folder
from harness.watch import Watch

if TYPE_CHECKING:
    from collections.abc import Generator

BLOCKED = 10.0
"""Seconds for which a callback may compute or stand still."""

STAY = {
    "RequestHandler.start": "aiohttp lets a connection whose body nobody read linger for ten seconds, gone or not",
}
"""Names of coroutines whose tasks may stay until the event loop is closed, and why."""


@dataclass
class Oracle:
    """What is known of the test that runs now.

    Attributes:
        patience: seconds that something gets to come to its end.
        watch: looks after the event loops.
        before: what was held when the test's own fixtures began; None outside of tests.
        loops: event loops that the test's fixtures made.
        tasks: what was left of tasks, one phrase each.
        has_failed: whether the test did not pass, and so may have left things behind for that reason.
    """

    patience: float
    watch: Watch
    before: Holdings | None = None
    loops: list[asyncio.AbstractEventLoop] = field(default_factory=list)
    tasks: list[str] = field(default_factory=list)
    has_failed: bool = False

    def begin(self) -> None:
        """Look at what is held before a test."""
        self.tasks.clear()
        self.watch.blocked.clear()
        self.has_failed = False
        self.before = Holdings.now()

    def end(self) -> list[str]:
        """Return what a test that passed left behind, one phrase each."""
        before, self.before = self.before, None
        self.loops.clear()
        if before is None or self.has_failed:
            return []
        left = [*self.tasks, *holdings.left_behind(before, patience=self.patience)]
        return ([f"left behind: {'; '.join(left)}"] if left else []) + self.watch.blocked

    def look_at_tasks(self, loop: asyncio.AbstractEventLoop) -> None:
        """Take note of the tasks that a test leaves to the end of its event loop, once they had time to end."""
        if loop not in self.loops:
            return
        if pending := {task for task in asyncio.all_tasks(loop) if _name_of(task) not in STAY}:
            _, pending = loop.run_until_complete(asyncio.wait(pending, timeout=self.patience))
            self.tasks += map(_describe, pending)


def _forget_applications() -> None:
    """Empty aiohttp's cache of middlewares, which keeps a thousand servers of ended tests, with their routes."""
    if cached := getattr(web_app, "_cached_build_middleware", None):
        cached.cache_clear()


def _name_of(task: asyncio.Task[Any]) -> str:
    return getattr(task.get_coro(), "__qualname__", "")


def _describe(task: asyncio.Task[Any]) -> str:
    frames = task.get_stack(limit=1)
    where = f", at {frames[0].f_code.co_filename}:{frames[0].f_lineno}" if frames else ""
    return f"the task {task.get_name()} of {_name_of(task)}{where}"


ORACLE = pytest.StashKey[Oracle]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the oracle's settings."""
    parser.addini("leak_patience", "seconds that what a test began gets to end", default=str(holdings.PATIENCE))
    parser.addini(
        "blocked_after", "seconds that a callback of an event loop may compute or stand still", default=str(BLOCKED)
    )


def pytest_configure(config: pytest.Config) -> None:
    """Begin to take note of what is made, and to watch."""
    oracle = Oracle(float(config.getini("leak_patience")), Watch(float(config.getini("blocked_after"))))
    config.stash[ORACLE] = oracle
    stack = contextlib.ExitStack()
    config.add_cleanup(stack.close)
    stack.enter_context(MADE.installed())
    cancel: Any = asyncio.runners._cancel_all_tasks  # type: ignore[attr-defined]  # noqa: SLF001  where loops end

    def cancelled(loop: asyncio.AbstractEventLoop) -> None:
        oracle.look_at_tasks(loop)
        cancel(loop)

    stack.enter_context(mock.patch.object(asyncio.runners, "_cancel_all_tasks", cancelled))
    oracle.watch.start()
    stack.callback(oracle.watch.stop)


def pytest_collection_finish() -> None:
    """Spare the garbage collector, which is asked after nearly each test, what the imports made and nobody frees."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def _own_temporary_files(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Give this process a folder for temporary files of its own, in which nobody else's turn up."""
    tmp_path_factory.getbasetemp()  # pytest's own folder stays where it is
    stack = contextlib.ExitStack()
    pytestconfig.add_cleanup(stack.close)
    folder = stack.enter_context(scratch_folder("temporary"))
    stack.enter_context(mock.patch.object(tempfile, "tempdir", str(folder)))


@pytest.fixture(autouse=True)
def _nothing_left(pytestconfig: pytest.Config) -> None:
    """Look at what is held once the fixtures of wider scopes are there."""
    pytestconfig.stash[ORACLE].begin()


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(
    fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest
) -> Generator[None, object, object]:
    """Let a fixture of a wider scope hold what it likes, and know the event loops of the others."""
    oracle = request.config.stash[ORACLE]
    if fixturedef.scope != "function":
        held = oracle.before and Holdings.now()
        found = yield
        if oracle.before and held:
            oracle.before = oracle.before.grown(held, Holdings.now())
        return found
    found = yield
    if isinstance(found, asyncio.Runner):
        oracle.loops.append(found.get_loop())
    return found


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Take note of a test that does not pass."""
    oracle = item.config.stash[ORACLE]
    oracle.has_failed |= call.excinfo is not None
    return (yield)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, object, object]:
    """Fail a test that left something behind, when its fixtures are gone."""
    found = yield
    _forget_applications()
    if faults := item.config.stash[ORACLE].end():
        pytest.fail("\n".join(faults), pytrace=False)
    return found
