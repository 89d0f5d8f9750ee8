"""Threads that take turns: one runs at a time, and at each line of a tree's code somebody else says who goes on.

The threads are real, and so is what they do; only when each of them runs is decided here, so that a race is met on the
first run or is not there, and the same choices show it again. A thread may be changed wherever the interpreter may
change it: before a line of the tree's code, before a Python function that such a line calls, and where it must wait
for a lock that is known (`harness.parts.turn_locks`). A thread that waits for anything else is passed over once all
threads stand still.
"""

from __future__ import annotations

import functools
import gc
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from harness.parts.interleave import positions

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

GLANCE = 0.01
"""Seconds between two looks at all threads."""

STILL, DEAD = 15, 600
"""Looks that show all threads alike when one waits for what is unknown, and when all wait for each other."""

NAME = "takes turns"
"""What the threads are called, with their number from 1."""
real_lock, real_rlock = threading.Lock, threading.RLock
"""What makes locks, before anything was patched."""


class Stuck(AssertionError):  # noqa: N818  a verdict on the code that runs here
    """The threads do not come to an end; the text says who waits."""


class Chooser(Protocol):
    """Says who goes on."""

    def choose(self, options: int) -> int:
        """Return a number from 0 to ``options - 1``; 0 lets the thread go on that runs, or else the first one."""


@dataclass
class At:
    """A chooser that changes threads at one moment, and otherwise lets each go on for as long as it can.

    Attributes:
        moment: how many-th choice, from 0.
        met: choices that came up so far.
    """

    moment: int
    met: int = 0

    @property
    def is_reached(self) -> bool:
        """Whether the moment came."""
        return self.met > self.moment

    def choose(self, options: int) -> int:  # noqa: ARG002  two are enough
        """Return 1 at the moment and else 0."""
        self.met += 1
        return int(self.met == self.moment + 1)


class Lock(Protocol):
    """A lock that is known to the turns."""

    holder: int
    """The ident of the thread that holds it, or held it last."""

    def locked(self) -> bool:
        """Tell whether a thread holds it."""


class _GivenUp(BaseException):
    """Ends a thread that would wait for ever."""


@dataclass(eq=False)
class Part:
    """One of the threads.

    Attributes:
        turns: whose thread it is.
        number: its place among them, from 0.
        ident: the thread's, as `threading.get_ident` gives it.
        go: released when it is this thread's turn.
        lock: what it waits for, or None.
        is_patient: whether it waits without a time-out.
        is_away: whether it waits for something unknown.
        is_over: whether it came to its end.
        visited: how often it came by each line.
    """

    turns: Turns
    number: int
    work: Callable[[], Any]
    ident: int = 0
    go: Any = field(default_factory=real_lock)
    lock: Lock | None = None
    is_patient: bool = True
    is_away: bool = False
    is_over: bool = False
    visited: Counter[tuple[str, int]] = field(default_factory=Counter)
    result: Any = None
    error: BaseException | None = None

    def __post_init__(self) -> None:
        self.go.acquire()

    @property
    def is_ready(self) -> bool:
        """Whether it could go on."""
        return not self.is_over and not self.is_away and (self.lock is None or not self.lock.locked())


_parts: dict[int, Part] = {}
"""The threads that take turns now, by their ident."""


def part_of(ident: int) -> Part | None:
    """Return what a thread is, if it takes turns."""
    return _parts.get(ident)


def this_part() -> Part | None:
    """Return what the calling thread is, if it takes turns."""
    return part_of(threading.get_ident())


