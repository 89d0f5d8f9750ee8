"""Runs a scenario over many schedules: all that depart from the ordinary order a few times, or ones that are drawn.

A failure is told with the schedule that shows it, in a form that replays it:
``python -m pytest FILE::TEST --schedule 17:2,23:1``.
"""

from __future__ import annotations

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
        if self.schedules == 1:
            return "1 schedule"
        whole = f"all with at most {self.departures} departure{'' if self.departures == 1 else 's'} from the ordinary"
        return f"{self.schedules} schedules, {whole}{'' if self.is_complete else ', and some with more'}"


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
    with known_locks():
        play = partial(_run_threads, scenario, owns, rounds)
        return explore(play, departures=departures, most=most, replay=replay, part=spread)


def of_threads(
    scenario: Callable[[Together], object],
    owns: Callable[[str], bool],
    departures: dict[int, int],
    *,
    rounds: int = 2,
    replay: str | None = None,
) -> None:
    """Run threads under one schedule, as Hypothesis draws it.

    Args:
        scenario: see `every_of_threads`.
        owns: see `every_of_threads`.
        departures: moment -> choice, as a `Script` takes them.
        rounds: see `every_of_threads`.
        replay: run this schedule instead.

    Raises:
        ScheduleError: the scenario failed.
    """
    script = Script(departures) if replay is None else Script.parse(replay)
    with known_locks():
        _once(partial(_run_threads, scenario, owns, rounds), script, count=1)


def _run_threads(
    scenario: Callable[[Together], object], owns: Callable[[str], bool], rounds: int, script: Script
) -> None:
    scenario(Turns(owns, script, rounds=rounds).run)


def explore(
    play: Callable[[Script], object],
    *,
    departures: int,
    most: int,
    replay: str | None,
    part: Callable[[list[dict[int, int]], int], list[dict[int, int]]] | None = None,
) -> Explored:
    """Let something be played under every script that departs at most so often, fewest departures first.

    Args:
        play: plays by a script, and raises what it finds.
        departures: how often a script may depart from the ordinary.
        most: scripts to play at most.
        replay: play this one alone.
        part: picks so many of the scripts with one more departure where not all can be played; the first, if None.

    Raises:
        ScheduleError: what was found.
    """
    if replay is not None:
        _once(play, Script.parse(replay), count=1)
        return Explored(1, is_complete=False, departures=0)
    level: list[dict[int, int]] = [{}]
    count = 0
    for depth in range(departures + 1):
        is_complete = len(level) <= most - count
        following: list[dict[int, int]] = []
        for chosen in level if is_complete else (part or first)(level, most - count):
            count += 1
            script = _once(play, Script(chosen), count=count)
            begin = max(chosen, default=-1) + 1
            following += [
                {**chosen, moment: choice}
                for moment in range(begin, len(script.options))
                for choice in range(1, script.options[moment])
            ]
        if not is_complete:
            return Explored(count, is_complete=False, departures=max(0, depth - 1))
        level = following
    return Explored(count, is_complete=True, departures=departures)


def first(level: list[dict[int, int]], most: int) -> list[dict[int, int]]:
    """Return the schedules of a level whose departures come earliest."""
    return level[:most]


def spread(level: list[dict[int, int]], most: int) -> list[dict[int, int]]:
    """Return schedules from all over a level."""
    return [level[place * len(level) // most] for place in range(most)]


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
