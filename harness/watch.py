"""Looks from a thread of its own whether a callback keeps its event loop from turning, and where it is then.

A loaded machine must not raise an alarm, so wall time alone decides nothing: a callback is told that has computed for
long, by the clock of its thread, or that stood still for long, its thread not being run at all.
"""

from __future__ import annotations

import asyncio
import sys
import threading
import time
import traceback
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import psutil

from harness.parts.interleave import observers

RUN = asyncio.Handle._run  # noqa: SLF001  the one way in which event loops call
LOOKS = 10
"""Looks that are taken in the time after which something is told."""


@dataclass
class _Seen:
    """A callback that was running at an earlier look.

    Attributes:
        handle: what the event loop called.
        computed: what its thread had computed when it was first seen, in seconds.
        runs: a mark that changes whenever its thread is run.
        still_since: since when that is the same, in seconds.
        looks: how often it was the same.
        is_told: whether it was told of.
    """

    handle: asyncio.Handle
    computed: float
    runs: float
    still_since: float
    looks: int = 0
    is_told: bool = False


class Watch:
    """Watches all event loops of the process, until it is stopped.

    Attributes:
        limit: seconds that a callback may compute, or stand still.
        blocked: a description of each that took longer: how, and the stack, innermost frame last.
    """

    def __init__(self, limit: float) -> None:
        self.limit = limit
        self.blocked: list[str] = []
        self._running: dict[int, asyncio.Handle] = {}
        self._seen: dict[int, _Seen] = {}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look_often, name="watch over event loops", daemon=True)
        self._noted = ExitStack()

    def start(self) -> None:
        """Begin to watch."""
        running = self._running

        def run_noted(handle: asyncio.Handle) -> None:
            thread = threading.get_ident()
            outer = running.get(thread)
            running[thread] = handle
            try:
                RUN(handle)
            finally:
                if outer is None:
                    del running[thread]
                else:
                    running[thread] = outer

        self._noted.enter_context(mock.patch.object(asyncio.Handle, "_run", run_noted))
        self._thread.start()

    def stop(self) -> None:
        """Cease to watch."""
        self._noted.close()
        self._over.set()
        self._thread.join()
        observers.discard(self._thread.ident or 0)

    def _look_often(self) -> None:
        observers.add(threading.get_ident())
        while not self._over.wait(self.limit / LOOKS):
            running = self._running.copy()
            self._seen = {thread: seen for thread, seen in self._seen.items() if thread in running}
            for thread, handle in running.items():
                self._look(thread, handle)

    def _look(self, thread: int, handle: asyncio.Handle) -> None:
        now = time.perf_counter()
        computed, runs = _looked_up(thread)
        seen = self._seen.get(thread)
        if seen is None or seen.handle is not handle:
            self._seen[thread] = _Seen(handle, computed, runs, now)
            return
        seen.looks += 1
        if seen.runs != runs:
            seen.runs, seen.still_since, seen.looks = runs, now, 0
        still, busy = now - seen.still_since, computed - seen.computed
        is_still = still > self.limit and seen.looks >= LOOKS
        if not seen.is_told and (is_still or busy > self.limit):
            seen.is_told = True
            how = f"stood still for {still:.1f} s" if is_still else f"computed for {busy:.1f} s"
            self.blocked.append(f"a callback has kept its event loop, it {how}:\n{_stack_of(thread)}")


def _stack_of(thread: int) -> str:
    """Return where a thread is; only now are its frames looked at, which Python 3.11 does not always survive."""
    frame = sys._current_frames().get(thread)  # noqa: SLF001  documented
    lines = traceback.format_stack(frame) if frame else []
    called = [place for place, line in enumerate(lines) if ", in run_noted" in line]
    return "".join(lines[called[-1] + 1 :] if called else lines)


def _looked_up(ident: int) -> tuple[float, float]:
    """Return the seconds of processor time that a thread has taken, and a mark that changes whenever it is run."""
    native = next((thread.native_id for thread in threading.enumerate() if thread.ident == ident), None)
    times = psutil.Process().threads()
    computed = sum(each.user_time + each.system_time for each in times if each.id == native)
    return computed, _switches_of(native) or computed


def _switches_of(native: int | None) -> int:
    """Return how often a thread was switched to or from, 0 where the system does not say."""
    if sys.platform != "linux":
        return 0
    try:
        lines = Path(f"/proc/self/task/{native}/status").read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) for line in lines if "ctxt_switches" in line)
