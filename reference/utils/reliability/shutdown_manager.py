"""Ends the bot in order: registered handlers run level by level, within deadlines, whatever asked for the end."""

from __future__ import annotations

import asyncio
import functools
import logging
import os
import signal
import sys
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from .handler_calls import Calls
from .loop_signals import ManyLoopsEvent, SignalHandlers, WakeUp
from .shutdown_report import Callback, Handler, Outcome, Priority, ShutdownReport, Status

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator
    from types import FrameType

__all__ = ["Callback", "Outcome", "Priority", "ShutdownManager", "ShutdownReport", "Status", "shutdown_manager"]

logger = logging.getLogger(__name__)

EXIT_BY_SIGNAL = 128
"""What a shell adds to the number of the signal that ended a process (POSIX.1-2017, XCU 2.8.2)."""

STUCK_GRACE = 2.0
"""Seconds beyond the overall deadline after which a clean-up that blocks the event loop is ended with the process."""


class _Run:
    """One pass over the handlers: the task is kept here, so that it cannot be collected before it is done (F13)."""

    def __init__(self, work: Callable[[_Run], Coroutine[Any, Any, None]]) -> None:
        self.loop = asyncio.get_running_loop()
        self.ended = ManyLoopsEvent()
        self.task = self.loop.create_task(work(self), name="shutdown")

    @property
    def is_dead(self) -> bool:
        """Whether it cannot come to its end: its loop was closed, or an interrupt broke through it."""
        return (self.loop.is_closed() or self.task.done()) and not self.ended.is_set()


