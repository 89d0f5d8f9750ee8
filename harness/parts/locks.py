"""Locks under observation: callers that meet inside them for certain, and a record of which are held together."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import threading
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from types import FrameType

    import pytest

ASYNCIO_LOCKS = (asyncio.Lock, asyncio.Semaphore)
PLUMBING = {Path(file or "") for file in (asyncio.locks.__file__, contextlib.__file__, threading.__file__, __file__)}
"""Files through which a lock is taken on somebody else's behalf."""


class _Turn:
    """Awaited, it gives every other task that is ready a turn."""

    def __await__(self) -> Generator[None]:
        yield


def suspend_holders(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make each task that has taken an asyncio lock, semaphore or token let the others run before it goes on.

    ``await lock.acquire()`` may suspend by its contract, and so may ``await queue.get()``; they do so here each time,
    so that callers who would only meet inside a lock by chance meet there for certain. A cancelled caller gives the
    lock back, as ever.
    """
    for kind in ASYNCIO_LOCKS:
        _suspend_after(monkeypatch, kind, "acquire", lambda lock, _: lock.release())
    _suspend_after(monkeypatch, asyncio.Queue, "get", lambda tokens, token: tokens.put_nowait(token))


def _suspend_after(
    monkeypatch: pytest.MonkeyPatch, kind: Any, method: str, give_back: Callable[[Any, Any], object]
) -> None:
    take = getattr(kind, method)

    async def take_and_suspend(self: Any) -> Any:
        taken = await take(self)
        try:
            await _Turn()
        except BaseException:
            give_back(self, taken)
            raise
        return taken

    monkeypatch.setattr(kind, method, take_and_suspend)


_held: ContextVar[list[object]] = ContextVar("locks held by the code under observation")


class HeldTogether:
    """Notes which locks some code takes while it holds another, from here on, in this context and those copied from it.

    Asyncio locks are noticed wherever they were made, thread locks where they are made while ``threading`` is patched.
    Thread locks that a library takes for itself, as a thread pool or a log handler does, are its own affair.

    Args:
        monkeypatch: undoes the observation.
        owns: tells by file name whether code is under observation.

    Attributes:
        deepest: the largest number of different locks that were held at the same time.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch, owns: Callable[[str], bool]) -> None:
        self.deepest = 0
        self._owns = owns
        self._monkeypatch = monkeypatch
        _held.set([])
        for name in ("Lock", "RLock"):
            monkeypatch.setattr(threading, name, self._maker(getattr(threading, name)))
        for kind in ASYNCIO_LOCKS:
            self._observe(kind)

    def taken(self, lock: object, by: str | None = None) -> None:
        """Note that the code holds ``lock`` once more, unless the file that takes it is known and another's."""
        held = _held.get(None)
        if held is not None and (by is None or self._owns(by)):
            held.append(lock)
            self.deepest = max(self.deepest, len({id(each) for each in held}))

    def given_back(self, lock: object) -> None:
        """Note that ``lock`` is held once less."""
        held = _held.get(None)
        if held is not None and lock in held:
            held.remove(lock)

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


def _taker() -> str:
    """Return the file of the code that takes a lock, be it with a statement or through another lock."""
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001  there is no other way to ask who calls
    while frame is not None and Path(frame.f_code.co_filename) in PLUMBING:
        frame = frame.f_back
    return frame.f_code.co_filename if frame else ""


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
            self._observer.taken(self, _taker())
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
