"""Locks under observation: which ones count as held together, and callers who meet for certain."""

from __future__ import annotations

import asyncio
import logging
import threading
from typing import TYPE_CHECKING

import pytest

from harness.parts.locks import HeldTogether, suspend_holders

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def observed(monkeypatch: pytest.MonkeyPatch) -> HeldTogether:
    """Observe the locks that this file takes."""
    return HeldTogether(monkeypatch, lambda file: file == __file__)


async def test_a_lock_around_another_counts(observed: HeldTogether) -> None:
    """An asyncio lock around a thread lock makes two, a lock after another one."""
    first, second = asyncio.Lock(), threading.Lock()
    async with first:
        pass
    with second:
        assert observed.deepest == 1
    async with first:
        with second:
            assert observed.deepest == 2


async def test_a_lock_that_a_task_and_a_thread_take_counts(observed: HeldTogether) -> None:
    """What a task holds, and what a thread takes on its behalf meanwhile, is held together."""
    first, second = asyncio.Lock(), threading.Condition()

    def work() -> None:
        with second:
            pass

    await asyncio.wait_for(first.acquire(), 10)
    await asyncio.to_thread(work)
    assert observed.deepest == 2


async def test_the_same_lock_twice_is_one(observed: HeldTogether) -> None:
    """A re-entrant lock that is taken twice counts once."""
    lock = threading.RLock()
    with lock, lock:
        assert observed.deepest == 1


async def test_locks_of_libraries_do_not_count(observed: HeldTogether) -> None:
    """What a thread pool or a log handler locks for itself is not the code's."""
    lock = threading.Lock()
    handler = logging.NullHandler()
    with lock:
        logging.Handler.createLock(handler)
        handler.acquire()
        handler.release()
    await asyncio.to_thread(str)
    assert observed.deepest == 1


@pytest.mark.parametrize("kind", ["lock", "semaphore", "queue"])
async def test_callers_meet_inside(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever has taken a lock, a semaphore or a token lets others run first; a cancelled taker gives it back."""
    suspend_holders(monkeypatch)
    queue: asyncio.Queue[None] = asyncio.Queue()
    queue.put_nowait(None)
    takes: dict[str, Callable[[], object]] = {
        "lock": asyncio.Lock().acquire,
        "semaphore": asyncio.Semaphore(1).acquire,
        "queue": queue.get,
    }

    async def taken() -> None:
        await takes[kind]()  # type: ignore[misc]

    first = asyncio.create_task(taken())
    await asyncio.sleep(0)
    assert not first.done()
    first.cancel()
    await asyncio.wait([first])
    assert first.cancelled()
    await asyncio.wait_for(taken(), 10)
