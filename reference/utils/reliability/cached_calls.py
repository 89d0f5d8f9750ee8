"""Functions that remember their answers for a while."""

from __future__ import annotations

import asyncio
import functools
import inspect
import threading
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from typing import Any, ParamSpec, TypeVar, cast

from .ttl_cache import MISSING, TTLCache

P = ParamSpec("P")
T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])

_KEYWORDS = object()


def cached_with_ttl(
    ttl: float = 300.0,
    max_size: int = 128,
    *,
    key: Callable[..., Hashable] | None = None,
    clock: Callable[[], float] | None = None,
) -> Callable[[F], F]:
    """Make a function, or a coroutine function, remember its answers.

    Callers of a coroutine function that ask for the same thing at the same time in one event loop share one call: a
    caller that is cancelled leaves the others theirs, and the call is cancelled when the last of them has left.
    Exceptions are not remembered. The decorated function has ``cache``, a ``TTLCache``, and ``cache_clear()``.

    Args:
        ttl: seconds that an answer is remembered.
        max_size: answers remembered at most.
        key: makes the key from the arguments, for those that cannot be hashed or must not be kept alive, such as
            ``self``; by default the arguments are the key.
        clock: monotonic seconds; ``time.monotonic`` where None.

    Raises:
        ValueError: a number is out of its range.
        TypeError: what is decorated is a generator function.
    """
    make_key = key or _arguments

    def decorate(func: F) -> F:
        if inspect.isgeneratorfunction(func) or inspect.isasyncgenfunction(func):
            raise TypeError(f"{func.__qualname__} is a generator; its answer is used up by the first caller")
        cache: TTLCache[Hashable, Any] = TTLCache(max_size, ttl, clock=clock)
        wrap = _cached_coroutine if inspect.iscoroutinefunction(func) else _cached_function
        wrapper: Any = wrap(func, cache, make_key)
        wrapper.cache = cache
        wrapper.cache_clear = cache.clear
        return cast("F", wrapper)

    return decorate


def _arguments(*args: Hashable, **kwargs: Hashable) -> Hashable:
    return (*args, _KEYWORDS, *sorted(kwargs.items())) if kwargs else args


def _cached_function(
    func: Callable[P, T], cache: TTLCache[Hashable, T], make_key: Callable[P, Hashable]
) -> Callable[P, T]:
    @functools.wraps(func)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> T:
        key = make_key(*args, **kwargs)
        answer = cache.get(key, MISSING)
        if answer is MISSING:
            answer = func(*args, **kwargs)
            cache.set(key, answer)
        return cast("T", answer)

    return wrapper


def _cached_coroutine(
    func: Callable[P, Awaitable[T]], cache: TTLCache[Hashable, T], make_key: Callable[P, Hashable]
) -> Callable[P, Awaitable[T]]:
    flights = _Flights(cache)

    @functools.wraps(func)
    async def wrapper(*args: P.args, **kwargs: P.kwargs) -> T:
        key = make_key(*args, **kwargs)
        answer = cache.get(key, MISSING)
        if answer is not MISSING:
            return cast("T", answer)
        return cast("T", await flights.join(key, functools.partial(func, *args, **kwargs)))

    return wrapper


@dataclass(slots=True)
class _Flight:
    """A call under way.

    Attributes:
        task: makes the call.
        waiting: callers that share it.
    """

    task: asyncio.Task[Any]
    waiting: int = 0


class _Flights:
    """Calls under way, by event loop and key; those of a loop that was closed are forgotten."""

    def __init__(self, cache: TTLCache[Hashable, Any]) -> None:
        self._cache = cache
        self._lock = threading.Lock()
        self._flights: dict[tuple[asyncio.AbstractEventLoop, Hashable], _Flight] = {}

    async def join(self, key: Hashable, call: Callable[[], Awaitable[Any]]) -> Any:
        """Wait for the call that is under way for ``key``, or make it."""
        place = (asyncio.get_running_loop(), key)
        flight = self._flights.get(place)
        if flight is None or flight.task.done():
            flight = self._start(place, call)
        flight.waiting += 1
        try:
            return await asyncio.shield(flight.task)
        finally:
            flight.waiting -= 1
            if not flight.waiting and not flight.task.done():
                self._forget(place, flight)
                flight.task.cancel()

    def _start(self, place: tuple[asyncio.AbstractEventLoop, Hashable], call: Callable[[], Awaitable[Any]]) -> _Flight:
        flight = _Flight(place[0].create_task(self._fly(place[1], call)))
        with self._lock:
            for other in [other for other in self._flights if other[0].is_closed()]:
                del self._flights[other]
            self._flights[place] = flight
        flight.task.add_done_callback(lambda _: self._forget(place, flight))
        return flight

    async def _fly(self, key: Hashable, call: Callable[[], Awaitable[Any]]) -> Any:
        answer = await call()
        self._cache.set(key, answer)
        return answer

    def _forget(self, place: tuple[asyncio.AbstractEventLoop, Hashable], flight: _Flight) -> None:
        with self._lock:
            if self._flights.get(place) is flight:
                del self._flights[place]
