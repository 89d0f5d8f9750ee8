"""Caches that forget, answers remembered for a while, and the watch over the process's memory."""

from __future__ import annotations

import asyncio
import gc
import math
import subprocess
import sys
import threading
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference.utils.reliability import memory_monitor
from reference.utils.reliability.memory_manager import (
    MemoryLevel,
    MemoryMonitor,
    MemoryThresholds,
    MemoryUsage,
    Removal,
    TTLCache,
    WeakRefCache,
    cached_with_ttl,
)

Removed = list[tuple[Any, Any, Removal]]


class Clock:
    """Seconds that pass when told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        """Tell the time."""
        return self.now


class Thing:
    """A value that can be referred to weakly."""


def test_entries_expire() -> None:
    """An entry is there until its time is over, to the moment; each may have a time of its own."""
    clock = Clock()
    cache: TTLCache[str, int] = TTLCache(ttl=10, clock=clock)
    cache["a"] = 1
    cache.set("b", 2, ttl=20)
    cache.set("c", 3, ttl=math.inf)
    clock.now = 9.9
    assert "a" in cache
    clock.now = 10.0
    assert "a" not in cache
    assert cache.get("a") is None
    assert cache.get("a", 0) == 0
    assert list(cache) == ["b", "c"]
    clock.now = 20.0
    assert len(cache) == 1


def test_least_recently_used_makes_room() -> None:
    """Expired entries leave first, then the one used least recently."""
    clock, removed = Clock(), Removed()
    cache: TTLCache[str, int] = TTLCache(2, 10, on_remove=lambda *entry: removed.append(entry), clock=clock)
    cache["a"], cache["b"] = 1, 2
    assert cache["a"] == 1
    cache["c"] = 3
    assert removed == [("b", 2, Removal.EVICTED)]
    clock.now = 10.0
    cache["d"] = 4
    assert removed[1:] == [("a", 1, Removal.EXPIRED), ("c", 3, Removal.EXPIRED)]
    assert cache.items() == [("d", 4)]


def test_callbacks_may_use_the_cache() -> None:
    """A callback runs after the change and outside of the lock, in whatever way an entry left."""
    clock, removed = Clock(), Removed()

    def on_remove(key: str, value: int, reason: Removal) -> None:
        removed.append((key, value, reason))
        other = threading.Thread(target=cache.get, args=(key,))
        other.start()
        other.join(5)
        assert not other.is_alive()
        assert len(cache) <= 2

    cache: TTLCache[str, int] = TTLCache(2, 10, on_remove=on_remove, clock=clock)
    cache["a"] = 1
    cache["a"] = 2
    cache["b"], cache["c"] = 3, 4
    del cache["c"]
    cache.clear()
    cache["d"] = 5
    clock.now = 10.0
    assert cache.get("d") is None
    assert [entry[2] for entry in removed] == [
        Removal.REPLACED,
        Removal.EVICTED,
        Removal.DELETED,
        Removal.DELETED,
        Removal.EXPIRED,
    ]


def test_a_broken_callback_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """What a callback raises goes no further than the log."""
    cache: TTLCache[str, int] = TTLCache(on_remove=lambda *_: 1 / 0)
    cache["a"] = 1
    assert cache.delete("a")
    assert "on_remove failed" in caplog.text


def test_missing_keys() -> None:
    """Keys that are not there raise KeyError by brackets and are told by ``delete``."""
    clock = Clock()
    cache: TTLCache[str, int] = TTLCache(ttl=1, clock=clock)
    with pytest.raises(KeyError):
        cache["a"]
    with pytest.raises(KeyError):
        del cache["a"]
    cache["a"] = 1
    clock.now = 1.0
    assert not cache.delete("a")


def test_statistics_and_description() -> None:
    """Hits, misses, evictions and expirations are counted; the text says how full the cache is."""
    clock = Clock()
    cache: TTLCache[str, int] = TTLCache(1, 5, clock=clock)
    assert cache.stats.hit_rate == 0.0
    cache["a"] = cache["b"] = 1
    assert (cache.get("b"), cache.get("a")) == (1, None)
    clock.now = 5.0
    assert cache.cleanup() == 1
    stats = cache.stats
    assert (stats.hits, stats.misses, stats.evictions, stats.expirations, stats.hit_rate) == (1, 1, 1, 1, 0.5)
    assert repr(cache) == "<TTLCache 0/1 entries, ttl 5 s>"


@pytest.mark.parametrize("settings", [{"max_size": 0}, {"ttl": 0}, {"ttl": math.nan}])
def test_wrong_sizes_and_times_are_refused(settings: dict[str, Any]) -> None:
    """A cache without room, or whose entries never live, is a clear error."""
    with pytest.raises(ValueError, match=r"max_size|ttl"):
        TTLCache(**settings)


@given(st.lists(st.tuples(st.sampled_from("abcde"), st.integers(1, 9), st.integers(0, 3)), max_size=60))
def test_cache_agrees_with_a_model(steps: list[tuple[str, int, int]]) -> None:
    """Whatever is set and however time passes, the cache holds what a plain list of entries would."""
    clock, size = Clock(), 3
    cache: TTLCache[str, int] = TTLCache(size, clock=clock)
    model: dict[str, float] = {}
    for key, ttl, passed in steps:
        clock.now += passed
        cache.set(key, ttl, ttl)
        model = {name: ends for name, ends in model.items() if ends > clock.now and name != key}
        while len(model) >= size:
            del model[next(iter(model))]
        model[key] = clock.now + ttl
        assert list(cache) == list(model)


def test_expiries_do_not_pile_up() -> None:
    """A key that is set anew for ever keeps a bounded number of moments of expiry."""
    cache: TTLCache[str, int] = TTLCache()
    for number in range(1000):
        cache["a"] = number
    assert len(cache._expiries) < 100


def test_cache_serves_threads() -> None:
    """Threads that write at once leave the cache whole and within its bounds."""
    cache: TTLCache[int, int] = TTLCache(50)

    def work(start: int) -> None:
        for number in range(start, start + 300):
            cache.set(number % 80, number)
            cache.get(number % 70)

    threads = [threading.Thread(target=work, args=(start,)) for start in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(cache) == 50


def test_weak_entries_leave_with_their_values() -> None:
    """A value is there while somebody uses it; its key leaves at the next use, with a call to the callback."""
    removed = Removed()
    cache: WeakRefCache[str, Thing] = WeakRefCache(on_remove=lambda *entry: removed.append((*entry[:2], entry[2])))
    thing = Thing()
    cache.set("a", thing)
    assert cache.get("a") is thing
    assert "a" in cache
    assert cache.items() == [("a", thing)]
    del thing
    gc.collect()
    assert "a" not in cache
    assert cache.get("a", 0) == 0
    assert (len(cache), removed) == (0, [("a", None, Removal.COLLECTED)])


def test_weak_cache_is_bounded() -> None:
    """The value used least recently makes room; replaced and deleted entries are told."""
    removed = Removed()
    cache: WeakRefCache[str, Thing] = WeakRefCache(2, on_remove=lambda *entry: removed.append(entry))
    things = [Thing() for _ in range(4)]
    for key, thing in zip("abac", things, strict=True):
        cache.set(key, thing)
    assert [(key, reason) for key, _, reason in removed] == [("a", Removal.REPLACED), ("b", Removal.EVICTED)]
    assert cache.delete("a")
    assert not cache.delete("a")
    assert cache.clear() == 1
    assert repr(cache) == "<WeakRefCache 0/2 entries>"
    with pytest.raises(ValueError, match="max_size"):
        WeakRefCache(0)


def test_a_value_collected_late_does_not_take_its_successor_along() -> None:
    """The end of an old value leaves the new value of its key where it is."""
    cache: WeakRefCache[str, Thing] = WeakRefCache()
    old, new = Thing(), Thing()
    cache.set("a", old)
    reference = cache._references["a"]
    cache.set("a", new)
    cache._collected.append(("a", reference))
    assert cache.get("a") is new


def test_weak_cache_refuses_what_cannot_be_weak() -> None:
    """A number has no weak reference, and the error says so."""
    cache: WeakRefCache[str, int] = WeakRefCache()
    with pytest.raises(TypeError, match="weak reference"):
        cache.set("a", 1)


def test_function_remembers() -> None:
    """Equal arguments are answered once until their time is over; the order of keywords does not matter."""
    clock, calls = Clock(), []

    @cached_with_ttl(10, clock=clock)
    def total(*numbers: int, **more: int) -> int:
        calls.append(numbers)
        return sum(numbers) + sum(more.values())

    assert [total(1, a=2, b=3), total(1, b=3, a=2), total(1)] == [6, 6, 1]
    assert len(calls) == 2
    clock.now = 10.0
    total(1)
    assert len(calls) == 3
    assert total.__name__ == "total"
    total.cache_clear()  # type: ignore[attr-defined]
    assert len(total.cache) == 0  # type: ignore[attr-defined]


def test_key_function_decides() -> None:
    """A key of one's own serves arguments that cannot be hashed."""
    calls = []

    @cached_with_ttl(key=",".join)
    def count(names: list[str]) -> int:
        calls.append(names)
        return len(names)

    assert (count(["a", "b"]), count(["a", "b"]), len(calls)) == (2, 2, 1)


