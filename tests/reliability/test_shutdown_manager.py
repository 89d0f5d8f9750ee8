"""The shutdown manager: order, deadlines, kinds of handlers, many loops."""

from __future__ import annotations

import asyncio
import functools
import threading
from typing import TYPE_CHECKING, Any

import pytest

from harness.parts.turns import At, Turns
from reference.utils.reliability.handler_calls import is_async
from reference.utils.reliability.loop_signals import ManyLoopsEvent
from reference.utils.reliability.shutdown_manager import Priority, ShutdownManager, ShutdownReport

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

FOREVER = 3600.0


@pytest.fixture
def manager() -> Iterator[ShutdownManager]:
    """A manager that leaves this process as it found it."""
    manager = ShutdownManager(timeout=10.0)
    yield manager
    manager.restore_signal_handlers()


@pytest.fixture
def released() -> Iterator[threading.Event]:
    """An event that holds threads up until the end of the test."""
    event = threading.Event()
    yield event
    event.set()


async def nothing() -> None:
    """Do nothing, as a handler."""


async def test_levels_follow_each_other_and_are_concurrent_within(manager: ShutdownManager) -> None:
    """All handlers of a level run at once, and end before the next level begins."""
    said: list[str] = []
    meeting = asyncio.Barrier(2)

    async def met(name: str) -> None:
        await meeting.wait()
        said.append(name)

    manager.register("last", functools.partial(said.append, "last"), Priority.BACKGROUND)
    manager.register("one", functools.partial(met, "middle"))
    manager.register("two", functools.partial(met, "middle"))
    manager.register("first", functools.partial(said.append, "first"), Priority.CRITICAL)
    report = await manager.shutdown("test")
    assert said == ["first", "middle", "middle", "last"]
    assert report.ok
    assert (report.ran[0], report.ran[-1], report.left_behind) == ("first", "last", ())


class Closer:
    """A callable object whose call is a coroutine."""

    async def __call__(self) -> None:
        """Do nothing, asynchronously."""


@pytest.mark.parametrize(
    ("callback", "kind"),
    [
        (nothing, True),
        (functools.partial(nothing), True),
        (Closer(), True),
        (Closer, False),
        (functools.partial(asyncio.sleep, 0), True),
        (lambda: asyncio.sleep(0), False),
        (int, False),
    ],
)
async def test_every_kind_of_handler_runs(manager: ShutdownManager, callback: Callable[[], Any], kind: bool) -> None:
    """Coroutine functions run on the loop, plain ones in a thread, and what they return is awaited."""
    manager.register("handler", callback)
    assert is_async(callback) is kind
    assert (await manager.shutdown()).ran == ("handler",)


async def test_plain_functions_run_apart_unless_told_otherwise(manager: ShutdownManager) -> None:
    """A plain function gets a daemon thread of its own; one that touches the loop's objects may ask for the loop."""
    threads: dict[str, threading.Thread] = {}

    def note(name: str) -> None:
        threads[name] = threading.current_thread()

    manager.register("apart", functools.partial(note, "apart"))
    manager.register("on the loop", functools.partial(note, "on the loop"), on_loop=True)
    await manager.shutdown()
    assert threads["on the loop"] is threading.current_thread()
    assert threads["apart"].daemon
    assert threads["apart"] is not threading.current_thread()


