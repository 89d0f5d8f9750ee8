"""The slots of the pool: their order, their number, and callers of other loops and threads."""

from __future__ import annotations

import asyncio
import gc
import threading

import pytest

from reference.utils.database.slots import Slots


def test_no_slots_is_refused() -> None:
    """A pool without slots would never lend anything."""
    with pytest.raises(ValueError, match="at least one slot"):
        Slots(0)


async def test_slots_are_had_in_the_order_of_asking() -> None:
    """Who asks first is served first, and nobody overtakes one who waits."""
    slots, order = Slots(1), list[int]()
    assert slots.take()

    async def ask(number: int) -> None:
        async with slots:
            order.append(number)

    tasks = [asyncio.ensure_future(ask(number)) for number in range(3)]
    await asyncio.sleep(0)
    assert repr(slots) == "<Slots 0 of 1 free, 3 waiting>"
    slots.release()
    assert not slots.take(), "a slot was taken from one who waits"
    await asyncio.gather(*tasks)
    assert (order, slots.free, slots.locked()) == ([0, 1, 2], 1, False)


async def test_a_slot_too_many_is_refused() -> None:
    """Giving back what was not taken is an error, not a larger pool."""
    slots = Slots(2)
    with pytest.raises(ValueError, match="nobody had taken"):
        slots.release()


async def test_a_cancelled_waiter_keeps_no_slot() -> None:
    """A waiter that is cancelled, before or after a slot was meant for it, leaves it to others."""
    slots = Slots(1)
    await slots.acquire()
    early, late = asyncio.ensure_future(slots.acquire()), asyncio.ensure_future(slots.acquire())
    await asyncio.sleep(0)
    early.cancel()
    await asyncio.wait([early])
    slots.release()
    late.cancel()
    await asyncio.wait([late])
    assert slots.free == 1


async def test_a_waiter_of_a_closed_loop_is_passed_over() -> None:
    """A slot that a dead loop's waiter would get goes to the next one."""
    slots = Slots(1)
    await slots.acquire()

    def leave_a_waiter() -> None:
        loop = asyncio.new_event_loop()
        task = loop.create_task(slots.acquire())
        loop.call_soon(loop.stop)
        loop.run_forever()
        kept.append(task)
        loop.close()

    kept: list[asyncio.Task[bool]] = []
    thread = threading.Thread(target=leave_a_waiter)
    thread.start()
    await asyncio.to_thread(thread.join)
    slots.release()
    assert slots.free == 1
    kept.pop()._log_destroy_pending = False  # type: ignore[attr-defined]
    gc.collect()
    assert slots.free == 1, "the dead waiter gave back what it never had"


async def test_a_slot_given_back_in_another_thread_wakes_the_waiter() -> None:
    """The waiter goes on in its own loop, whoever gives the slot back."""
    slots = Slots(1)
    await slots.acquire()
    waiter = asyncio.ensure_future(slots.acquire())
    await asyncio.sleep(0)
    await asyncio.to_thread(slots.release)
    assert await asyncio.wait_for(waiter, 5)
