"""What a process holds at a moment, and what it holds later that it did not hold then."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import os
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from harness.made import MADE

if TYPE_CHECKING:
    from collections.abc import Iterable

if sys.platform == "win32":
    import msvcrt

PATIENCE = 10.0
"""Seconds that a thread, a process or a socket gets to come to the end that it was told."""

STAY = {
    "voice-socket-reader": "discord.py's reader of a voice connection that was closed sleeps for up to 30 s",
    "sqlite ": "the crew of the database serves the process and sleeps; it is a daemon",
    "asyncio_": "the default executor of a loop that still runs keeps its threads until the loop is closed",
    "apart from the test": "a regression's own thread, which reports itself where it is stuck",
    "execnet": "pytest-xdist's connection to its controller",
    "pydevd": "a debugger",
}
"""Names by which threads begin that may stay, and why."""

STAY_OPEN = {
    "bot.pid": "the lock of the only instance is held until the process ends",
}
"""Files that may stay open, and why."""

LISTS = () if sys.platform == "win32" else (Path("/proc/self/fd"), Path("/dev/fd"))
"""Folders that may list the open descriptors; those that Wine shows to Windows programs are of another kind."""

DESCRIPTORS = next((folder for folder in LISTS if folder.is_dir()), None)
"""The folder that lists the open descriptors of the process that looks, None where there is none."""

MOST_DESCRIPTORS = 512
"""Numbers that are tried where no folder lists them; a C runtime on Windows gives out no more by default."""

LONGEST_PATH = 32_768
"""Characters of a path on Windows."""

OLDEST = 2
"""The generation of the garbage collector that holds everything; the younger ones are searched much sooner."""

STEP = 0.05
"""Seconds between two looks at what is still there."""

SLACK = 64
"""Handles that a Windows process may have more after a test: the system itself opens and keeps some now and then."""


@dataclass(frozen=True)
class Holdings:
    """What the process holds at a moment.

    Attributes:
        made: a count of what had been made.
        threads: those that are alive, but for those that may stay.
        descriptors: numbers of the open ones (on Windows those of files).
        handles: how many there are, on Windows.
        temporary: entries of the folder for temporary files.
    """

    made: int
    threads: frozenset[threading.Thread]
    descriptors: frozenset[int]
    handles: int
    temporary: frozenset[str]

    @classmethod
    def now(cls, *, outside: bool = True) -> Holdings:
        """Look at this process.

        Args:
            outside: whether to look for temporary files as well.
        """
        MADE.watch_sessions()
        return cls(
            MADE.count(),
            frozenset(_threads()),
            _descriptors(),
            psutil.Process().num_handles() if sys.platform == "win32" else 0,  # type: ignore[attr-defined,unused-ignore]
            frozenset(os.listdir(tempfile.gettempdir())) if outside else frozenset(),  # noqa: PTH208  for each test
        )

    def grown(self, earlier: Holdings, later: Holdings) -> Holdings:
        """Return this, and what came to be held between two moments."""
        return Holdings(
            later.made,
            self.threads | (later.threads - earlier.threads),
            self.descriptors | (later.descriptors - earlier.descriptors),
            self.handles + later.handles - earlier.handles,
            self.temporary | (later.temporary - earlier.temporary),
        )

    def left_since(self, before: Holdings) -> list[str]:
        """Say what is held that was not held before, one phrase each."""
        threads = self.threads - before.threads
        found = [f"the thread {thread.name!r}, started at {MADE.origin_of(thread)}" for thread in threads]
        things = [thing for thing in MADE.opened_since(before.made) if thing.kind != "thread"]
        found += map(str, things)
        told = {target.fileno() for thing in things if thing.kind == "socket" and (target := thing.target())}
        if len(self.descriptors) > len(before.descriptors):
            named = {each: _target(each) for each in sorted(self.descriptors - before.descriptors - told)}
            found += [
                f"the descriptor {each}{target and f', {target}'}"
                for each, target in named.items()
                if not target.endswith(tuple(STAY_OPEN))
            ]
        if (more := self.handles - before.handles) > SLACK:
            found.append(f"{more} handles")
        return found + [f"the temporary file {name}" for name in sorted(self.temporary - before.temporary)]


def _threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if not thread.name.startswith(tuple(STAY))]


def _descriptors() -> frozenset[int]:
    listed = map(int, os.listdir(DESCRIPTORS)) if DESCRIPTORS else range(MOST_DESCRIPTORS)  # noqa: PTH208  for each test
    return frozenset(filter(_is_open, listed))


def _is_open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True


def _target(descriptor: int) -> str:
    """Return what a descriptor is open on, empty where that cannot be known."""
    with contextlib.suppress(OSError):
        if sys.platform == "win32":
            return _path_of(msvcrt.get_osfhandle(descriptor))
        if DESCRIPTORS is not None:
            return str((DESCRIPTORS / str(descriptor)).readlink()).removesuffix(" (deleted)")
    return ""


def _path_of(handle: int) -> str:
    """Return the path of a file that is open on Windows, empty where it has none."""
    path = ctypes.create_unicode_buffer(LONGEST_PATH)
    length = ctypes.windll.kernel32.GetFinalPathNameByHandleW(ctypes.c_void_p(handle), path, LONGEST_PATH, 0)  # type: ignore[attr-defined,unused-ignore]
    return path.value if 0 < length < LONGEST_PATH else ""


def left_behind(before: Holdings, *, outside: bool = True, patience: float = PATIENCE) -> list[str]:
    """Return what was left behind since ``before``, once what was told to end had time to do so.

    Args:
        before: what was held then.
        outside: whether to look for temporary files as well.
        patience: seconds that it may take to end.
    """
    end = time.perf_counter() + patience
    generation = 1
    while True:
        now = Holdings.now(outside=outside)
        left = now.left_since(before)
        if not left or time.perf_counter() > end:
            return left
        gc.collect(generation)
        if generation == OLDEST:
            _wait_for(now.threads - before.threads, end)
        generation = OLDEST


def _wait_for(threads: Iterable[threading.Thread], end: float) -> None:
    """Wait until one of some threads is over, or for a moment."""
    for thread in threads:
        thread.join(min(STEP, max(0.0, end - time.perf_counter())))
        return
    threading.Event().wait(STEP)
