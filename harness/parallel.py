"""Runs many blocking jobs on a few threads, and stops them all cleanly on Ctrl+C."""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Key = TypeVar("Key")
Result = TypeVar("Result")


def run_all(
    jobs: Mapping[Key, Callable[[threading.Event], Result]],
    on_done: Callable[[Key, Result], None] = lambda _key, _result: None,
    workers: int | None = None,
) -> dict[Key, Result]:
    """Run every job and return the results by key, in the order of ``jobs``.

    Args:
        jobs: callables that take an event; once it is set they must come to an end soon.
        on_done: called on this thread as each job ends, in the order in which they end.
        workers: how many run at once; by default as many as there are processors.

    Raises:
        KeyboardInterrupt: Ctrl+C was pressed; the running jobs have been told to stop and have ended.
        Exception: whatever a job raised; the others have been stopped.
    """
    stop = threading.Event()
    results: dict[Key, Result] = {}
    with ThreadPoolExecutor(workers or os.cpu_count() or 1) as pool:
        futures = {pool.submit(job, stop): key for key, job in jobs.items()}
        try:
            for future in as_completed(futures):
                results[futures[future]] = future.result()
                on_done(futures[future], future.result())
        except BaseException:
            stop.set()
            pool.shutdown(cancel_futures=True)
            raise
    return {key: results[key] for key in jobs}
