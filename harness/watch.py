"""Looks from a thread of its own whether a callback keeps its event loop from turning, and where it is then.

A loaded machine must not raise an alarm, so wall time alone decides nothing: a callback is told that has computed for
long, by the clock of its thread, or that stood at the very same instruction for long and was not run there at all.
"""

from __future__ import annotations

import asyncio
import sys
import threading
import time
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from harness.parts.interleave import observers

if TYPE_CHECKING:
    from types import FrameType

CALLBACK = asyncio.Handle._run.__code__  # noqa: SLF001  the one place from which event loops call
LOOKS = 10
"""Looks that are taken in the time after which something is told."""

Place = tuple[tuple[object, int], ...]


@dataclass
class _Seen:
    """A callback that was running at an earlier look.

    Attributes:
        frame: the frame from which it was called; another call has another.
        computed: what its thread had computed when it was first seen, in seconds.
        place: where it was at the last look.
        runs: a mark that changes whenever its thread is run.
        still_since: when it was first seen there, in seconds.
        looks: how often it was seen there.
        is_told: whether it was told of.
    """

    frame: FrameType
    computed: float
    place: Place
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
        self._seen: dict[int, _Seen] = {}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look_often, name="watch over event loops", daemon=True)

    def start(self) -> None:
        """Begin to watch."""
        self._thread.start()

    def stop(self) -> None:
        """Cease to watch."""
        self._over.set()
        self._thread.join()
        observers.discard(self._thread.ident or 0)

    def _look_often(self) -> None:
        observers.add(threading.get_ident())
        while not self._over.wait(self.limit / LOOKS):
            running = {
                thread: (frame, called)
                for thread, frame in sys._current_frames().items()  # noqa: SLF001  documented
                if (called := _called_from(frame)) is not None
            }
            self._seen = {thread: seen for thread, seen in self._seen.items() if thread in running}
            for thread, (frame, called) in running.items():
                self._look(thread, frame, called)

    def _look(self, thread: int, frame: FrameType, called: FrameType) -> None:
        now, place = time.perf_counter(), _place(frame, called)
        computed, runs = _looked_up(thread)
        seen = self._seen.get(thread)
        if seen is None or seen.frame is not called:
            self._seen[thread] = _Seen(called, computed, place, runs, now)
            return
        seen.looks += 1
        if seen.place != place or seen.runs != runs:
            seen.place, seen.runs, seen.still_since, seen.looks = place, runs, now, 0
        still, busy = now - seen.still_since, computed - seen.computed
        is_still = still > self.limit and seen.looks >= LOOKS
        if not seen.is_told and (is_still or busy > self.limit):
            seen.is_told = True
            how = f"stood still for {still:.1f} s" if is_still else f"computed for {busy:.1f} s"
            stack = "".join(traceback.format_stack(frame, limit=len(place)))
            self.blocked.append(f"a callback has kept its event loop, it {how}:\n{stack}")


def _called_from(frame: FrameType | None) -> FrameType | None:
    """Return the frame of the innermost event loop's call, None where no event loop calls."""
    while frame is not None and frame.f_code is not CALLBACK:
        frame = frame.f_back
    return frame


def _place(frame: FrameType | None, called: FrameType) -> Place:
    found: list[tuple[object, int]] = []
    while frame is not None and frame is not called:
        found.append((frame.f_code, frame.f_lasti))
        frame = frame.f_back
    return tuple(found)


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
