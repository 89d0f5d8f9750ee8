"""A throttle: one token bucket that callers can wait at, in the order they came, whatever they ask for.

A waiter needs its own tokens and those of everybody before it. So a large request is not starved by small ones that
came later, and each waiter knows from the start how long it will take.
"""

from __future__ import annotations

import asyncio
import itertools
import math
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from .token_bucket import RateLimitBucket

if TYPE_CHECKING:
    from collections.abc import Callable

GRACE = 1.0
"""Seconds after its deadline when a waiter that has not come back is taken for dead."""


@dataclass(eq=False, slots=True)
class Waiter:
    """A caller in the queue of a throttle.

    Attributes:
        amount: requests it waits for.
        deadline: seconds of the throttle's clock when it gives up.
        loop: the event loop it waits in.
        bell: the future it sleeps on, one of that loop.
    """

    amount: float
    deadline: float
    loop: asyncio.AbstractEventLoop
    bell: asyncio.Future[None]

    def ring(self) -> None:
        """Wake the waiter, from any thread; a loop that is closed has nobody to wake."""
        try:
            self.loop.call_soon_threadsafe(_set, self.bell)
        except RuntimeError:
            self.deadline = -math.inf

    def is_absent(self, now: float) -> bool:
        """Whether others must not wait for it: its loop is stopped or closed, or its deadline is long over."""
        return not self.loop.is_running() or now > self.deadline + GRACE


