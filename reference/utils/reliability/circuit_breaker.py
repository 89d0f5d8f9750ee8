"""A circuit breaker: it stops calls to a service that keeps failing and lets a few probes find out when it is back.

The pattern is Michael Nygard's ("Release It!", 2007). All state is decided under one ``threading.Lock`` that is held
for no await, and a closed circuit is passed without it, so a breaker serves any number of event loops and threads,
one after the other or at once (audit finding F02).

    breaker = CircuitBreaker("weather", failure_threshold=5, reset_timeout=60.0)

    answer = await breaker.call(fetch, city)      # a call
    async with breaker: ...                       # a block; ``with`` for code that does not await
    @breaker.protect                              # a function, async or not
"""

from __future__ import annotations

import functools
import inspect
import logging
import math
import threading
import time
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, ParamSpec, Self, TypeVar, cast

from .circuit_rules import CircuitBreakerOpenError, CircuitRules, CircuitState, Outcome, Way

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from types import TracebackType

__all__ = ["SHORTEST_LEASE", "CircuitBreaker", "CircuitBreakerOpenError", "CircuitState"]

logger = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")
F = TypeVar("F", bound="Callable[..., Any]")

SHORTEST_LEASE = 60.0
"""Seconds, at least, before a probe whose caller never reported back is given to somebody else."""


# The tickets of the ``with`` blocks that this task or thread is in: (breaker, ticket, the blocks around it).
_blocks: ContextVar[tuple[CircuitBreaker, int, Any] | None] = ContextVar("circuit_breaker_blocks", default=None)

# The last call that this task or thread was admitted for by ``can_execute`` and has not reported on.
_asked: ContextVar[tuple[CircuitBreaker, int] | None] = ContextVar("circuit_breaker_asked", default=None)


