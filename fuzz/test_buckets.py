"""The budget of a caller, in any order of requests, pauses and adaptive drops.

Nobody gets more than the scaled budget and what refilled at its rate; whoever waits as long as a refusal says is
admitted; and after a long pause the whole scaled budget is there, of one request at least.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fuzz import bounds
from fuzz.budget import fuzzer
from fuzz.explore import every

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator

    from harness.subject import Subject

FUZZ = fuzzer(__file__)
BEGINNING = 50_000.0
ROUNDING = 1e-4
"""Requests by which an answer may be off for floating point's sake."""

Act = tuple[str, float]
"""What happens to a bucket: ``ask`` so many times, ``pass`` so many windows, ``scale`` by a multiplier, or ``keep``."""

ALPHABET: tuple[Act, ...] = (("ask", 3), ("pass", 0.25), ("scale", 0.1), ("scale", 0.5), ("scale", 1.0), ("keep", 0))
LONGEST = 5


@dataclass
class Clock:
    """What both clocks of the machine say, in seconds."""

    now: float = BEGINNING

    def time(self) -> float:
        """Return the time."""
        return self.now

    @contextlib.contextmanager
    def shown(self) -> Iterator[None]:
        """Let ``time`` say this time."""
        with (
            mock.patch.object(time, "monotonic", self.time),
            mock.patch.object(time, "time", self.time),
        ):
            yield


class Owner:
    """The owner of a bucket, who knows what can be had of it at most."""

    def __init__(self, make: Any, budget: float, window: float, clock: Clock | LoopClock) -> None:
        """Start with a full bucket."""
        self._clock = clock
        self._whole, self._window = budget, window
        self._most, self._since = float(budget), clock.now
        self._bucket = make(tokens=float(budget), last_update=clock.now, window=window, max_tokens=budget)

    @property
    def budget(self) -> float:
        """The scaled budget; never less than one request."""
        return max(1.0, self._whole * float(self._bucket.adaptive_multiplier))

    def do(self, act: Act) -> None:
        """Let something happen, and judge it."""
        kind, amount = act
        if kind == "ask":
            for _ in range(int(amount)):
                self.ask()
        elif kind == "pass":
            self._clock.now += amount * self._window
        elif kind == "scale":
            self._bucket.adaptive_multiplier = amount
        else:
            self.wait_as_told()

    def ask(self) -> float:
        """Make a request; return the seconds that a refusal tells, 0.0 where it is admitted."""
        try:
            allowed, wait = self._bucket.consume()
        except ZeroDivisionError:
            multiplier = self._bucket.adaptive_multiplier
            raise AssertionError(f"a budget of {self._whole} times {multiplier} was divided by as zero") from None
        self._most = min(self.budget, self._most + (self._clock.now - self._since) * self.budget / self._window)
        self._since = self._clock.now
        if allowed:
            assert self._most >= 1.0 - ROUNDING, f"a request was admitted with {self._most:.3f} of a request left"
            self._most -= 1.0
            return 0.0
        assert 0.0 < wait < math.inf, f"a refusal on a budget of {self.budget:g} told a wait of {wait} s"
        return float(wait)

    def wait_as_told(self) -> None:
        """Ask, and where that is refused, wait as long as told and ask again."""
        if wait := self.ask():
            assert wait <= self._window * (1 + ROUNDING), f"a wait of {wait} s was told; a window has {self._window} s"
            self._clock.now += wait + self._window * 1e-6
            assert not self.ask(), f"a caller waited the {wait:g} s it was told, and was refused"

    def rest(self) -> None:
        """After a long pause the scaled budget can be had, and no more."""
        self._clock.now += 3.0 * self._window
        admitted = sum(self.ask() == 0.0 for _ in range(math.ceil(self.budget) + 2))
        least, most = max(1, int(self.budget - ROUNDING)), int(self.budget + ROUNDING)
        assert least <= admitted <= most, f"{admitted} of {self.budget:g} were admitted after a long pause"


def play(subject: Subject, budget: float, window: float, acts: tuple[Act, ...]) -> None:
    """Let everything happen to a new bucket."""
    clock = Clock()
    with clock.shown():
        owner = Owner(subject.reliability.rate_limiter.RateLimitBucket, budget, window, clock)
        for act in acts:
            owner.do(act)
        owner.rest()


@pytest.mark.parametrize("budget", [5, 10])
def test_every_short_history(subject: Subject, budget: int) -> None:
    """No history of up to five acts, shortest first, overspends a budget or breaks a promise."""
    histories = itertools.chain.from_iterable(itertools.product(ALPHABET, repeat=n) for n in range(LONGEST + 1))
    tried = 0
    for acts in itertools.islice(histories, FUZZ.examples):
        tried += 1
        try:
            play(subject, budget, 60.0, acts)
        except AssertionError as failure:
            said = str(failure).partition("\n")[0]
            raise AssertionError(f"{said} [found by example {tried}: {acts}]") from failure
    FUZZ.count(tried)


class LoopClock:
    """What an event loop that a test is in charge of says the time is."""

    @property
    def now(self) -> float:
        """The time, in seconds."""
        return asyncio.get_running_loop().time()

    @now.setter
    def now(self, seconds: float) -> None:
        loop: Any = asyncio.get_running_loop()
        loop.advance(seconds - loop.time())


def sharing(subject: Subject, callers: int, multiplier: float) -> Callable[[], Coroutine[Any, Any, None]]:
    """Return a scenario: callers share a budget of 3, wait as they are told, and it is scaled meanwhile."""

    async def main() -> None:
        loop = asyncio.get_running_loop()
        with mock.patch.object(time, "time", loop.time):
            owner = Owner(subject.reliability.rate_limiter.RateLimitBucket, 3, 9.0, LoopClock())

            async def call() -> None:
                for _ in range(3):
                    if not (wait := owner.ask()):
                        return
                    await asyncio.sleep(wait)

            async def scale() -> None:
                owner.do(("scale", multiplier))
                await asyncio.sleep(4.0)
                owner.do(("scale", 1.0))

            await asyncio.gather(*(call() for _ in range(callers)), scale(), call())

    return main


@pytest.mark.parametrize("multiplier", [0.5, 0.1])
def test_every_schedule_of_callers(subject: Subject, multiplier: float, replay: str | None) -> None:
    """Callers who meet a drop of the budget at any two moments get no more than what is left of it."""
    scenario = sharing(subject, 4, multiplier)
    explored = every(scenario, departures=2, most=FUZZ.examples, free_clock=True, replay=replay)
    bounds.note(FUZZ, f"callers and a multiplier of {multiplier}", explored)


@FUZZ.tries
@given(
    budget=st.integers(1, 50),
    window=st.sampled_from([0.5, 1.0, 60.0, 3600.0]),
    acts=st.lists(
        st.one_of(
            st.tuples(st.just("ask"), st.integers(1, 12)),
            st.tuples(st.just("pass"), st.floats(0.0, 2.0)),
            st.tuples(st.just("scale"), st.floats(0.0, 1.0) | st.sampled_from([0.1, 0.5, 1.0])),
            st.tuples(st.just("keep"), st.just(0)),
        ),
        max_size=12,
    ),
)
def test_any_history(*, subject: Subject, budget: int, window: float, acts: list[Act]) -> None:
    """No history overspends a budget or breaks a promise, whatever its budget and window."""
    play(subject, budget, window, tuple(acts))
