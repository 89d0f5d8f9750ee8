"""What the parts of reliability refuse, log and hand on, to the letter and to the boundary."""

from __future__ import annotations

import asyncio
import gc
import itertools
import logging
import math
import re
import time
import weakref
from collections import namedtuple
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from reference.utils.reliability import error_recovery
from reference.utils.reliability.backoff import BackoffState, Jitter, RetryConfig
from reference.utils.reliability.cached_calls import cached_with_ttl
from reference.utils.reliability.circuit_breaker import CircuitBreaker, CircuitBreakerOpenError, CircuitState
from reference.utils.reliability.command_limits import describe, find_source
from reference.utils.reliability.degradation import DegradationExhaustedError, GracefulDegradation
from reference.utils.reliability.error_recovery import retry_async, with_retry
from reference.utils.reliability.eviction import evict
from reference.utils.reliability.memory_monitor import MemoryLevel, MemoryMonitor, MemoryThresholds, MemoryUsage
from reference.utils.reliability.rate_limiter import RateLimitConfig, RateLimiter, RateLimitType
from reference.utils.reliability.retry_after import parse_retry_after, retry_after_of
from reference.utils.reliability.service_health import HealthState, ServiceHealth, ServiceHealthMonitor
from reference.utils.reliability.throttle import Throttle
from reference.utils.reliability.ttl_cache import TTLCache
from reference.utils.reliability.weak_cache import WeakRefCache
from tests.reliability.warp import Clock

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

MIB = 1024 * 1024


def numbers() -> Generator[int]:
    """Be a function whose run has no single outcome."""
    yield 1


def plain() -> None:
    """Be a function that does not await."""


def per_user(requests: float = 2, window: float = 10) -> RateLimitConfig:
    """Make a limit for each user."""
    return RateLimitConfig(requests=requests, window=window, limit_type=RateLimitType.USER)


