"""What the report of a shutdown says of each handler, to the letter."""

from __future__ import annotations

import asyncio
import logging
import threading
from contextlib import suppress
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


def test_a_handler_is_given_its_time_exactly() -> None:
    """A time below a second is kept, and a shutdown of handlers that do not wait takes none."""

    async def lasts(clock: Callable[[], float]) -> list[float]:
        ends = list[float]()
        for timeout in (0.25, None):
            manager, begin = ShutdownManager(force_exit=False), clock()
            if timeout:
                manager.register("handler", never, timeout=timeout)
            await manager.shutdown()
            ends.append(clock() - begin)
        return ends

    assert warp(lasts) == [0.25, 0]


async def test_each_of_the_late_may_clean_up() -> None:
    """A handler that is cancelled has its moment, though another one that was cancelled has ended already."""
    cleaned = list[str]()

    async def slow() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            for _ in range(20):
                await asyncio.sleep(0)
            cleaned.append("slow")

    manager = ShutdownManager(force_exit=False)
    for callback in (never, slow):
        manager.register("handler", callback, timeout=0.01)
    report = await manager.shutdown()
    assert (cleaned, report.left_behind) == (["slow"], ())


def thread_of(handler: str) -> threading.Thread:
    """Return the thread in which a plain function runs as a handler."""
    (thread,) = (thread for thread in threading.enumerate() if thread.name == f"shutdown handler {handler}")
    return thread


async def test_what_ends_later_is_not_left_behind() -> None:
    """Of the handlers that were given up, those count as left behind that are at work when all is over."""
    end, released = asyncio.Event(), threading.Event()

    async def deaf() -> None:
        while not end.is_set():
            with suppress(asyncio.CancelledError):
                await end.wait()

    async def release() -> None:
        thread = thread_of("blocks")
        end.set()
        released.set()
        await asyncio.to_thread(thread.join)
        await asyncio.sleep(0)

    manager = ShutdownManager(force_exit=False)
    manager.register("deaf", deaf, timeout=0.01)
    manager.register("blocks", released.wait, timeout=0.01)
    manager.register("release", release, Priority.LOW, 30)
    report = await manager.shutdown()
    assert (set(report.timed_out), report.ran, report.left_behind) == ({"deaf", "blocks"}, ("release",), ())


def test_a_thread_may_outlive_its_loop() -> None:
    """What a handler's thread brings after its loop was closed is nobody's, and no error of the thread."""
    released = threading.Event()
    manager = ShutdownManager(force_exit=False)
    manager.register("blocks", released.wait, timeout=0.01)
    assert asyncio.run(manager.shutdown()).left_behind == ("shutdown handler blocks",)
    thread = thread_of("blocks")
    released.set()
    thread.join()  # pytest fails the test if the thread raised


async def test_handlers_go_by_name() -> None:
    """All handlers of a name are taken out, and counted; the others stay."""
    manager = ShutdownManager(force_exit=False)
    for name in ("a", "b", "a"):
        manager.register(name, list)
    assert (manager.unregister("a"), manager.unregister("a")) == (2, 0)
    assert (await manager.shutdown()).ran == ("b",)
