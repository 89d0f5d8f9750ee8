"""A semaphore for one process: its slots outlive event loops and are given back from any thread.

`asyncio.Semaphore` belongs to the loop in which it was first contended, and a bot meets several: the clean-up after
Ctrl+C runs in a second one. Here the count is decided under a thread lock that is held for no await; only the futures
of those who wait belong to a loop, each to that of its waiter.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from contextlib import suppress
from typing import Self

__all__ = ["Slots"]


class _Waiter:
    """One who waits: woken in its own loop, with `granted` decided under the lock of the slots."""

    __slots__ = ("future", "granted", "loop")

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.future: asyncio.Future[None] = self.loop.create_future()
        self.granted = False

    def wake(self) -> bool:
        """Let the waiter go on; tell whether its loop is still there."""
        if asyncio._get_running_loop() is self.loop:  # noqa: SLF001  None where none runs, unlike the public one
            self._settle()
            return True
        try:
            self.loop.call_soon_threadsafe(self._settle)
        except RuntimeError:
            return False
        return True

    def _settle(self) -> None:
        if not self.future.done():
            self.future.set_result(None)


class Slots:
    """A counting semaphore, first come first served, for all loops and threads of the process.

    Attributes:
        size: how many slots there are.
    """

    def __init__(self, size: int) -> None:
        """Make `size` free slots.

        Raises:
            ValueError: there would be none.
        """
        if size < 1:
            raise ValueError(f"a pool needs at least one slot, not {size}")
        self.size = size
        self._value = size
        self._waiters: deque[_Waiter] = deque()
        self._lock = threading.Lock()

    @property
    def free(self) -> int:
        """How many slots can be had now."""
        return self._value

    def locked(self) -> bool:
        """Tell whether `acquire` would have to wait."""
        return self._value == 0 or bool(self._waiters)

    def take(self) -> bool:
        """Take a slot if one is free and nobody waits for it; never waits."""
        with self._lock:
            if self._value and not self._waiters:
                self._value -= 1
                return True
            return False

    async def acquire(self) -> bool:
        """Take a slot, waiting for it in turn; a cancelled caller keeps none (audit finding F06)."""
        with self._lock:
            if self._value and not self._waiters:
                self._value -= 1
                return True
            waiter = _Waiter()
            self._waiters.append(waiter)
        try:
            await waiter.future
        except BaseException:
            self._forget(waiter)
            raise
        return True

    def _forget(self, waiter: _Waiter) -> None:
        with self._lock:
            if not waiter.granted:
                with suppress(ValueError):  # it was passed over, for its loop was closed
                    self._waiters.remove(waiter)
                return
        self.release()

    def release(self) -> None:
        """Give a slot back, to the first who waits in a loop that still runs.

        Raises:
            ValueError: more slots would be free than there are.
        """
        while (waiter := self._give_back()) is not None:
            if waiter.wake():
                return
            waiter.granted = False

    def _give_back(self) -> _Waiter | None:
        """Decide who gets a slot that comes back; the slot of a waiter is counted as taken."""
        with self._lock:
            if self._waiters:
                waiter = self._waiters.popleft()
                waiter.granted = True
                return waiter
            if self._value >= self.size:
                raise ValueError(f"a slot was given back that nobody had taken: all {self.size} are free")
            self._value += 1
            return None

    async def __aenter__(self) -> Self:
        await self.acquire()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.release()

    def __repr__(self) -> str:
        return f"<Slots {self._value} of {self.size} free, {len(self._waiters)} waiting>"