def test_generators_are_refused() -> None:
    """A generator's answer would be used up by its first caller."""
    with pytest.raises(TypeError, match="generator"):

        @cached_with_ttl()
        def numbers() -> Any:
            yield 1


class Slow:
    """A coroutine function that answers when told to."""

    def __init__(self) -> None:
        self.calls = 0
        self.cancelled = 0
        self.gate = asyncio.Event()
        self.error: Exception | None = None

    def cached(self) -> Any:
        """Return it with its answers remembered."""

        @cached_with_ttl()
        async def ask(city: str) -> str:
            self.calls += 1
            try:
                await self.gate.wait()
            except asyncio.CancelledError:
                self.cancelled += 1
                raise
            if self.error:
                raise self.error
            return city

        return ask


async def started(ask: Any, callers: int) -> list[asyncio.Task[str]]:
    """Start callers and let each come to its wait."""
    tasks = [asyncio.create_task(ask("Bangkok")) for _ in range(callers)]
    for _ in range(3):
        await asyncio.sleep(0)
    return tasks


async def test_callers_share_one_call() -> None:
    """Callers at the same time are answered by one call, later ones by the memory."""
    slow = Slow()
    ask = slow.cached()
    tasks = await started(ask, 5)
    slow.gate.set()
    assert await asyncio.gather(*tasks) == ["Bangkok"] * 5
    assert await ask("Bangkok") == "Bangkok"
    assert slow.calls == 1


