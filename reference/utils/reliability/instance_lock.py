"""A lock between processes that the operating system frees when its holder dies, however it dies."""

from __future__ import annotations

import json
import os
import sys
import weakref
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

LOCKED_BYTE = 0x7FFF0000
"""Where the lock lies on Windows: far behind the text, since a locked byte cannot be read by others there."""

if sys.platform == "win32":
    import msvcrt

    def _lock(file: int) -> None:
        os.lseek(file, LOCKED_BYTE, os.SEEK_SET)
        msvcrt.locking(file, msvcrt.LK_NBLCK, 1)

    def _unlock(file: int) -> None:
        os.lseek(file, LOCKED_BYTE, os.SEEK_SET)
        msvcrt.locking(file, msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    def _lock(file: int) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def _unlock(file: int) -> None:
        fcntl.flock(file, fcntl.LOCK_UN)


CONTENDED = (BlockingIOError, PermissionError)
"""What a lock raises that somebody else holds: EWOULDBLOCK on POSIX, EACCES on Windows."""


_held: weakref.WeakSet[InstanceLock] = weakref.WeakSet()


def _leave_to_parent() -> None:
    """Let go, in a forked child, of what its parent holds: else a worker would keep the lock of a bot that is dead."""
    for lock in list(_held):
        lock.abandon()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_leave_to_parent)


class InstanceLock:
    """A file that one process at a time holds, and in which the holder says who it is.

    The file is never removed: a process that opened it just before would then lock a file that no one else sees.

    Attributes:
        path: the file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: int | None = None

    @property
    def is_held(self) -> bool:
        """Whether this object holds the lock."""
        return self._file is not None

    def acquire(self, **holder: Any) -> bool:
        """Take the lock without waiting, and write who holds it.

        Args:
            holder: what is written into the file, as JSON.

        Returns:
            Whether the lock is held now.

        Raises:
            OSError: the file cannot be made or written.
        """
        if self._file is not None:
            return True
        self.path.parent.mkdir(parents=True, exist_ok=True)
        file = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            _lock(file)
        except CONTENDED:
            os.close(file)
            return False
        except BaseException:
            os.close(file)
            raise
        self._file = file
        _held.add(self)
        self._write(json.dumps(holder))
        return True

    def _write(self, text: str) -> None:
        if self._file is not None:
            os.ftruncate(self._file, 0)
            os.lseek(self._file, 0, os.SEEK_SET)
            os.write(self._file, text.encode("ascii"))

    def release(self) -> None:
        """Empty the file and give the lock back; harmless where it is not held."""
        if self._file is None:
            return
        self._write("")
        try:
            _unlock(self._file)
        finally:
            self.abandon()

    def abandon(self) -> None:
        """Close the file without giving the lock back, in a process that shares it with the one that took it."""
        _held.discard(self)
        if self._file is not None:
            file, self._file = self._file, None
            os.close(file)

    def holder(self) -> dict[str, Any]:
        """Read what the last holder wrote; a bare PID is understood, anything else unreadable is nothing."""
        try:
            said = json.loads(self.path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return said if isinstance(said, dict) else {"pid": said} if isinstance(said, int) else {}
