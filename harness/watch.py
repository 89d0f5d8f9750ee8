"""Looks from a thread of its own whether a callback keeps its event loop from turning, and where it is then.

A loaded machine must not raise an alarm, so wall time alone decides nothing: a callback is told that has computed for
long, by the clock of its thread, or that stood at the very same instruction for long and did not compute there.
"""

from __future__ import annotations

import asyncio
import sys
import threading
import time
import traceback
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psutil

from harness.parts.interleave import observers

if TYPE_CHECKING:
    from types import FrameType

CALLBACK = asyncio.Handle._run.__code__  # noqa: SLF001  the one place from which event loops call
LOOKS = 20
"""Looks that are taken in the time after which something is told."""

IDLE = 0.02
"""Seconds, and seconds for each second, that a thread which stands still may compute; a starved one computes more."""

Place = tuple[tuple[object, int], ...]


@dataclass
class _Seen:
    """A callback that was running at an earlier look.

    Attributes:
        frame: the frame from which it was called; another call has another.
        computed: what its thread had computed when it was first seen, in seconds.
        place: where it was at the last look.
        still_since: when it was first seen there, in seconds.
        still_computed: what its thread had computed until then.
        is_told: whether it was told of.
    """

    frame: FrameType
    computed: float
    place: Place
    still_since: float
    still_computed: float
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
        now, place, computed = time.perf_counter(), _place(frame, called), _computed_by(thread)
        seen = self._seen.get(thread)
        if seen is None or seen.frame is not called:
            self._seen[thread] = _Seen(called, computed, place, now, computed)
            return
        if seen.place != place or computed - seen.still_computed > IDLE + IDLE * self.limit:
            seen.place, seen.still_since, seen.still_computed = place, now, computed
        still, busy = now - seen.still_since, computed - seen.computed
        if not seen.is_told and (still > self.limit or busy > self.limit):
            seen.is_told = True
            how = f"stood still for {still:.1f} s" if still > self.limit else f"computed for {busy:.1f} s"
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


def _computed_by(ident: int) -> float:
    """Return the seconds of processor time that a thread has taken."""
    native = next((thread.native_id for thread in threading.enumerate() if thread.ident == ident), None)
    times = psutil.Process().threads()
    return sum(each.user_time + each.system_time for each in times if each.id == native)