async def test_a_cancelled_caller_leaves_the_others_theirs() -> None:
    """The first caller's cancellation does not reach the rest."""
    slow = Slow()
    first, second = await started(slow.cached(), 2)
    first.cancel()
    await asyncio.wait([first])
    slow.gate.set()
    assert await second == "Bangkok"
    assert (slow.calls, slow.cancelled) == (1, 0)


async def test_the_last_caller_takes_the_call_along() -> None:
    """When all callers were cancelled so is the call, and the next caller starts anew."""
    slow = Slow()
    ask = slow.cached()
    tasks = await started(ask, 2)
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    slow.gate.set()
    assert await ask("Bangkok") == "Bangkok"
    assert (slow.calls, slow.cancelled) == (2, 1)


async def test_exceptions_are_not_remembered() -> None:
    """All who wait get the exception; the next caller starts anew."""
    slow = Slow()
    slow.error = ConnectionError("away")
    ask = slow.cached()
    tasks = await started(ask, 2)
    slow.gate.set()
    assert [type(error) for error in await asyncio.gather(*tasks, return_exceptions=True)] == [ConnectionError] * 2
    slow.error = None
    assert await ask("Bangkok") == "Bangkok"


def test_calls_of_a_stopped_loop_bind_nobody() -> None:
    """A loop that stopped in the midst of a call keeps nobody in the next loop waiting."""
    slow = Slow()
    ask = slow.cached()
    stopped = asyncio.new_event_loop()
    tasks = stopped.run_until_complete(started(ask, 1))

    async def later() -> str:
        slow.gate = asyncio.Event()
        slow.gate.set()
        answer: str = await ask("Bangkok")
        return answer

    assert asyncio.run(later()) == "Bangkok"
    tasks[0].cancel()
    stopped.run_until_complete(asyncio.wait(tasks))
    stopped.run_until_complete(asyncio.sleep(0))
    stopped.close()


