"""Runs a scenario over many schedules: all that depart from the ordinary order a few times, or ones that are drawn.

A failure is told with the schedule that shows it, in a form that replays it:
``python -m pytest FILE::TEST --schedule 17:2,23:1``.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from fuzz.schedule import Drawn, Script, run
from harness.parts.turn_locks import known_locks
from harness.parts.turns import Turns
from harness.plugin import BROKEN
from harness.subject import NotApplicable

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    Together = Callable[..., list[Any]]
    """Does jobs, each in a thread of its own, and returns what they returned."""

NOT_OURS = (NotApplicable, *BROKEN)
"""Exceptions that say something of the tree as a whole, not of a schedule."""


@dataclass(frozen=True)
class Explored:
    """What an exploration came to.

    Attributes:
        schedules: how many were run.
        is_complete: whether those were all with at most so many departures.
        departures: the largest number of departures of which all schedules were run.
    """

    schedules: int
    is_complete: bool
    departures: int

    def __str__(self) -> str:
        """Say what bound was completed."""
        bound = f"all with at most {self.departures}" if self.schedules > 1 else "the ordinary one"
        return f"{self.schedules} schedules, {bound} departure{'' if self.departures == 1 else 's'} from the ordinary"


class ScheduleError(AssertionError):
    """A scenario failed under a schedule; the text is the failure's own, and the schedule that replays it."""

    def __init__(self, failure: BaseException, schedule: str, count: int) -> None:
        first = str(failure).partition("\n")[0] or type(failure).__name__
        kind = "" if isinstance(failure, AssertionError) else f"{type(failure).__name__}: "
        super().__init__(f"{kind}{first} [schedule {count}; replay it with --schedule {schedule}]")
        self.schedule = schedule


def every(
    scenario: Callable[[], Coroutine[Any, Any, Any]],
    *,
    departures: int = 2,
    most: int = 2000,
    free_clock: bool = False,
    replay: str | None = None,
) -> Explored:
    """Run a scenario under every schedule that departs from the ordinary order at most so often, fewest first.

    The number of departures is what grows, so the first failure that is found is one with the fewest of them.

    Args:
        scenario: makes the coroutine of one run.
        departures: how often the order may be another than an ordinary loop's.
        most: schedules to run at most.
        free_clock: see `ScheduledLoop`.
        replay: run this schedule alone.

    Raises:
        ScheduleError: the scenario failed.
    """
    return explore(partial(_run, scenario, free_clock), departures=departures, most=most, replay=replay)


def every_of_threads(
    scenario: Callable[[Together], object],
    owns: Callable[[str], bool],
    *,
    departures: int = 1,
    most: int = 2000,
    rounds: int = 2,
    replay: str | None = None,
) -> Explored:
    """Run threads under every schedule that changes them at most so often before one of them has to wait.

    Args:
        scenario: is given a function that does jobs, each in a thread, and returns what they returned.
        owns: tells by file name at whose lines the threads may be changed.
        departures: how often they are changed.
        most: schedules to run at most.
        rounds: passes of a loop in which they are changed.
        replay: run this schedule alone.

    Raises:
        ScheduleError: the scenario failed.
    """

    def play(script: Script) -> None:
        scenario(Turns(owns, script, rounds=rounds).run)

    with known_locks():
        return explore(play, departures=departures, most=most, replay=replay)


def explore(play: Callable[[Script], object], *, departures: int, most: int, replay: str | None) -> Explored:
    """Let something be played under every script that departs at most so often, fewest departures first.

    Args:
        play: plays by a script, and raises what it finds.
        departures: how often a script may depart from the ordinary.
        most: scripts to play at most.
        replay: play this one alone.

    Raises:
        ScheduleError: what was found.
    """
    if replay is not None:
        _once(play, Script.parse(replay), count=1)
        return Explored(1, is_complete=False, departures=0)
    waiting: deque[dict[int, int]] = deque([{}])
    count = 0
    while waiting:
        chosen = waiting.popleft()
        if count >= most:
            return Explored(count, is_complete=False, departures=max(0, len(chosen) - 1))
        count += 1
        script = _once(play, Script(chosen), count=count)
        if len(chosen) < departures:
            begin = max(chosen, default=-1) + 1
            waiting.extend(
                {**chosen, moment: choice}
                for moment in range(begin, len(script.options))
                for choice in range(1, script.options[moment])
            )
    return Explored(count, is_complete=True, departures=departures)


def _run(scenario: Callable[[], Coroutine[Any, Any, Any]], free_clock: bool, script: Script) -> None:
    run(scenario, script, free_clock=free_clock)


def _once(play: Callable[[Script], object], script: Script, *, count: int) -> Script:
    try:
        play(script)
    except NOT_OURS:
        raise
    except Exception as failure:
        raise ScheduleError(failure, str(script), count) from failure
    return script


def drawn(
    data: st.DataObject,
    scenario: Callable[[], Coroutine[Any, Any, Any]],
    *,
    free_clock: bool = False,
    replay: str | None = None,
) -> None:
    """Run a scenario under a schedule that Hypothesis draws; it shrinks to the fewest and earliest departures.

    Args:
        data: what ``st.data()`` gave.
        scenario: makes the coroutine of one run.
        free_clock: see `ScheduledLoop`.
        replay: run this schedule instead.

    Raises:
        ScheduleError: the scenario failed.
    """
    chooser = Drawn(lambda most: data.draw(st.integers(0, most))) if replay is None else Script.parse(replay)
    try:
        run(scenario, chooser, free_clock=free_clock)
    except NOT_OURS:
        raise
    except Exception as failure:
        if type(failure).__module__.startswith("hypothesis"):
            raise
        raise ScheduleError(failure, str(chooser), 1) from failure
