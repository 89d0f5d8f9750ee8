"""The rules of a circuit breaker: what each state admits, and what a reported outcome does to it.

Nothing here waits, locks or reads a clock: every method decides at once, from what it is given. ``circuit_breaker``
adds the lock, the clock and the ways to make a call.
"""

from __future__ import annotations

import itertools
import math
from collections import deque
from enum import Enum, StrEnum, auto
from typing import NamedTuple

BUSY_RETRY = 1.0
"""Seconds after which a caller should ask again when all probes of a half-open circuit are out."""

NO_TICKET = -1


class CircuitState(StrEnum):
    """What a breaker does with calls: pass them, refuse them, or pass a few as probes."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class Outcome(Enum):
    """What a call says of its service; one that was given up says nothing."""

    SUCCESS = auto()
    FAILURE = auto()
    NEITHER = auto()


class CircuitBreakerOpenError(Exception):
    """A call was refused. Every refusal is a fresh exception, so that no traceback grows from call to call.

    Attributes:
        name: the breaker that refused.
        retry_after: seconds after which asking again makes sense.
    """

    def __init__(self, name: str = "", retry_after: float = 0.0) -> None:
        super().__init__(name, retry_after)
        self.name = name
        self.retry_after = retry_after

    def __str__(self) -> str:
        return f"the circuit {self.name!r} is open; try again in {self.retry_after:.1f} s"


class Way(Enum):
    """How a call is made, and so, how its outcome comes back."""

    CALL = auto()
    BLOCK = auto()
    ASKED = auto()


class Probe(NamedTuple):
    """A call that a half-open circuit let pass.

    Attributes:
        lease_ends: seconds of the clock at which it may be given to somebody else.
        way: how it is made.
    """

    lease_ends: float
    way: Way


class CircuitRules:
    """A circuit without clock and lock.

    A ticket tells in which state, and as which probe, a call was admitted: an outcome counts only while that lasts.
    """

    def __init__(
        self, name: str, failure_threshold: int, reset_timeout: float, half_open_max_calls: int, success_threshold: int
    ) -> None:
        if min(failure_threshold, half_open_max_calls, success_threshold) < 1:
            raise ValueError(f"the circuit {name!r}: thresholds must be at least 1")
        if not 0 <= reset_timeout < math.inf:
            raise ValueError(f"the circuit {name!r}: the reset time-out must be 0 or more seconds")
        self.name = name
        self.failure_threshold = failure_threshold
        self.reset_timeout = reset_timeout
        self.half_open_max_calls = half_open_max_calls
        self.success_threshold = success_threshold
        self._tickets = itertools.count()
        self._state = CircuitState.CLOSED
        self._ticket: int | None = next(self._tickets)  # what all calls of a closed circuit share; None in other states
        self._failures = 0
        self._successes = 0
        self._retry_at = 0.0
        self._probes: dict[int, Probe] = {}
        self._changes: deque[tuple[CircuitState, CircuitState]] = deque()

    def _admitted(self, now: float, lease: float, way: Way) -> int | None:
        """Return the ticket of a call that may pass, or None."""
        self._half_open_when_due(now)
        if self._state is CircuitState.HALF_OPEN and self._has_probe(now):
            ticket = next(self._tickets)
            self._probes[ticket] = Probe(now + lease, way)
            return ticket
        return self._ticket

    def _settled(self, ticket: int, outcome: Outcome, now: float) -> None:
        """Count an outcome, unless the state that its call was admitted in has passed."""
        if ticket == self._ticket:
            self._settle_closed(outcome, now)
        elif self._probes.pop(ticket, None) is not None:
            self._settle_probe(outcome, now)

    def _settle_closed(self, outcome: Outcome, now: float) -> None:
        if outcome is Outcome.SUCCESS:
            self._failures = 0
        elif outcome is Outcome.FAILURE:
            self._failures += 1
            if self._failures >= self.failure_threshold:
                self._open(now)

    def _settle_probe(self, outcome: Outcome, now: float) -> None:
        if outcome is Outcome.FAILURE:
            self._failures += 1
            self._open(now)
        elif outcome is Outcome.SUCCESS:
            self._successes += 1
            if self._successes >= self.success_threshold:
                self._become(CircuitState.CLOSED)

    def _open(self, now: float) -> None:
        self._retry_at = now + self.reset_timeout
        self._become(CircuitState.OPEN)

    def _half_open_when_due(self, now: float) -> None:
        if self._state is CircuitState.OPEN:
            self._retry_at = min(self._retry_at, now + self.reset_timeout)  # a clock that was set back
            if now >= self._retry_at:
                self._become(CircuitState.HALF_OPEN)

    def _become(self, state: CircuitState) -> None:
        if state is not self._state:
            self._changes.append((self._state, state))
        self._state = state
        self._ticket = next(self._tickets) if state is CircuitState.CLOSED else None
        self._failures = 0 if state is CircuitState.CLOSED else self._failures
        self._successes = 0
        self._probes.clear()

    def _has_probe(self, now: float) -> bool:
        for ticket in [ticket for ticket, probe in self._probes.items() if probe.lease_ends <= now]:
            del self._probes[ticket]
        return len(self._probes) < self.half_open_max_calls

    def _some_ticket(self, way: Way) -> int:
        """Return the ticket of a caller who shows none: that of all in a closed circuit, else of some such probe."""
        if self._ticket is not None:
            return self._ticket
        return next((ticket for ticket, probe in self._probes.items() if probe.way is way), NO_TICKET)

    def _seconds_to_retry(self, now: float) -> float:
        if self._state is CircuitState.OPEN:
            return self._retry_at - now
        if self._state is CircuitState.HALF_OPEN and not self._has_probe(now):
            return min(BUSY_RETRY, self.reset_timeout)
        return 0.0
