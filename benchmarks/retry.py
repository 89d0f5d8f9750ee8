"""Retrying a call that works at once."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from benchmarks.contest import Bout, Contender, Contest, peer
from reference.utils.reliability.error_recovery import RetryConfig, retry_async

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

ATTEMPTS = 3
PAUSE = 0.001
"""Seconds between the attempts of the proofs."""


async def nothing() -> str:
    """Do nothing, and say so."""
    return "done"


def _bout(
    wrap: Callable[[Callable[[], Awaitable[Any]]], Callable[[], Awaitable[Any]]],
) -> Callable[[], Awaitable[Bout]]:
    """Make a contender of ``wrap(function)``; it must call a service until its third attempt works."""

    async def enter() -> Bout:
        async def prove() -> None:
            calls = 0

            async def service() -> str:
                nonlocal calls
                calls += 1
                if calls < ATTEMPTS:
                    raise ConnectionError("the service is away")
                return "back"

            answer = await wrap(service)()
            if (answer, calls) != ("back", ATTEMPTS):
                raise ValueError(f"a service that works at attempt {ATTEMPTS} gave {answer!r} after {calls}")

        return Bout(wrap(nothing), "done", prove)

    return enter


async def _enter_bare() -> Bout:
    return Bout(nothing, "done")


def _ours(function: Callable[[], Awaitable[Any]]) -> Callable[[], Awaitable[Any]]:
    config = RetryConfig(max_retries=ATTEMPTS, base_delay=PAUSE)
    return partial(retry_async, function, config=config)


def _backoff(function: Callable[[], Awaitable[Any]]) -> Callable[[], Awaitable[Any]]:
    module = peer("backoff")
    decorate = module.on_exception(module.constant, ConnectionError, max_tries=ATTEMPTS, interval=PAUSE, jitter=None)
    guarded: Callable[[], Awaitable[Any]] = decorate(function)
    return guarded


def _stamina(function: Callable[[], Awaitable[Any]]) -> Callable[[], Awaitable[Any]]:
    peer("stamina.instrumentation").set_on_retry_hooks([])
    decorate = peer("stamina").retry(on=ConnectionError, attempts=ATTEMPTS, wait_initial=PAUSE, wait_jitter=0)
    guarded: Callable[[], Awaitable[Any]] = decorate(function)
    return guarded


def _tenacity(function: Callable[[], Awaitable[Any]]) -> Callable[[], Awaitable[Any]]:
    module = peer("tenacity")
    decorate = module.retry(stop=module.stop_after_attempt(ATTEMPTS), wait=module.wait_fixed(PAUSE))
    guarded: Callable[[], Awaitable[Any]] = decorate(function)
    return guarded


CONTESTS = [
    Contest(
        "retry",
        "Retry: the first attempt works",
        10.0,
        [
            Contender("bare await", _enter_bare),
            Contender("retry_async", _bout(_ours), is_ours=True),
            Contender("backoff", _bout(_backoff), "backoff"),
            Contender("stamina", _bout(_stamina), "stamina"),
            Contender("tenacity", _bout(_tenacity), "tenacity"),
        ],
    ),
]
