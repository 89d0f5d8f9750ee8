"""A clock of Windows: it stands still for 15.6 ms, then jumps, and an event loop's timers may fire one step early."""

from __future__ import annotations

import asyncio
import math
import time
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from reference.cogs.community.schedule import Schedule
from reference.utils.reliability.circuit_breaker import CircuitBreaker
from reference.utils.reliability.token_bucket import RateLimitBucket

STEP = 1 / 64
"""Seconds between two ticks of the system's timer."""


class CoarseClock:
    """A clock that shows its last tick.

    Attributes:
        true: the time that has passed.
    """

    def __init__(self) -> None:
        """Start somewhere between two ticks."""
        self.true = 1000.0 + STEP / 3

    def __call__(self) -> float:
        """Read it."""
        return math.floor(self.true / STEP) * STEP


@pytest.fixture
def bot() -> Any:
    """A bot that is ready, as far as a schedule knows one; an error of its work comes out of the test."""

    async def ready() -> None:
        """Be ready."""

    async def handle(error: Exception, *_: object) -> None:
        raise error

    return SimpleNamespace(wait_until_ready=ready, errors=SimpleNamespace(handle=handle))


def test_a_bucket_admits_no_more_for_it() -> None:
    """However often it is asked within a tick, a bucket serves its budget, and what it told to wait is long enough."""
    clock = CoarseClock()
    bucket = RateLimitBucket(tokens=10.0, last_update=clock(), window=1.0, max_tokens=10.0)
    served, seconds = 0, 10
    for _ in range(seconds * 1000):
        served += bucket.take(1, clock()) == 0.0
        clock.true += 0.001
    assert 10 * (seconds + 1) - 1 <= served <= 10 * (seconds + 1)
    while (wait := bucket.take(1, clock())) == 0.0:
        pass
    clock.true += wait + STEP
    assert bucket.take(1, clock()) == 0.0


def test_a_breaker_lets_a_probe_through_within_a_tick_of_its_time() -> None:
    """An open breaker stays open until its time-out, and lets a call through one tick after it at the latest."""
    clock = CoarseClock()
    breaker = CircuitBreaker("service", failure_threshold=1, reset_timeout=1.0, clock=clock)
    breaker.record_failure()
    clock.true += 1.0 - STEP
    assert not breaker.can_execute()
    clock.true += 2 * STEP
    assert breaker.can_execute()


async def test_what_falls_due_while_work_is_done_is_done_at_once(bot: Any) -> None:
    """A reminder whose moment comes while another one is delivered is not a minute late."""
    start = datetime(2026, 1, 1, tzinfo=UTC)
    moments, done = [start, start + timedelta(milliseconds=200)], asyncio.Event()

    async def work() -> datetime | None:
        while moments and moments[0] <= schedule.now():
            moments.pop(0)
        due = moments[0] if moments else None
        now.append(start + timedelta(milliseconds=300))  # the delivery took as long as that
        if due is None:
            done.set()
        return due

    now = [start]
    schedule = Schedule(bot, "reminders", work)
    schedule.now = lambda: now[-1]
    schedule.start()
    try:
        async with asyncio.timeout(10):
            await done.wait()
    finally:
        await schedule.stop()


async def test_work_that_stays_undone_is_not_tried_without_end(bot: Any) -> None:
    """What was due before and could not be done waits; the loop is not kept busy with it."""
    start = datetime(2026, 1, 1, tzinfo=UTC)
    tried = []

    async def work() -> datetime | None:
        tried.append(start)
        return start - timedelta(seconds=1)

    schedule = Schedule(bot, "reminders", work)
    schedule.now = lambda: start
    schedule.start()
    try:
        await schedule.settled()
        for _ in range(100):
            await asyncio.sleep(0)
    finally:
        await schedule.stop()
    assert len(tried) == 1


async def test_a_schedule_keeps_its_moments_on_a_coarse_clock(bot: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """With timers that fire a tick early and a time that stands still in between, every moment is kept, in order."""
    loop = asyncio.get_running_loop()
    true = time.monotonic
    monkeypatch.setattr(loop, "time", lambda: math.floor(true() / STEP) * STEP)
    monkeypatch.setattr(loop, "_clock_resolution", STEP)
    begun, origin = datetime(2026, 1, 1, tzinfo=UTC), true()

    def coarse() -> datetime:
        return begun + timedelta(seconds=math.floor((true() - origin) / STEP) * STEP)

    moments = [begun + timedelta(milliseconds=9 * number) for number in range(40)]
    kept: list[datetime] = []
    done = asyncio.Event()

    async def work() -> datetime | None:
        while moments and moments[0] <= schedule.now():
            kept.append(moments.pop(0))
            await asyncio.sleep(0)
        if not moments:
            done.set()
        return moments[0] if moments else None

    schedule = Schedule(bot, "reminders", work)
    schedule.now = coarse
    schedule.start()
    try:
        async with asyncio.timeout(20):
            await done.wait()
    finally:
        await schedule.stop()
    assert kept == sorted(kept)
    assert len(kept) == 40
