"""Limiter, throttle, breaker, caches and backoff states under drawn schedules, in one event loop after another.

Callers come together, are cancelled at any moment, fail or succeed. A budget is never exceeded and nobody starves; a
half-open breaker lets only its probes through and gets back those of cancelled callers; a shared call serves all who
wait for it; and what served one event loop serves the next.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fuzz import bounds
from fuzz.budget import fuzzer
from fuzz.explore import drawn, every
from harness.parts.locks import suspend_holders
from harness.parts.threads import finish

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

    from harness.subject import Subject

FUZZ = fuzzer(__file__)
NAMES = itertools.count()
STUCK = "a caller held up its whole event loop"
PATIENCE = 20.0
Caller = tuple[int, int]
"""What a caller asks for, and the turns after which it is cancelled; 9 for never."""

callers = st.lists(st.tuples(st.integers(1, 3), st.sampled_from([9, 9, 0, 1, 2, 3])), min_size=1, max_size=6)


async def crowd(calls: list[tuple[Coroutine[Any, Any, Any], int]]) -> list[Any]:
    """Let callers come at once, some of which are cancelled; return what became of each, exceptions too."""
    tasks = [asyncio.ensure_future(call) for call, _ in calls]

    async def cancel(task: asyncio.Future[Any], turns: int) -> None:
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()

    cancelling = [cancel(task, turns) for task, (_, turns) in zip(tasks, calls, strict=True) if turns < 9]
    return (await asyncio.gather(*tasks, *cancelling, return_exceptions=True))[: len(tasks)]


def unexpected(outcomes: list[Any]) -> list[Any]:
    """Return the exceptions that no caller should see."""
    return [each for each in outcomes if isinstance(each, Exception) and not isinstance(each, ConnectionError)]


# Throttle

BUDGET, WINDOW = 3, 10.0


def throttled(subject: Subject, asked: list[Caller], *, is_late: bool) -> Callable[[], Coroutine[Any, Any, None]]:
    """Return a scenario: callers wait at a throttle, in a loop that may be too late for its timers."""

    async def main() -> None:
        loop = asyncio.get_running_loop()
        throttle = subject.reliability.rate_limiter.Throttle(BUDGET, WINDOW)
        admitted: list[tuple[float, int]] = []

        async def call(amount: int) -> None:
            if await throttle.acquire(amount):
                admitted.append((loop.time(), amount))

        outcomes = await crowd([(call(amount), turns) for amount, turns in asked])
        assert not unexpected(outcomes), f"a caller got {unexpected(outcomes)[0]!r}"
        patient = sum(turns == 9 for _, turns in asked)
        assert len(admitted) >= patient, f"{len(admitted)} callers were admitted; {patient} waited"
        for begin, _ in admitted:
            taken = sum(amount for when, amount in admitted if begin <= when < begin + WINDOW - 1e-6)
            assert taken <= 2 * BUDGET, f"{taken} requests were admitted within a window with a budget of {BUDGET}"
        total, last = sum(amount for _, amount in admitted), max((when for when, _ in admitted), default=0.0)
        cancelled = sum(amount for amount, turns in asked if turns < 9)
        if admitted:
            first = min(when for when, _ in admitted)
            least = (total - BUDGET) * WINDOW / BUDGET
            assert last - first >= least - 1e-3, f"{total} requests took {last - first:.2f} s; {least:.2f} s are due"
            most = (total + cancelled) * WINDOW / BUDGET
            assert is_late or last - first <= most + 1e-3, (
                f"{total} requests took {last - first:.2f} s; {most:.2f} s would do"
            )
        assert throttle.waiting == 0, f"{throttle.waiting} callers are queued, and none waits"

    return main


@FUZZ.tries
@given(data=st.data(), asked=callers, is_late=st.booleans())
def test_a_throttle(
    *, subject: Subject, replay: str | None, data: st.DataObject, asked: list[Caller], is_late: bool
) -> None:
    """Callers of a throttle are all served in time and never beyond the budget, whoever is cancelled meanwhile."""
    drawn(data, throttled(subject, asked, is_late=is_late), free_clock=is_late, replay=replay)


def test_every_schedule_of_a_throttle(subject: Subject, replay: str | None) -> None:
    """Four callers, one of them cancelled, under every schedule with two departures."""
    asked = [(3, 9), (2, 9), (3, 2), (1, 9)]
    scenario = throttled(subject, asked, is_late=True)
    explored = every(scenario, departures=2, most=FUZZ.examples, free_clock=True, replay=replay)
    bounds.note(FUZZ, "a throttle", explored)


# Breaker

PROBES = 2


def broken(subject: Subject, asked: list[Caller]) -> Callable[[], Coroutine[Any, Any, None]]:
    """Return a scenario: a breaker is half open, and callers come."""

    async def main() -> None:
        loop: Any = asyncio.get_running_loop()
        made = subject.reliability.circuit_breaker
        breaker = made.CircuitBreaker("f", failure_threshold=1, reset_timeout=5.0, half_open_max_calls=PROBES)
        inside = most = 0

        async def service(fails: bool) -> None:
            nonlocal inside, most
            inside += 1
            most = max(most, inside) if breaker.state is made.CircuitState.HALF_OPEN else most
            try:
                await asyncio.sleep(0)
                await asyncio.sleep(1.0)
            finally:
                inside -= 1
            if fails:
                raise ConnectionError

        async def call(kind: int) -> None:
            with contextlib.suppress(made.CircuitBreakerOpenError):
                await breaker.call(service, kind == 3)

        with contextlib.suppress(ConnectionError):
            await breaker.call(service, fails=True)
        loop.advance(5.0)
        outcomes = await crowd([(call(kind), turns) for kind, turns in asked])
        assert not unexpected(outcomes), f"a caller got {unexpected(outcomes)[0]!r}"
        assert most <= PROBES, f"{most} calls were inside while half open; {PROBES} probes are allowed"
        for _ in range(4):
            await asyncio.sleep(6.0)
            await call(1)
        assert breaker.state is made.CircuitState.CLOSED, f"a healthy service is kept {breaker.state}"

    return main


@FUZZ.tries
@given(data=st.data(), asked=callers)
def test_a_breaker(*, subject: Subject, replay: str | None, data: st.DataObject, asked: list[Caller]) -> None:
    """A half-open breaker admits its probes alone, and comes back whoever was cancelled meanwhile."""
    drawn(data, broken(subject, asked), replay=replay)


# Cached calls


def cached(subject: Subject, asked: list[Caller]) -> Callable[[], Coroutine[Any, Any, None]]:
    """Return a scenario: callers ask a cached coroutine function for the same few things."""

    async def main() -> None:
        ended: list[int] = []

        @subject.reliability.memory_manager.cached_with_ttl(ttl=60.0)  # type: ignore[untyped-decorator,unused-ignore]
        async def answer(key: int) -> int:
            await asyncio.sleep(0)
            await asyncio.sleep(1.0)
            ended.append(key)
            return key * 10

        outcomes = await crowd([(answer(key), turns) for key, turns in asked])
        for (key, turns), outcome in zip(asked, outcomes, strict=True):
            is_right = outcome == key * 10 or (turns < 9 and isinstance(outcome, asyncio.CancelledError))
            assert is_right, f"a caller that was {'' if turns < 9 else 'not '}cancelled got {outcome!r}"
        assert all(ended.count(key) == 1 for key in ended), f"one answer was worked out {len(ended)} times"

    return main


@FUZZ.tries
@given(data=st.data(), asked=callers)
def test_a_cached_call(*, subject: Subject, replay: str | None, data: st.DataObject, asked: list[Caller]) -> None:
    """Callers share one call; who is cancelled leaves the others theirs."""
    drawn(data, cached(subject, asked), replay=replay)


# One event loop after another


def uses(subject: Subject) -> dict[str, Callable[[], Awaitable[Any]]]:
    """Return uses of shared state: backoff states, a retry, a breaker and a limiter."""
    recovery = subject.reliability.error_recovery
    name = f"service {next(NAMES)}"
    breaker = subject.reliability.circuit_breaker.CircuitBreaker(name, failure_threshold=1_000_000)
    limiter = subject.reliability.rate_limiter.RateLimiter()
    limits = subject.reliability.rate_limiter
    limiter.add_config(name, limits.RateLimitConfig(requests=2, window=1.0, limit_type=limits.RateLimitType.GLOBAL))

    async def retried() -> None:
        outcomes = [None, ConnectionError("away")]

        async def service() -> None:
            if error := outcomes.pop():
                raise error

        await recovery.retry_async(service, service_name=name)

    async def reported() -> None:
        await breaker.async_can_execute()
        await breaker.async_record_failure()
        await breaker.async_record_success()

    return {
        "get": lambda: recovery._get_backoff_state_async(name),
        "reset": lambda: recovery._reset_backoff_state_async(name),
        "retry": retried,
        "breaker": reported,
        "wait": lambda: limiter.wait_for(name, max_wait=300.0),
    }


loops = st.lists(
    st.lists(st.sampled_from(["get", "reset", "retry", "breaker", "wait"]), min_size=1, max_size=5),
    min_size=2,
    max_size=3,
)


@FUZZ.tries
@given(data=st.data(), each=loops)
def test_one_event_loop_after_another(*, subject: Subject, data: st.DataObject, each: list[list[str]]) -> None:
    """State that served the callers of one event loop serves those of the next, who meet in any order."""
    shared = uses(subject)
    choices = [[data.draw(st.integers(0, 2)) for _ in range(8)] for _ in each]

    def play() -> None:
        with pytest.MonkeyPatch.context() as patch:
            suspend_holders(patch)
            for names, departures in zip(each, choices, strict=True):
                chosen = {moment: choice for moment, choice in enumerate(departures) if choice}

                async def main(names: list[str] = names) -> None:
                    outcomes = await crowd([(_awaited(shared[name]), 9) for name in names])
                    assert not unexpected(outcomes), f"a caller got {unexpected(outcomes)[0]!r}"

                every(main, departures=0, replay=",".join(f"{a}:{b}" for a, b in chosen.items()))

    finish(play, STUCK, PATIENCE)


async def _awaited(use: Callable[[], Awaitable[Any]]) -> None:
    await use()
