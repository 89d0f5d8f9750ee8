"""Threads for work that may hang: the facts about order, limits, deadlines and what is left behind."""

from __future__ import annotations

import asyncio
import threading

import pytest

from reference.utils.media.workers import BusyError, Workers

PATIENCE = 10.0


class Gate:
    """Work that waits until it is let go, and tells when it has begun."""

    def __init__(self) -> None:
        """Close the gate."""
        self.begun = threading.Event()
        self.open = threading.Event()

    def __call__(self, answer: str = "done") -> str:
        """Wait, then answer."""
        self.begun.set()
        assert self.open.wait(PATIENCE)
        return answer


async def begun(gate: Gate) -> None:
    """Wait, in a thread, until a gate's work has begun."""
    assert await asyncio.to_thread(gate.begun.wait, PATIENCE)


async def test_a_call_returns_or_raises() -> None:
    """What a function returns or raises arrives unchanged, from a daemon thread of the given name."""
    workers = Workers("music")
    assert await workers.run(int, "7", deadline=PATIENCE) == 7
    with pytest.raises(ValueError, match="invalid literal"):
        await workers.run(int, "x", deadline=PATIENCE)
    thread = await workers.run(threading.current_thread, deadline=PATIENCE)
    assert (thread.name, thread.daemon) == ("music", True)


async def test_calls_beyond_the_limit_wait_for_their_turn() -> None:
    """Only so many calls run at once; the others follow in their order."""
    workers = Workers("music", limit=1)
    gate, order = Gate(), list[int]()
    first = asyncio.create_task(workers.run(gate, deadline=PATIENCE))
    await begun(gate)
    others = [asyncio.create_task(workers.run(order.append, number, deadline=PATIENCE)) for number in range(3)]
    await asyncio.sleep(0)
    assert repr(workers) == "<Workers music: 1 running, 3 waiting, 0 abandoned>"
    assert order == []
    gate.open.set()
    await asyncio.gather(first, *others)
    assert order == [0, 1, 2]


async def test_a_call_past_its_deadline_frees_its_place() -> None:
    """A hung call is given up: its caller is told, and the next call runs although the thread hangs on."""
    workers = Workers("music", limit=1)
    gate = Gate()
    with pytest.raises(TimeoutError):
        await workers.run(gate, deadline=0.01)
    assert await workers.run(int, "1", deadline=PATIENCE) == 1
    gate.open.set()


async def test_a_cancelled_call_frees_its_place() -> None:
    """Cancelling a call that runs, or one that waits, leaves nothing in its way."""
    workers = Workers("music", limit=1)
    gate = Gate()
    running = asyncio.create_task(workers.run(gate, deadline=PATIENCE))
    await begun(gate)
    waiting = asyncio.create_task(workers.run(Gate(), deadline=PATIENCE))
    await asyncio.sleep(0)
    for task in (waiting, running):
        task.cancel()
    await asyncio.gather(waiting, running, return_exceptions=True)
    assert repr(workers) == "<Workers music: 0 running, 0 waiting, 1 abandoned>"
    assert await workers.run(int, "1", deadline=PATIENCE) == 1
    gate.open.set()


async def test_too_much_that_hangs_is_an_end_to_it() -> None:
    """Once too many threads hang, new calls are refused; when one comes back they are taken again."""
    workers = Workers("music", limit=1, most_abandoned=1)
    gate = Gate()
    with pytest.raises(TimeoutError):
        await workers.run(gate, deadline=0.01)
    with pytest.raises(BusyError, match="hang or wait"):
        await workers.run(int, "1", deadline=PATIENCE)
    hung = next(thread for thread in threading.enumerate() if thread.name == "music")
    gate.open.set()
    await asyncio.to_thread(hung.join, PATIENCE)
    assert await workers.run(int, "1", deadline=PATIENCE) == 1


async def test_too_many_that_wait_are_refused() -> None:
    """A queue that is full refuses at once instead of growing."""
    workers = Workers("music", limit=1, most_waiting=1)
    gate = Gate()
    running = asyncio.create_task(workers.run(gate, deadline=PATIENCE))
    await begun(gate)
    waiting = asyncio.create_task(workers.run(int, "1", deadline=PATIENCE))
    await asyncio.sleep(0)
    with pytest.raises(BusyError):
        await workers.run(int, "2", deadline=PATIENCE)
    gate.open.set()
    assert await running == "done"
    assert await waiting == 1


def test_several_event_loops_share_one_set_of_workers() -> None:
    """Calls of one event loop after another, and from two at once, all come back to their own."""
    workers = Workers("music", limit=1)
    results: list[int] = []

    def ask() -> None:
        results.append(asyncio.run(workers.run(int, "7", deadline=PATIENCE)))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    ask()
    assert results == [7] * 5


async def test_without_a_thread_a_call_is_refused_and_takes_no_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the system has no thread left, the caller is told so; the place is free for the next call."""
    workers = Workers("music", limit=1)
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        for _ in range(2):
            with pytest.raises(BusyError, match="no thread"):
                await asyncio.wait_for(workers.run(int, "1", deadline=PATIENCE), 5.0)
    assert repr(workers) == "<Workers music: 0 running, 0 waiting, 0 abandoned>"
    assert await workers.run(int, "1", deadline=PATIENCE) == 1


async def test_a_call_that_gets_no_thread_waits_for_those_that_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """A call that gets no thread while others run keeps its turn, and runs once one of them has ended."""
    workers, gate = Workers("music", limit=2), Gate()
    first = asyncio.create_task(workers.run(gate, deadline=PATIENCE))
    await begun(gate)
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        second = asyncio.create_task(workers.run(int, "2", deadline=PATIENCE))
        await asyncio.sleep(0)
    assert repr(workers) == "<Workers music: 1 running, 1 waiting, 0 abandoned>"
    gate.open.set()
    assert (await first, await second) == ("done", 2)


def refuse(_thread: threading.Thread) -> None:
    """Be a system that has no more threads."""
    raise RuntimeError("can't start new thread")
