"""Two locks are taken for one backoff state.

Asking for a service's backoff state takes one lock around another: an asyncio lock that keeps tasks apart and, in it,
the thread lock that keeps threads and tasks apart anyway. Nothing is ever wrong with the answer; each call pays twice,
and whoever comes to take the same two locks the other way round brings both callers to a standstill. So one lock
at most is held at a time while a state is fetched, reset or used by a retry. One lock must do the work of both,
though: two threads that ask for the same new service at the same moment get the same state, or the failures that
one of them counts are lost.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
from typing import TYPE_CHECKING

from harness.parts.anew import imported_anew
from harness.parts.locks import HeldTogether
from harness.parts.threads import finish
from harness.parts.turn_locks import known_locks
from harness.parts.turns import At, Stuck, Turns

if TYPE_CHECKING:
    import pytest

    from harness.subject import Subject

PACKAGE = "utils.reliability"
MOMENTS = 40
"""Moments of one call, at most, at which the first thread stands still in turn and the second may pass it."""

PATIENCE = 15.0
STUCK = "two threads that asked for one service at the same time kept each other waiting for ever"


def test_a_state_is_fetched_and_reset_under_one_lock(subject: Subject, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever fetches or resets a state, for the first time or again, holds one lock at most at a time."""
    assert subject.reliability.error_recovery
    observed = HeldTogether(monkeypatch, functools.cache(subject.owns))
    module = imported_anew(monkeypatch, PACKAGE, "error_recovery")

    async def use() -> None:
        await module._get_backoff_state_async("weather")
        await module._get_backoff_state_async("weather")
        await module._reset_backoff_state_async("weather")

    finish(lambda: asyncio.run(use()), "a lone caller waited for ever for a backoff state", PATIENCE)
    assert observed.deepest <= 1, f"a caller of a backoff state held {observed.deepest} locks at the same time"


def test_a_retry_uses_its_state_under_one_lock(subject: Subject, monkeypatch: pytest.MonkeyPatch) -> None:
    """A call that fails and is tried again holds one lock at most at a time."""
    assert subject.reliability.error_recovery
    observed = HeldTogether(monkeypatch, functools.cache(subject.owns))
    module = imported_anew(monkeypatch, PACKAGE, "error_recovery")
    sleep = asyncio.sleep

    async def no_delay(delay: float, result: object = None) -> object:
        return await sleep(0, result)

    monkeypatch.setattr(asyncio, "sleep", no_delay)

    async def use() -> None:
        outcomes = [None, ConnectionError("the service is away")]

        async def service() -> None:
            if error := outcomes.pop():
                raise error

        with contextlib.suppress(ConnectionError):
            await module.retry_async(service, service_name="weather")

    finish(lambda: asyncio.run(use()), "a lone retry waited for ever", PATIENCE)
    assert observed.deepest <= 1, f"a retry held {observed.deepest} locks of its backoff state at the same time"


def test_threads_share_the_state_of_a_new_service(subject: Subject, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two threads that ask for a service's first state at the same time get one state, wherever they meet."""
    assert subject.reliability.error_recovery
    with known_locks():
        module = imported_anew(monkeypatch, PACKAGE, "error_recovery")
        for moment in range(MOMENTS):
            change = At(moment)

            def ask(service: str = f"service {moment}") -> object:
                return asyncio.run(module._get_backoff_state_async(service))

            try:
                first, second = Turns(subject.owns, change, patience=PATIENCE).run(ask, ask)
            except Stuck as stuck:
                raise AssertionError(f"{STUCK}; {stuck}") from None
            assert first is second, "two threads that asked for one service at the same time got a state each"
            if not change.is_reached:
                break
