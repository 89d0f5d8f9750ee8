"""Threads that take turns: every order to a bound is met, the same choices give the same run, and no run hangs."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest

from fuzz.explore import Explored, ScheduleError, every_of_threads, of_threads
from harness.parts.turn_locks import known_locks
from harness.parts.turns import At, Stuck, Turns

if TYPE_CHECKING:
    from fuzz.explore import Together


def ours(file: str) -> bool:
    """Take this file for the code under observation."""
    return file == __file__


class Counter:
    """A count that loses steps where two threads take one at the same time."""

    def __init__(self, lock: Any = None) -> None:
        self.count = 0
        self.lock = lock

    def step(self) -> None:
        """Add one, in two lines."""
        before = self.count
        self.count = before + 1

    def step_locked(self) -> None:
        """Add one under the lock."""
        with self.lock:
            self.step()


def test_a_lost_step_is_found_and_shown_again() -> None:
    """Two threads that lose a step are found, and the schedule that is told shows it again."""

    def scenario(together: Together) -> None:
        counter = Counter()
        together(counter.step, counter.step)
        assert counter.count == 2, "a step was lost"

    with pytest.raises(ScheduleError, match="a step was lost") as found:
        every_of_threads(scenario, ours, departures=1)
    for _ in range(3):
        with pytest.raises(ScheduleError, match="a step was lost"):
            every_of_threads(scenario, ours, replay=found.value.schedule)
    assert every_of_threads(scenario, ours, replay="-") == Explored(1, is_complete=False, departures=0)


@pytest.mark.parametrize("kind", ["Lock", "RLock"])
def test_a_lock_keeps_threads_apart(kind: str) -> None:
    """Under a lock no schedule with two departures loses a step, and all of them are run."""

    def scenario(together: Together) -> None:
        counter = Counter(getattr(threading, kind)())
        together(counter.step_locked, counter.step_locked)
        assert counter.count == 2, "a step was lost"

    explored = every_of_threads(scenario, ours, departures=2)
    assert explored.is_complete
    assert explored.schedules > 20
    assert str(explored) == f"{explored.schedules} schedules, all with at most 2 departures from the ordinary"


def test_threads_that_wait_for_each_other_are_told() -> None:
    """Two locks that two threads take in different orders are found, with the places where they wait."""

    def scenario(together: Together) -> None:
        one, other = threading.Lock(), threading.Lock()
        together(lambda: nested(one, other), lambda: nested(other, one))

    with pytest.raises(ScheduleError, match=r"thread 1 for a lock in test_turns\.py:\d+; thread 2 for a lock in"):
        every_of_threads(scenario, ours, departures=1)


def nested(outer: Any, inner: Any) -> None:
    """Take one lock in another."""
    with outer:
        before = inner
        with before:
            pass


def test_what_is_unknown_holds_nobody_up() -> None:
    """A thread that waits for something the turns do not know is passed over, and goes on once it has it."""
    order: list[str] = []
    event = threading.Event()

    def waits() -> None:
        order.append("waits")
        event.wait()
        order.append("goes on")

    def sets() -> None:
        order.append("sets")
        event.set()

    Turns(ours, At(99)).run(waits, sets)
    assert order == ["waits", "sets", "goes on"]


def test_conditions_and_time_outs() -> None:
    """A condition whose waiter is notified goes on, and a wait with a time-out ends where nobody else can go on."""
    seen: list[Any] = []
    with known_locks():
        condition, lock = threading.Condition(), threading.Lock()
        ready: list[int] = []

        def waits() -> None:
            with condition:
                condition.wait_for(lambda: ready)
            lock.acquire()
            seen.append(lock.acquire(timeout=5.0))

        def notifies() -> None:
            with condition:
                ready.append(1)
                condition.notify_all()

        Turns(ours, At(0)).run(waits, notifies)
        Turns(ours, At(99)).run(notifies)
    assert seen == [False]


def test_what_a_job_returns_or_raises() -> None:
    """Jobs give what they return, the first exception is raised, and other threads' locks work as ever."""
    with known_locks():
        lock = threading.RLock()
    assert Turns(ours, At(0)).run(lambda: 1, lambda: 2) == [1, 2]
    with lock, lock:
        assert lock.acquire(blocking=False)
        lock.release()

    def fails() -> None:
        raise KeyError("lost")

    with pytest.raises(KeyError, match="lost"):
        Turns(ours, At(0)).run(lambda: 1, fails)


def test_a_thread_that_never_ends_is_told() -> None:
    """A run that goes round in circles is ended by its patience."""
    over = threading.Event()

    def spins() -> None:
        while not over.is_set():
            pass

    try:
        with pytest.raises(Stuck, match="did not come to an end: they go round in circles"):
            Turns(ours, At(99), patience=0.2).run(spins)
    finally:
        over.set()


def test_what_is_left_of_a_budget_is_spent_all_over() -> None:
    """Where not all schedules can be run, those that are come from all over, and it says so."""
    counts: list[int] = []

    def scenario(together: Together) -> None:
        counter = Counter()
        together(counter.step, counter.step)
        counts.append(counter.count)

    assert every_of_threads(scenario, ours, most=2) == Explored(2, is_complete=False, departures=0)
    assert str(Explored(1, is_complete=False, departures=0)) == "1 schedule"
    told = "9 schedules, all with at most 1 departure from the ordinary, and some with more"
    assert str(Explored(9, is_complete=False, departures=1)) == told


def test_a_drawn_schedule_tells_how_it_is_replayed() -> None:
    """A schedule that was drawn runs as it says, and a failure names it."""

    def scenario(together: Together) -> None:
        counter = Counter()
        together(counter.step, counter.step)
        assert counter.count == 2, "a step was lost"

    of_threads(scenario, ours, {})
    of_threads(scenario, ours, {2: 1}, replay="-")
    with pytest.raises(ScheduleError, match=r"a step was lost .*--schedule 2:1"):
        of_threads(scenario, ours, {2: 1})
