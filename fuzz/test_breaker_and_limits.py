"""A breaker and the limits of callers under any history, each beside a plain model that forgets nothing.

A breaker opens, probes and closes when the count of failures says so; a limit grants everybody the budget that refills,
and nobody anybody else's.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fuzz.budget import fuzzer
from harness.parts.locks import suspend_holders
from harness.subject import NotApplicable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.subject import Subject

FUZZ = fuzzer(__file__)

# Breaker


class Clock:
    """What the clocks of the machine say, in seconds."""

    def __init__(self) -> None:
        self.now = 50_000.0

    def time(self) -> float:
        """Return the time."""
        return self.now

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Let ``time`` say this time."""
        with ExitStack() as stack:
            for name in ("time", "monotonic"):
                stack.enter_context(mock.patch.object(time, name, self.time))
            yield


THRESHOLD, RESET, PROBES = 3, 10.0, 2


class Fuse:
    """What can be said for certain of a breaker.

    Attributes:
        state: ``closed``, ``open`` or ``half-open``.
        failures: since it was closed, or since the last success.
        out: probes that were admitted and not reported on.
        probes: probes that were admitted since it became half-open.
        successes: of probes.
    """

    def __init__(self) -> None:
        self.state = "closed"
        self.failures = self.total = self.out = self.probes = self.successes = 0
        self.until = 0.0

    def look(self, now: float) -> None:
        """Become half-open when that is due."""
        if self.state == "open" and now >= self.until:
            self.state = "half-open"
            self.out = self.probes = self.successes = 0

    def judge_admission(self, admitted: bool) -> None:
        """Check an answer to the question whether a call may be made."""
        if self.state == "closed" and self.total < THRESHOLD:
            assert admitted, f"a call was refused after {self.total} failures; {THRESHOLD} open the circuit"
        elif self.state == "open":
            assert not admitted, "a call was admitted while the circuit was open"
        elif self.state == "half-open":
            assert admitted or self.probes >= PROBES, f"a probe was refused after {self.probes} of {PROBES}"
            assert not admitted or self.out < PROBES, f"a probe was admitted while {self.out} were out"

    def fail(self, now: float) -> None:
        """Take note of a failure."""
        self.failures += 1
        self.total += 1
        if self.state == "half-open" or (self.state == "closed" and self.failures >= THRESHOLD):
            self.state, self.until = "open", now + RESET
        self.out = max(0, self.out - 1)

    def succeed(self) -> None:
        """Take note of a success."""
        self.failures = 0
        self.out = max(0, self.out - 1)
        if self.state == "half-open":
            self.successes += 1

    def close(self) -> None:
        """Forget everything."""
        self.state, self.failures, self.total = "closed", 0, 0


ACTS = {
    "trip": ["call fails"] * THRESHOLD,
    "fail": ["call fails"],
    "work": ["call works"],
    "ask": ["ask"] * (PROBES + 1),
    "ask together": ["ask together"],
    "ask and fail": ["ask"] * PROBES + ["report failure"],
    "pass": ["pass"],
    "pass a little": ["pass a little"],
    "reset": ["reset"],
}
"""What happens to a breaker, step by step."""


class Fused:
    """A breaker of the tree, with its model beside it."""

    def __init__(self, circuit: Any, clock: Clock) -> None:
        """Make a breaker."""
        self.breaker = circuit.CircuitBreaker("f", THRESHOLD, RESET, PROBES)
        self._names = {"closed": circuit.CircuitState.CLOSED, "open": circuit.CircuitState.OPEN}
        self._clock, self._fuse = clock, Fuse()

    def do(self, step: str) -> None:
        """Take a step, and compare."""
        if step.startswith("pass"):
            self._clock.now += RESET + 0.1 if step == "pass" else RESET / 4
        self._fuse.look(self._clock.now)
        if step == "reset":
            self.breaker.reset()
            self._fuse.close()
        elif step == "report failure":
            self._report(fails=True)
        elif step == "ask together":
            asyncio.run(self._ask_together())
        elif step.startswith(("call", "ask")):
            self._ask(step)
        self._compare()

    def _ask(self, step: str) -> None:
        admitted = self.breaker.can_execute()
        self._answered(admitted)
        if admitted and step != "ask":
            self._report(fails=step == "call fails")

    async def _ask_together(self) -> None:
        """Let several callers ask at once, in an event loop that is over with them."""

        async def ask() -> None:
            self._answered(await self.breaker.async_can_execute())

        await asyncio.gather(*(ask() for _ in range(PROBES + 1)))

    def _answered(self, admitted: bool) -> None:
        self._fuse.judge_admission(admitted)
        is_probe = admitted and self._fuse.state == "half-open"
        self._fuse.out += is_probe
        self._fuse.probes += is_probe

    def _report(self, *, fails: bool) -> None:
        if self._fuse.state == "open" or (self._fuse.state == "half-open" and not self._fuse.out):
            return  # nobody was admitted who could report
        if fails:
            self.breaker.record_failure()
            self._fuse.fail(self._clock.now)
        else:
            self.breaker.record_success()
            self._fuse.succeed()

    def _compare(self) -> None:
        fuse, state = self._fuse, self.breaker.state
        if fuse.state == "half-open" and state is self._names["closed"]:
            assert fuse.successes, "the circuit was closed without a successful probe"
            fuse.close()
        elif fuse.state == "half-open":
            assert fuse.successes < PROBES, f"{fuse.successes} probes worked, and the circuit is {state}"
        if fuse.state in self._names:
            assert state is self._names[fuse.state], f"the circuit is {state}; it should be {fuse.state}"


