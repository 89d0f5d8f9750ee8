"""What the parts of reliability log and hand on, to the letter and to the boundary."""

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
from reference.utils.reliability.circuit_breaker import CircuitBreaker, CircuitBreakerOpenError
from reference.utils.reliability.command_limits import SHORTEST_NOTICE, describe, find_source, tell
from reference.utils.reliability.degradation import DegradationExhaustedError, GracefulDegradation
from reference.utils.reliability.error_recovery import retry_async, with_retry
from reference.utils.reliability.eviction import evict
from reference.utils.reliability.rate_limiter import RateLimitConfig, RateLimiter, RateLimitType
from reference.utils.reliability.retry_after import parse_retry_after, retry_after_of
from reference.utils.reliability.service_health import HealthState, ServiceHealth, ServiceHealthMonitor
from reference.utils.reliability.throttle import Throttle
from reference.utils.reliability.ttl_cache import TTLCache
from reference.utils.reliability.weak_cache import WeakRefCache
from tests.reliability.warp import Clock, warp

if TYPE_CHECKING:
    from collections.abc import Callable


def plain() -> None:
    """Be a function that does not await."""


def per_user(requests: float = 2, window: float = 10) -> RateLimitConfig:
    """Make a limit for each user."""
    return RateLimitConfig(requests=requests, window=window, limit_type=RateLimitType.USER)


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
    crowd = buckets(10, 9)
    assert (evict(crowd, 1, clock()), list(crowd)) == (0, [0]), "a caller with a request left may go"
    assert evict(buckets(10, 9.5), 2, clock()) == pytest.approx(0.5)
    assert evict({}, 2, clock()) == 1


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
        ("Thu, 01 Jan 1970 02:17:10 +0200", 30),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
    ],
)
def test_a_wait_is_read(value: object, seconds: float | None) -> None:
    """Numbers and dates are read as the seconds from now on; what makes no sense says nothing."""
    assert parse_retry_after(value, 1000) == seconds


@pytest.mark.posix("Windows cannot change a process's time zone")
def test_a_date_without_a_zone_is_universal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever the bot runs, a date that does not say its zone is meant as UTC."""
    try:
        with monkeypatch.context() as there:
            there.setenv("TZ", "Asia/Bangkok")
            vars(time)["tzset"]()
            assert parse_retry_after("Thu, 01 Jan 1970 00:17:10 -0000", 1000) == 30
    finally:
        vars(time)["tzset"]()


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


async def test_a_way_may_be_given_up_again_after_a_reset() -> None:
    """A reset while somebody finds out whether a way is back forgets that, too: the next failure is like the first."""
    clock, begun, end = Clock(), asyncio.Event(), asyncio.Event()

    async def hangs() -> str:
        begun.set()
        await end.wait()
        raise OSError("down")

    news = GracefulDegradation("news", 10, clock=clock).add("live", hangs).add("old", lambda: "old")
    end.set()
    assert await news.run() == "old"
    end.clear()
    begun.clear()
    clock.now += 10
    probe = asyncio.create_task(news.run())
    await begun.wait()
    news.reset()
    end.set()
    assert await probe == "old"
    clock.now += 10
    begun.clear()
    assert await news.run() == "old"
    assert begun.is_set(), "the way is not tried any more"


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
    for _ in range(2):
        clock.now += 1
        monitor.record_failure("news")
        assert monitor.get("news").last_change == 1006, "it became what it is with the first of them"
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


def test_services_are_checked_every_half_minute() -> None:
    """Checks come at their interval, whatever one of them says, until whoever runs them is cancelled."""

    async def times(clock: Callable[[], float]) -> list[float]:
        begin, checks = clock(), list[float]()

        async def check() -> bool:
            checks.append(clock() - begin)
            return False

        monitor = ServiceHealthMonitor(clock=clock)
        monitor.register("news", check)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(70):
                await monitor.run()
        return checks

    assert warp(times) == [0, 30, 60]


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
    for more in ({"response": 1}, {"user": SimpleNamespace(id=4)}, {"response": 1, "followup": 2}):
        assert describe(SimpleNamespace(**vars(context), **more)).user_id == 1, "it is no interaction"
    sentence = "a limited command needs a context, an interaction or a message among its arguments"
    with pytest.raises(TypeError, match=f"^{sentence}$"):
        find_source((plain, 1))


async def test_a_refusal_that_cannot_be_told_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """A context is answered for as long as the refusal lasts, at least; what Discord objects to is logged."""
    told = list[tuple[tuple[object, ...], dict[str, object]]]()

    async def reply(*args: object, **kwargs: object) -> None:
        told.append((args, kwargs))
        raise OSError("gone")

    await tell(SimpleNamespace(reply=reply), "slowly", 61.2)
    assert told == [(("slowly",), {"delete_after": 62, "mention_author": False})]
    await tell(SimpleNamespace(send=reply), "in a channel", 1)
    assert told[1:] == [(("in a channel",), {"delete_after": SHORTEST_NOTICE, "mention_author": False})]
    assert caplog.messages == ["a refused caller could not be told"] * 2
    assert caplog.records[0].exc_info is not None


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