async def test_coroutines_need_no_thread(manager: ShutdownManager, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no thread can be started any more, as late in a process's life, coroutine functions run all the same."""

    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError(f"can't start {thread.name}")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    coroutines: list[Callable[[], Any]] = [nothing, functools.partial(nothing), Closer()]
    for callback in coroutines:
        manager.register("coroutine", callback)
    manager.register("plain", list, required=False)
    report = await manager.shutdown()
    assert (report.ran, report.failed) == (("coroutine",) * 3, ("plain",))
    assert [str(outcome.error) for outcome in report.outcomes if outcome.error] == [
        "can't start shutdown handler plain"
    ]


def raising(error: BaseException) -> Callable[[], None]:
    """Make a handler that raises."""

    def handler() -> None:
        raise error

    return handler


@pytest.mark.parametrize("on_loop", [False, True])
@pytest.mark.parametrize(
    "error", [ValueError("no"), SystemExit(3), KeyboardInterrupt(), StopIteration(), asyncio.CancelledError()]
)
async def test_a_failing_handler_stops_no_other(manager: ShutdownManager, error: BaseException, on_loop: bool) -> None:
    """Whatever a handler raises is reported, and the others run; only required ones count."""
    manager.register("bad", raising(error), Priority.CRITICAL, required=False, on_loop=on_loop)
    manager.register("good", nothing)
    report = await manager.shutdown("test")
    assert (report.failed, report.ran, report.ok) == (("bad",), ("good",), True)
    assert report.outcomes[0].error is not None


async def test_a_handler_out_of_time_is_cancelled_and_reported(manager: ShutdownManager) -> None:
    """A handler that outlives its time is cancelled; the shutdown goes on and is not ok."""
    cancelled = asyncio.Event()

    async def slow() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise ValueError("not in time either") from None

    manager.register("slow", slow, timeout=0.01)
    manager.register("next", nothing, Priority.LOW)
    report = await manager.shutdown("test")
    assert cancelled.is_set()
    assert (report.timed_out, report.ran, report.ok, report.left_behind) == (("slow",), ("next",), False, ())
    assert str(report) == "shutdown (test): ran: next; timed out: slow"


async def test_a_handler_that_will_not_end_is_left_behind(manager: ShutdownManager, released: threading.Event) -> None:
    """Neither a blocking function nor a task that ignores its cancellation breaks the deadline; both are named."""
    end = asyncio.Event()

    async def deaf() -> None:
        while not end.is_set():
            try:
                await end.wait()
            except asyncio.CancelledError:
                continue

    manager.register("deaf", deaf, timeout=0.01)
    manager.register("blocking", released.wait, timeout=0.01)
    report = await manager.shutdown()
    end.set()
    assert set(report.timed_out) == {"deaf", "blocking"}
    assert set(report.left_behind) == {"shutdown handler deaf", "shutdown handler blocking"}
    assert "left behind" in str(report)


async def test_a_late_thread_is_ignored(manager: ShutdownManager, released: threading.Event) -> None:
    """What a thread returns or raises after its time harms nobody."""
    threads: list[threading.Thread] = []

    def late(result: Callable[[], Any]) -> Any:
        threads.append(threading.current_thread())
        released.wait()
        return result()

    manager.register("returns", functools.partial(late, nothing), timeout=0.01)
    manager.register("raises", functools.partial(late, raising(ValueError())), timeout=0.01)
    assert len((await manager.shutdown()).timed_out) == 2
    released.set()
    for thread in threads:
        thread.join()
    await asyncio.sleep(0)


async def test_the_overall_deadline_skips_what_is_left() -> None:
    """Handlers that the overall deadline leaves no time for are reported as skipped, not forgotten."""
    manager = ShutdownManager(timeout=0.01)
    manager.register("slow", asyncio.Event().wait, timeout=FOREVER)
    manager.register("too late", nothing, Priority.LOW)
    report = await manager.shutdown()
    assert (report.timed_out, report.skipped) == (("slow",), ("too late",))


async def test_work_that_handlers_started_is_reported(manager: ShutdownManager) -> None:
    """A task that a handler started and left is named; those of the program before are not."""
    old = asyncio.create_task(asyncio.Event().wait(), name="old")
    started: list[asyncio.Task[Any]] = []

    async def starts() -> None:
        started.append(asyncio.create_task(asyncio.Event().wait(), name="new"))

    manager.register("starts", starts)
    report = await manager.shutdown()
    assert report.left_behind == ("new",)
    for task in (old, *started):
        task.cancel()


async def test_handlers_come_and_go(manager: ShutdownManager) -> None:
    """A handler may be removed by name, and one registered by another handler runs too."""
    manager.register("gone", raising(ValueError()))
    manager.register("adds", lambda: manager.register("added", nothing, Priority.CRITICAL))
    assert (manager.unregister("gone"), manager.unregister("gone")) == (1, 0)
    assert (await manager.shutdown()).ran == ("adds", "added")


@pytest.mark.parametrize("moment", range(8))
async def test_a_handler_added_while_another_is_removed_is_kept(manager: ShutdownManager, moment: int) -> None:
    """At whatever moment of a removal another thread registers a handler, it will run."""
    manager.register("gone", nothing)
    turns = Turns(lambda file: file.endswith("shutdown_manager.py"), At(moment))
    removed, _ = turns.run(
        functools.partial(manager.unregister, "gone"), functools.partial(manager.register, "added", nothing)
    )
    assert removed == 1
    assert (await manager.shutdown()).ran == ("added",)


async def test_all_callers_share_one_run(manager: ShutdownManager) -> None:
    """However often and from whatever loop it is asked for, the shutdown runs once, and all get its report."""
    begun, end, count = asyncio.Event(), asyncio.Event(), 0

    async def counted() -> None:
        nonlocal count
        count += 1
        begun.set()
        await end.wait()

    manager.register("counted", counted)
    waiting = asyncio.create_task(manager.wait_for_shutdown())
    first = asyncio.create_task(manager.shutdown("first"))
    await begun.wait()
    elsewhere = asyncio.create_task(asyncio.to_thread(asyncio.run, manager.shutdown("second")))
    late = asyncio.create_task(manager.wait_for_shutdown())
    await asyncio.sleep(0)
    with pytest.raises(RuntimeError, match=r"^a shutdown is under way; wait for it before a restart$"):
        manager.reset()
    end.set()
    reports = [await first, await elsewhere, await waiting, await late, await manager.shutdown("third")]
    assert manager.is_shutting_down
    assert count == 1
    assert all(report is manager.report for report in reports)
    assert reports[0].signal_name == "first"
    assert late.get_name() not in reports[0].left_behind, "who waits for the end is not what it left behind"


async def test_cancelling_everyone_does_not_stop_the_clean_up(manager: ShutdownManager) -> None:
    """A handler that cancels all other tasks ends the wait of the callers, not the levels after it."""

    async def cancel_all() -> None:
        for task in asyncio.all_tasks() - {asyncio.current_task(), test}:
            task.cancel()

    test = asyncio.current_task()
    manager.register("cancels", cancel_all)
    manager.register("after", nothing, Priority.LOW)
    caller = asyncio.create_task(manager.shutdown())
    report = await manager.wait_for_shutdown()
    assert report.ran == ("cancels", "after")
    with pytest.raises(asyncio.CancelledError):
        await caller


def test_a_run_whose_loop_was_closed_is_taken_up_in_the_next(manager: ShutdownManager) -> None:
    """What a closed loop left undone is done by the next call; what was done is not repeated."""
    said: list[str] = []
    manager.register("first", functools.partial(said.append, "first"), Priority.HIGH)

    async def second() -> None:
        said.append("second")
        if said.count("second") == 1:
            asyncio.get_running_loop().stop()
            await asyncio.Event().wait()

    manager.register("second", second)
    loop = asyncio.new_event_loop()
    with pytest.raises(RuntimeError, match="stopped before"):
        loop.run_until_complete(manager.shutdown("interrupted"))
    for task in asyncio.all_tasks(loop):
        task._log_destroy_pending = False  # type: ignore[attr-defined]
    loop.close()
    report = asyncio.run(manager.shutdown("again"))
    assert report.ran == ("first", "second")
    assert said == ["first", "second", "second"]


def test_a_restart_forgets_the_last_shutdown(manager: ShutdownManager) -> None:
    """After a reset the same handlers run again in a new loop; who still waited is told so."""
    said: list[str] = []
    manager.register("handler", functools.partial(said.append, "ran"))
    asyncio.run(manager.shutdown())
    manager.reset()
    assert not manager.is_shutting_down
    asyncio.run(manager.shutdown())
    assert said == ["ran", "ran"]


async def test_who_waits_across_a_reset_is_told(manager: ShutdownManager) -> None:
    """A task that waited for the shutdown and goes on only after the reset gets a report that says so."""
    manager.register("handler", nothing)
    waiting = asyncio.create_task(manager.wait_for_shutdown())
    await asyncio.sleep(0)
    await manager.shutdown()
    assert not waiting.done()
    manager.reset()
    assert await waiting == ShutdownReport("reset", ())


def test_an_event_of_many_loops_forgets_dead_ones() -> None:
    """Waiters in a loop that was closed, or that gave up, do no harm; late ones do not wait."""
    event = ManyLoopsEvent()

    async def give_up() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(event.wait(), 0.001)

    asyncio.run(give_up())
    assert not event._waiters
    loop = asyncio.new_event_loop()
    event._waiters.add(loop.create_future())
    loop.close()
    event.set()
    assert event.is_set()
    asyncio.run(event.wait())


async def test_a_waiter_cancelled_as_it_is_woken_is_left_alone() -> None:
    """A wake-up that arrives after the waiter was cancelled changes nothing."""
    event = ManyLoopsEvent()
    waiting = asyncio.create_task(event.wait())
    await asyncio.sleep(0)
    event.set()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await asyncio.sleep(0)
