"""A lock of one event loop is kept for the next.

A bot meets several event loops in one process: after Ctrl+C its clean-up runs in a second one, a restart in a third,
and a thread may run one of its own at any time. The shared state of retries and of circuit breakers lives longer than
any of them. Where an asyncio lock guards that state, the lock becomes part of the loop in which two callers first met
inside it: in every later loop callers that meet there get an exception, and a lock that was held when its loop
stopped is held for ever. Callers are made to meet, since who takes an asyncio lock may be suspended there.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import re
import threading
from typing import TYPE_CHECKING

import pytest

from harness.parts.locks import suspend_holders
from harness.parts.threads import apart, count_stuck, finish, result_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from harness.subject import Subject

    Call = Callable[[], Awaitable[object]]

CALLERS = 8
OBJECT = re.compile(r"<\S+( object)? at 0x[^>]*>")
PATIENCE = 2.0
"""Seconds after which callers that wait for nothing but a lock count as stuck."""

PATIENCE_WITH_THREADS = 3 * PATIENCE
"""Seconds after which a thread with event loops in it, which may wait as often as it has loops, counts as stuck."""

blocked: set[object] = set()
"""Kinds of state that a thread was seen to wait for, for ever: once is enough to know."""


def backoff_state(subject: Subject) -> Call:
    """Ask for a service's backoff state and reset it."""
    module = subject.reliability.error_recovery

    async def call() -> None:
        await module._get_backoff_state_async("weather")
        await module._reset_backoff_state_async("weather")

    return call


def retry(subject: Subject) -> Call:
    """Make a call that fails once, for a service whose state is shared."""
    module = subject.reliability.error_recovery

    async def call() -> None:
        outcomes = [None, ConnectionError("the service is away")]

        async def service() -> str:
            if error := outcomes.pop():
                raise error
            return "sunny"

        with contextlib.suppress(ConnectionError):
            await module.retry_async(service, service_name="weather")

    return call


def breaker(subject: Subject) -> Call:
    """Pass a breaker that everybody shares, and report both outcomes to it."""
    shared = subject.reliability.circuit_breaker.CircuitBreaker("weather", failure_threshold=1_000_000)

    async def call() -> None:
        await shared.async_can_execute()
        await shared.async_record_failure()
        await shared.async_record_success()

    return call


@pytest.fixture(params=[backoff_state, retry, breaker], ids=lambda make: make.__name__)
def call(request: pytest.FixtureRequest, subject: Subject, monkeypatch: pytest.MonkeyPatch) -> Iterator[Call]:
    """One use of the shared state; whoever takes an asyncio lock in it is suspended there once."""
    if request.param in blocked:
        pytest.skip("a thread waits for ever already for this state")
    stuck = count_stuck()
    made: Call = request.param(subject)
    sleep = asyncio.sleep

    async def no_delay(delay: float, result: object = None) -> object:
        return await sleep(0, result)

    monkeypatch.setattr(asyncio, "sleep", no_delay)
    suspend_holders(monkeypatch)
    yield made
    if count_stuck() > stuck:
        blocked.add(request.param)


async def crowd(call: Call, where: str) -> None:
    """Have many callers at once, and see that all of them are served."""
    tasks = [asyncio.ensure_future(call()) for _ in range(CALLERS)]
    done, stuck = await asyncio.wait(tasks, timeout=PATIENCE)
    for task in stuck:
        task.cancel()
    errors = [error for task in done if (error := task.exception())]
    await asyncio.gather(*stuck, return_exceptions=True)
    refused = [OBJECT.sub("its lock", str(error)) for error in errors if _speaks_of_loops(error)]
    assert not refused, f"{len(refused)} of {CALLERS} callers in {where} got: {refused[0]}"
    for error in errors:
        raise error
    assert not stuck, f"{len(stuck)} of {CALLERS} callers in {where} waited for ever"


def _speaks_of_loops(error: BaseException) -> bool:
    return isinstance(error, RuntimeError) and "loop" in str(error)


def test_state_serves_one_loop_after_the_other(call: Call) -> None:
    """After a first loop ended, a second and a third are served as the first was."""

    def bot() -> None:
        for number in ("the first", "the second", "the third"):
            asyncio.run(crowd(call, f"{number} event loop"))

    finish(bot, "three event loops, one after the other, did not come to an end", PATIENCE_WITH_THREADS)


def test_state_serves_the_clean_up_after_an_interrupt(call: Call) -> None:
    """A loop that Ctrl+C ended in the midst of calls leaves nothing behind that stops the clean-up's loop."""

    async def interrupted() -> None:
        tasks = [asyncio.ensure_future(call()) for _ in range(CALLERS)]
        await asyncio.sleep(0)
        assert tasks
        raise KeyboardInterrupt

    def bot() -> None:
        with contextlib.suppress(KeyboardInterrupt):
            asyncio.run(interrupted())
        asyncio.run(crowd(call, "the clean-up's event loop"))

    finish(bot, "the clean-up after an interrupt did not come to an end", PATIENCE_WITH_THREADS)


@pytest.mark.parametrize("callers", [1, CALLERS])
def test_state_is_not_locked_by_a_loop_that_stopped(call: Call, callers: int) -> None:
    """Calls that a stopped loop left half done keep nobody in the next loop waiting."""

    def bot() -> None:
        stopped = asyncio.new_event_loop()
        tasks = [stopped.create_task(_settled(call)) for _ in range(callers)]
        stopped.call_soon(stopped.stop)
        stopped.run_forever()
        try:
            asyncio.run(crowd(call, "the loop after one that stopped"))
        finally:
            for task in tasks:
                task.cancel()
            stopped.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
            stopped.close()

    finish(bot, "the loop after one that stopped did not come to an end", PATIENCE_WITH_THREADS)


async def _settled(call: Call) -> None:
    await call()


def test_state_serves_loops_of_several_threads_at_once(call: Call) -> None:
    """Two threads, each with a loop of its own, use the state at the same time."""
    begin = threading.Barrier(2)

    def run(number: str) -> None:
        begin.wait(PATIENCE)
        asyncio.run(crowd(call, f"the loop of the {number} thread"))

    threads = [apart(functools.partial(run, number)) for number in ("first", "second")]
    for thread in threads:
        result_of(thread, "event loops of two threads kept each other waiting for ever", PATIENCE_WITH_THREADS)
