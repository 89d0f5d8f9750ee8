"""What the report of a shutdown says of each handler, to the letter."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

import pytest

from reference.utils.reliability import shutdown_manager
from reference.utils.reliability.shutdown_manager import Priority, ShutdownManager
from reference.utils.reliability.shutdown_report import ShutdownReport, Status
from tests.reliability.warp import warp

if TYPE_CHECKING:
    from collections.abc import Callable


def exits() -> None:
    """Ask for what a handler may not have."""
    raise SystemExit(3)


def stops() -> None:
    """Raise what no future takes."""
    raise StopIteration


async def never() -> None:
    """Take longer than there is time."""
    await asyncio.Event().wait()


async def cancels() -> None:
    """Cancel the task of the handler itself."""
    raise asyncio.CancelledError


CASES: dict[str, tuple[Callable[[], object], Status, str]] = {
    "exits": (exits, Status.FAILED, "the handler asked to exit (SystemExit(3)); the rest of the clean-up goes on"),
    "stops": (stops, Status.FAILED, "the handler raised StopIteration"),
    "never": (never, Status.TIMED_OUT, "did not end in 0.05 s"),
    "cancels": (cancels, Status.FAILED, "the handler was cancelled from within"),
    "list": (list, Status.RAN, "None"),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("required", [True, False])
async def test_a_handler_is_reported_with_its_level_and_its_fault(case: str, required: bool) -> None:
    """Name, level, fate, whether it matters, and what ended it are in the report, and so is whether all is well."""
    callback, status, said = CASES[case]
    manager = ShutdownManager(timeout=30, force_exit=False)
    manager.register(case, callback, Priority.LOW, 0.05 if case == "never" else 30, required)
    report = await manager.shutdown("test")
    (outcome,) = report.outcomes
    assert (outcome.name, outcome.priority, outcome.required) == (case, Priority.LOW, required)
    assert (outcome.status, str(outcome.error)) == (status, said)
    assert report.ok is (status is Status.RAN or not required)
    assert str(report) == f"shutdown (test): {status}: {case}"


def test_a_shutdown_without_time_skips_its_handlers() -> None:
    """Where the whole time is over as a level begins, its handlers are skipped, which is told."""
    manager = ShutdownManager(timeout=0, force_exit=False)
    manager.register("late", list)
    report = warp(lambda _clock: manager.shutdown("test"))
    assert (report.skipped, report.ran, report.ok) == (("late",), (), False)
    assert str(report) == "shutdown (test): skipped: late"


async def test_a_shutdown_of_nothing_is_one_too() -> None:
    """Without handlers there is nothing to do; whoever waits gets the report, or that of a reset."""
    manager = ShutdownManager(force_exit=False)
    assert (manager.exit_code, manager.timeout) == (0, 30)
    states = [manager.is_shutting_down]
    report = await manager.shutdown()
    assert str(report) == "shutdown (request): nothing to do"
    states.append(manager.is_shutting_down)
    assert await manager.wait_for_shutdown() is report
    manager.reset()
    states.append(manager.is_shutting_down)
    assert states == [False, True, False]
    assert str(ShutdownReport("x", (), ("task",))) == "shutdown (x): left behind: task"


class Broken(logging.Handler):
    """A log whose disk is full, for one: each record fails."""

    def emit(self, record: logging.LogRecord) -> None:
        """Fail."""
        raise OSError(record.getMessage())


async def test_who_waits_goes_on_where_the_log_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    """The report reaches all who wait for it before it is logged, and so a log that raises costs nobody the end."""
    monkeypatch.setattr(shutdown_manager.logger, "handlers", [Broken()])
    manager = ShutdownManager(force_exit=False)
    manager.register("handler", exits)
    async with asyncio.timeout(10):
        assert (await manager.shutdown("test")).failed == ("handler",)
    assert manager._run is not None
    await asyncio.wait([manager._run.task])
    assert isinstance(manager._run.task.exception(), OSError)


async def test_the_log_says_how_it_went(caplog: pytest.LogCaptureFixture) -> None:
    """A shutdown in order is news; one that failed, or left something behind, is a warning."""
    caplog.set_level(logging.INFO)
    started = list[asyncio.Task[object]]()

    async def starts() -> None:
        started.append(asyncio.create_task(asyncio.Event().wait(), name="left"))

    for callback in (list, exits, starts):
        manager = ShutdownManager(force_exit=False)
        manager.register("handler", callback)
        await manager.shutdown("test")
    started.pop().cancel()
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("INFO", "shutdown (test): ran: handler"),
        ("WARNING", "shutdown (test): failed: handler"),
        ("WARNING", "shutdown (test): ran: handler; left behind: left"),
    ]


async def test_handlers_go_by_name() -> None:
    """All handlers of a name are taken out, and counted; the others stay."""
    manager = ShutdownManager(force_exit=False)
    for name in ("a", "b", "a"):
        manager.register(name, list)
    assert (manager.unregister("a"), manager.unregister("a")) == (2, 0)
    assert (await manager.shutdown()).ran == ("b",)
