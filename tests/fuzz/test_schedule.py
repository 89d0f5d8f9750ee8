"""The scheduled event loop, the exploration of schedules, torture and the leak oracle, on small scenarios."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fuzz.explore import Explored, ScheduleError, drawn, every
from fuzz.schedule import BEGINNING, MOST_STEPS, Deadlock, Drawn, Endless, Script, run
from fuzz.torture import Tormentor, TortureError, torture
from harness.holdings import Holdings, left_behind


async def lost_update() -> None:
    """Two tasks add to a number; one of them may lose what the other added."""
    number = 0

    async def careless() -> None:
        nonlocal number
        seen = number
        await asyncio.sleep(0)
        number = seen + 1

    async def careful() -> None:
        nonlocal number
        for _ in range(3):
            await asyncio.sleep(0)
        number += 1

    await asyncio.gather(careless(), careful())
    assert number == 2, "an update was lost"


def test_a_race_is_found_and_replayed() -> None:
    """A race that the ordinary order hides is found, and the schedule it is told with shows it again."""
    run(lost_update, Script())
    with pytest.raises(ScheduleError, match="an update was lost") as found:
        every(lost_update, departures=3)
    with pytest.raises(ScheduleError, match="an update was lost"):
        every(lost_update, replay=found.value.schedule)


def test_a_race_is_found_with_drawn_schedules() -> None:
    """Hypothesis finds the race as well, and shrinks it to few departures."""

    @settings(database=None, derandomize=True, max_examples=200, suppress_health_check=list(HealthCheck))
    @given(data=st.data())
    def search(data: st.DataObject) -> None:
        drawn(data, lost_update)

    with pytest.raises(ScheduleError, match="an update was lost"):
        search()


def test_all_schedules_are_run() -> None:
    """Where a scenario is right, every schedule to the bound was run, and none twice."""
    seen: list[str] = []

    async def two() -> None:
        order = ""

        async def say(letter: str) -> None:
            nonlocal order
            for _ in range(2):
                await asyncio.sleep(0)
                order += letter

        await asyncio.gather(say("a"), say("b"))
        seen.append(order)

    explored = every(two, departures=4)
    assert explored == Explored(len(seen), is_complete=True, departures=4)
    assert {"aabb", "abab", "bbaa"} <= set(seen)
    assert not every(two, departures=4, most=3).is_complete


def test_a_deadlock_is_named() -> None:
    """Where nothing can happen any more, the text says who waits and where."""

    async def main() -> None:
        lock = asyncio.Lock()
        await lock.acquire()
        await lock.acquire()

    with pytest.raises(Deadlock, match=r"waits in locks\.py:\d+ \(acquire\)"):
        run(main, Script())


def test_an_endless_run_is_ended() -> None:
    """A run that goes on for ever is ended."""

    async def main() -> None:
        for _ in range(MOST_STEPS + 1):
            await asyncio.sleep(0)

    with pytest.raises(Endless, match="is not over"):
        run(main, Script())


def test_time_jumps() -> None:
    """Hours pass at once when nothing else is to be done, on every clock alike."""

    async def main() -> tuple[float, float, float]:
        begun, wall = time.monotonic(), time.time()
        await asyncio.sleep(3 * 3600)
        return asyncio.get_running_loop().time() - BEGINNING, time.monotonic() - begun, time.time() - wall

    began = time.perf_counter()
    assert run(main, Script()) == (10800.0, 10800.0, 10800.0)
    assert time.perf_counter() - began < 60


def test_threads_are_steps() -> None:
    """What is handed to a thread is done in one step, its result and its exception arrive."""

    async def main() -> None:
        assert await asyncio.to_thread(lambda: 5) == 5
        with pytest.raises(KeyError):
            await asyncio.to_thread(lambda: {"a": 1}["b"])

    every(main, departures=1)


def test_foreign_threads_are_waited_for() -> None:
    """A thread that is not under control is heard before a run is taken for stuck."""

    async def main() -> int:
        future: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        loop = asyncio.get_running_loop()
        thread = threading.Thread(target=lambda: loop.call_soon_threadsafe(future.set_result, 7))
        thread.start()
        answer = await future
        thread.join()
        return answer

    assert run(main, Script()) == 7


def test_what_is_left_is_told() -> None:
    """A task that is left behind and an exception that nobody fetched end the run with a word about them."""

    async def left() -> None:
        asyncio.get_running_loop()._left = asyncio.ensure_future(asyncio.sleep(60))  # type: ignore[attr-defined]

    def fail() -> None:
        raise KeyError("nobody")

    async def complaint() -> None:
        asyncio.get_running_loop().call_soon(fail)
        await asyncio.sleep(1)

    with pytest.raises(AssertionError, match="tasks were left behind"):
        run(left, Script())
    with pytest.raises(AssertionError, match="the event loop complained"):
        run(complaint, Script())


def test_a_free_clock() -> None:
    """With a free clock a timer may go off while other things are ready."""
    orders = set()

    async def main() -> None:
        order: list[str] = []
        timer = asyncio.get_running_loop().call_later(5.0, order.append, "timer")
        for _ in range(3):
            await asyncio.sleep(0)
        order.append("task")
        timer.cancel()
        orders.add(tuple(order))

    every(main, departures=2, free_clock=True)
    assert ("task",) in orders
    assert ("timer", "task") in orders


@pytest.mark.parametrize("text", ["17:2,23:1", "-", ""])
def test_schedules_are_read_as_written(text: str) -> None:
    """A schedule is written and read back the same."""
    assert str(Script.parse(text)) == (text or "-")
    chooser = Drawn(lambda most: most)
    assert [chooser.choose(3), chooser.choose(2), str(chooser)] == [2, 1, "0:2,1:1"]


def test_no_schedule() -> None:
    """Anything else is no schedule."""
    with pytest.raises(ValueError, match="is no schedule"):
        Script.parse("first")


def test_torture_finds_what_is_not_given_back() -> None:
    """A scenario that keeps something when it is cancelled at its second await is found out, and the await is named."""

    def play(tormentor: Tormentor) -> None:
        taken = 0

        async def work() -> None:
            nonlocal taken
            await asyncio.sleep(0)
            taken += 1
            await asyncio.sleep(0)
            taken -= 1

        async def main() -> None:
            await tormentor.over(work())

        run(main, Script())
        assert taken == 0, f"{taken} is taken"

    with pytest.raises(TortureError, match=r"1 is taken .after it was cancelled at its await 2"):
        torture(play)


def test_torture_counts_and_fails_calls(tmp_path: Any) -> None:
    """Each call that can fail fails once; a scenario that bears it is played once for each, and once undisturbed."""
    failed: list[str] = []

    def play(tormentor: Tormentor) -> None:
        async def work() -> None:
            (tmp_path / "file").open("w").close()
            (tmp_path / "file").replace(tmp_path / "other")

        async def main() -> None:
            error = await tormentor.over(work())
            if error is not None:
                failed.append(str(tormentor))

        run(main, Script())

    assert torture(play) == 3
    assert failed == ["its call 1, open, failed", "its call 2, rename, failed"]


def test_leaks_are_named() -> None:
    """A socket and a thread that were left are named; nothing is once they are gone."""
    before = Holdings.now(outside=False)
    over = threading.Event()
    thread = threading.Thread(target=over.wait, name="left here")
    thread.start()
    with socket.socket():
        left = Holdings.now(outside=False).left_since(before)
        assert left[0].startswith("the thread 'left here', started at ")
        assert left[1].startswith("the socket ")
        assert "in test_leaks_are_named" in left[1]
        over.set()
    thread.join()
    assert left_behind(before, outside=False) == []