class Turns:
    """Runs threads one at a time.

    Args:
        owns: tells by file name whether code belongs to the tree.
        chooser: says who goes on.
        rounds: how often a thread may be changed at one line; later passes of a loop are left alone.
        patience: seconds after which a run is taken for stuck.
    """

    def __init__(
        self, owns: Callable[[str], bool], chooser: Chooser, *, rounds: int = 3, patience: float = 20.0
    ) -> None:
        self._owns = functools.cache(owns)
        self._chooser = chooser
        self._rounds = rounds
        self._patience = patience
        self._all: list[Part] = []
        self._running: Part | None = None
        self._guard = real_rlock()
        self._end = threading.Event()
        self._is_given_up = False
        self._told = ""

    def run(self, *jobs: Callable[[], Any]) -> list[Any]:
        """Do the jobs, each in a thread of its own; return what they returned.

        Raises:
            Stuck: they wait for each other, or do not come to an end.
            Exception: what a job raised; the first job's where several did.
        """
        was_on = gc.isenabled()
        gc.disable()  # finalizers come at no moment that can be repeated
        try:
            self._play(jobs)
        finally:
            if was_on:
                gc.enable()
        for part in self._all:
            if part.error is not None:
                raise part.error
        return [part.result for part in self._all]

    def _play(self, jobs: tuple[Callable[[], Any], ...]) -> None:
        self._all = [Part(self, number, job) for number, job in enumerate(jobs)]
        threads = [
            threading.Thread(target=self._body, args=[part], name=f"{NAME} {part.number + 1}", daemon=True)
            for part in self._all
        ]
        for thread, part in zip(threads, self._all, strict=True):
            thread.start()
            part.ident = thread.ident or 0
            _parts[part.ident] = part
        with self._guard:
            self._pass_on()
        self._watch()
        for thread, part in zip(threads, self._all, strict=True):
            if not part.is_away:
                thread.join()
        if self._is_given_up:
            raise Stuck(f"threads wait for each other: {self._told}")

    def _body(self, part: Part) -> None:
        part.go.acquire()
        try:
            sys.settrace(self._trace)
            try:
                part.result = part.work()
            finally:
                sys.settrace(None)
        except _GivenUp:
            pass
        except BaseException as error:  # noqa: BLE001  whoever asked for the work gets it
            part.error = error
        finally:
            self._over(part)

    def _over(self, part: Part) -> None:
        with self._guard:
            _parts.pop(threading.get_ident(), None)  # another thread may be given the ident
            part.is_over, part.is_away = True, False
            if all(each.is_over for each in self._all):
                self._end.set()
            elif self._running in {part, None}:
                self._pass_on()

    # Who goes on

    def _pass_on(self) -> None:
        """Let another thread run than the one that ran, which is over, away or waits; called under the guard."""
        if self._is_given_up:
            return
        options = [each for each in self._all if each.is_ready and each is not self._running]
        options = options or [each for each in self._all if each.lock and not each.is_patient]
        self._running = options[self._choice(len(options))] if options else None
        if self._running is not None:
            self._running.go.release()
        elif all(self._waits_for_another(each) for each in self._all if not each.is_over):
            self._give_up()

    def _waits_for_another(self, part: Part) -> bool:
        """Tell whether only another one of these threads can let a thread go on."""
        holder = part_of(part.lock.holder) if part.lock is not None else None
        return holder is not None and holder is not part and holder.turns is self

    def _choice(self, options: int) -> int:
        return self._chooser.choose(options) if options > 1 else 0

    def _give_up(self) -> None:
        """End the threads that wait for each other; one that waits for something unknown is left behind."""
        with self._guard:
            self._is_given_up, self._told = True, self._who_waits()
            for part in self._all:
                if not part.is_over and not part.is_away:
                    part.go.release()
            self._end.set()

    def nudge(self) -> None:
        """Hear that a lock was given back, perhaps by a thread that takes no turns."""
        with self._guard:
            if self._running is None:
                self._pass_on()

    def point(self, part: Part) -> None:
        """Come to a place where the threads may be changed."""
        with self._guard:
            if self._is_given_up:
                raise _GivenUp
            if self._running is not part:
                part.is_away = False
                self._running = self._running or part
            else:
                options = [part, *(each for each in self._all if each.is_ready and each is not part)]
                self._running = options[self._choice(len(options))]
                if self._running is not part:
                    self._running.go.release()
            if self._running is part:
                return
        self._stand(part)

    def _stand(self, part: Part) -> None:
        part.go.acquire()
        if self._is_given_up:
            raise _GivenUp

    def wait_for(self, lock: Lock, part: Part, *, is_patient: bool) -> None:
        """Stand still until a lock may be free, or, with a time-out, until nobody else can go on."""
        with self._guard:
            if self._is_given_up:
                raise _GivenUp
            part.lock, part.is_patient, part.is_away = lock, is_patient, False
            if self._running in {part, None}:
                self._running = part
                self._pass_on()
        self._stand(part)
        part.lock = None

    # Where

    def _trace(self, frame: FrameType, event: str, _: Any) -> Any:
        is_ours = self._owns(frame.f_code.co_filename)
        caller = frame.f_back
        if is_ours and event == "line":
            self._come_by(frame)
        elif not is_ours and event == "call" and caller is not None and self._owns(caller.f_code.co_filename):
            self._come_by(caller)
        return self._trace if is_ours else None

    def _come_by(self, frame: FrameType) -> None:
        part, line = this_part(), (frame.f_code.co_filename, frame.f_lineno)
        if part is not None and part.turns is self:
            part.visited[line] += 1
            if part.visited[line] <= self._rounds:
                self.point(part)

    # What is unknown

    def _watch(self) -> None:
        """Wait until all is over; pass over a thread that waits for something unknown."""
        until = time.monotonic() + self._patience
        before, alike = positions(), 0
        while not self._end.wait(GLANCE):
            if time.monotonic() > until:
                raise Stuck(f"threads did not come to an end: {self._who_waits()}")
            now = positions()
            before, alike = now, alike + 1 if now == before else 0
            if alike > STILL and self._pass_over():
                alike = 0
            if alike > DEAD:
                self._give_up()

    def _pass_over(self) -> bool:
        """Let somebody else run; tell whether anybody can."""
        with self._guard:
            if self._running is not None:
                self._running.is_away = True
            self._pass_on()
            return self._running is not None

    def _who_waits(self) -> str:
        frames = sys._current_frames()  # noqa: SLF001  the only way to see another thread
        waiting = [part for part in self._all if part.lock is not None or part.is_away]
        told = [
            f"thread {part.number + 1} for {part.lock or 'something'}{self._place(frames.get(part.ident))}"
            for part in waiting
        ]
        return "; ".join(told) or "they go round in circles"

    def _place(self, frame: FrameType | None) -> str:
        """Describe the innermost place of the tree in which a thread is."""
        while frame is not None and not self._owns(frame.f_code.co_filename):
            frame = frame.f_back
        return f" in {Path(frame.f_code.co_filename).name}:{frame.f_lineno}" if frame else ""
