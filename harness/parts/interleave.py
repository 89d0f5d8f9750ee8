"""Two threads at once, made certain: one stops at a chosen line of a tree's code while the other runs as far as it can.

Every place where a reader could be overtaken by a writer, or a writer be watched at half its work, is visited in turn,
so a race is met on the first run or is not there.
"""

from __future__ import annotations

import sys
import threading
import time
from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

T = TypeVar("T")
Place = tuple[str, int, int]
"""File, line, and the how many-th time a run comes by."""

PATIENCE = 1.0
"""Seconds that a stopped thread waits at most for the other."""

GLANCE, STILL = 0.01, 4
"""Seconds between two looks at all threads, and the looks that show them alike when the other waits for a lock."""


class Interleaver:
    """Stops threads of a tree's code at one of its lines.

    Args:
        owns: tells by file name whether code belongs to the tree.
        stops: tells by a thread's name whether that thread is to be stopped.
        rounds: how many passes of a loop are looked at.
    """

    def __init__(self, owns: Callable[[str], bool], stops: Callable[[str], bool], rounds: int = 2) -> None:
        self._owns = owns
        self._stops = stops
        self._known: dict[str, bool] = {}
        self._rounds = rounds
        self._visited: Counter[tuple[str, int]] = Counter()
        self._order: list[Place] = []
        self._target: Place | None = None
        self._meanwhile: Callable[[], object] = lambda: None

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Watch the threads that are begun from here on."""
        before = threading.gettrace()
        threading.settrace(self._called)
        try:
            yield
        finally:
            threading.settrace(before)

    def places(self, run: Callable[[], object]) -> list[Place]:
        """Return the lines of the tree that are run, in order; those of a loop as often as rounds are looked at."""
        self._begin(None)
        run()
        return [place for place in self._order if place[2] <= self._rounds]

    def _begin(self, target: Place | None) -> None:
        self._visited, self._order, self._target = Counter(), [], target

    def overtake(self, place: Place, run: Callable[[], T], meanwhile: Callable[[], object]) -> T:
        """Run ``run``; when a watched thread reaches ``place``, it stands still while ``meanwhile`` happens.

        ``meanwhile`` happens on a thread of its own. Where it cannot be done before the stopped thread goes on,
        because it waits for a lock, the stopped thread goes on; both are over when this returns.
        """
        other = threading.Thread(target=meanwhile, name="meanwhile", daemon=True)

        def stand_still() -> None:
            other.start()
            _wait_until_over_or_stuck(other)

        self._meanwhile = stand_still
        self._begin(place)
        try:
            return run()
        finally:
            self._target = None
            if other.ident is not None:
                other.join(10)

    def _called(self, frame: FrameType, _event: str, _arg: Any) -> Any:
        name = frame.f_code.co_filename
        if name not in self._known:
            self._known[name] = name.endswith(".py") and self._owns(name)
        return self._stepped if self._known[name] and self._stops(threading.current_thread().name) else None

    def _stepped(self, frame: FrameType, event: str, _arg: Any) -> Any:
        if event == "line":
            line = (frame.f_code.co_filename, frame.f_lineno)
            self._visited[line] += 1
            place = (*line, self._visited[line])
            self._order.append(place)
            if place == self._target:
                self._target = None
                self._meanwhile()
        return self._stepped


def _wait_until_over_or_stuck(thread: threading.Thread) -> None:
    """Wait for a thread, but not once all threads stand still, as those do that wait for a lock."""
    end = time.monotonic() + PATIENCE
    before, alike = positions(), 0
    while thread.is_alive() and alike < STILL and time.monotonic() < end:
        thread.join(GLANCE)
        now = positions()
        before, alike = now, alike + 1 if now == before else 0


observers: set[int] = set()
"""Idents of threads that look at others now and then, and for which nobody waits."""


def positions() -> dict[int, tuple[int, int]]:
    """Return where each thread is, but for this one and those that only observe."""
    left_out = {threading.get_ident(), *observers}
    return {
        ident: (id(frame), frame.f_lasti)
        for ident, frame in sys._current_frames().items()  # noqa: SLF001  the only way to see another thread
        if ident not in left_out
    }
