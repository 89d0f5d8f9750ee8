"""How long to wait before a call is tried again: the settings of a retry and the memory of past failures."""

from __future__ import annotations

import asyncio
import math
import random
import socket
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

MAX_EXPONENT = 64
"""Failures beyond this many no longer lengthen a delay, which keeps the power finite."""


class Jitter(StrEnum):
    """How a delay is spread, so that callers which failed together do not come back together.

    Names and formulas are those of Marc Brooker, "Exponential Backoff And Jitter" (AWS Architecture Blog, 2015).

    Attributes:
        NONE: the exponential delay itself.
        FULL: anything between nothing and the exponential delay.
        EQUAL: half of the exponential delay, and up to the other half on top.
        DECORRELATED: anything between the base delay and three times the delay before.
    """

    NONE = "none"
    FULL = "full"
    EQUAL = "equal"
    DECORRELATED = "decorrelated"


@dataclass(frozen=True, kw_only=True)
class RetryConfig:
    """What is tried again, how often and after which delays; all times are seconds.

    Attributes:
        max_retries: tries after the first one.
        base_delay: the delay after the first failure, before jitter.
        max_delay: the longest delay, before jitter and whatever the number of failures.
        exponential_base: what each further failure multiplies the delay by.
        jitter: how delays are spread.
        retryable_exceptions: the exceptions that are tried again; all others pass through at once.
        retryable_statuses: where a listed exception carries an HTTP ``status``, it must be one of these
            (RFC 9110 and RFC 6585 say which conditions pass).
        retry_after_cap: the longest delay that a server's ``Retry-After`` may ask for.
        deadline: time that all tries and delays together may take; None for no limit.
        uniform: draws a number between two bounds.
        sleep: waits; None for ``asyncio.sleep``.

    Raises:
        ValueError: a number is out of its range, or an exception is listed that must never be tried again.
    """

    max_retries: int = 3
    base_delay: float = 1.0
    max_delay: float = 60.0
    exponential_base: float = 2.0
    jitter: Jitter = Jitter.FULL
    retryable_exceptions: tuple[type[Exception], ...] = (ConnectionError, TimeoutError, socket.gaierror)
    retryable_statuses: frozenset[int] = frozenset({408, 425, 429, 500, 502, 503, 504})
    retry_after_cap: float = 300.0
    deadline: float | None = None
    uniform: Callable[[float, float], float] = random.uniform
    sleep: Callable[[float], Awaitable[object]] | None = None

    def __post_init__(self) -> None:
        if self.max_retries < 0:
            raise ValueError(f"max_retries is {self.max_retries}; it counts the tries after the first")
        for name in ("base_delay", "max_delay", "retry_after_cap"):
            if not 0 <= getattr(self, name) < math.inf:
                raise ValueError(f"{name} is {getattr(self, name)}; give seconds, 0 or more")
        if not 1 <= self.exponential_base < math.inf:
            raise ValueError(f"exponential_base is {self.exponential_base}; below 1 delays would shrink")
        if self.deadline is not None and not self.deadline > 0:
            raise ValueError(f"deadline is {self.deadline}; give seconds, or None for no limit")
        object.__setattr__(self, "jitter", Jitter(self.jitter))
        for listed in self.retryable_exceptions:
            if not issubclass(listed, Exception):
                raise ValueError(f"{listed.__name__} ends a task or the program; it is never tried again")  # noqa: TRY004

    def retries(self, error: Exception) -> bool:
        """Tell whether an exception is one to try again after."""
        if not isinstance(error, self.retryable_exceptions):
            return False
        status = getattr(error, "status", None)
        return not isinstance(status, int) or status in self.retryable_statuses

    def delay(self, failures: int, previous: float = 0.0) -> float:
        """Return the delay after a failure.

        Args:
            failures: failures in a row so far, 1 or more.
            previous: seconds of the delay before, 0 where there was none.
        """
        if self.jitter is Jitter.DECORRELATED:
            longest = max(self.base_delay, previous) * 3
            return min(self.max_delay, self.uniform(self.base_delay, longest))
        full = min(self.max_delay, self._exponential(failures))
        if self.jitter is Jitter.NONE:
            return full
        return self.uniform(full / 2 if self.jitter is Jitter.EQUAL else 0.0, full)

    def _exponential(self, failures: int) -> float:
        try:
            return self.base_delay * self.exponential_base ** min(failures - 1, MAX_EXPONENT)
        except OverflowError:
            return math.inf

    async def wait(self, delay: float) -> None:
        """Wait for ``delay`` seconds."""
        await (asyncio.sleep if self.sleep is None else self.sleep)(delay)


@dataclass(slots=True)
class BackoffState:
    """What is remembered of a service's failures in a row.

    Attributes:
        consecutive_failures: failures since the last success.
        last_failure: monotonic time of the newest failure, seconds.
        current_delay: the delay after it, seconds.
        last_used: monotonic time at which the state was asked for, seconds.
    """

    consecutive_failures: int = 0
    last_failure: float = 0.0
    current_delay: float = 0.0
    last_used: float = 0.0

    def failed(self, config: RetryConfig, now: float) -> float:
        """Note a failure; return the delay that follows it, in seconds."""
        self.consecutive_failures += 1
        self.last_failure = now
        self.current_delay = config.delay(self.consecutive_failures, self.current_delay)
        return self.current_delay

    def succeeded(self) -> None:
        """Forget the failures."""
        self.consecutive_failures = 0
        self.current_delay = 0.0
