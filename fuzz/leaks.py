"""What a process holds, and what a test left behind: threads, descriptors or handles, child processes, temporary files.

Sockets, sessions and database connections hold descriptors and are seen by these. Tasks are looked at by whoever owns
the event loop. Things that stay by design stand in `STAY`, each with its reason.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import sys
import tempfile
import threading
import time
import traceback
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

import psutil

if TYPE_CHECKING:
    from collections.abc import Iterator

PATIENCE = 2.0
"""Seconds that a thread or a socket gets to come to the end that it was told."""

STAY = {
    "sqlite ": "the crew of the database serves the process and sleeps; it is a daemon",
    "asyncio_": "the default executor of a loop that still runs keeps its threads until the loop is closed",
    "apart from the test": "a regression's own thread, which reports itself where it is stuck",
    "execnet": "pytest-xdist's connection to its controller",
    "pydevd": "a debugger",
}
"""Names by which threads begin that may stay, and why."""


@dataclass(frozen=True)
class Holdings:
    """What the process holds at a moment.

    Attributes:
        threads: their names, those that may stay left out.
        descriptors: how many are open (handles on Windows).
        children: processes that were started and have not ended.
        temporary: entries of the folder for temporary files.
    """

    threads: frozenset[tuple[int, str]]
    descriptors: int
    children: frozenset[int]
    temporary: frozenset[str]

    @classmethod
    def now(cls, *, outside: bool = True) -> Holdings:
        """Look at this process.

        Args:
            outside: whether to look for child processes and temporary files as well, which takes some milliseconds.
        """
        process = psutil.Process()
        return cls(
            frozenset(
                (thread.ident or 0, thread.name)
                for thread in threading.enumerate()
                if not thread.name.startswith(tuple(STAY))
            ),
            process.num_handles() if sys.platform == "win32" else process.num_fds(),  # type: ignore[attr-defined,unused-ignore]
            frozenset(child.pid for child in process.children()) if outside else frozenset(),
            frozenset(entry.name for entry in Path(tempfile.gettempdir()).iterdir()) if outside else frozenset(),
        )

    def left_since(self, before: Holdings) -> list[str]:
        """Say what is held that was not held before, one phrase each."""
        found = [f"the thread {name!r}" for _, name in sorted(self.threads - before.threads)]
        if (more := self.descriptors - before.descriptors) > SLACK:
            found.append(f"{more} descriptors")
        found += [f"the process {pid}" for pid in sorted(self.children - before.children)]
        found += [f"the temporary file {name}" for name in sorted(self.temporary - before.temporary)]
        return found


SLACK = 8 if sys.platform == "win32" else 0
"""Handles that Windows itself opens and keeps now and then."""


def left_behind(before: Holdings, *, outside: bool = True) -> list[str]:
    """Return what was left behind since ``before``, once what was told to end had time to do so."""
    end = time.perf_counter() + PATIENCE
    left = Holdings.now(outside=outside).left_since(before)
    while left and time.perf_counter() < end:
        gc.collect()
        threading.Event().wait(0.02)
        left = Holdings.now(outside=outside).left_since(before)
    return left


@dataclass
class Watch:
    """Looks from a thread of its own whether a callback of an event loop runs for too long, and where it is then.

    Attributes:
        limit: seconds that one callback may take.
        blocked: a description of each that took longer: the seconds and the stack, innermost frame last.
    """

    limit: float
    blocked: list[str] = field(default_factory=list)
    _since: dict[int, float] = field(default_factory=dict)
    _told: set[tuple[int, float]] = field(default_factory=set)

    @contextlib.contextmanager
    def over_event_loops(self) -> Iterator[None]:
        """Watch all event loops of the process."""
        run, over = asyncio.Handle._run, threading.Event()

        def watched(handle: Any) -> None:
            thread = threading.get_ident()
            self._since[thread] = time.perf_counter()
            try:
                run(handle)
            finally:
                self._since.pop(thread, None)

        watcher = threading.Thread(target=self._look, args=(over,), name="watch over event loops", daemon=True)
        with mock.patch.object(asyncio.Handle, "_run", watched):
            watcher.start()
            try:
                yield
            finally:
                over.set()
                watcher.join()

    def _look(self, over: threading.Event) -> None:
        while not over.wait(self.limit / 4):
            now = time.perf_counter()
            for thread, since in list(self._since.items()):
                if now - since > self.limit and (thread, since) not in self._told:
                    self._told.add((thread, since))
                    self._tell(thread, now - since)

    def _tell(self, thread: int, seconds: float) -> None:
        frame = sys._current_frames().get(thread)
        if frame is not None:
            stack = "".join(traceback.format_stack(frame))
            self.blocked.append(f"a callback has kept its event loop for {seconds:.1f} s:\n{stack}")
