"""The token bucket: how much of a budget is left, how it refills, and how long a request must wait.

A bucket holds at most its budget and refills at the rate of one budget per window (the "token bucket" of RFC 2697).
It decides in plain functions that neither read a clock nor wait; ``throttle`` and ``rate_limiter`` add both.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field

ROUNDING = 1e-6
"""Tokens by which a request may be short: what floating point loses between a promised time and its arrival."""


@dataclass(slots=True)
class RateLimitBucket:
    """A budget of requests per window, which an adaptive multiplier may scale down and up again.

    The multiplier takes effect on the next request, whether time has passed or not, and never scales a budget below
    one request per window: a budget rounded down to zero would refuse its owner for ever (audit finding F14).

    Args:
        tokens: requests left now; negative after a request larger than what was left.
        last_update: seconds of the monotonic clock at which ``tokens`` was right.
        window: seconds in which a whole budget refills.
        max_tokens: the budget, in requests.
        adaptive_multiplier: what the budget is scaled by.
    """

    tokens: float
    last_update: float
    window: float
    max_tokens: float
    adaptive_multiplier: float = 1.0
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False, compare=False)

    @property
    def budget(self) -> float:
        """The scaled budget, in requests: one at least (F14)."""
        return max(1.0, self.max_tokens * self.adaptive_multiplier)

    def consume(self, amount: float = 1.0) -> tuple[bool, float]:
        """Take from the bucket if it holds enough; safe from several threads.

        Args:
            amount: how many requests to take.

        Returns:
            Whether it was taken, and the seconds after which it can be (0.0 if it was).
        """
        with self._lock:
            wait = self.take(amount, time.monotonic())
        return not wait, wait

    def take(self, amount: float, now: float) -> float:
        """Refill the bucket up to ``now`` and take ``amount`` from it, or nothing.

        A request for more than the scaled budget is served when the bucket is full, and what it takes beyond that is
        owed: a large request is neither refused for ever nor free.

        Args:
            amount: how many requests to take.
            now: seconds of the monotonic clock; a clock that was set back refills nothing and takes nothing away.

        Returns:
            0.0 if it was taken, else the seconds after which it can be.
        """
        budget = self.max_tokens * self.adaptive_multiplier
        if not budget >= 1.0:
            budget = 1.0
        tokens = self.tokens
        elapsed = now - self.last_update
        if elapsed > 0.0:
            tokens += elapsed * budget / self.window
        if tokens > budget:  # noqa: PLR1730  a call of min() costs as much as all the rest
            tokens = budget
        self.last_update = now
        if tokens >= amount:
            self.tokens = tokens - amount
            return 0.0
        self.tokens = tokens
        missing = min(amount, budget) - tokens
        if missing > ROUNDING:
            return missing * self.window / budget
        self.tokens -= amount
        return 0.0

    def refill(self, now: float) -> None:
        """Bring ``tokens`` up to date: refilled since the last update, never above the scaled budget (F14)."""
        budget = self.budget
        elapsed = max(0.0, now - self.last_update)
        self.tokens = min(budget, self.tokens + elapsed * budget / self.window)
        self.last_update = now

    def wait_for(self, amount: float, ahead: float, now: float) -> float:
        """Return the seconds until ``amount`` can be had after ``ahead`` was taken by those who came before."""
        self.refill(now)
        budget = self.budget
        missing = ahead + min(amount, budget) - self.tokens
        return missing * self.window / budget if missing > ROUNDING else 0.0

    def adapt(self, multiplier: float, now: float) -> None:
        """Scale the budget; what refilled until now did so at the old rate, what is left is within the new budget."""
        self.refill(now)
        self.adaptive_multiplier = multiplier
        self.tokens = min(self.tokens, self.budget)

    def change(self, max_tokens: float, window: float, now: float) -> None:
        """Give the bucket another budget and window; what was spent of the old budget is spent of the new one."""
        self.refill(now)
        spent = self.budget - self.tokens
        self.max_tokens = max_tokens
        self.window = window
        self.tokens = max(self.budget - spent, min(self.tokens, 0.0))

    def seconds_until_full(self, now: float) -> float:
        """Return the seconds until nothing of the bucket's past matters any more."""
        self.refill(now)
        budget = self.budget
        return (budget - self.tokens) * self.window / budget
