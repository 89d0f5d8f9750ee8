"""Work in threads of its own, so that what blocks for ever becomes a result and not a hang."""

from __future__ import annotations

import contextvars
import gc
import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

APART = "apart from the test"


def apart(work: Callable[[], T]) -> Future[T]:
    """Start ``work`` in a daemon thread and a copy of this context; its future gives the result."""
    future: Future[T] = Future()
    context = contextvars.copy_context()

    def run() -> None:
        try:
            future.set_result(context.run(work))
        except BaseException as error:  # noqa: BLE001  the future carries it to whoever asks
            gc.collect()  # finalizers that run while pytest parses source for its report break that in Python 3.11
            future.set_exception(error)

    threading.Thread(target=run, name=APART, daemon=True).start()
    return future


def count_stuck() -> int:
    """Return how many threads of ``apart`` have not come to an end."""
    return sum(thread.name == APART for thread in threading.enumerate())


def finish(work: Callable[[], T], otherwise: str, seconds: float = 10.0) -> T:
    """Return what ``work`` returns in a thread of its own.

    Args:
        work: what to do.
        otherwise: the message where it does not end, one sentence.
        seconds: patience.

    Raises:
        AssertionError: it did not end in time.
    """
    return result_of(apart(work), otherwise, seconds)


def result_of(future: Future[T], otherwise: str, seconds: float = 10.0) -> T:
    """Return a future's result; the arguments and exceptions are those of ``finish``."""
    try:
        return future.result(seconds)
    except TimeoutError:
        if future.done():
            raise
        raise AssertionError(otherwise) from None