class CircuitBreaker(CircuitRules):
    """Refuses calls to a service after failures in a row, and probes it after a while.

    A call that is cancelled, or that ends with an exception which is no failure of the service, counts neither way and
    returns its probe. What a call reports after the state it was admitted in has passed is ignored: a straggler's
    late failure neither extends the open time nor fails somebody else's probe.

    Args:
        name: shown in messages.
        failure_threshold: failures in a row, at least 1, that open the circuit.
        reset_timeout: seconds that the circuit stays open before it admits probes.
        half_open_max_calls: probes that may be out at once.
        success_threshold: successful probes that close the circuit; ``half_open_max_calls`` by default.
        failures: exception types that count as failures of the service.
        clock: seconds of a monotonic clock; ``time.monotonic`` by default.

    Raises:
        ValueError: a threshold is less than 1, or the time-out is negative or infinite.
    """

    def __init__(
        self,
        name: str,
        failure_threshold: int = 5,
        reset_timeout: float = 60.0,
        half_open_max_calls: int = 3,
        *,
        success_threshold: int | None = None,
        failures: tuple[type[BaseException], ...] = (Exception,),
        clock: Callable[[], float] | None = None,
    ) -> None:
        threshold = half_open_max_calls if success_threshold is None else success_threshold
        super().__init__(name, failure_threshold, reset_timeout, half_open_max_calls, threshold)
        self._failure_types = failures
        self._clock = clock
        self._lock = threading.Lock()
        self._listeners: tuple[Any, ...] = ()

    # What it is

    @property
    def state(self) -> CircuitState:
        """The state now; an open circuit whose time is over is half-open."""
        with self._exclusively() as now:
            self._half_open_when_due(now)
            return self._state

    @property
    def failure_count(self) -> int:
        """Failures in a row."""
        return self._failures

    @property
    def retry_after(self) -> float:
        """Seconds after which a refused call may try again; 0.0 where a call would be admitted."""
        with self._exclusively() as now:
            self._half_open_when_due(now)
            return self._seconds_to_retry(now)

    def get_status(self) -> dict[str, str | int | float]:
        """Describe the breaker for a health page: one moment's values, plain types."""
        with self._exclusively() as now:
            self._half_open_when_due(now)
            return {
                "name": self.name,
                "state": self._state.value,
                "failures": self._failures,
                "successes": self._successes,
                "probes": len(self._probes),
                "retry_after": self._seconds_to_retry(now),
            }

    def __repr__(self) -> str:
        return f"<CircuitBreaker {self.name!r} {self._state.value}, {self._failures}/{self.failure_threshold} failures>"

    # Calls

    async def call(self, function: Callable[P, Awaitable[T]], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Await ``function(*args, **kwargs)`` unless the circuit is open.

        Raises:
            CircuitBreakerOpenError: the call was refused; ``function`` was not called.
        """
        ticket = self._ticket
        if ticket is None:
            ticket = self._enter(math.inf, Way.CALL)
        try:
            result = await function(*args, **kwargs)
        except BaseException as error:
            self._settle(ticket, self._outcome(error))
            raise
        if self._failures or self._ticket != ticket:
            self._settle(ticket, Outcome.SUCCESS)
        return result

    def call_sync(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Call ``function(*args, **kwargs)``, which does not await, unless the circuit is open.

        Raises:
            CircuitBreakerOpenError: the call was refused; ``function`` was not called.
        """
        with self:
            return function(*args, **kwargs)

    def protect(self, function: F) -> F:
        """Make a decorator of the breaker, for functions and coroutine functions.

        Raises:
            TypeError: a generator function is given, whose run has no single outcome.
        """
        if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
            raise TypeError(f"{function.__qualname__} is a generator; use 'with breaker:' around its parts")
        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def guarded(*args: Any, **kwargs: Any) -> Any:
                return await self.call(function, *args, **kwargs)

        else:

            @functools.wraps(function)
            def guarded(*args: Any, **kwargs: Any) -> Any:
                return self.call_sync(function, *args, **kwargs)

        return cast("F", guarded)

    def __enter__(self) -> Self:
        ticket = self._ticket
        if ticket is None:
            ticket = self._enter(self._lease(), Way.BLOCK)
        _blocks.set((self, ticket, _blocks.get()))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        ticket = self._leave_block()
        if error is not None or self._failures or self._ticket != ticket:
            self._settle(ticket, self._outcome(error), Way.BLOCK)

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.__exit__(kind, error, traceback)

    # Calls that report for themselves

    def can_execute(self) -> bool:
        """Ask to make one call; a caller that was admitted reports with one of the ``record_`` methods.

        A probe that nobody reports on is given to somebody else after the reset time-out, or a minute if that is more.
        """
        ticket = self._ticket
        if ticket is None:
            ticket = self._admit(self._lease(), Way.ASKED)
        if ticket is None:
            return False
        _asked.set((self, ticket))
        return True

    def record_success(self) -> None:
        """Report that an admitted call worked."""
        self._report(Outcome.SUCCESS)

    def record_failure(self) -> None:
        """Report that an admitted call failed. While the circuit is open, this is a straggler's and changes nothing."""
        self._report(Outcome.FAILURE)

    def record_cancelled(self) -> None:
        """Report that an admitted call was given up: it counts neither way, its probe is returned."""
        self._report(Outcome.NEITHER)

    async def async_can_execute(self) -> bool:
        """Do what ``can_execute`` does; nothing is awaited, so it works in every event loop (F02)."""
        return self.can_execute()

    async def async_record_success(self) -> None:
        """Do what ``record_success`` does."""
        self.record_success()

    async def async_record_failure(self) -> None:
        """Do what ``record_failure`` does."""
        self.record_failure()

    # By hand

    def reset(self) -> None:
        """Close the circuit and forget all failures."""
        with self._exclusively():
            self._become(CircuitState.CLOSED)

    def trip(self) -> None:
        """Open the circuit now, for the whole reset time-out."""
        with self._exclusively() as now:
            self._open(now)

    def add_listener(
        self, listener: Callable[[CircuitBreaker, CircuitState, CircuitState], object]
    ) -> Callable[[], None]:
        """Have ``listener(breaker, old, new)`` called after each change of state, in the thread that caused it.

        Its exceptions are logged and go no further.

        Returns:
            A function that removes the listener.
        """
        with self._lock:
            self._listeners += (listener,)

        def remove() -> None:
            with self._lock:
                self._listeners = tuple(other for other in self._listeners if other is not listener)

        return remove

    # Around it

    @contextmanager
    def _exclusively(self) -> Iterator[float]:
        with self._lock:
            yield self._clock() if self._clock else time.monotonic()
        if self._changes:
            self._announce()

    def _enter(self, lease: float, way: Way) -> int:
        ticket = self._admit(lease, way)
        if ticket is None:
            raise CircuitBreakerOpenError(self.name, self.retry_after)
        return ticket

    def _admit(self, lease: float, way: Way) -> int | None:
        with self._exclusively() as now:
            return self._admitted(now, lease, way)

    def _settle(self, ticket: int | None, outcome: Outcome, way: Way = Way.CALL) -> None:
        with self._exclusively() as now:
            self._settled(self._some_ticket(way) if ticket is None else ticket, outcome, now)

    def _report(self, outcome: Outcome) -> None:
        """Count an outcome for the call that this task or thread asked for; for any such call if it asked for none."""
        asked = _asked.get()
        if asked is not None and asked[0] is self:
            _asked.set(None)
            self._settle(asked[1], outcome)
        else:
            self._settle(None, outcome, Way.ASKED)

    def _lease(self) -> float:
        return max(self.reset_timeout, SHORTEST_LEASE)

    def _outcome(self, error: BaseException | None) -> Outcome:
        if error is None:
            return Outcome.SUCCESS
        return Outcome.FAILURE if isinstance(error, self._failure_types) else Outcome.NEITHER

    def _leave_block(self) -> int | None:
        """Return the ticket of the innermost block of this breaker; None if it was entered in another context."""
        block = _blocks.get()
        if block is not None and block[0] is self:
            _blocks.set(block[2])
            return block[1]
        passed = []
        while block is not None and block[0] is not self:
            passed.append(block[:2])
            block = block[2]
        if block is None:
            return None
        _, ticket, rest = block
        for breaker, other in reversed(passed):
            rest = (breaker, other, rest)
        _blocks.set(rest)
        return ticket

    def _announce(self) -> None:
        while True:
            with self._lock:
                if not self._changes:
                    return
                old, new = self._changes.popleft()
                listeners = self._listeners
            logger.info("circuit %s: %s -> %s", self.name, old.value, new.value)
            for listener in listeners:
                try:
                    listener(self, old, new)
                except Exception:
                    logger.exception("a listener of circuit %s failed", self.name)
