"""What counts where a caller says nothing."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from reference.utils.reliability.backoff import Jitter, RetryConfig
from reference.utils.reliability.cached_calls import cached_with_ttl
from reference.utils.reliability.circuit_breaker import CircuitBreaker
from reference.utils.reliability.rate_limiter import RateLimitConfig, RateLimiter, RateLimitType
from reference.utils.reliability.self_healer import SelfHealer
from reference.utils.reliability.shutdown_manager import ShutdownManager, Status
from reference.utils.reliability.ttl_cache import TTLCache
from reference.utils.reliability.weak_cache import WeakRefCache
from tests.reliability.warp import warp

if TYPE_CHECKING:
    from collections.abc import Callable


def test_a_breaker_is_of_five_failures_a_minute_and_three_probes() -> None:
    """The fifth failure opens it; a minute later three calls are let pass, and all have to succeed."""
    breaker = CircuitBreaker("x")
    assert (breaker.failure_threshold, breaker.reset_timeout) == (5, 60)
    assert (breaker.half_open_max_calls, breaker.success_threshold) == (3, 3)


def test_caches_hold_a_thousand_answers_for_five_minutes() -> None:
    """A cache of calls holds fewer: 128."""
    assert repr(TTLCache[int, int]()) == "<TTLCache 0/1000 entries, ttl 300 s>"
    assert repr(WeakRefCache[int, object]()) == "<WeakRefCache 0/1000 entries>"
    cached = cached_with_ttl()(lambda: 1)
    assert repr(vars(cached)["cache"]) == "<TTLCache 0/128 entries, ttl 300 s>"


def test_a_first_delay_comes_after_none() -> None:
    """Where no delay came before, the next is up to three times the first."""
    config = RetryConfig(base_delay=0.5, jitter=Jitter.DECORRELATED, uniform=lambda _, high: high)
    assert config.delay(1) == 1.5


def test_a_kind_of_jitter_may_be_given_by_its_name() -> None:
    """A name is taken for what it names."""
    config = RetryConfig(base_delay=0.5, jitter="none")  # type: ignore[arg-type]  # as settings have it
    assert (config.jitter, config.delay(2)) == (Jitter.NONE, 1)


def test_a_limited_call_waits_for_a_minute_at_most() -> None:
    """A turn that comes after exactly a minute is waited for; one that comes later is refused at once."""

    async def waits(clock: Callable[[], float]) -> list[tuple[bool, float]]:
        answers = list[tuple[bool, float]]()
        for window in (60, 60.5):
            limiter, begin = RateLimiter(clock=clock), clock()
            limiter.add_config("x", RateLimitConfig(1, window, RateLimitType.USER))
            assert await limiter.wait_for("x", 1)
            answers.append((await limiter.wait_for("x", 1), clock() - begin))
        return answers

    assert warp(waits) == [(True, 60), (False, 0)]


def test_a_handler_has_five_seconds_and_matters() -> None:
    """A handler that does not end is given up after five seconds, and then the shutdown is not all right."""
    manager = ShutdownManager()
    assert (manager.timeout, manager.force_exit, manager.exit_code) == (30, True, 0)

    async def never() -> None:
        await asyncio.Event().wait()

    async def end(clock: Callable[[], float]) -> float:
        begin = clock()
        await manager.shutdown()
        return clock() - begin

    manager.register("handler", never)
    assert warp(end) == 5
    assert manager.report is not None
    (outcome,) = manager.report.outcomes
    assert (outcome.status, outcome.required, manager.report.ok) == (Status.TIMED_OUT, True, False)


def test_a_self_healer_has_patience_and_does_not_know_who_asks() -> None:
    """A process is given five seconds to end; the log says that nobody is known to have asked."""
    healer = SelfHealer()
    assert (healer.caller_script, healer.patience) == ("unknown", 5)