REFUSED: dict[str, tuple[Callable[[], object], str]] = {
    "retries": (
        lambda: RetryConfig(max_retries=-1),
        "max_retries is -1; it counts the tries after the first",
    ),
    "base": (lambda: RetryConfig(base_delay=-0.1), "base_delay is -0.1; give seconds, 0 or more"),
    "longest": (lambda: RetryConfig(max_delay=math.inf), "max_delay is inf; give seconds, 0 or more"),
    "cap": (lambda: RetryConfig(retry_after_cap=-1), "retry_after_cap is -1; give seconds, 0 or more"),
    "growth": (
        lambda: RetryConfig(exponential_base=0.99),
        "exponential_base is 0.99; below 1 delays would shrink",
    ),
    "infinite growth": (
        lambda: RetryConfig(exponential_base=math.inf),
        "exponential_base is inf; below 1 delays would shrink",
    ),
    "deadline": (lambda: RetryConfig(deadline=0), "deadline is 0; give seconds, or None for no limit"),
    "exception": (
        lambda: RetryConfig(retryable_exceptions=(asyncio.CancelledError,)),  # type: ignore[arg-type]
        "CancelledError ends a task or the program; it is never tried again",
    ),
    "threshold": (lambda: CircuitBreaker("x", 0), "the circuit 'x': thresholds must be at least 1"),
    "probes": (lambda: CircuitBreaker("x", 1, 1, 0), "the circuit 'x': thresholds must be at least 1"),
    "successes": (
        lambda: CircuitBreaker("x", success_threshold=0),
        "the circuit 'x': thresholds must be at least 1",
    ),
    "time-out": (
        lambda: CircuitBreaker("x", reset_timeout=math.inf),
        "the circuit 'x': the reset time-out must be 0 or more seconds",
    ),
    "protected generator": (
        lambda: CircuitBreaker("x").protect(numbers),
        "numbers is a generator; use 'with breaker:' around its parts",
    ),
    "cached generator": (
        lambda: cached_with_ttl(1)(numbers),
        "numbers is a generator; its answer is used up by the first caller",
    ),
    "retried function": (
        lambda: with_retry()(plain),  # type: ignore[arg-type]
        f"with_retry decorates coroutine functions; {plain!r} is none",
    ),
    "way": (
        lambda: GracefulDegradation("news").add("live", plain).add("live", plain),
        "news has a way 'live' already",
    ),
    "memory": (
        lambda: MemoryThresholds(warning=10, critical=10),
        "warning 10 MiB must be above 0 and below critical 10 MiB",
    ),
    "no memory": (
        lambda: MemoryThresholds(warning=0, critical=10),
        "warning 0 MiB must be above 0 and below critical 10 MiB",
    ),
    "relief": (lambda: MemoryThresholds(relief=0), "relief is 0; give a share above 0, at most 1"),
    "more relief": (lambda: MemoryThresholds(relief=1.01), "relief is 1.01; give a share above 0, at most 1"),
    "setting": (
        lambda: MemoryThresholds.from_env({"MEMORY_WARNING_MB": "much"}),
        "MEMORY_WARNING_MB is 'much'; give a number of MiB",
    ),
    "multiplier": (lambda: RateLimiter().set_multiplier(-0.1), "a budget cannot be multiplied by -0.1"),
    "infinite multiplier": (
        lambda: RateLimiter().set_multiplier(math.inf),
        "a budget cannot be multiplied by inf",
    ),
    "limit": (lambda: RateLimiter().get_config("x"), "\"there is no rate limit 'x'; add_config() makes one\""),
    "amount": (lambda: Throttle(2, 1).try_acquire(2.5), "2.5 cannot be had from a budget of 2"),
    "negative amount": (lambda: Throttle(2, 1).try_acquire(-1), "-1 cannot be had from a budget of 2"),
    "rate": (
        lambda: Throttle(0, 1),
        "a limit of 0 requests per 1 s is not a rate; both must be positive and finite",
    ),
    "window": (
        lambda: Throttle(1, math.inf),
        "a limit of 1 requests per inf s is not a rate; both must be positive and finite",
    ),
    "cache": (lambda: TTLCache[int, int](0), "max_size is 0; a cache holds 1 entry or more"),
    "time": (lambda: TTLCache[int, int](1, 0), "ttl is 0; give seconds, more than 0"),
    "weak cache": (lambda: WeakRefCache[int, Any](0), "max_size is 0; a cache holds 1 entry or more"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_refusal_says_what_was_given_and_what_to_give(case: str) -> None:
    """The error is one sentence with the value that was refused."""
    make, sentence = REFUSED[case]
    with pytest.raises((ValueError, TypeError, KeyError)) as caught:
        make()
    assert str(caught.value) == sentence


def test_what_is_just_allowed_is_allowed() -> None:
    """The boundaries themselves are no mistakes."""
    RetryConfig(max_retries=0, base_delay=0, max_delay=0, retry_after_cap=0, exponential_base=1, deadline=1e-9)
    CircuitBreaker("x", 1, 0, 1, success_threshold=1)
    MemoryThresholds(warning=1e-3, critical=2e-3, relief=1)
    assert Throttle(2, 1).try_acquire(2) == 0
    assert Throttle(2, 1).try_acquire(0) == 0
    RateLimiter().set_multiplier(0)
    TTLCache[int, int](1, 1e-9)
    WeakRefCache[int, Any](1)


def test_settings_of_memory_are_read() -> None:
    """Numbers of the environment are taken, with spaces around them; what is empty keeps its default."""
    assert MemoryThresholds.from_env({}) == MemoryThresholds(512, 1024, 0.9)
    read = MemoryThresholds.from_env({"MEMORY_WARNING_MB": " 100.5 ", "MEMORY_CRITICAL_MB": ""})
    assert read == MemoryThresholds(100.5, 1024)
    assert MemoryThresholds.from_env({"MEMORY_CRITICAL_MB": "600"}) == MemoryThresholds(512, 600)


@pytest.mark.parametrize(
    ("before", "used", "level"),
    [
        (MemoryLevel.NORMAL, 99.9, MemoryLevel.NORMAL),
        (MemoryLevel.NORMAL, 100, MemoryLevel.WARNING),
        (MemoryLevel.NORMAL, 199.9, MemoryLevel.WARNING),
        (MemoryLevel.NORMAL, 200, MemoryLevel.CRITICAL),
        (MemoryLevel.WARNING, 80, MemoryLevel.WARNING),
        (MemoryLevel.WARNING, 79.9, MemoryLevel.NORMAL),
        (MemoryLevel.WARNING, 199.9, MemoryLevel.WARNING),
        (MemoryLevel.CRITICAL, 160, MemoryLevel.CRITICAL),
        (MemoryLevel.CRITICAL, 159.9, MemoryLevel.WARNING),
        (MemoryLevel.CRITICAL, 79.9, MemoryLevel.NORMAL),
    ],
)
def test_a_level_begins_at_its_limit_and_ends_below_its_share(
    before: MemoryLevel, used: float, level: MemoryLevel
) -> None:
    """A level that holds ends only when use is below four fifths of its limit."""
    assert MemoryThresholds(100, 200, 0.8).level(used, before) is level


def test_memory_is_told_in_megabytes(caplog: pytest.LogCaptureFixture) -> None:
    """A change of level is logged once, with the level before; more is a warning, less is news."""
    caplog.set_level(logging.INFO)
    read, told = [150 * MIB, 150 * MIB, 10 * MIB], list[MemoryUsage]()
    monitor = MemoryMonitor(MemoryThresholds(100, 200), told.append, lambda: read.pop(0))
    caches = {name: TTLCache[int, int]() for name in "ab"}
    for name, cache in caches.items():
        cache.set(1, 1)
        monitor.register(name, cache)
    assert [monitor.check().freed for _ in range(3)] == [0, 0, 0]
    assert told == [MemoryUsage(150, MemoryLevel.WARNING), MemoryUsage(10, MemoryLevel.NORMAL)]
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("WARNING", "memory is warning (was normal): 150 MiB in use"),
        ("INFO", "memory is normal (was warning): 10 MiB in use"),
    ]


def test_tight_memory_empties_every_cache(caplog: pytest.LogCaptureFixture) -> None:
    """What all caches gave back is counted; one that fails is named, and keeps no other from it."""

    class Broken(TTLCache[int, int]):
        """A cache that cannot be emptied."""

        def clear(self) -> int:
            """Fail."""
            raise OSError("stuck")

    def refuse(_usage: MemoryUsage) -> None:
        raise OSError("deaf")

    monitor = MemoryMonitor(MemoryThresholds(100, 200), refuse, lambda: 300 * MIB)
    for name, cache in {"a": TTLCache[int, int](), "broken": Broken(), "b": TTLCache[int, int]()}.items():
        for number in range(3):
            cache.set(number, number)
        monitor.register(name, cache)
    monitor.register("gone", TTLCache[int, int]())
    monitor.unregister("gone")
    monitor.unregister("never there")
    assert monitor.check() == MemoryUsage(300, MemoryLevel.CRITICAL, 6)
    assert monitor.level is MemoryLevel.CRITICAL
    assert [message for message in caplog.messages if "memory is" not in message] == [
        "cache broken gave no memory back",
        "on_level failed",
    ]


def test_arguments_are_handed_on() -> None:
    """A guarded call gets what the caller gave, by position and by name, awaited or not."""

    def function(*args: object, **kwargs: object) -> object:
        return args, kwargs

    async def coroutine(*args: object, **kwargs: object) -> object:
        return args, kwargs

    breaker = CircuitBreaker("x")
    guarded: list[Any] = [breaker.protect(coroutine), with_retry()(coroutine), cached_with_ttl(1)(coroutine)]
    answers: list[Any] = [
        breaker.call_sync(function, 1, 2, three=3),
        breaker.protect(function)(1, 2, three=3),
        cached_with_ttl(1)(function)(1, 2, three=3),
        asyncio.run(breaker.call(coroutine, 1, 2, three=3)),
        asyncio.run(retry_async(coroutine, 1, 2, three=3)),
        asyncio.run(GracefulDegradation("x").add("only", function).run(1, 2, three=3)),
        *(asyncio.run(each(1, 2, three=3)) for each in guarded),
    ]
    assert answers == [((1, 2), {"three": 3})] * 9


def test_a_probe_in_a_block_counts_once() -> None:
    """Each of two blocks in a half-open circuit settles its own probe, and the last success closes the circuit."""
    clock = Clock()
    breaker = CircuitBreaker("x", 1, 10, 2, clock=clock)
    breaker.trip()
    clock.now += 10
    outer = CircuitBreaker("outer", clock=clock)
    with breaker, outer:
        assert breaker.get_status()["probes"] == 1
        with breaker:
            assert breaker.get_status()["probes"] == 2
            with pytest.raises(CircuitBreakerOpenError):
                breaker.call_sync(plain)
        assert (breaker.get_status()["probes"], breaker.get_status()["successes"]) == (1, 1)
    assert breaker.state is CircuitState.CLOSED


def test_blocks_may_end_in_any_order() -> None:
    """A block that ends before one that was entered later settles its own probe, and the later one its own."""
    clock = Clock()
    first, second, third = (CircuitBreaker(name, 1, 10, 1, clock=clock) for name in "abc")
    for breaker in (first, second, third):
        breaker.trip()
    clock.now += 10
    for breaker in (first, second, third):
        breaker.__enter__()
    for breaker in (first, third, second):
        assert breaker.state is CircuitState.HALF_OPEN
        breaker.__exit__(None, None, None)
        assert str(breaker.state) == "closed"


async def test_a_refusal_comes_with_name_and_time() -> None:
    """The breaker's refusal of a retried call says which circuit it is and when to come back."""
    breaker = CircuitBreaker("x", 1, 10, clock=Clock())
    breaker.trip()
    with pytest.raises(CircuitBreakerOpenError) as caught:
        await retry_async(asyncio.sleep, 0, circuit_breaker=breaker)
    assert (caught.value.name, caught.value.retry_after) == ("x", 10)


async def test_a_call_that_ended_keeps_nothing_alive() -> None:
    """Of a call whose answer was forgotten neither argument nor answer is kept."""

    class Thing:
        """Something that can be referred to weakly."""

    @cached_with_ttl(60)
    async def answer(thing: Thing) -> Thing:
        return thing

    thing = Thing()
    gone = weakref.ref(thing)
    assert await answer(thing) is thing
    await asyncio.sleep(0)
    answer.cache_clear()  # type: ignore[attr-defined]  # the decorator adds it
    del thing
    gc.collect()
    assert gone() is None


def test_what_is_dropped_of_many_buckets() -> None:
    """The batch that will be full soonest goes, all full ones if they are more; where none may go it is told when."""
    clock = Clock()

    def buckets(*spent: float) -> dict[Any, Throttle]:
        made = {number: Throttle(10, 10, clock=clock) for number in range(len(spent))}
        for number, amount in enumerate(spent):
            assert made[number].try_acquire(amount) == 0
        return made

    for spent, kept in (((0, 3, 2, 5), [1, 3]), ((0, 0, 0, 5), [3]), ((4, 3, 2, 5), [0, 3])):
        crowd = buckets(*spent)
        assert evict(crowd, 2, clock()) == 0
        assert list(crowd) == kept
    assert evict(buckets(10, 9.5), 2, clock()) == pytest.approx(0.5)
    assert evict({}, 2, clock()) == 1


def test_changes_of_a_circuit_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    """The log names the circuit, the state before and the state after; a listener that fails is named too."""
    caplog.set_level(logging.INFO)
    clock, told = Clock(), list[tuple[object, ...]]()
    breaker = CircuitBreaker("x", 1, 10, 1, clock=clock)

    def deaf(*_: object) -> None:
        raise OSError("deaf")

    breaker.add_listener(deaf)
    remove = breaker.add_listener(lambda *change: told.append(change))
    breaker.record_failure()
    clock.now += 10
    assert breaker.state is CircuitState.HALF_OPEN
    remove()
    breaker.reset()
    states = [("closed", "open"), ("open", "half_open"), ("half_open", "closed")]
    assert [message for message in caplog.messages if "->" in message] == [
        f"circuit x: {old} -> {new}" for old, new in states
    ]
    assert caplog.messages.count("a listener of circuit x failed") == 3
    assert told == [(breaker, *pair) for pair in states[:2]]


def test_a_circuit_describes_itself() -> None:
    """The status has one moment's values, the text the failures in a row."""
    clock = Clock()
    breaker = CircuitBreaker("x", 3, 10, 2, clock=clock)
    breaker.record_failure()
    assert repr(breaker) == "<CircuitBreaker 'x' closed, 1/3 failures>"
    assert (breaker.retry_after, breaker.failure_count) == (0, 1)
    breaker.trip()
    clock.now += 4
    assert breaker.get_status() == {
        "name": "x",
        "state": "open",
        "failures": 1,
        "successes": 0,
        "probes": 0,
        "retry_after": 6,
    }
    error = CircuitBreakerOpenError("x", 1.26)
    assert (str(error), error.args) == ("the circuit 'x' is open; try again in 1.3 s", ("x", 1.26))
    assert str(CircuitBreakerOpenError()) == "the circuit '' is open; try again in 0.0 s"
    clock.now += 6
    assert [breaker.can_execute() for _ in range(3)] == [True, True, False]
    assert breaker.retry_after == 1
    breaker.record_success()
    assert breaker.get_status()["successes"] == 1
    assert breaker.retry_after == 0


async def test_a_breaker_of_another_make_is_asked() -> None:
    """Where a breaker has neither a name nor a time, the refusal has none."""

    class Shut:
        """A breaker that lets nothing pass."""

        def can_execute(self) -> bool:
            """Refuse."""
            return False

        def record_success(self) -> None:
            """Note nothing."""

        def record_failure(self) -> None:
            """Note nothing."""

    async def never() -> None:
        raise AssertionError("the call was made")

    with pytest.raises(CircuitBreakerOpenError) as caught:
        await retry_async(never, circuit_breaker=Shut())
    assert (caught.value.name, caught.value.retry_after) == ("", 0)


async def test_giving_up_is_logged_with_the_service(caplog: pytest.LogCaptureFixture) -> None:
    """The log names the service and its last failure; a listener that fails is logged and the retry goes on."""

    async def fails() -> str:
        raise ConnectionError("away")

    def deaf(*_: object) -> None:
        raise OSError("deaf")

    config = RetryConfig(max_retries=1, base_delay=0)
    answer = await retry_async(fails, config=config, fallback=lambda: "old", on_retry=deaf, service_name="news")
    assert answer == "old"
    assert caplog.messages == [
        "on_retry failed; the retry goes on",
        "news is given up, its fallback answers: ConnectionError('away')",
    ]


def test_failures_are_forgotten_after_their_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A service is remembered for ten minutes after it was last asked for, and not longer."""
    clock = Clock()
    monkeypatch.setattr(time, "monotonic", clock)
    state = error_recovery._get_backoff_state("letter: forgotten")
    clock.now += error_recovery.BACKOFF_MAX_AGE
    assert error_recovery._get_backoff_state("letter: forgotten") is state
    clock.now += error_recovery.BACKOFF_MAX_AGE + 0.001
    assert error_recovery._get_backoff_state("letter: forgotten") is not state
    error_recovery._reset_backoff_state("letter: forgotten")


def test_a_backoff_is_counted_from_its_failures() -> None:
    """Failures double the delay up to its limit; a success forgets them."""
    config = RetryConfig(base_delay=1, max_delay=5, jitter=Jitter.NONE)
    state = BackoffState()
    assert [state.failed(config, 7) for _ in range(4)] == [1, 2, 4, 5]
    assert (state.consecutive_failures, state.last_failure, state.current_delay) == (4, 7, 5)
    state.succeeded()
    assert (state.consecutive_failures, state.current_delay) == (0, 0)
    bounds = list[tuple[float, float]]()

    def lowest(low: float, high: float) -> float:
        bounds.append((low, high))
        return low

    for jitter, previous in ((Jitter.FULL, 0), (Jitter.EQUAL, 0), (Jitter.DECORRELATED, 0), (Jitter.DECORRELATED, 2)):
        RetryConfig(base_delay=1, max_delay=9, jitter=jitter, uniform=lowest).delay(3, previous)
    assert bounds == [(0, 4), (2, 4), (1, 3), (1, 6)]
    assert RetryConfig(base_delay=1, max_delay=9, jitter=Jitter.NONE).delay(10**6) == 9
    growing, state = RetryConfig(base_delay=1, jitter=Jitter.DECORRELATED, uniform=lambda _, high: high), BackoffState()
    assert [state.failed(growing, 7) for _ in range(3)] == [3, 9, 27]


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120),
        (" 1.5 ", 1.5),
        (0, 0),
        (2.5, 2.5),
        (-1, None),
        ("-1", None),
        ("inf", None),
        (math.nan, None),
        (True, None),
        (None, None),
        ("soon", None),
        (10**400, None),
        ("Thu, 01 Jan 1970 00:17:10 GMT", 30),
        ("Thu, 01 Jan 1970 00:17:10 -0000", 30),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
    ],
)
def test_a_wait_is_read(value: object, seconds: float | None) -> None:
    """Numbers and dates are read as the seconds from now on; what makes no sense says nothing."""
    assert parse_retry_after(value, 1000) == seconds


def test_a_wait_is_looked_for_in_order() -> None:
    """The attribute comes before the headers, and those before the response's; their names are of any case."""
    response = namedtuple("response", "headers")  # noqa: PYI024  any object with headers
    error = Exception()
    vars(error).update(response=response({"RETRY-AFTER": "3"}))
    assert retry_after_of(error) == 3
    vars(error).update(headers={"retry-after": "2"})
    assert retry_after_of(error) == 2
    vars(error).update(retry_after=1)
    assert retry_after_of(error) == 1
    vars(error).update(retry_after="soon")
    assert retry_after_of(error) == 2
    vars(error).update(headers={"retry-after": "Thu, 01 Jan 1970 00:00:10 GMT"})
    assert retry_after_of(error, lambda: 4) == 6
    assert retry_after_of(Exception()) is None


def degraded(ways: GracefulDegradation) -> bool:
    """Tell whether the best way is left alone, which type checkers take for constant between two looks."""
    return ways.is_degraded


async def test_a_way_that_fails_is_left_alone_for_its_time(caplog: pytest.LogCaptureFixture) -> None:
    """The log names the way; after its time one caller tries it again, and nothing at all is an error that says so."""
    clock, is_up = Clock(), [False]

    def live() -> str:
        if not is_up[0]:
            raise OSError("down")
        return "live"

    news = GracefulDegradation("news", 10, clock=clock).add("live", live).add("old", lambda: "old")
    assert await news.run() == "old"
    assert caplog.messages == ["news: live does not work: OSError('down')"]
    assert degraded(news)
    is_up[0] = True
    clock.now += 9.999
    assert await news.run() == "old"
    clock.now += 0.001
    assert await news.run() == "live"
    assert not degraded(news)
    with pytest.raises(ValueError, match=r"^empty has no way to take; add one first$"):
        await GracefulDegradation("empty").run()
    is_up[0] = False
    with pytest.raises(DegradationExhaustedError) as caught:
        await GracefulDegradation("only").add("live", live).run()
    assert (caught.value.message, len(caught.value.exceptions)) == ("only: no way worked", 1)


def test_the_health_of_a_service_is_counted(caplog: pytest.LogCaptureFixture) -> None:
    """Three failures in a row make a service ill and two successes well; each change is logged and told once."""
    caplog.set_level(logging.INFO)
    clock, told = Clock(), list[tuple[HealthState, HealthState]]()
    monitor = ServiceHealthMonitor(on_change=lambda now, old: told.append((now.state, old)), clock=clock)
    monitor.register("news")
    assert monitor.get("news") == ServiceHealth("news", last_change=1000)
    for _ in range(3):
        clock.now += 1
        monitor.record_failure("news", OSError("down\nfor ever"))
    assert monitor.get("news") == ServiceHealth(
        "news", HealthState.UNHEALTHY, 3, 0, 3, 3, "OSError: down", last_change=1003
    )
    for _ in range(2):
        clock.now += 1
        monitor.record_success("news", 0.5)
    assert monitor.get("news") == ServiceHealth(
        "news", HealthState.HEALTHY, 0, 2, 5, 3, "OSError: down", last_change=1005, latency=0.5
    )
    monitor.record_failure("news")
    assert (monitor.get("news").last_error, monitor.get("news").state) == ("", HealthState.DEGRADED)
    order = ["unknown", "degraded", "unhealthy", "degraded", "healthy", "degraded"]
    assert caplog.messages == [f"service news: {new}, was {old}" for old, new in itertools.pairwise(order)]
    assert [(str(new), str(old)) for new, old in told] == list(zip(order[1:], order, strict=False))


async def test_a_check_says_how_a_service_is() -> None:
    """No is a failure, an exception is one with its name, and a success has its time."""
    clock = Clock()
    monitor = ServiceHealthMonitor(clock=clock, max_services=4)

    async def well() -> None:
        clock.now += 2

    async def no() -> bool:
        return False

    async def ill() -> None:
        raise OSError("down")

    for name, check in {"well": well, "no": no, "ill": ill}.items():
        monitor.register(name, check)
    known = await monitor.check_all()
    assert {name: (str(known[name].state), known[name].last_error, known[name].latency) for name in known} == {
        "well": ("healthy", "", 2),
        "no": ("degraded", "its check answered no", None),
        "ill": ("degraded", "OSError: down", None),
    }
    assert monitor.overall is HealthState.DEGRADED
    with monitor.watching("body"):
        clock.now += 3
    assert monitor.get("body").latency == 3
    with pytest.raises(ValueError, match=r"^4 services are known already; 'more' is one too many$"):
        monitor.register("more")
    with pytest.raises(KeyError):
        await monitor.check("body")
    assert ServiceHealthMonitor().overall is HealthState.UNKNOWN


async def test_a_flood_of_strangers_is_logged_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Where every bucket is busy a newcomer is told when there will be room; the log counts the buckets."""
    monkeypatch.setattr(RateLimiter, "MAX_BUCKETS", 2)
    clock = Clock()
    limiter = RateLimiter(clock=clock)
    limiter.add_config("x", per_user(1, 10))
    for user in (1, 2):
        assert (await limiter.check("x", user))[0]
    for user in (3, 4):
        allowed, wait, message = await limiter.check("x", user)
        assert (allowed, wait, message is None) == (False, 10, False)
    assert not await limiter.wait_for("x", 5)
    assert caplog.messages == ["all 2 rate limit buckets are busy; newcomers are refused for now"]
    assert repr(limiter) == f"<RateLimiter {len(limiter.get_stats())} limits, 2 of 2 buckets>"
    assert limiter.get_stats()["x"] == 2
    clock.now += 10
    assert (await limiter.check("x", 3))[0]


def test_a_caller_is_described() -> None:
    """User, channel and guild of a context are told apart; a command without one is a mistake in a sentence."""
    context = SimpleNamespace(author=SimpleNamespace(id=1), channel=SimpleNamespace(id=2), guild=SimpleNamespace(id=3))
    assert find_source((plain, context)) is context
    assert describe(context)._asdict() == {"user_id": 1, "channel_id": 2, "guild_id": 3}
    context.guild = None
    assert describe(context)._asdict() == {"user_id": 1, "channel_id": 2, "guild_id": None}
    sentence = "a limited command needs a context, an interaction or a message among its arguments"
    with pytest.raises(TypeError, match=f"^{sentence}$"):
        find_source((plain, 1))


async def test_a_limit_of_nobody_is_a_mistake() -> None:
    """A limit per user needs a user, and says so."""
    limiter = RateLimiter()
    limiter.add_config("x", per_user())
    sentence = re.escape(f"the limit 'x' is per {RateLimitType.USER}: it needs the id of one")
    with pytest.raises(ValueError, match=f"^{sentence}$"):
        await limiter.check("x")


def test_caches_describe_themselves(caplog: pytest.LogCaptureFixture) -> None:
    """The text counts the entries; a listener that fails is logged; every look-up is counted."""

    def deaf(*_: object) -> None:
        raise OSError("deaf")

    clock = Clock()
    cache = TTLCache[str, int](2, 10, on_remove=deaf, clock=clock)
    for number, key in enumerate("abc"):
        cache.set(key, number)
    assert repr(cache) == "<TTLCache 2/2 entries, ttl 10 s>"
    assert caplog.messages == ["a cache's on_remove failed"]
    assert (cache.get("a"), cache.get("b"), cache.get("a", 7)) == (None, 1, 7)
    clock.now += 9.999
    assert "b" in cache
    clock.now += 0.001
    assert "b" not in cache
    stats = cache.stats
    assert (stats.hits, stats.misses, stats.evictions, stats.max_size) == (1, 2, 1, 2)
    assert stats.hit_rate == pytest.approx(1 / 3)
    assert repr(WeakRefCache[str, Any](3)) == "<WeakRefCache 0/3 entries>"
