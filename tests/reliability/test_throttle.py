"""The throttle: turns, deadlines, cancellation, live changes, several loops."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from reference.utils.reliability.throttle import GRACE, Throttle, Waiter
from tests.reliability.warp import Clock, warp

if TYPE_CHECKING:
    from collections.abc import Callable


def drained(clock: Callable[[], float], requests: int = 10, window: float = 10.0) -> Throttle:
    """Make a throttle whose whole budget is spent."""
    throttle = Throttle(requests, window, clock=clock)
    assert throttle.try_acquire(requests) == 0.0
    return throttle


def test_waits_exactly_its_turn() -> None:
    """Five callers of an empty throttle are served one a second, in the order they came."""

    async def scene(clock: Callable[[], float]) -> list[tuple[int, float]]:
        throttle, start, served = drained(clock), clock(), []

        async def caller(number: int) -> None:
            assert await throttle.acquire()
            served.append((number, clock() - start))

        await asyncio.gather(*(caller(number) for number in range(5)))
        return served

    served = warp(scene)
    assert [number for number, _ in served] == [0, 1, 2, 3, 4]
    assert [moment for _, moment in served] == pytest.approx([1, 2, 3, 4, 5], abs=1e-3)


def test_large_request_is_not_starved() -> None:
    """Small requests that come while a large one waits, waiting or not, are served after it."""

    async def scene(clock: Callable[[], float]) -> list[tuple[str, float]]:
        throttle, start, served = drained(clock), clock(), []

        async def caller(name: str, amount: int) -> None:
            await throttle.acquire(amount)
            served.append((name, clock() - start))

        async def impatient() -> None:
            for _ in range(70):
                await asyncio.sleep(0.1)
                assert throttle.try_acquire() > 0

        await asyncio.gather(caller("large", 8), *(caller("small", 1) for _ in range(2)), impatient())
        return served

    served = warp(scene)
    assert [name for name, _ in served] == ["large", "small", "small"]
    assert [moment for _, moment in served] == pytest.approx([8, 9, 10], abs=1e-3)


def test_small_request_is_not_starved() -> None:
    """A small request is not held up by larger ones that come later."""

    async def scene(clock: Callable[[], float]) -> float:
        throttle, start = drained(clock), clock()
        small = asyncio.create_task(throttle.acquire(1))
        await asyncio.sleep(0)
        large = [asyncio.create_task(throttle.acquire(9)) for _ in range(3)]
        assert await small
        moment = clock() - start
        for task in large:
            task.cancel()
        return moment

    assert warp(scene) == pytest.approx(1.0, abs=1e-3)


def test_wait_that_cannot_be_met_ends_at_once() -> None:
    """A caller is told at once that it would wait too long, those before it included, and spends nothing."""

    async def scene(clock: Callable[[], float]) -> None:
        throttle, start = drained(clock), clock()
        patient = asyncio.create_task(throttle.acquire(5, max_wait=5.0))
        await asyncio.sleep(0)
        assert not await throttle.acquire(1, max_wait=5.9)
        assert clock() == start
        assert await throttle.acquire(1, max_wait=6.1)
        assert await patient
        assert await throttle.acquire(1, max_wait=1), "just in time is in time"

    warp(scene)


def test_cancelled_caller_leaves_the_queue() -> None:
    """When a waiting caller is cancelled those behind it are served earlier, and nothing is spent."""

    async def scene(clock: Callable[[], float]) -> float:
        throttle, start = drained(clock), clock()
        first = asyncio.create_task(throttle.acquire(9))
        second = asyncio.create_task(throttle.acquire(2))
        await asyncio.sleep(0.5)
        first.cancel()
        assert await second
        assert throttle.waiting == 0
        return clock() - start

    assert warp(scene) == pytest.approx(2.0, abs=1e-3)


def test_thousand_cancelled_callers() -> None:
    """After a thousand waiting callers are cancelled the next one waits for itself alone."""

    async def scene(clock: Callable[[], float]) -> float:
        throttle, start = drained(clock), clock()
        tasks = [asyncio.create_task(throttle.acquire()) for _ in range(1000)]
        await asyncio.sleep(0)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert await throttle.acquire(3)
        return clock() - start

    assert warp(scene) == pytest.approx(3.0, abs=1e-3)


@pytest.mark.parametrize(("rate", "moment"), [((10, 1.0), 1.4), ((10, 40.0), 17.0), ((20, 10.0), 1.0)])
def test_live_change_of_rate(rate: tuple[int, float], moment: float) -> None:
    """Callers that wait when the rate changes, after a second, wait for what is missing at the new rate."""

    async def scene(clock: Callable[[], float]) -> float:
        throttle, start = drained(clock), clock()
        caller = asyncio.create_task(throttle.acquire(5))
        await asyncio.sleep(1)
        throttle.set_rate(*rate)
        assert await caller
        return clock() - start

    assert warp(scene) == pytest.approx(moment, abs=1e-3)


def test_adaptive_drop_and_recovery_while_waiting() -> None:
    """A drop slows down those who wait, a recovery speeds them up."""

    async def scene(clock: Callable[[], float]) -> float:
        throttle, start = drained(clock), clock()
        caller = asyncio.create_task(throttle.acquire(5))
        await asyncio.sleep(1)
        throttle.adapt(0.5)
        await asyncio.sleep(4)
        throttle.adapt(1.0)
        assert await caller
        return clock() - start

    assert warp(scene) == pytest.approx(7.0, abs=1e-3)


def test_amount_above_a_dropped_budget_is_served() -> None:
    """A request for more than the scaled budget does not block the queue for ever."""

    async def scene(clock: Callable[[], float]) -> float:
        throttle = drained(clock)
        throttle.adapt(0.1)
        start = clock()
        assert await throttle.acquire(5)
        assert await throttle.acquire(1)
        return clock() - start

    assert warp(scene) == pytest.approx(60.0, abs=1e-2)


def test_waiters_of_a_dead_loop_are_forgotten() -> None:
    """Callers whose loop was closed under them do not hold up the callers of the next loop."""
    throttle = Throttle(1, 0.5)  # longer than a tick of the clock, which is 15.6 ms on Windows
    throttle.try_acquire()
    loop = asyncio.new_event_loop()
    abandoned = [throttle.acquire() for _ in range(3)]

    async def start() -> None:
        for caller in abandoned:
            caller.send(None)

    loop.run_until_complete(start())
    assert throttle.waiting == 3
    loop.close()
    assert asyncio.run(throttle.acquire(max_wait=30))
    for caller in abandoned:
        with pytest.raises(asyncio.CancelledError):
            caller.throw(asyncio.CancelledError)
    assert throttle.waiting == 0


def test_waiters_of_a_stopped_loop_hold_up_nobody() -> None:
    """Callers of a loop that stands still are passed, and take their turn when it goes on."""
    clock = Clock()
    throttle = drained(clock, 1, 10.0)
    stopped = asyncio.new_event_loop()
    waiting = stopped.create_task(throttle.acquire())
    stopped.run_until_complete(asyncio.sleep(0))
    clock.now += 10
    assert asyncio.run(throttle.acquire(max_wait=0.0))
    clock.now += 10
    assert stopped.run_until_complete(asyncio.wait_for(waiting, 5))
    stopped.close()


def test_waiter_long_past_its_deadline_is_forgotten() -> None:
    """A caller that did not come back when its time was over stops counting, and is refused if it comes back."""

    async def scene(clock: Callable[[], float]) -> None:
        throttle = drained(clock)
        late = asyncio.create_task(throttle.acquire(5, max_wait=6))
        await asyncio.sleep(0)
        loop = asyncio.get_running_loop()
        loop.now += 100  # type: ignore[attr-defined]
        assert throttle.try_acquire(10) == 0.0
        assert not await late

    warp(scene)


def test_loops_of_several_threads_share_a_budget() -> None:
    """Callers in four loops together are served no more than the rate allows, and all of them in the end."""
    throttle = Throttle(20, 0.2)
    start = time.monotonic()

    async def many() -> int:
        return sum(await asyncio.gather(*(throttle.acquire(max_wait=30) for _ in range(15))))

    served: list[int] = []
    threads = [threading.Thread(target=lambda: served.append(asyncio.run(many())), daemon=True) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sum(served) == 60
    assert 20 + (time.monotonic() - start) * 100 + 1 >= 60


async def test_block_takes_one() -> None:
    """``async with`` takes one request, and leaving gives nothing back."""
    throttle = Throttle(3, 3600)
    async with throttle as entered:
        assert entered is throttle
    assert repr(throttle) == "<Throttle 2.0/3 per 3600 s, 0 waiting>"


async def test_impossible_amounts_are_refused() -> None:
    """An amount that could never be had is refused at once, not waited for."""
    throttle = Throttle(3, 1)
    for amount in (4, -1, float("nan")):
        with pytest.raises(ValueError, match="cannot be had from a budget of 3"):
            await throttle.acquire(amount)
        with pytest.raises(ValueError, match="cannot be had"):
            throttle.try_acquire(amount)


async def test_two_of_one_are_refused() -> None:
    """However small the budget, an amount above it is refused."""
    with pytest.raises(ValueError, match="2 cannot be had from a budget of 1"):
        await Throttle(1, 1).acquire(2)


async def test_a_caller_is_waited_for_beyond_its_deadline() -> None:
    """A caller whose loop is slow keeps its place for the grace, and not longer."""
    loop = asyncio.get_running_loop()
    waiter = Waiter(1, 100, loop, loop.create_future())
    assert not waiter.is_absent(100 + GRACE)
    assert waiter.is_absent(100.001 + GRACE)


def test_throttles_may_share_a_lock() -> None:
    """The lock that is given guards each call."""

    class Counting:
        """A lock that counts how often it was taken."""

        def __init__(self) -> None:
            self.taken = 0

        def __enter__(self) -> None:
            self.taken += 1

        def __exit__(self, *_: object) -> None:
            """Give it back."""

    lock: Any = Counting()
    for _ in range(2):
        Throttle(1, 1, lock=lock).try_acquire()
    assert lock.taken == 2


@pytest.mark.parametrize(
    ("requests", "window"), [(0, 1), (-1, 1), (1, 0), (1, -1), (float("inf"), 1), (1, float("nan"))]
)
def test_impossible_rates_are_refused(requests: float, window: float) -> None:
    """A rate that admits nothing or everything is refused."""
    with pytest.raises(ValueError, match="is not a rate"):
        Throttle(requests, window)