@pytest.mark.parametrize(
    ("used", "before", "level"),
    [
        (99, MemoryLevel.NORMAL, MemoryLevel.NORMAL),
        (100, MemoryLevel.NORMAL, MemoryLevel.WARNING),
        (200, MemoryLevel.NORMAL, MemoryLevel.CRITICAL),
        (91, MemoryLevel.WARNING, MemoryLevel.WARNING),
        (89, MemoryLevel.WARNING, MemoryLevel.NORMAL),
        (181, MemoryLevel.CRITICAL, MemoryLevel.CRITICAL),
        (179, MemoryLevel.CRITICAL, MemoryLevel.WARNING),
        (89, MemoryLevel.CRITICAL, MemoryLevel.NORMAL),
    ],
)
def test_levels_do_not_flicker(used: float, before: MemoryLevel, level: MemoryLevel) -> None:
    """A level begins at its threshold and ends well below it."""
    assert MemoryThresholds(100, 200).level(used, before) is level


def test_thresholds_come_from_settings() -> None:
    """The environment names the thresholds in MiB; what it leaves out keeps its default."""
    assert MemoryThresholds.from_env({}) == MemoryThresholds()
    settings = {"MEMORY_WARNING_MB": "100", "MEMORY_CRITICAL_MB": " 200.5 "}
    assert MemoryThresholds.from_env(settings) == MemoryThresholds(100, 200.5)
    with pytest.raises(ValueError, match="MEMORY_WARNING_MB is 'much'"):
        MemoryThresholds.from_env({"MEMORY_WARNING_MB": "much"})


@pytest.mark.parametrize("limits", [{"warning": 0}, {"warning": 2000}, {"critical": math.inf}, {"relief": 0}])
def test_thresholds_must_be_in_order(limits: dict[str, float]) -> None:
    """Limits that make no sense are a clear error."""
    with pytest.raises(ValueError, match=r"warning|relief"):
        MemoryThresholds(**limits)


def test_monitor_frees_caches() -> None:
    """At warning caches drop what expired, at critical all they have; each change of level is told once."""
    clock, told, used = Clock(), list[MemoryUsage](), [0]
    monitor = MemoryMonitor(MemoryThresholds(100, 200), told.append, lambda: used[0] * 1024 * 1024)
    cache: TTLCache[str, int] = TTLCache(ttl=1, clock=clock)
    monitor.register("cache", cache)
    monitor.register("gone", cache)
    monitor.unregister("gone")
    cache["a"] = 1
    clock.now = 1.0
    cache["b"] = 2
    assert monitor.check().freed == 0
    used[0] = 150
    assert [monitor.check().freed, monitor.check().freed] == [1, 0]
    used[0] = 250
    assert monitor.check() == MemoryUsage(250, MemoryLevel.CRITICAL, 1)
    used[0] = 10
    monitor.check()
    assert [usage.level for usage in told] == [MemoryLevel.WARNING, MemoryLevel.CRITICAL, MemoryLevel.NORMAL]
    assert monitor.level is MemoryLevel.NORMAL


def test_monitor_survives_broken_parts(caplog: pytest.LogCaptureFixture) -> None:
    """A cache or a listener that raises is logged, the others are served."""
    monitor = MemoryMonitor(MemoryThresholds(1, 2), lambda _: 1 / 0, lambda: 5 * 1024 * 1024)
    broken: Any = object()
    cache: TTLCache[str, int] = TTLCache()
    cache["a"] = 1
    monitor.register("broken", broken)
    monitor.register("cache", cache)
    assert monitor.check().freed == 1
    assert "cache broken gave no memory back" in caplog.text
    assert "on_level failed" in caplog.text


async def test_monitor_runs_until_cancelled(caplog: pytest.LogCaptureFixture) -> None:
    """The watch goes on after a check that failed and ends with its task."""
    loop, checks, enough = asyncio.get_running_loop(), list[int](), asyncio.Event()

    def read() -> int:
        checks.append(1)
        if len(checks) == 1:
            raise OSError("no such process")
        loop.call_soon_threadsafe(enough.set)
        return 1

    task = asyncio.create_task(MemoryMonitor(MemoryThresholds(), None, read).run(0))
    await asyncio.wait_for(enough.wait(), 5)
    task.cancel()
    await asyncio.wait([task])
    assert caplog.messages == ["memory could not be checked"]


def test_resident_memory_is_real() -> None:
    """The process's own memory is read in bytes, and psutil is loaded only for that."""
    assert memory_monitor.resident_memory() > 1024 * 1024
    code = "import sys, reference.utils.reliability.memory_manager; print('psutil' in sys.modules)"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, timeout=30)
    assert answer.stdout.strip() == b"False"