class ShutdownManager:
    """Runs what must be done before the process ends, once, in order, and within a time.

    All handlers of one priority run at once, and all of them have ended before the next priority begins. Nothing
    here belongs to one event loop: any number of callers in any loops share one run and get one report.

    Attributes:
        timeout: seconds for all handlers together.
        force_exit: whether the process is ended with ``os._exit`` where orderly means are used up: at a second
            signal, and when a handler blocks the event loop past the overall deadline after a signal.
        exit_code: exit code of a process that a signal ends in order while no event loop runs.
        report: what the finished shutdown did; None before.
    """

    def __init__(self, timeout: float = 30.0, force_exit: bool = True, exit_code: int = 0) -> None:
        self.timeout = timeout
        self.force_exit = force_exit
        self.exit_code = exit_code
        self.report: ShutdownReport | None = None
        self._handlers: list[Handler] = []
        self._outcomes: dict[Handler, Outcome] = {}
        self._lock = threading.Lock()
        self._run: _Run | None = None
        self._finished = ManyLoopsEvent()
        self._requests: set[asyncio.Task[Any]] = set()
        self._callers: set[asyncio.Task[Any]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._signals = SignalHandlers()
        self._wake_up = WakeUp()
        self._signals_received = 0

    @property
    def is_shutting_down(self) -> bool:
        """Whether a shutdown was asked for, be it under way or finished."""
        return self._run is not None or self._signals_received > 0

    def register(
        self,
        name: str,
        callback: Callback,
        priority: Priority = Priority.NORMAL,
        timeout: float = 5.0,
        required: bool = True,
        *,
        on_loop: bool = False,
    ) -> None:
        """Add a handler.

        A coroutine function runs on the event loop. A plain function runs in a thread of its own, so that one that
        blocks can break no deadline; if it returns an awaitable, that is awaited on the loop.

        Args:
            name: what the report calls it.
            callback: called without arguments.
            priority: its level; lower ones run first.
            timeout: seconds it is given, within the overall time.
            required: whether ``report.ok`` depends on it.
            on_loop: run a plain function on the loop's thread, for one that touches the loop's objects; it must
                not block.
        """
        self._handlers.append(Handler(name, callback, Priority(priority), timeout, required, on_loop))

    def unregister(self, name: str) -> int:
        """Remove the handlers of a name; return how many there were."""
        named = [handler for handler in self._handlers if handler.name == name]
        for handler in named:
            self._handlers.remove(handler)
        return len(named)

    async def shutdown(self, signal_name: str = "request") -> ShutdownReport:
        """Run the handlers, or wait for the run that is under way, in whatever loop it is.

        A cancelled caller stops waiting; the run goes on.

        Args:
            signal_name: what asked for it; the first caller's is reported.

        Returns:
            What became of each handler.
        """
        with self._as_caller():
            while self.report is None:
                with self._lock:
                    if self._run is None or self._run.is_dead:
                        self._run = _Run(functools.partial(self._clean_up, signal_name))
                    run = self._run
                await run.ended.wait()
            return self.report

    async def wait_for_shutdown(self) -> ShutdownReport:
        """Wait, in any loop, until somebody asked for a shutdown and it is finished; return its report."""
        with self._as_caller():
            await self._finished.wait()
        return self.report or ShutdownReport("reset", ())

    def reset(self) -> None:
        """Forget a finished shutdown, for a restart in the same process; the handlers stay registered.

        Raises:
            RuntimeError: a shutdown is under way.
        """
        with self._lock:
            if self._run is not None and self.report is None and not self._run.is_dead:
                raise RuntimeError("a shutdown is under way; wait for it before a restart")
            self._run = self.report = None
            self._outcomes.clear()
            self._finished = ManyLoopsEvent()
            self._signals_received = 0

    def setup_signal_handlers(self) -> bool:
        """Let SIGINT, SIGTERM and, on Windows, SIGBREAK begin the shutdown; before or while a loop runs.

        Returns:
            Whether that was possible: only the main thread may. The handlers of before come back when the
            shutdown is finished, or with ``restore_signal_handlers``.
        """
        installed = self._signals.install(self._signal_handler)
        if not installed:
            logger.warning("signal handlers can be set in the main thread only; signals will not begin the shutdown")
        return installed

    def setup_async_signal_handlers(self, loop: asyncio.AbstractEventLoop | None = None) -> bool:
        """Do as ``setup_signal_handlers`` and run the handlers in a chosen loop, on Windows as elsewhere.

        Args:
            loop: the loop; the running one if None. It may run in another thread.

        Returns:
            Whether the signal handlers could be set.
        """
        self._loop = loop or asyncio.get_running_loop()
        installed = self.setup_signal_handlers()
        if installed:
            self._wake_up.attach(self._loop)
        return installed

    def restore_signal_handlers(self) -> None:
        """Put back the signal handlers of before; done in the main thread only, where Python allows it."""
        if threading.current_thread() is threading.main_thread():
            self._signals.restore()
            self._wake_up.detach()

    def _signal_handler(self, signum: int, frame: FrameType | None) -> None:  # noqa: ARG002  the signal module passes it
        """Hand a signal over to the event loop (audit finding F13).

        This runs between two instructions of the main thread: it takes no lock and makes no task. A task made here
        would wait in a loop that sleeps in ``select``; ``call_soon_threadsafe`` wakes it.
        """
        self._signals_received += 1
        if self._signals_received > 1 or self.report is not None:
            self._insist(signum)
            return
        name = _signal_name(signum)
        loop = self._running_loop()
        try:
            if loop is not None:
                loop.call_soon_threadsafe(self._begin, loop, name)
                return
        except RuntimeError:
            logger.debug("the event loop was closed as %s came", name)
        asyncio.run(self.shutdown(name))
        raise SystemExit(self.exit_code)

    def _running_loop(self) -> asyncio.AbstractEventLoop | None:
        """Return the loop that can do the work: the chosen one, or the one that runs in this thread."""
        if self._loop is not None and self._loop.is_running():
            return self._loop
        with suppress(RuntimeError):
            return asyncio.get_running_loop()
        return None

    def _begin(self, loop: asyncio.AbstractEventLoop, name: str) -> None:
        """Begin the shutdown, in the loop; the task is kept until it is done (F13)."""
        logger.info("%s: shutting down", name)
        task = loop.create_task(self.shutdown(name), name=f"shutdown by {name}")
        self._requests.add(task)
        task.add_done_callback(self._requests.discard)
        if self.force_exit:
            watchdog = threading.Timer(self.timeout + STUCK_GRACE, self._exit_now, [self.exit_code or 1])
            watchdog.daemon = True
            watchdog.start()
            task.add_done_callback(lambda _: watchdog.cancel())

    def _insist(self, signum: int) -> None:
        if self.force_exit:
            self._exit_now(EXIT_BY_SIGNAL + signum)
        raise KeyboardInterrupt

    @staticmethod
    def _exit_now(code: int) -> None:
        """End the process without waiting for anything."""
        for stream in (sys.stdout, sys.stderr):
            with suppress(Exception):
                stream.flush()
        os._exit(code)

    async def _clean_up(self, signal_name: str, run: _Run) -> None:
        """Run all levels, then tell everyone who waits."""
        await asyncio.sleep(0)  # not within the caller's step, whatever the loop's task factory
        deadline = run.loop.time() + self.timeout
        before = asyncio.all_tasks()  # this one included
        calls = Calls()
        while level := self._next_level():
            await calls.run_level(level, deadline, self._outcomes.__setitem__)
        left = dict.fromkeys(calls.left_behind() + self._started_since(before))
        self.report = ShutdownReport(signal_name, tuple(self._outcomes.values()), tuple(left))
        self.restore_signal_handlers()
        run.ended.set()
        self._finished.set()
        logger.log(logging.INFO if self.report.ok and not left else logging.WARNING, "%s", self.report)

    def _next_level(self) -> list[Handler]:
        """Return the handlers of the first priority that has some to run, those added meanwhile included."""
        waiting = [handler for handler in self._handlers if handler not in self._outcomes]
        first = min((handler.priority for handler in waiting), default=None)
        return [handler for handler in waiting if handler.priority is first]

    def _started_since(self, before: set[asyncio.Task[Any]]) -> list[str]:
        """Name the tasks that handlers started and that did not end."""
        known = before | self._requests | self._callers
        return sorted(task.get_name() for task in asyncio.all_tasks() - known)

    @contextmanager
    def _as_caller(self) -> Iterator[None]:
        """Know the current task as one that waits for the shutdown, not as work that it left behind."""
        task = asyncio.current_task()
        known = {task} - self._callers if task else set()
        self._callers |= known
        try:
            yield
        finally:
            self._callers -= known


def _signal_name(signum: int) -> str:
    try:
        return signal.Signals(signum).name
    except ValueError:
        return f"signal {signum}"


shutdown_manager = ShutdownManager()
"""The manager that the whole bot shares."""
