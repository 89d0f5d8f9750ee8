"""Calls one shutdown handler, whatever it is, within a time that it cannot exceed."""

from __future__ import annotations

import asyncio
import contextvars
import functools
import inspect
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from .shutdown_report import Outcome, Status

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from .shutdown_report import Callback, Handler

CANCEL_GRACE = 0.25
"""Seconds that a cancelled handler is given to clean up after itself."""


def is_async(callback: Callback) -> bool:
    """Tell whether calling a callback only makes a coroutine: true of coroutine functions however wrapped."""
    while isinstance(callback, functools.partial):
        callback = callback.func
    return any(map(inspect.iscoroutinefunction, (callback, type(callback).__call__)))


class Calls:
    """The handler calls of one shutdown, made level by level.

    Attributes:
        unfinished: what outlived its time: tasks that ignore their cancellation, and threads.
    """

    def __init__(self) -> None:
        self.unfinished: list[asyncio.Task[Any] | threading.Thread] = []

    def left_behind(self) -> list[str]:
        """Name what is still at work."""
        return [name for work in self.unfinished if (name := _name_of_running(work))]

    async def run_level(
        self, handlers: list[Handler], deadline: float, ended: Callable[[Handler, Outcome], None]
    ) -> None:
        """Run handlers at once, each for at most its own time.

        Args:
            handlers: the handlers of one level.
            deadline: when the whole shutdown is over, in the time of the running loop.
            ended: told what became of each handler, as soon as it is known.
        """
        now = asyncio.get_running_loop().time()
        if now >= deadline:
            for handler in handlers:
                ended(handler, _outcome(handler, Status.SKIPPED))
            return
        running = {self._start(handler): handler for handler in handlers}
        limits = {task: min(deadline, now + handler.timeout) for task, handler in running.items()}
        late: set[asyncio.Task[Any]] = set()
        while running:
            now = asyncio.get_running_loop().time()
            await wait_whatever_comes(running, min(limits[task] for task in running) - now)
            now = asyncio.get_running_loop().time()
            for task in [task for task in running if task.done() or limits[task] <= now]:
                handler = running.pop(task)
                if not task.done():
                    task.cancel()
                    late.add(task)
                ended(handler, _verdict(handler, task))
        await self._let_go(late)

    def _start(self, handler: Handler) -> asyncio.Task[None]:
        return asyncio.create_task(self._call(handler), name=f"shutdown handler {handler.name}")

    async def _let_go(self, late: set[asyncio.Task[Any]]) -> None:
        """Give cancelled handlers a moment to clean up after themselves."""
        if late:
            await wait_whatever_comes(late, CANCEL_GRACE, asyncio.ALL_COMPLETED)
        for task in late:
            if not task.done():
                self.unfinished.append(task)
            elif not task.cancelled():
                task.exception()  # seen: its handler is reported already

    async def _call(self, handler: Handler) -> None:
        try:
            on_loop = handler.on_loop or is_async(handler.callback)
            result = handler.callback() if on_loop else await self._in_thread(handler)
            if inspect.isawaitable(result):
                await result
        except (SystemExit, KeyboardInterrupt) as error:
            raise RuntimeError(f"the handler asked to exit ({error!r}); the rest of the clean-up goes on") from error

    async def _in_thread(self, handler: Handler) -> Any:
        """Call a plain function in a thread that can neither hold up the loop nor the end of the process."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Any] = loop.create_future()
        context = contextvars.copy_context()

        def work() -> None:
            try:
                settle = functools.partial(_settle, future, context.run(handler.callback), None)
            except BaseException as error:  # noqa: BLE001  whatever ended the handler is reported
                settle = functools.partial(_settle, future, None, error)
            with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                loop.call_soon_threadsafe(settle)

        thread = threading.Thread(target=work, name=f"shutdown handler {handler.name}", daemon=True)
        thread.start()
        try:
            return await future
        except asyncio.CancelledError:
            self.unfinished.append(thread)
            raise


def _settle(future: asyncio.Future[Any], result: Any, error: BaseException | None) -> None:
    if future.cancelled():
        if inspect.iscoroutine(result):
            result.close()
    elif error is None:
        future.set_result(result)
    elif isinstance(error, StopIteration):
        future.set_exception(RuntimeError("the handler raised StopIteration"))
    else:
        future.set_exception(error)


async def wait_whatever_comes(
    tasks: Iterable[asyncio.Task[Any]], seconds: float, until: str = asyncio.FIRST_COMPLETED
) -> None:
    """Wait for tasks; a cancellation only ends the wait.

    Whoever cancels every task, as a handler or as the end of ``asyncio.run`` does, must not end the clean-up with
    them: it is bounded by its own deadline.
    """
    try:
        await asyncio.wait(list(tasks), timeout=max(0.0, seconds), return_when=until)
    except asyncio.CancelledError:
        if task := asyncio.current_task():
            task.uncancel()


def _verdict(handler: Handler, task: asyncio.Task[Any]) -> Outcome:
    if not task.done():
        return _outcome(handler, Status.TIMED_OUT, TimeoutError(f"did not end in {handler.timeout:g} s"))
    if task.cancelled():
        return _outcome(handler, Status.FAILED, asyncio.CancelledError("the handler was cancelled from within"))
    error = task.exception()
    return _outcome(handler, Status.FAILED if error else Status.RAN, error)


def _name_of_running(work: asyncio.Task[Any] | threading.Thread) -> str | None:
    if isinstance(work, threading.Thread):
        return work.name if work.is_alive() else None
    return None if work.done() else work.get_name()


def _outcome(handler: Handler, status: Status, error: BaseException | None = None) -> Outcome:
    return Outcome(handler.name, handler.priority, status, handler.required, error)
