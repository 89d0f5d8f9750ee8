"""Calls that are tried again, and the memory of how a service has been failing.

``retry_async`` is the whole of it: the first try costs little more than a bare ``await``; only a failure looks at the
settings, the shared state of the service, its ``Retry-After`` and the deadline.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, ParamSpec, Protocol, TypeVar, cast

from .backoff import BackoffState, Jitter, RetryConfig
from .circuit_breaker import CircuitBreakerOpenError
from .degradation import DegradationExhaustedError, GracefulDegradation
from .retry_after import parse_retry_after, retry_after_of
from .service_health import HealthState, ServiceHealth, ServiceHealthMonitor

__all__ = [
    "BACKOFF_MAX_AGE",
    "MAX_BACKOFF_STATES",
    "BackoffState",
    "Breaker",
    "CircuitBreakerOpenError",
    "DegradationExhaustedError",
    "GracefulDegradation",
    "HealthState",
    "Jitter",
    "RetryConfig",
    "RetryDeadlineError",
    "ServiceHealth",
    "ServiceHealthMonitor",
    "parse_retry_after",
    "retry_after_of",
    "retry_async",
    "with_retry",
]

P = ParamSpec("P")
T = TypeVar("T")
Call = Callable[[], Awaitable[T]]
OnRetry = Callable[[int, Exception, float], object]

logger = logging.getLogger(__name__)

MAX_BACKOFF_STATES = 1000
"""Services remembered at a time; the one that was asked for least recently is forgotten first."""

BACKOFF_MAX_AGE = 600.0
"""Seconds after which a service that nobody asked for is forgotten."""

DEFAULT_CONFIG = RetryConfig()

_backoff_states: OrderedDict[str, BackoffState] = OrderedDict()
_backoff_states_lock = threading.Lock()


class RetryDeadlineError(TimeoutError):
    """The deadline of all tries together passed while one was under way."""


class Breaker(Protocol):
    """What is asked of a circuit breaker.

    Methods of the same names with ``async_`` before them are preferred where it has them. So is ``record_cancelled``
    for a try that says nothing of the service: one that was cancelled or that met with an unlisted exception.
    """

    def can_execute(self) -> bool:
        """Tell whether a call may be made now."""

    def record_success(self) -> object:
        """Note a call that worked."""

    def record_failure(self) -> object:
        """Note a call that failed."""


def _get_backoff_state(key: str) -> BackoffState:
    """Return the state of a service, a new one where there is none or it is too old.

    One thread lock, held for no ``await``, guards the states: it belongs to no event loop, so it serves all of them
    (audit finding F02), and it is the only lock that a caller takes, synchronous or not (audit finding F18).
    """
    now = time.monotonic()
    with _backoff_states_lock:
        state = _backoff_states.get(key)
        if state is None or now - state.last_used > BACKOFF_MAX_AGE:
            state = _backoff_states[key] = BackoffState()
        state.last_used = now
        _backoff_states.move_to_end(key)
        _forget_stale(now)
    return state


def _forget_stale(now: float) -> None:
    while _backoff_states:
        key, oldest = next(iter(_backoff_states.items()))
        if len(_backoff_states) <= MAX_BACKOFF_STATES and now - oldest.last_used <= BACKOFF_MAX_AGE:
            break
        del _backoff_states[key]


def _reset_backoff_state(key: str) -> None:
    """Forget the failures of a service."""
    with _backoff_states_lock:
        state = _backoff_states.pop(key, None)
        if state is not None:
            state.succeeded()


async def _get_backoff_state_async(key: str) -> BackoffState:
    """Return the state of a service from any task, loop or thread (audit findings F02, F18)."""
    return _get_backoff_state(key)


async def _reset_backoff_state_async(key: str) -> None:
    """Forget the failures of a service from any task, loop or thread (audit findings F02, F18)."""
    _reset_backoff_state(key)


async def retry_async(
    func: Callable[..., Awaitable[T]],
    *args: Any,
    config: RetryConfig | None = None,
    fallback: Callable[..., T | Awaitable[T]] | None = None,
    on_retry: OnRetry | None = None,
    service_name: str | None = None,
    circuit_breaker: Breaker | None = None,
    **kwargs: Any,
) -> T:
    """Call ``func`` until it works, as often and as patiently as ``config`` allows.

    Args:
        func: makes the coroutine to await; called anew for each try with ``args`` and ``kwargs``.
        *args: arguments of ``func``.
        config: what is tried again and when.
        fallback: called with the same arguments once the call is given up: tries spent, deadline passed or refused
            by the breaker. An exception that ``config`` does not list is never hidden by it.
        on_retry: told before each delay the number of the try that failed (from 1), its exception and the seconds
            until the next; may be a coroutine function. What it raises is logged and goes no further.
        service_name: callers that give the same name share their memory of failures, so that a service in trouble
            is met with longer delays from the first failure on.
        circuit_breaker: asked before each try and told of its outcome.
        **kwargs: arguments of ``func``.

    Returns:
        What ``func`` or ``fallback`` returned.

    Raises:
        CircuitBreakerOpenError: the breaker refused the call.
        RetryDeadlineError: the deadline passed during a try.
    """
    failure: Exception | None = None
    if circuit_breaker is None and (config is None or config.deadline is None):
        try:
            result = await func(*args, **kwargs)
        except Exception as error:  # noqa: BLE001  judged below, outside of this exception's context
            failure = error
        else:
            if service_name is not None and service_name in _backoff_states:
                _reset_backoff_state(service_name)
            return result
    attempt = functools.partial(func, *args, **kwargs)
    retry = _Retry(config or DEFAULT_CONFIG, on_retry, service_name, circuit_breaker)
    try:
        return await retry.run(attempt, failure)
    except Exception as error:
        if fallback is None or not retry.gave_up_after(error):
            raise
        logger.warning("%s is given up, its fallback answers: %r", service_name or attempt.func, error)
        return cast("T", await _settled(fallback(*args, **kwargs)))
    finally:
        failure = None  # its traceback holds this frame


def with_retry(
    config: RetryConfig | None = None,
    *,
    fallback: Callable[..., Any] | None = None,
    on_retry: OnRetry | None = None,
    service_name: str | None = None,
    circuit_breaker: Breaker | None = None,
) -> Callable[[Callable[P, Awaitable[T]]], Callable[P, Awaitable[T]]]:
    """Make a coroutine function retry itself; the arguments are those of ``retry_async``.

    Raises:
        TypeError: what is decorated is no coroutine function.
    """

    def decorate(func: Callable[P, Awaitable[T]]) -> Callable[P, Awaitable[T]]:
        if not inspect.iscoroutinefunction(func):
            raise TypeError(f"with_retry decorates coroutine functions; {func!r} is none")

        @functools.wraps(func)
        async def wrapper(*args: P.args, **kwargs: P.kwargs) -> T:
            return await retry_async(
                functools.partial(func, *args, **kwargs),
                config=config,
                fallback=fallback and functools.partial(fallback, *args, **kwargs),
                on_retry=on_retry,
                service_name=service_name,
                circuit_breaker=circuit_breaker,
            )

        return wrapper

    return decorate


@dataclass
class _Retry:
    """The tries of one call.

    Attributes:
        config: what is tried again and when.
        on_retry: told before each delay.
        service_name: whose failures are remembered; None for this call's alone.
        breaker: asked before each try.
        tries: tries that failed so far.
        ends: the loop's time at which the deadline passes; None for never.
        state: this call's failures, used where no service is named.
    """

    config: RetryConfig
    on_retry: OnRetry | None
    service_name: str | None
    breaker: Breaker | None
    tries: int = 0
    ends: float | None = None
    state: BackoffState = field(default_factory=BackoffState)

    async def run(self, call: Call[T], failure: Exception | None) -> T:
        """Try until it works; ``failure`` is that of a try already made, None where there was none."""
        if self.config.deadline is not None:
            self.ends = asyncio.get_running_loop().time() + self.config.deadline
        try:
            while True:
                if failure is not None:
                    await self._pause(failure)
                try:
                    result = await self._try(call)
                    if self.service_name is not None:
                        _reset_backoff_state(self.service_name)
                    return result  # noqa: TRY300  an else would stand after two handlers
                except CircuitBreakerOpenError as refusal:
                    raise refusal from failure
                except Exception as error:  # noqa: BLE001  _pause raises it where it is not to be tried again
                    failure = error
        finally:
            failure = None  # its traceback holds this frame

    def gave_up_after(self, error: Exception) -> bool:
        """Tell whether an exception means that the service cannot be had, rather than a mistake of the caller."""
        return isinstance(error, CircuitBreakerOpenError | RetryDeadlineError) or self.config.retries(error)

    async def _try(self, call: Call[T]) -> T:
        if self.breaker is None:
            return await self._within_deadline(call)
        if not await _ask(self.breaker, "can_execute"):
            name, seconds = getattr(self.breaker, "name", ""), getattr(self.breaker, "retry_after", 0.0)
            raise CircuitBreakerOpenError(name, seconds)
        try:
            result = await self._within_deadline(call)
        except BaseException as error:
            if isinstance(error, Exception) and self.gave_up_after(error):
                await _ask(self.breaker, "record_failure")
            elif hasattr(self.breaker, "record_cancelled"):
                await _ask(self.breaker, "record_cancelled")
            raise
        await _ask(self.breaker, "record_success")
        return result

    async def _within_deadline(self, call: Call[T]) -> T:
        if self.ends is None:
            return await call()
        try:
            async with asyncio.timeout_at(self.ends) as limit:
                return await call()
        except TimeoutError:
            if not limit.expired():
                raise
            raise RetryDeadlineError(f"the deadline of {self.config.deadline:g} s passed during a try") from None

    async def _pause(self, failure: Exception) -> None:
        """Wait until the next try, or raise ``failure`` where there is to be none."""
        self.tries += 1
        if isinstance(failure, RetryDeadlineError) or not self.config.retries(failure):
            raise failure
        delay = self._delay_after(failure)
        if self.tries > self.config.max_retries or not self._has_time_for(delay):
            raise failure
        await self._tell(failure, delay)
        await self.config.wait(delay)

    def _delay_after(self, failure: Exception) -> float:
        delay = self._note_failure()
        asked = retry_after_of(failure)
        return delay if asked is None else max(delay, min(asked, self.config.retry_after_cap))

    def _note_failure(self) -> float:
        state = self.state if self.service_name is None else _get_backoff_state(self.service_name)
        with _backoff_states_lock:
            return state.failed(self.config, time.monotonic())

    def _has_time_for(self, delay: float) -> bool:
        return self.ends is None or asyncio.get_running_loop().time() + delay < self.ends

    async def _tell(self, failure: Exception, delay: float) -> None:
        if self.on_retry is None:
            return
        try:
            await _settled(self.on_retry(self.tries, failure, delay))
        except Exception:
            logger.exception("on_retry failed; the retry goes on")


async def _settled(answer: T | Awaitable[T]) -> T:
    """Return what a plain or a coroutine function answered."""
    return await answer if inspect.isawaitable(answer) else answer


async def _ask(breaker: Breaker, name: str) -> object:
    """Call a method of a breaker, its ``async_`` form where it has one."""
    method: Callable[[], object] = getattr(breaker, f"async_{name}", None) or getattr(breaker, name)
    return await _settled(method())