BEGINNINGS: tuple[list[str], ...] = ([], ["trip"], ["trip", "pass"], ["trip", "pass", "ask and fail", "pass"])
histories = st.builds(
    lambda beginning, rest: [*beginning, *rest],
    st.sampled_from(BEGINNINGS),
    st.lists(st.sampled_from(sorted(ACTS)), max_size=12),
)


@FUZZ.tries
@given(acts=histories)
def test_a_breaker(*, subject: Subject, acts: list[str]) -> None:
    """A breaker opens after failures in a row, refuses until its time is over, and then admits its probes alone."""
    clock = Clock()
    with clock.shown(), pytest.MonkeyPatch.context() as patch:
        suspend_holders(patch)
        fused = Fused(subject.reliability.circuit_breaker, clock)
        for step in (step for act in acts for step in ACTS[act]):
            fused.do(step)


# Limits

REQUESTS, WINDOW = 3, 12.0
SCOPES = ("USER", "CHANNEL", "GUILD", "GLOBAL")
Request = tuple[str, int, int, int, float]
"""The limit, the user, the channel and the guild of a request, and the windows that passed before it."""


@FUZZ.tries
@given(
    scale=st.sampled_from([1.0, 1.0, 2 / 3, 1 / 3, 0.1]),
    requests=st.lists(
        st.tuples(
            st.sampled_from(SCOPES),
            st.integers(1, 3),
            st.integers(1, 3),
            st.integers(1, 3),
            st.sampled_from([0.0, 0.0, 0.0, 0.1, 1 / 3, 2.0]),
        ),
        max_size=30,
    ),
)
def test_limits(*, subject: Subject, scale: float, requests: list[Request]) -> None:
    """Every member of a scope has a budget of its own, scaled or not, which refills, and nobody spends another's."""
    limits = subject.reliability.rate_limiter
    limiter, clock = limits.RateLimiter(), Clock()
    left: dict[tuple[str, int], tuple[float, float]] = {}
    for scope in SCOPES:
        if not hasattr(limits.RateLimitType, scope):
            raise NotApplicable(f"utils.reliability.rate_limiter.RateLimitType has no {scope}")
        kind = getattr(limits.RateLimitType, scope)
        limiter.add_config(scope, limits.RateLimitConfig(requests=REQUESTS, window=WINDOW, limit_type=kind))
    budget = scaled(limiter, scale)
    with clock.shown():
        for scope, user, channel, guild, windows in requests:
            clock.now += windows * WINDOW
            key = (scope, {"USER": user, "CHANNEL": channel, "GUILD": guild, "GLOBAL": 0}[scope])
            before, since = left.get(key, (2 * budget, clock.now))
            refilled = before + (clock.now - since) * budget / WINDOW
            tokens = min(budget, refilled)
            asked = limiter.check(scope, user_id=user, channel_id=channel, guild_id=guild)
            allowed, wait, _ = asyncio.run(asked)
            if abs(tokens - 1.0) > 1e-3 or refilled > budget + 1e-3:
                due = tokens >= 1.0
                assert allowed == due, f"a request was {'' if allowed else 'not '}admitted with {tokens:.2f} left"
            if not allowed:
                missing = (1.0 - tokens) * WINDOW / budget
                assert wait >= missing - 1e-3, f"a wait of {wait:g} s was told; {missing:g} s are due"
            left[key] = (tokens - 1.0 if allowed else tokens, clock.now)


def scaled(limiter: Any, scale: float) -> float:
    """Scale the budgets of all limits, where the tree can; return how many requests each has in a window then."""
    if not hasattr(limiter, "set_multiplier"):
        return float(REQUESTS)
    limiter.set_multiplier(scale, *SCOPES)
    return max(1.0, REQUESTS * scale)
