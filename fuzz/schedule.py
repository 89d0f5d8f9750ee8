"""An asyncio event loop that a test is in charge of: which callback runs next, and what time it is.

asyncio promises that callbacks run in the order in which they were asked for, but nobody can know in which order
sockets, timers and threads ask. So the steps of *tasks* may be taken in any order here, while plain callbacks keep
theirs, one behind another. Each time there is more than one thing to do, a `Chooser` says which; 0 is what an
ordinary loop would do. Time stands still while anything is ready and jumps to the next timer when nothing is. Work
for other threads (`asyncio.to_thread`, `Hops`) is done in one step, whenever the schedule says so.

Nothing here needs a selector, a signal or a fork: it is the same on Linux and Windows, Python 3.11 to 3.14.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import heapq
import time
from collections import deque
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TypeVar
from unittest import mock

if TYPE_CHECKING:
    from asyncio.events import Handle
    from collections.abc import Callable, Coroutine, Iterator, Mapping

T = TypeVar("T")

BEGINNING = 1_000_000.0
"""What the monotonic clock says when a run begins, in seconds."""

EPOCH = 1_800_000_000.0
"""What the wall clock says when a run begins, in seconds since 1970."""

MOST_STEPS = 20_000
"""Steps after which a run is taken for endless."""

OUTSIDE = 5.0
"""Real seconds to wait for a thread that is not under control, when nothing else is left to do."""


class Deadlock(AssertionError):  # noqa: N818  a verdict on the code that runs here
    """Nothing can ever happen any more, and the run is not over; the text says who waits, and where."""


class Endless(AssertionError):  # noqa: N818  a verdict on the code that runs here
    """The run does not come to an end."""


class Chooser(Protocol):
    """Says what happens next."""

    def choose(self, options: int) -> int:
        """Return a number from 0 to ``options - 1``; 0 is what an ordinary event loop would do."""


@dataclass
class Script:
    """A chooser that departs from the ordinary order at some moments only.

    Attributes:
        departures: moment (how many-th choice, from 0) -> choice.
        options: how many options there were at each moment of the run so far.
    """

    departures: Mapping[int, int] = field(default_factory=dict)
    options: list[int] = field(default_factory=list)

    def choose(self, options: int) -> int:
        """Return the scripted choice for this moment."""
        moment = len(self.options)
        self.options.append(options)
        return min(self.departures.get(moment, 0), options - 1)

    def __str__(self) -> str:
        return ",".join(f"{moment}:{choice}" for moment, choice in sorted(self.departures.items())) or "-"

    @classmethod
    def parse(cls, text: str) -> Script:
        """Read what ``str`` wrote.

        Raises:
            ValueError: it is not of the form ``moment:choice,moment:choice``.
        """
        pairs = [part.split(":") for part in text.split(",")] if text not in {"", "-"} else []
        if any(len(pair) != 2 or not all(number.isdecimal() for number in pair) for pair in pairs):
            raise ValueError(f"{text!r} is no schedule; one reads 17:2,23:1, or - for the ordinary order")
        return cls({int(moment): int(choice) for moment, choice in pairs})


@dataclass
class Drawn:
    """A chooser that asks another one, as Hypothesis, and remembers the answers as a script.

    Attributes:
        draw: returns a number from 0 to its argument, both included.
        departures: what was chosen other than the ordinary, as a `Script` takes it.
    """

    draw: Callable[[int], int]
    departures: dict[int, int] = field(default_factory=dict)
    moments: int = 0

    def choose(self, options: int) -> int:
        """Draw a choice."""
        choice = self.draw(options - 1)
        if choice:
            self.departures[self.moments] = choice
        self.moments += 1
        return choice

    def __str__(self) -> str:
        return str(Script(self.departures))


class ScheduledLoop(asyncio.BaseEventLoop):
    """The event loop.

    Args:
        chooser: says what happens next.
        free_clock: whether a timer may also go off while other things are ready, as on a slow machine.

    Attributes:
        steps: how many steps were taken.
        complaints: what asyncio told its exception handler, as exceptions that nobody fetched.
    """

    _ready: deque[Any]
    _scheduled: list[Any]
    _stopping: bool

    def __init__(self, chooser: Chooser, *, free_clock: bool = False) -> None:
        super().__init__()
        self.steps = 0
        self.complaints: list[str] = []
        self._chooser = chooser
        self._free_clock = free_clock
        self._now = BEGINNING
        self._hops: deque[Callable[[], object]] = deque()
        self.set_exception_handler(self._complain)

    def time(self) -> float:
        """Return the seconds of the clock that this loop is in charge of."""
        return self._now

    def advance(self, seconds: float) -> None:
        """Let time pass, as a slow callback would."""
        self._now += seconds

    def hop(self, work: Callable[[], object]) -> None:
        """Have something done as a thread would do it: in one step, when the schedule says so."""
        self._hops.append(work)

    def run_in_executor(  # type: ignore[override]  # the same, without a variadic type
        self, _executor: Any, func: Callable[..., Any], *args: Any
    ) -> asyncio.Future[Any]:
        """Do the work of an executor's thread in one step of the schedule."""
        future: Future[Any] = Future()

        def work() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                future.set_result(func(*args))
            except BaseException as error:  # noqa: BLE001  the waiter gets it
                future.set_exception(error)

        self.hop(work)
        return asyncio.wrap_future(future, loop=self)

    async def shutdown_default_executor(self, timeout: float | None = None) -> None:  # noqa: ASYNC109  asyncio's name
        """Return; there are no threads to wait for."""

    def _complain(self, _loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        self.complaints.append(f"{context['message']}: {error!r}" if error else str(context["message"]))

    # What BaseEventLoop asks of a loop

    def _run_once(self) -> None:
        self.steps += 1
        if self.steps > MOST_STEPS:
            raise Endless(f"after {MOST_STEPS} steps the run is not over; {self._who_waits()}")
        self._release_due()
        if not self._ready and not self._hops:
            self._pass_time()
            return
        self._do(self._options())

    def _options(self) -> list[Callable[[], object]]:
        """Return what could be done next; first what an ordinary loop would do."""
        found: list[Callable[[], object]] = []
        has_plain = False
        for handle in list(self._ready):
            if handle.cancelled():
                self._ready.remove(handle)
            elif _is_step_of_a_task(handle):
                found.append(lambda handle=handle: self._run(handle))  # type: ignore[misc]
            elif not has_plain:
                has_plain = True
                found.append(lambda handle=handle: self._run(handle))  # type: ignore[misc]
        found.extend(lambda work=work: self._hop(work) for work in self._hops)  # type: ignore[misc]
        if self._free_clock and found and self._next_timer() is not None:
            found.append(self._jump)
        return found

    def _do(self, options: list[Callable[[], object]]) -> None:
        if options:
            options[self._chooser.choose(len(options)) if len(options) > 1 else 0]()

    def _run(self, handle: Handle) -> None:
        self._ready.remove(handle)
        handle._run()

    def _hop(self, work: Callable[[], object]) -> None:
        self._hops.remove(work)
        asyncio._set_running_loop(None)
        try:
            work()
        finally:
            asyncio._set_running_loop(self)

    def _next_timer(self) -> float | None:
        while self._scheduled and self._scheduled[0].cancelled():
            heapq.heappop(self._scheduled)._scheduled = False
        return self._scheduled[0].when() if self._scheduled else None

    def _release_due(self) -> None:
        while (when := self._next_timer()) is not None and when <= self._now:
            handle = heapq.heappop(self._scheduled)
            handle._scheduled = False
            self._ready.append(handle)

    def _jump(self) -> None:
        when = self._next_timer()
        if when is not None:
            self._now = max(self._now, when)

    def _pass_time(self) -> None:
        if self._stopping:
            return
        if self._next_timer() is not None:
            self._jump()
        elif not self._hear_outside():
            raise Deadlock(f"nothing can happen any more, and the run is not over; {self._who_waits()}")

    def _hear_outside(self) -> bool:
        """Wait for threads that are not under control, if there are any; tell whether one had something to say."""
        from threading import active_count  # noqa: PLC0415  patched by some observers

        end = time.perf_counter() + OUTSIDE
        while not self._ready and active_count() > 1 and time.perf_counter() < end:
            self._heard.wait(0.01)
        self._heard.clear()
        return bool(self._ready)

    @property
    def _heard(self) -> Any:
        import threading  # noqa: PLC0415  only needed here

        if not hasattr(self, "_heard_event"):
            self._heard_event = threading.Event()
        return self._heard_event

    def _write_to_self(self) -> None:
        self._heard.set()

    def _process_events(self, event_list: Any) -> None:
        """Do nothing; there is no selector."""

    def _who_waits(self) -> str:
        waiting = sorted(asyncio.all_tasks(self), key=lambda task: task.get_name())
        return "; ".join(f"{task.get_name()} waits in {where(task)}" for task in waiting) or "nobody waits"


def where(task: asyncio.Task[Any]) -> str:
    """Describe the place where a task is suspended: file, line and function."""
    awaited: Any = task.get_coro()
    place = "an unknown place"
    while awaited is not None:
        frame = getattr(awaited, "cr_frame", None) or getattr(awaited, "gi_frame", None)
        if frame is not None:
            name = frame.f_code.co_filename.replace("\\", "/").rpartition("/")[2]
            place = f"{name}:{frame.f_lineno} ({frame.f_code.co_name})"
        awaited = getattr(awaited, "cr_await", None) or getattr(awaited, "gi_yieldfrom", None)
    return place


def _is_step_of_a_task(handle: Handle) -> bool:
    return isinstance(getattr(handle._callback, "__self__", None), asyncio.Task)  # type: ignore[attr-defined]


@contextlib.contextmanager
def clocks_of(loop: ScheduledLoop) -> Iterator[None]:
    """Make ``time.monotonic`` and ``time.time`` say what the loop's clock says."""

    def wall_clock() -> float:
        return EPOCH + loop.time() - BEGINNING

    with mock.patch.object(time, "monotonic", loop.time), mock.patch.object(time, "time", wall_clock):
        yield


@contextlib.contextmanager
def without_collector() -> Iterator[None]:
    """Keep the garbage collector, whose finalizers come at no moment that can be repeated, out of a run."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.collect(0)
        if was_on:
            gc.enable()


def run(main: Callable[[], Coroutine[Any, Any, T]], chooser: Chooser, *, free_clock: bool = False) -> T:
    """Run a coroutine to its end on a scheduled loop, and see that nothing of it is left.

    Args:
        main: makes the coroutine; `asyncio.get_running_loop` in it is the `ScheduledLoop`.
        chooser: says what happens next.
        free_clock: see `ScheduledLoop`.

    Raises:
        Deadlock: nothing could happen any more.
        Endless: it did not come to an end.
        AssertionError: a task was left behind, or an exception that nobody fetched.
    """
    loop = ScheduledLoop(chooser, free_clock=free_clock)
    with clocks_of(loop), without_collector():
        try:
            asyncio.set_event_loop(loop)
            result = loop.run_until_complete(main())
            left = [f"{task.get_name()} in {where(task)}" for task in asyncio.all_tasks(loop)]
            assert not left, f"tasks were left behind: {', '.join(left)}"
            assert not loop.complaints, f"the event loop complained: {loop.complaints[0]}"
            return result
        finally:
            _wind_up(loop)


def _wind_up(loop: ScheduledLoop) -> None:
    """Cancel what is left, run it to its end in the ordinary order, and close the loop."""
    loop._chooser = Script()
    loop.steps = 0
    with contextlib.suppress(Deadlock, Endless):
        for _ in range(3):
            left = asyncio.all_tasks(loop)
            if not left:
                break
            for task in left:
                task.cancel()
            loop.run_until_complete(asyncio.wait(left, timeout=60.0))
        loop.run_until_complete(loop.shutdown_asyncgens())
    asyncio.set_event_loop(None)
    loop.close()
