"""The rate limiter, uncontended: one bucket, and one bucket for each of many callers."""

from __future__ import annotations

import itertools
import time
from functools import partial
from typing import TYPE_CHECKING, Any

from benchmarks.contest import Bout, Contender, Contest, peer
from reference.utils.reliability.rate_limiter import RateLimitConfig, RateLimiter, Throttle

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

PLENTY = 1_000_000_000
"""Requests per second: no contender has to wait."""

FEW = 3
"""The budget of the proofs, per hour: the next request must be refused."""

KEYS = 1000


class Floor:
    """The least that a token bucket does, with no lock, no queue and no adaptivity."""

    def __init__(self, budget: float, window: float) -> None:
        self.budget, self.rate = budget, budget / window
        self.tokens, self.last = budget, time.monotonic()

    async def acquire(self) -> bool:
        """Take a token."""
        now = time.monotonic()
        tokens = min(self.budget, self.tokens + (now - self.last) * self.rate)
        self.last = now
        if tokens < 1.0:
            self.tokens = tokens
            return False
        self.tokens = tokens - 1.0
        return True


class KeyedFloor:
    """A dictionary of the least buckets."""

    def __init__(self, budget: float, window: float) -> None:
        self.rate = (budget, window)
        self.buckets: dict[int, Floor] = {}

    async def acquire(self, key: int) -> bool:
        """Take a token of a key."""
        bucket = self.buckets.get(key)
        if bucket is None:
            bucket = self.buckets[key] = Floor(*self.rate)
        return await bucket.acquire()


def _bout(
    make: Callable[[int, int], Callable[[], Awaitable[Any]]], expect: Any = True
) -> Callable[[], Awaitable[Bout]]:
    """Make a contender of ``make(budget, window seconds)``, whose result asks for one request without waiting."""

    async def enter() -> Bout:
        async def prove() -> None:
            ask = make(FEW, 3600)
            answers = [await ask() == expect for _ in range(FEW + 1)]
            if answers != [True] * FEW + [False]:
                raise ValueError(f"a budget of {FEW} answered {answers}")

        return Bout(make(PLENTY, 1), expect, prove)

    return enter


def _throttle(budget: int, window: int) -> Callable[[], Awaitable[bool]]:
    limiter = Throttle(budget, window)
    return limiter.acquire if budget == PLENTY else partial(limiter.acquire, max_wait=0.0)


def _aiolimiter(budget: int, window: int) -> Callable[[], Awaitable[Any]]:
    limiter = peer("aiolimiter").AsyncLimiter(budget, window)

    async def unless_full() -> object:
        return await limiter.acquire() if limiter.has_capacity() else "full"

    return limiter.acquire if budget == PLENTY else unless_full


def _limits(budget: int, window: int) -> Callable[[], Awaitable[Any]]:
    storage = peer("limits.storage").storage_from_string("async+memory://")
    limiter = peer("limits.aio.strategies").FixedWindowRateLimiter(storage)
    rate = peer("limits").RateLimitItemPerSecond(budget, window)
    return partial(limiter.hit, rate, "key")


def _throttled_limit(budget: int, window: int) -> Callable[[str], Awaitable[Any]]:
    module = peer("throttled.asyncio")
    quota = f"{budget}/{'s' if window == 1 else 'h'} burst {budget}"
    store = module.MemoryStore(options={"MAX_SIZE": 2 * KEYS})
    limit: Callable[[str], Awaitable[Any]] = module.Throttled(using="token_bucket", quota=quota, store=store).limit
    return limit


def _throttled(budget: int, window: int) -> Callable[[], Awaitable[Any]]:
    limit = _throttled_limit(budget, window)

    async def allowed() -> bool:
        result = await limit("key")
        return not result.limited

    return allowed


def _pyrate(budget: int, window: int) -> Callable[[], Awaitable[Any]]:
    module = peer("pyrate_limiter")
    rate = module.Rate(budget, window * 1000, burst=budget)
    limiter = module.Limiter(module.StateBucket([rate], algorithm=module.TokenBucket()))
    return partial(limiter.try_acquire_async, "key", blocking=False)


def _floor(budget: int, window: int) -> Callable[[], Awaitable[bool]]:
    return Floor(budget, window).acquire


def _keyed(ask: Callable[[int], Awaitable[Any]], budget: int) -> Callable[[], Awaitable[Any]]:
    keys = itertools.cycle(range(KEYS if budget == PLENTY else 1))
    advance = keys.__next__

    async def step() -> Any:
        return await ask(advance())

    return step


def _keyed_floor(budget: int, window: int) -> Callable[[], Awaitable[bool]]:
    return _keyed(KeyedFloor(budget, window).acquire, budget)


def _keyed_ours(budget: int, window: int) -> Callable[[], Awaitable[Any]]:
    limiter = RateLimiter()
    limiter.add_config("bench", RateLimitConfig(budget, window))
    return _keyed(partial(limiter.check, "bench"), budget)


def _keyed_limits(budget: int, window: int) -> Callable[[], Awaitable[Any]]:
    storage = peer("limits.storage").storage_from_string("async+memory://")
    limiter = peer("limits.aio.strategies").FixedWindowRateLimiter(storage)
    rate = peer("limits").RateLimitItemPerSecond(budget, window)
    return _keyed(lambda key: limiter.hit(rate, str(key)), budget)


def _keyed_throttled(budget: int, window: int) -> Callable[[], Awaitable[Any]]:
    limit = _throttled_limit(budget, window)

    async def allowed(key: int) -> bool:
        result = await limit(str(key))
        return not result.limited

    return _keyed(allowed, budget)


CONTESTS = [
    Contest(
        "limiter",
        "Rate limiter: acquire from one bucket, uncontended",
        1.5,
        [
            Contender("hand-written loop", _bout(_floor)),
            Contender("Throttle.acquire", _bout(_throttle), is_ours=True),
            Contender("aiolimiter", _bout(_aiolimiter, None), "aiolimiter"),
            Contender("limits", _bout(_limits), "limits", note="fixed window"),
            Contender("throttled-py", _bout(_throttled), "throttled-py"),
            Contender("pyrate-limiter", _bout(_pyrate), "pyrate-limiter"),
        ],
    ),
    Contest(
        "limiter.keyed",
        "Rate limiter: check one of 1,000 callers, each with a bucket",
        None,
        [
            Contender("dictionary of loops", _bout(_keyed_floor)),
            Contender("RateLimiter.check", _bout(_keyed_ours, (True, 0.0, None)), is_ours=True),
            Contender("limits", _bout(_keyed_limits), "limits", note="fixed window"),
            Contender("throttled-py", _bout(_keyed_throttled), "throttled-py"),
        ],
    ),
]
