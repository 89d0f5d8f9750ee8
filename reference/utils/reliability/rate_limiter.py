"""Limits for the callers of a bot: a token bucket for each user, channel or guild, or one for all.

rate_limiter.add_config("search", RateLimitConfig(requests=5, window=10.0))
allowed, retry_after, message = await rate_limiter.check("search", user_id=ctx.author.id)

@commands.command()
@ratelimit("search")
async def search(self, ctx, *, query): ...
"""

from __future__ import annotations

import logging
import math
import threading
import time
from typing import TYPE_CHECKING, Any, ClassVar, ParamSpec, TypeVar, overload

from .circuit_breaker import CircuitBreaker, CircuitState
from .command_limits import limit_command
from .eviction import evict
from .rate_scopes import DEFAULT_CONFIGS, Answer, Key, RateLimitConfig, RateLimitType
from .throttle import Throttle
from .token_bucket import RateLimitBucket

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping

__all__ = [
    "RateLimitBucket",
    "RateLimitConfig",
    "RateLimitType",
    "RateLimiter",
    "Throttle",
    "ai_ratelimit",
    "rate_limiter",
    "ratelimit",
]

logger = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

ALLOWED: Answer = (True, 0.0, None)
AI_LIMITS = ("ai_user", "ai_guild", "ai_global")


