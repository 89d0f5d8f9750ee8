"""The circuit breaker, closed, around a coroutine that does nothing."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from benchmarks.contest import Bout, Contender, Contest, peer
from reference.utils.reliability.circuit_breaker import CircuitBreaker

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

FAILURES = 3
"""Failures in a row that open the circuits."""

LONG = 3600
"""Seconds that an open circuit stays open."""


async def nothing() -> str:
    """Do nothing, and say so."""
    return "done"


class _Flaky:
    """A service that fails, and counts how often it was called."""

    def __init__(self) -> None:
        self.calls = 0

    async def __call__(self) -> None:
        self.calls += 1
        raise ConnectionError("the service is away")


def _bout(
    wrap: Callable[[Callable[[], Awaitable[Any]]], Awaitable[Callable[[], Awaitable[Any]]]], most: int = FAILURES
) -> Callable[[], Awaitable[Bout]]:
    """Make a contender of ``wrap(function)``, which puts a new breaker around a function.

    It must call a service that fails no more than ``most`` times out of ten times as many.
    """

    async def enter() -> Bout:
        async def prove() -> None:
            flaky = _Flaky()

            async def service() -> None:
                await flaky()

            guarded = await wrap(service)
            for _ in range(10 * most):
                try:
                    await guarded()
                except Exception:  # noqa: BLE001, S112  each breaker refuses with an exception of its own
                    continue
                raise ValueError("a failure was swallowed")
            if flaky.calls > most:
                raise ValueError(f"a failing service was called {flaky.calls} times; the circuit should open at {most}")

        return Bout(await wrap(nothing), "done", prove)

    return enter


async def _enter_bare() -> Bout:
    return Bout(nothing, "done")


async def _ours(function: Callable[[], Awaitable[Any]]) -> Callable[[], Awaitable[Any]]:
    return partial(CircuitBreaker("bench", FAILURES, LONG).call, function)


async def _circuitbreaker(function: Callable[[], Awaitable[Any]]) -> Callable[[], Awaitable[Any]]:
    decorate = peer("circuitbreaker").CircuitBreaker(FAILURES, LONG)
    guarded: Callable[[], Awaitable[Any]] = decorate(function)
    return guarded


async def _aiobreaker(function: Callable[[], Awaitable[Any]]) -> Callable[[], Awaitable[Any]]:
    return partial(peer("aiobreaker").CircuitBreaker(FAILURES, timedelta(seconds=LONG)).call_async, function)


async def _purgatory(function: Callable[[], Awaitable[Any]]) -> Callable[[], Awaitable[Any]]:
    factory = peer("purgatory").AsyncCircuitBreakerFactory(FAILURES, LONG)
    breaker = await factory.get_breaker("bench")

    async def guarded() -> Any:
        async with breaker:
            return await function()

    return guarded


async def _interlock(function: Callable[[], Awaitable[Any]]) -> Callable[[], Awaitable[Any]]:
    module = peer("interlock")
    breaker = module.CircuitBreaker(name="bench", config=module.Config(minimum_number_of_calls=FAILURES))
    return partial(breaker.call, function)


CONTESTS = [
    Contest(
        "breaker",
        "Circuit breaker: a closed circuit around an async call",
        4.0,
        [
            Contender("bare await", _enter_bare),
            Contender("CircuitBreaker.call", _bout(_ours), is_ours=True),
            Contender("circuitbreaker", _bout(_circuitbreaker), "circuitbreaker"),
            Contender("aiobreaker", _bout(_aiobreaker), "aiobreaker"),
            Contender("purgatory", _bout(_purgatory), "purgatory"),
            Contender("interlock-cb", _bout(_interlock), "interlock-cb"),
        ],
    ),
]
