"""What the parts of reliability refuse, in which words, and what they just allow."""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING, Any

import pytest

from reference.utils.reliability.backoff import RetryConfig
from reference.utils.reliability.cached_calls import cached_with_ttl
from reference.utils.reliability.circuit_breaker import CircuitBreaker
from reference.utils.reliability.degradation import GracefulDegradation
from reference.utils.reliability.error_recovery import with_retry
from reference.utils.reliability.memory_monitor import MemoryThresholds
from reference.utils.reliability.rate_limiter import RateLimiter
from reference.utils.reliability.throttle import Throttle
from reference.utils.reliability.ttl_cache import TTLCache
from reference.utils.reliability.weak_cache import WeakRefCache

if TYPE_CHECKING:
    from collections.abc import Callable, Generator


def numbers() -> Generator[int]:
    """Be a function whose run has no single outcome."""
    yield 1


def plain() -> None:
    """Be a function that does not await."""


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
    "endless memory": (
        lambda: MemoryThresholds(critical=math.inf),
        "warning 512 MiB must be above 0 and below critical inf MiB",
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
