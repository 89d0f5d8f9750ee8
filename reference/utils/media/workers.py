"""Threads for work that may hang, apart from the event loop's executor, so that a hung one costs nobody else a turn.

`asyncio.to_thread` shares a handful of threads with the whole bot, and a thread cannot be stopped: a few extractions
that wait for a server which never answers, and nothing that needs a thread gets one (audit finding F20).
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from concurrent.futures import Future
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


class BusyError(RuntimeError):
    """Too much hangs or waits already; the text is a sentence for the user."""


class _Job:
    def __init__(self, work: Callable[[], Any]) -> None:
        self.work = work
        self.result: Future[Any] = Future()
        self.is_abandoned = False


class Workers:
    """Runs calls in daemon threads: a few at once, the others in their order, each with a deadline.

    A call that passes its deadline is abandoned: its caller gets `TimeoutError`, and its place is free for the next one
    although its thread may hang on. Daemon threads do not keep the process from ending. Calls may come from several
    event loops and threads; no thread exists while there is nothing to do.

    Args:
        name: of the threads.
        limit: calls that run at once.
        most_abandoned: threads that may hang on before new calls are refused.
        most_waiting: calls that may wait for their turn.
    """

    def __init__(self, name: str, *, limit: int = 4, most_abandoned: int = 16, most_waiting: int = 100) -> None:
        self._name = name
        self._limit = limit
        self._most_abandoned = most_abandoned
        self._most_waiting = most_waiting
        self._lock = threading.Lock()
        self._waiting: deque[_Job] = deque()
        self._running: set[_Job] = set()
        self._abandoned = 0

    def __repr__(self) -> str:
        with self._lock:
            counts = f"{len(self._running)} running, {len(self._waiting)} waiting, {self._abandoned} abandoned"
        return f"<Workers {self._name}: {counts}>"

    async def run(self, function: Callable[..., T], /, *args: Any, deadline: float) -> T:
        """Call a function in a thread and return what it returns.

        Args:
            function: what may block.
            *args: its arguments.
            deadline: seconds, the time in the queue included.

        Raises:
            BusyError: too many calls wait or hang, or the system has no thread for this one.
            TimeoutError: the deadline passed.
        """
        job = _Job(lambda: function(*args))
        self._admit(job)
        try:
            async with asyncio.timeout(deadline):
                result: T = await asyncio.wrap_future(job.result)
                return result
        finally:
            self._give_up(job)

    def _admit(self, job: _Job) -> None:
        with self._lock:
            if self._abandoned >= self._most_abandoned or len(self._waiting) >= self._most_waiting:
                raise BusyError("too many requests hang or wait; please try again later")
            self._waiting.append(job)
            self._start_next()

    def _give_up(self, job: _Job) -> None:
        """Free the place of a call that nobody waits for any more; nothing happens if it has ended."""
        with self._lock:
            if job in self._running:
                self._running.remove(job)
                job.is_abandoned = True
                self._abandoned += 1
            elif job in self._waiting:
                self._waiting.remove(job)
            self._start_next()

    def _start_next(self) -> None:
        """Start what may run; the lock is held. Where no thread can be had, the next call to end is asked again."""
        while self._waiting and len(self._running) < self._limit:
            job = self._waiting.popleft()
            self._running.add(job)
            try:
                threading.Thread(target=self._work, args=(job,), name=self._name, daemon=True).start()
            except RuntimeError:
                self._running.discard(job)
                if self._running:
                    self._waiting.appendleft(job)
                    return
                if job.result.set_running_or_notify_cancel():
                    job.result.set_exception(BusyError("no thread can be had for this; please try again later"))

    def _work(self, job: _Job) -> None:
        deliver: Callable[[], None] = _say_nothing
        if job.result.set_running_or_notify_cancel():
            try:
                deliver = partial(job.result.set_result, job.work())
            except BaseException as error:  # noqa: BLE001  it belongs to the caller
                deliver = partial(job.result.set_exception, error)
        with self._lock:
            if job.is_abandoned:
                self._abandoned -= 1
                return
            self._running.discard(job)
            self._start_next()
        deliver()


def _say_nothing() -> None:
    """Deliver nothing: the caller has gone."""
