"""Locks under observation: callers that meet inside them for certain, and a record of which are held together."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    import pytest

ASYNCIO_LOCKS = (asyncio.Lock, asyncio.Semaphore)


class _Turn:
    """Awaited, it gives every other task that is ready a turn."""

    def __await__(self) -> Generator[None]:
        yield


def suspend_holders(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make each task that has taken an asyncio lock or semaphore let the others run before it goes on.

    ``await lock.acquire()`` may suspend by its contract, and does so here each time, so that callers who would only
    meet inside a lock by chance meet there for certain. A cancelled caller gives the lock back, as ever.
    """
    for kind in ASYNCIO_LOCKS:
        _after_acquiring(monkeypatch, kind)


def _after_acquiring(monkeypatch: pytest.MonkeyPatch, kind: Any) -> None:
    acquire = kind.acquire

    async def acquire_and_suspend(self: Any) -> bool:
        taken: bool = await acquire(self)
        try:
            await _Turn()
        except BaseException:
            self.release()
            raise
        return taken

    monkeypatch.setattr(kind, "acquire", acquire_and_suspend)


class HeldTogether:
    """Notes which locks are taken while another is held, by whoever takes them, from its making on.

    Asyncio locks are noticed wherever they were made, thread locks where they are made while ``threading`` is patched.

    Attributes:
        deepest: the largest number of different locks that one thread held at the same time.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.deepest = 0
        self._held = threading.local()
        self._monkeypatch = monkeypatch
        for name in ("Lock", "RLock"):
            monkeypatch.setattr(threading, name, self._maker(getattr(threading, name)))
        for kind in ASYNCIO_LOCKS:
            self._observe(kind)

    def taken(self, lock: object) -> None:
        """Note that the current thread holds ``lock`` once more."""
        held = self._stack()
        held.append(lock)
        self.deepest = max(self.deepest, len({id(each) for each in held}))

    def given_back(self, lock: object) -> None:
        """Note that ``lock`` is held once less."""
        held = self._stack()
        if lock in held:
            held.remove(lock)

    def _stack(self) -> deque[object]:
        if not hasattr(self._held, "stack"):
            self._held.stack = deque()
        stack: deque[object] = self._held.stack
        return stack

    def _maker(self, make: Callable[[], Any]) -> type[ObservedLock]:
        observer = self

        class Observed(ObservedLock):
            def __init__(self) -> None:
                super().__init__(make(), observer)

        return Observed

    def _observe(self, kind: Any) -> None:
        acquire, release, observer = kind.acquire, kind.release, self

        async def observed_acquire(lock: Any) -> bool:
            taken: bool = await acquire(lock)
            observer.taken(lock)
            return taken

        def observed_release(lock: Any) -> None:
            release(lock)
            observer.given_back(lock)

        self._monkeypatch.setattr(kind, "acquire", observed_acquire)
        self._monkeypatch.setattr(kind, "release", observed_release)


class ObservedLock:
    """A thread lock that says when it is taken and given back; in all else the lock that it stands for."""

    def __init__(self, lock: Any, observer: HeldTogether) -> None:
        """Stand for ``lock``."""
        self._lock = lock
        self._observer = observer

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        """Take the lock."""
        taken: bool = self._lock.acquire(blocking, timeout)
        if taken:
            self._observer.taken(self)
        return taken

    def release(self) -> None:
        """Give the lock back."""
        self._lock.release()
        self._observer.given_back(self)

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._lock, name)