class Throttle:
    """Admits ``requests`` per ``window`` seconds; callers are refused or wait their turn.

    It belongs to no event loop: callers of several loops and threads share one budget and one queue.

    Args:
        requests: the budget, which is also the largest burst.
        window: seconds in which a whole budget refills.
        clock: seconds of a monotonic clock; ``time.monotonic`` by default.
        lock: guards the state; shared by the throttles of one ``RateLimiter``.

    Raises:
        ValueError: the budget or the window is not a positive, finite number.
    """

    __slots__ = ("_clock", "_lock", "_queued", "_waiters", "bucket")

    def __init__(
        self,
        requests: float,
        window: float,
        *,
        clock: Callable[[], float] | None = None,
        lock: threading.Lock | None = None,
    ) -> None:
        check_rate(requests, window)
        self._clock = clock
        self._lock = lock or threading.Lock()
        self._waiters: OrderedDict[Waiter, None] = OrderedDict()  # in the order they came
        self._queued = 0.0
        self.bucket = RateLimitBucket(float(requests), self._now(), window, float(requests))

    def __repr__(self) -> str:
        bucket = self.bucket
        return f"<Throttle {bucket.tokens:.1f}/{bucket.budget:g} per {bucket.window:g} s, {len(self._waiters)} waiting>"

    @property
    def waiting(self) -> int:
        """How many callers wait."""
        return len(self._waiters)

    def try_acquire(self, amount: float = 1.0) -> float:
        """Take ``amount`` if it can be had now and nobody waits for it.

        Returns:
            0.0 if it was taken, else the seconds after which it can be.

        Raises:
            ValueError: ``amount`` is negative or larger than the whole budget.
        """
        self.check_amount(amount)
        with self._lock:
            return self.take(amount, self._now())

    async def acquire(self, amount: float = 1.0, max_wait: float = math.inf) -> bool:
        """Take ``amount``, waiting in turn for it.

        Args:
            amount: how many requests to take.
            max_wait: seconds to wait at most.

        Returns:
            Whether it was taken; False comes at once where ``max_wait`` cannot be met.

        Raises:
            ValueError: ``amount`` is negative or larger than the whole budget.
        """
        if amount != 1.0:
            self.check_amount(amount)
        lock = self._lock
        lock.acquire()  # a with statement costs twice as much
        try:
            now = time.monotonic() if self._clock is None else self._clock()
            if not self._waiters and not self.bucket.take(amount, now):
                return True
            waiter = self.join(amount, now + max_wait)
        finally:
            lock.release()
        return await self.wait(waiter)

    async def __aenter__(self) -> Self:
        await self.acquire()
        return self

    async def __aexit__(self, *error: object) -> None:
        """Leave the block; what was taken stays taken."""

    def set_rate(self, requests: float, window: float) -> None:
        """Change budget and window, for the callers that wait now as well."""
        check_rate(requests, window)
        with self._lock:
            self.change(requests, window)

    def adapt(self, multiplier: float) -> None:
        """Scale the budget, for the callers that wait now as well; it stays at one request per window at least."""
        with self._lock:
            self.scale(multiplier)

    def check_amount(self, amount: float) -> None:
        """Refuse an amount that could never be had.

        Raises:
            ValueError: ``amount`` is negative or larger than the whole budget.
        """
        if not 0.0 <= amount <= self.bucket.max_tokens:
            raise ValueError(f"{amount} cannot be had from a budget of {self.bucket.max_tokens:g}")

    # For a RateLimiter, which holds the lock it shares with its throttles

    def take(self, amount: float, now: float) -> float:
        """Do what ``try_acquire`` does, under the lock."""
        if self._waiters:
            self._bury(now)
        if self._waiters:
            return self.bucket.wait_for(amount, self._queued, now)
        return self.bucket.take(amount, now)

    def peek(self, amount: float, now: float) -> float:
        """Return what ``take`` would, and take nothing."""
        if self._waiters:
            self._bury(now)
        return self.bucket.wait_for(amount, self._queued, now)

    def join(self, amount: float, deadline: float) -> Waiter:
        """Put a caller at the end of the queue, under the lock; it must then ``wait``."""
        loop = asyncio.get_running_loop()
        waiter = Waiter(amount, deadline, loop, loop.create_future())
        self._enqueue(waiter)
        return waiter

    def change(self, requests: float, window: float) -> None:
        """Do what ``set_rate`` does, under the lock."""
        self.bucket.change(float(requests), window, self._now())
        self._ring()

    def scale(self, multiplier: float) -> None:
        """Do what ``adapt`` does, under the lock."""
        self.bucket.adapt(multiplier, self._now())
        self._ring()

    async def wait(self, waiter: Waiter) -> bool:
        """Wait for a turn; a caller that is cancelled leaves the queue and spends nothing."""
        try:
            while (delay := self._turn(waiter)) > 0.0:
                timer = waiter.loop.call_later(delay, _set, waiter.bell)
                try:
                    await waiter.bell
                finally:
                    timer.cancel()
        finally:
            with self._lock:
                self._leave(waiter)
        return delay == 0.0

    def _turn(self, waiter: Waiter) -> float:
        """Return 0.0 if it has its tokens now, a negative number if it must give up, else the seconds to wait."""
        with self._lock:
            now = self._now()
            self._bury(now)
            if waiter not in self._waiters:  # it was absent, and is back
                if now > waiter.deadline:
                    return -1.0
                self._enqueue(waiter)
            delay = self.bucket.wait_for(waiter.amount, self._ahead_of(waiter), now)
            if delay == 0.0:
                self.bucket.tokens -= waiter.amount
                self._leave(waiter)
            elif now + delay > waiter.deadline:
                return -1.0
            elif waiter.bell.done():
                waiter.bell = waiter.loop.create_future()
            return delay

    def _enqueue(self, waiter: Waiter) -> None:
        self._waiters[waiter] = None
        self._queued += waiter.amount

    def _ahead_of(self, waiter: Waiter) -> float:
        if waiter is next(reversed(self._waiters)):
            return self._queued - waiter.amount
        return sum(other.amount for other in itertools.takewhile(lambda other: other is not waiter, self._waiters))

    def _leave(self, waiter: Waiter) -> None:
        """Take a waiter out of the queue; whoever is first after that looks anew at how long it must wait."""
        if waiter in self._waiters:
            was_first = waiter is next(iter(self._waiters))
            del self._waiters[waiter]
            self._queued = self._queued - waiter.amount if self._waiters else 0.0
            if was_first:
                self._ring()

    def _bury(self, now: float) -> None:
        while self._waiters and (first := next(iter(self._waiters))).is_absent(now):
            self._leave(first)
            first.ring()

    def _ring(self) -> None:
        if self._waiters:
            next(iter(self._waiters)).ring()

    def _now(self) -> float:
        return time.monotonic() if self._clock is None else self._clock()


def check_rate(requests: float, window: float) -> None:
    """Refuse a rate that admits nothing or everything.

    Raises:
        ValueError: the budget is below 1, the window is not positive, or either is infinite.
    """
    if not 1 <= requests < math.inf or not 0 < window < math.inf:
        raise ValueError(
            f"a limit of {requests} requests per {window} s is not a rate; both must be positive and finite"
        )


def _set(bell: asyncio.Future[None]) -> None:
    if not bell.done():
        bell.set_result(None)
