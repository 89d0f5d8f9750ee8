"""Thread locks that are known to `harness.parts.turns`: a thread that waits for one lets another thread go on."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from unittest import mock

from harness.parts.turns import Part, part_of, real_lock, real_rlock, this_part

if TYPE_CHECKING:
    from collections.abc import Iterator

FOR_EVER = -1.0


class KnownLock:
    """A thread lock; for threads that take no turns it is the lock that it stands for."""

    is_reentrant = False

    def __init__(self) -> None:
        self._lock: Any = real_rlock() if self.is_reentrant else real_lock()
        self.holder = 0
        self._depth = 0
        self._waiting: tuple[Part, ...] = ()

    def acquire(self, blocking: bool = True, timeout: float = FOR_EVER) -> bool:
        """Take the lock, as ``threading.Lock.acquire`` does."""
        part = this_part()
        if part is None or not blocking:
            return self._noted(self._lock.acquire(blocking, timeout))
        part.turns.point(part)
        while not (taken := self._lock.acquire(blocking=False)):
            if not self._is_held_by_one_of(part):
                taken = self._lock.acquire(blocking, timeout)
                break
            self._waiting = (*self._waiting, part)
            try:
                part.turns.wait_for(self, part, is_patient=timeout < 0)
            finally:
                self._waiting = tuple(each for each in self._waiting if each is not part)
            if timeout >= 0 and self._depth:
                break
        return self._noted(taken)

    def _noted(self, taken: bool) -> bool:
        if taken:
            self.holder = threading.get_ident()
            self._depth += 1
        return taken

    def _is_held_by_one_of(self, part: Part) -> bool:
        holder = part_of(self.holder)
        return holder is not None and holder.turns is part.turns

    def release(self) -> None:
        """Give the lock back."""
        if not self.is_reentrant or self._is_owned():
            self._depth = max(0, self._depth - 1)
        self._lock.release()
        for part in self._waiting:
            part.turns.nudge()

    def locked(self) -> bool:
        """Tell whether anybody holds it."""
        return bool(self._depth)

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()

    def __repr__(self) -> str:
        return "a re-entrant lock" if self.is_reentrant else "a lock"

    # What `threading.Condition` asks of a lock

    def _is_owned(self) -> bool:
        return bool(self._depth) and self.holder == threading.get_ident()

    def _release_save(self) -> int:
        depth = self._depth
        for _ in range(depth):
            self.release()
        return depth

    def _acquire_restore(self, depth: int) -> None:
        for _ in range(depth):
            self.acquire()

    def _at_fork_reinit(self) -> None:
        self._lock._at_fork_reinit()  # noqa: SLF001  what the interpreter calls in a forked child
        self._depth = 0


class KnownReentrantLock(KnownLock):
    """A thread lock that its holder may take again."""

    is_reentrant = True


@contextmanager
def known_locks() -> Iterator[None]:
    """Make all locks that `threading` makes until the block ends known to the turns."""
    makers: dict[str, Any] = {"Lock": KnownLock, "RLock": KnownReentrantLock, "_allocate_lock": KnownLock}
    with mock.patch.multiple(threading, **makers):
        yield