class RateLimiter:
    """Named limits, and a bucket for each caller of each limit; for any number of event loops and threads.

    The number of buckets is bounded. When there are too many, the full ones go first, whose past does not matter any
    more; then those that will be full soonest. A key that is refused or waited for keeps its bucket, whatever comes:
    if there is nothing else, the newcomer is asked to come back when a bucket will be free.

    Args:
        clock: seconds of a monotonic clock; ``time.monotonic`` by default.
    """

    MAX_BUCKETS: ClassVar[int] = 10_000
    ADAPTIVE_MULTIPLIERS: ClassVar[Mapping[CircuitState, float]] = {
        CircuitState.CLOSED: 1.0,
        CircuitState.HALF_OPEN: 0.5,
        CircuitState.OPEN: 0.1,
    }
    """What the adaptive budgets are scaled by while a breaker that is followed is in a state."""

    def __init__(self, *, clock: Callable[[], float] | None = None) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._configs: dict[str, RateLimitConfig] = dict(DEFAULT_CONFIGS)
        self._multipliers: dict[tuple[object, tuple[str, ...]], float] = {}
        self._buckets: dict[Key, Throttle] = {}
        self._no_room_until = -math.inf

    def __repr__(self) -> str:
        return f"<RateLimiter {len(self._configs)} limits, {len(self._buckets)} of {self.MAX_BUCKETS} buckets>"

    # Limits

    def add_config(self, name: str, config: RateLimitConfig) -> None:
        """Add a limit, or change it for the callers it has already; what they spent stays spent."""
        with self._lock:
            self._configs[name] = config
            for bucket in (bucket for key, bucket in self._buckets.items() if key[0] == name):
                bucket.change(config.requests, config.window)
            self._scale()

    def get_config(self, name: str) -> RateLimitConfig:
        """Return a limit.

        Raises:
            KeyError: there is no limit of this name.
        """
        try:
            return self._configs[name]
        except KeyError:
            raise KeyError(f"there is no rate limit {name!r}; add_config() makes one") from None

    def set_multiplier(self, multiplier: float, *names: str, source: object = None) -> None:
        """Scale budgets, at once and for those who wait; the smallest multiplier that is set for a limit holds.

        Args:
            multiplier: 1.0 for the whole budget; however small, one request per window remains (F14).
            names: the limits to scale; all that are adaptive by default.
            source: who says so; each source has its own say.

        Raises:
            ValueError: the multiplier is negative or not finite.
        """
        if not 0.0 <= multiplier < math.inf:
            raise ValueError(f"a budget cannot be multiplied by {multiplier}")
        with self._lock:
            self._multipliers[source, names] = multiplier
            self._scale()

    def follow(self, breaker: CircuitBreaker, *names: str) -> Callable[[], None]:
        """Scale budgets by a breaker's state, now and at each change: less is asked of a service that is failing.

        Args:
            breaker: the breaker of the service that the limits protect.
            names: the limits to scale; all that are adaptive by default.

        Returns:
            A function that ends it and gives the whole budgets back.
        """
        order = threading.RLock()

        def apply(*_: object) -> None:
            with order:
                self.set_multiplier(self.ADAPTIVE_MULTIPLIERS[breaker.state], *names, source=breaker)

        def stop() -> None:
            remove()
            with self._lock:
                self._multipliers.pop((breaker, names), None)
                self._scale()

        remove = breaker.add_listener(apply)
        apply()
        return stop

    # Requests

    async def check(
        self,
        config_name: str,
        user_id: int | None = None,
        channel_id: int | None = None,
        guild_id: int | None = None,
        *,
        amount: float = 1.0,
    ) -> Answer:
        """Make a request against one limit, without waiting.

        Args:
            config_name: the limit.
            user_id: who asks.
            channel_id: where; stands in for the guild in a direct message, which has none.
            guild_id: the guild, or None in a direct message.
            amount: how many requests this one counts for.

        Returns:
            Whether it is allowed, the seconds after which it will be, and the message for the caller or None.

        Raises:
            KeyError: there is no limit of this name.
            ValueError: no id tells the caller from strangers, or the amount is more than the whole budget.
        """
        config = self._configs.get(config_name) or self.get_config(config_name)
        key = config.key(config_name, user_id, channel_id, guild_id)
        with self._lock:
            now = self._now()
            bucket = self._buckets.get(key)
            if bucket is None:
                wait, bucket = self._new_bucket(key, config, now)
                if bucket is None:
                    return config.refusal(wait)
            bucket.check_amount(amount)
            wait = bucket.take(amount, now)
        return config.refusal(wait) if wait else ALLOWED

    async def check_all(
        self,
        config_names: Iterable[str],
        user_id: int | None = None,
        channel_id: int | None = None,
        guild_id: int | None = None,
    ) -> Answer:
        """Make a request against several limits at once: all of them are spent from, or none.

        Returns:
            As ``check``; of several limits that refuse, the one with the longest wait answers.

        Raises:
            KeyError: there is no limit of one of the names.
            ValueError: no id tells the caller from strangers.
        """
        configs = [(name, self.get_config(name)) for name in dict.fromkeys(config_names)]
        keys = [(config.key(name, user_id, channel_id, guild_id), config) for name, config in configs]
        with self._lock:
            now = self._now()
            buckets: dict[Key, Throttle] = {}
            longest = (0.0, -1)
            for position, (key, config) in enumerate(keys):
                wait, bucket = self._bucket(key, config, now)
                if bucket is not None:
                    wait = bucket.peek(1.0, now)
                    buckets[key] = bucket
                longest = max(longest, (wait, position))
            if not longest[0]:
                self._buckets |= buckets  # a later newcomer may have pushed an earlier one out
                for bucket in buckets.values():
                    bucket.take(1.0, now)
                return ALLOWED
        return keys[longest[1]][1].refusal(longest[0])

    async def wait_for(
        self,
        config_name: str,
        user_id: int | None = None,
        channel_id: int | None = None,
        guild_id: int | None = None,
        max_wait: float = 60.0,
        *,
        amount: float = 1.0,
    ) -> bool:
        """Make a request against one limit and wait in turn for it; large requests are not overtaken by small ones.

        Args:
            config_name: the limit.
            user_id: who asks.
            channel_id: where; stands in for the guild in a direct message, which has none.
            guild_id: the guild, or None in a direct message.
            max_wait: seconds to wait at most.
            amount: how many requests this one counts for.

        Returns:
            Whether it may go on; False comes at once where ``max_wait`` cannot be met.

        Raises:
            KeyError: there is no limit of this name.
            ValueError: no id tells the caller from strangers, or the amount is more than the whole budget.
        """
        config = self.get_config(config_name)
        key = config.key(config_name, user_id, channel_id, guild_id)
        with self._lock:
            now = self._now()
            _, bucket = self._bucket(key, config, now)
            if bucket is None:
                return False
            bucket.check_amount(amount)
            if bucket.take(amount, now) == 0.0:
                return True
            waiter = bucket.join(amount, now + max_wait)
        return await bucket.wait(waiter)

    # Buckets

    def reset(self, name: str | None = None) -> None:
        """Give the callers of one limit, or of all, their whole budget back; who waits goes on waiting for its turn."""
        with self._lock:
            for key in [key for key, bucket in self._buckets.items() if name in {None, key[0]} and not bucket.waiting]:
                del self._buckets[key]
            self._no_room_until = -math.inf

    def get_stats(self) -> dict[str, int]:
        """Count the buckets of each limit, for a health page."""
        with self._lock:
            keys = list(self._buckets)
        return {name: sum(key[0] == name for key in keys) for name in self._configs}

    def _bucket(self, key: Key, config: RateLimitConfig, now: float) -> tuple[float, Throttle | None]:
        bucket = self._buckets.get(key)
        return (0.0, bucket) if bucket is not None else self._new_bucket(key, config, now)

    def _new_bucket(self, key: Key, config: RateLimitConfig, now: float) -> tuple[float, Throttle | None]:
        """Return a bucket for a newcomer, or None and the seconds after which there will be room for one."""
        if len(self._buckets) >= self.MAX_BUCKETS and (wait := self._make_room(now)):
            return wait, None
        bucket = Throttle(config.requests, config.window, clock=self._clock, lock=self._lock)
        multiplier = self._multiplier(key[0])
        if multiplier != 1.0:
            bucket.scale(multiplier)
        self._buckets[key] = bucket
        return 0.0, bucket

    def _make_room(self, now: float) -> float:
        """Drop what matters least; return 0.0, or the seconds until something may be dropped.

        That nothing may be dropped is found out once, not for every newcomer of a flood.
        """
        if now >= self._no_room_until and (wait := evict(self._buckets, max(1, self.MAX_BUCKETS // 16), now)):
            self._no_room_until = now + wait
            logger.warning("all %d rate limit buckets are busy; newcomers are refused for now", len(self._buckets))
        return max(0.0, self._no_room_until - now)

    def _multiplier(self, name: str) -> float:
        adaptive = self._configs[name].adaptive
        chosen = [value for (_, names), value in self._multipliers.items() if (name in names if names else adaptive)]
        return min(chosen, default=1.0)

    def _scale(self) -> None:
        multipliers = {name: self._multiplier(name) for name in self._configs}
        for key, bucket in self._buckets.items():
            if bucket.bucket.adaptive_multiplier != multipliers[key[0]]:
                bucket.scale(multipliers[key[0]])
        self._no_room_until = -math.inf

    def _now(self) -> float:
        return time.monotonic() if self._clock is None else self._clock()


rate_limiter = RateLimiter()
"""The limiter of the bot."""


def ratelimit(
    config_name: str, *, limiter: RateLimiter | None = None
) -> Callable[[Callable[P, Awaitable[T]]], Callable[P, Coroutine[Any, Any, T | None]]]:
    """Limit a Discord command; put it below the decorator that makes the command.

    Args:
        config_name: the limit.
        limiter: the limiter that knows it; the bot's by default.
    """
    return limit_command(limiter or rate_limiter, (config_name,))


@overload
def ai_ratelimit(function: Callable[P, Awaitable[T]], /) -> Callable[P, Coroutine[Any, Any, T | None]]: ...


@overload
def ai_ratelimit(
    *, limiter: RateLimiter | None = None
) -> Callable[[Callable[P, Awaitable[T]]], Callable[P, Coroutine[Any, Any, T | None]]]: ...


def ai_ratelimit(
    function: Callable[..., Awaitable[Any]] | None = None, /, *, limiter: RateLimiter | None = None
) -> Callable[..., Any]:
    """Limit a command that asks an AI service, per user, per guild and in all; with or without parentheses."""
    if function is not None:
        return limit_command(rate_limiter, AI_LIMITS)(function)
    return limit_command(limiter or rate_limiter, AI_LIMITS)
