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
import importlib
import sys
from typing import TYPE_CHECKING, Any

from harness.parts.holdup import HoldUp
from harness.parts.locks import HeldTogether
from harness.parts.threads import apart, finish, result_of

if TYPE_CHECKING:
    import pytest

    from harness.subject import Subject

PACKAGE = "utils.reliability"
HEAD_START = 0.1
"""Seconds for which the first thread is held up, so that the second can pass it where nothing keeps it out."""

MOMENTS = 40
"""Moments of one call, at most, at which the first thread is held up in turn."""

PATIENCE = 3.0
STUCK = "two threads that asked for one service at the same time kept each other waiting for ever"


def imported_anew(subject: Subject, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Import the module and its neighbours once more, so that a patched ``threading`` makes their locks."""
    assert subject.reliability.error_recovery
    package = sys.modules[PACKAGE]
    for name in [name for name in sys.modules if name.startswith(f"{PACKAGE}.")]:
        monkeypatch.delitem(sys.modules, name)
    for name, value in vars(package).copy().items():
        monkeypatch.setattr(package, name, value)
    return importlib.import_module(f"{PACKAGE}.error_recovery")


def test_a_state_is_fetched_and_reset_under_one_lock(subject: Subject, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever fetches or resets a state, for the first time or again, holds one lock at most at a time."""
    observed = HeldTogether(monkeypatch, functools.cache(subject.owns))
    module = imported_anew(subject, monkeypatch)

    async def use() -> None:
        await module._get_backoff_state_async("weather")
        await module._get_backoff_state_async("weather")
        await module._reset_backoff_state_async("weather")

    finish(lambda: asyncio.run(use()), "a lone caller waited for ever for a backoff state", PATIENCE)
    assert observed.deepest <= 1, f"a caller of a backoff state held {observed.deepest} locks at the same time"


def test_a_retry_uses_its_state_under_one_lock(subject: Subject, monkeypatch: pytest.MonkeyPatch) -> None:
    """A call that fails and is tried again holds one lock at most at a time."""
    observed = HeldTogether(monkeypatch, functools.cache(subject.owns))
    module = imported_anew(subject, monkeypatch)
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


def test_threads_share_the_state_of_a_new_service(subject: Subject) -> None:
    """Two threads that ask for a service's first state at the same time get one state, wherever they meet."""
    module = subject.reliability.error_recovery
    owns = functools.cache(subject.owns)
    for moment in range(1, MOMENTS + 1):
        hold_up = HoldUp(owns, moment, HEAD_START)

        def ask(service: str = f"service {moment}") -> object:
            return asyncio.run(module._get_backoff_state_async(service))

        threads = [apart(functools.partial(part, ask)) for part in (hold_up.slow, hold_up.quick)]
        first, second = (result_of(thread, STUCK, PATIENCE) for thread in threads)
        assert first is second, "two threads that asked for one service at the same time got a state each"
        if not hold_up.reached:
            break
