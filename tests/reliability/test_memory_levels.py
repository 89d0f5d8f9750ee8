"""When memory is tight, what is done then, and what the log says."""

from __future__ import annotations

import gc
import logging
import weakref

import pytest

from reference.utils.reliability.memory_monitor import MemoryLevel, MemoryMonitor, MemoryThresholds, MemoryUsage
from reference.utils.reliability.ttl_cache import TTLCache

MIB = 1024 * 1024


def test_settings_of_memory_are_read() -> None:
    """Numbers of the environment are taken, with spaces around them; what is empty keeps its default."""
    assert MemoryThresholds.from_env({}) == MemoryThresholds(512, 1024, 0.9)
    read = MemoryThresholds.from_env({"MEMORY_WARNING_MB": " 100.5 ", "MEMORY_CRITICAL_MB": ""})
    assert read == MemoryThresholds(100.5, 1024)
    assert MemoryThresholds.from_env({"MEMORY_CRITICAL_MB": "600"}) == MemoryThresholds(512, 600)


@pytest.mark.parametrize(
    ("before", "used", "level"),
    [
        (MemoryLevel.NORMAL, 99.9, MemoryLevel.NORMAL),
        (MemoryLevel.NORMAL, 100, MemoryLevel.WARNING),
        (MemoryLevel.NORMAL, 199.9, MemoryLevel.WARNING),
        (MemoryLevel.NORMAL, 200, MemoryLevel.CRITICAL),
        (MemoryLevel.WARNING, 80, MemoryLevel.WARNING),
        (MemoryLevel.WARNING, 79.9, MemoryLevel.NORMAL),
        (MemoryLevel.WARNING, 199.9, MemoryLevel.WARNING),
        (MemoryLevel.CRITICAL, 160, MemoryLevel.CRITICAL),
        (MemoryLevel.CRITICAL, 159.9, MemoryLevel.WARNING),
        (MemoryLevel.CRITICAL, 79.9, MemoryLevel.NORMAL),
    ],
)
def test_a_level_begins_at_its_limit_and_ends_below_its_share(
    before: MemoryLevel, used: float, level: MemoryLevel
) -> None:
    """A level that holds ends only when use is below four fifths of its limit."""
    assert MemoryThresholds(100, 200, 0.8).level(used, before) is level


def test_memory_is_told_in_megabytes(caplog: pytest.LogCaptureFixture) -> None:
    """A change of level is logged once, with the level before; more is a warning, less is news."""
    caplog.set_level(logging.INFO)
    read, told = [150 * MIB, 150 * MIB, 10 * MIB], list[MemoryUsage]()
    monitor = MemoryMonitor(MemoryThresholds(100, 200), told.append, lambda: read.pop(0))
    caches = {name: TTLCache[int, int]() for name in "ab"}
    for name, cache in caches.items():
        cache.set(1, 1)
        monitor.register(name, cache)
    assert [monitor.check().freed for _ in range(3)] == [0, 0, 0]
    assert told == [MemoryUsage(150, MemoryLevel.WARNING), MemoryUsage(10, MemoryLevel.NORMAL)]
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("WARNING", "memory is warning (was normal): 150 MiB in use"),
        ("INFO", "memory is normal (was warning): 10 MiB in use"),
    ]


@pytest.mark.parametrize(("used", "is_collected"), [(150, False), (250, True)])
def test_garbage_is_collected_where_memory_is_critical(used: int, is_collected: bool) -> None:
    """At the highest level garbage in circles is collected at once, below it the interpreter goes its own pace."""

    class Thing:
        """Something that refers to itself."""

    thing = Thing()
    vars(thing).update(itself=thing)
    left = weakref.ref(thing)
    gc.disable()
    try:
        del thing
        MemoryMonitor(MemoryThresholds(100, 200), read=lambda: used * MIB).check()
        assert (left() is None) is is_collected
    finally:
        gc.enable()


def test_tight_memory_empties_every_cache(caplog: pytest.LogCaptureFixture) -> None:
    """What all caches gave back is counted; one that fails is named, and keeps no other from it."""

    class Broken(TTLCache[int, int]):
        """A cache that cannot be emptied."""

        def clear(self) -> int:
            """Fail."""
            raise OSError("stuck")

    def refuse(_usage: MemoryUsage) -> None:
        raise OSError("deaf")

    monitor = MemoryMonitor(MemoryThresholds(100, 200), refuse, lambda: 300 * MIB)
    for name, cache in {"a": TTLCache[int, int](), "broken": Broken(), "b": TTLCache[int, int]()}.items():
        for number in range(3):
            cache.set(number, number)
        monitor.register(name, cache)
    gone = TTLCache[int, int]()
    gone.set(1, 1)
    monitor.register("gone", gone)
    monitor.unregister("gone")
    monitor.unregister("never there")
    assert monitor.check() == MemoryUsage(300, MemoryLevel.CRITICAL, 6)
    assert monitor.level is MemoryLevel.CRITICAL
    assert [message for message in caplog.messages if "memory is" not in message] == [
        "cache broken gave no memory back",
        "on_level failed",
    ]
