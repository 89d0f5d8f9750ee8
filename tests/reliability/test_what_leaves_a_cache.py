"""Each way in which an entry leaves a cache is told once, with key, value and reason, and counted where one asks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from reference.utils.reliability.ttl_cache import Removal, TTLCache
from reference.utils.reliability.weak_cache import WeakRefCache
from tests.reliability.warp import Clock

if TYPE_CHECKING:
    from collections.abc import Callable

LATER = 10.0
"""Seconds after which an entry's time is over."""

WAYS: dict[str, tuple[float, Callable[[TTLCache[str, int]], object], object, list[tuple[str, int, Removal]]]] = {
    "looked up too late": (LATER, lambda cache: cache.get("a"), None, [("a", 1, Removal.EXPIRED)]),
    "looked up in time": (LATER - 0.001, lambda cache: cache.get("a"), 1, []),
    "set again": (0, lambda cache: cache.set("a", 3), None, [("a", 1, Removal.REPLACED)]),
    "pushed out": (0, lambda cache: cache.set("c", 3), None, [("a", 1, Removal.EVICTED)]),
    "made room for": (
        LATER,
        lambda cache: cache.set("c", 3),
        None,
        [("a", 1, Removal.EXPIRED), ("b", 2, Removal.EXPIRED)],
    ),
    "deleted": (0, lambda cache: cache.delete("a"), True, [("a", 1, Removal.DELETED)]),
    "deleted too late": (LATER, lambda cache: cache.delete("a"), False, [("a", 1, Removal.EXPIRED)]),
    "never there": (0, lambda cache: cache.delete("z"), False, []),
    "cleared": (0, lambda cache: cache.clear(), 2, [("a", 1, Removal.DELETED), ("b", 2, Removal.DELETED)]),
    "cleaned": (LATER, lambda cache: cache.cleanup(), 2, [("a", 1, Removal.EXPIRED), ("b", 2, Removal.EXPIRED)]),
    "cleaned early": (LATER - 0.001, lambda cache: cache.cleanup(), 0, []),
    "counted": (LATER, len, 0, [("a", 1, Removal.EXPIRED), ("b", 2, Removal.EXPIRED)]),
}


@pytest.mark.parametrize("way", WAYS)
def test_what_leaves_a_cache_of_times_is_told(way: str) -> None:
    """Whatever takes an entry out, its listener is told, and entries for ever stay whatever the time."""
    seconds, use, answer, leaves = WAYS[way]
    clock, told = Clock(), list[tuple[str, int, Removal]]()
    cache = TTLCache[str, int](2, LATER, on_remove=lambda *entry: told.append(entry), clock=clock)
    cache.set("a", 1)
    cache.set("b", 2)
    clock.now += seconds
    assert use(cache) == answer
    assert told == leaves
    counts = [reason for _, _, reason in leaves]
    stats = cache.stats
    assert (stats.evictions, stats.expirations) == (counts.count(Removal.EVICTED), counts.count(Removal.EXPIRED))


class Thing:
    """Something that can be referred to weakly."""


WEAK_WAYS: dict[str, tuple[Callable[[WeakRefCache[str, Thing]], object], object, list[tuple[str, Removal]]]] = {
    "set again": (lambda cache: cache.set("a", Thing()), None, [("a", Removal.REPLACED)]),
    "pushed out": (lambda cache: cache.set("c", Thing()), None, [("a", Removal.EVICTED)]),
    "deleted": (lambda cache: cache.delete("a"), True, [("a", Removal.DELETED)]),
    "never there": (lambda cache: cache.delete("z"), False, []),
    "cleared": (lambda cache: cache.clear(), 2, [("a", Removal.DELETED), ("b", Removal.DELETED)]),
    "cleaned": (lambda cache: cache.cleanup(), 0, []),
}


@pytest.mark.parametrize("way", WEAK_WAYS)
def test_what_leaves_a_cache_of_the_living_is_told(way: str) -> None:
    """The listener gets the value itself while that is alive."""
    use, answer, leaves = WEAK_WAYS[way]
    things, told = {"a": Thing(), "b": Thing()}, list[tuple[Any, ...]]()
    cache = WeakRefCache[str, Thing](2, on_remove=lambda *entry: told.append(entry))
    for key, thing in things.items():
        cache.set(key, thing)
    assert use(cache) == answer
    assert told == [(key, things[key], reason) for key, reason in leaves]


def test_the_dead_are_counted_once() -> None:
    """Values that nobody holds any more leave at the next look, as collected, and their number is returned."""
    told = list[tuple[Any, ...]]()
    cache = WeakRefCache[str, Thing](on_remove=lambda *entry: told.append(entry))
    things = {key: Thing() for key in "abc"}
    for key, thing in things.items():
        cache.set(key, thing)
    del thing, things["a"], things["b"]
    assert "a" not in cache
    assert cache.cleanup() == 2
    assert sorted(told) == [("a", None, Removal.COLLECTED), ("b", None, Removal.COLLECTED)]
    assert (cache.cleanup(), len(cache), [key for key, _ in cache.items()]) == (0, 1, ["c"])
