"""A bounded cache whose entries expire."""

from __future__ import annotations

import heapq
import itertools
import logging
import math
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast, overload

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator

K = TypeVar("K", bound="Hashable")
V = TypeVar("V")
D = TypeVar("D")

logger = logging.getLogger(__name__)

MISSING: Any = object()
SLACK = 64
"""Outdated moments of expiry that are kept before they are swept."""


class Removal(StrEnum):
    """Why an entry left a cache.

    Attributes:
        EXPIRED: its time was over.
        EVICTED: it was used least recently when another one needed its place.
        REPLACED: its key was set anew.
        DELETED: somebody deleted it.
        COLLECTED: its value was collected as garbage (weak caches only).
    """

    EXPIRED = "expired"
    EVICTED = "evicted"
    REPLACED = "replaced"
    DELETED = "deleted"
    COLLECTED = "collected"


@dataclass(frozen=True, slots=True)
class CacheStats:
    """What a cache has done since it was made.

    Attributes:
        size: entries now, those that expired and were not looked at since included.
        max_size: entries at most.
        hits: look-ups that found a value.
        misses: look-ups that found none.
        evictions: entries that left for want of room.
        expirations: entries that left because their time was over.
    """

    size: int
    max_size: int
    hits: int
    misses: int
    evictions: int
    expirations: int

    @property
    def hit_rate(self) -> float:
        """Share of look-ups that found a value, 0.0 where there was none."""
        return self.hits / max(1, self.hits + self.misses)


@dataclass(frozen=True, slots=True)
class _Entry(Generic[V]):
    value: V
    expires: float
    number: int


class TTLCache(Generic[K, V]):
    """A bounded, thread-safe cache; an entry lives for its time, or until it is the longest unused when room is needed.

    Args:
        max_size: entries at most, 1 or more.
        ttl: seconds that an entry lives where ``set`` names no other time; ``math.inf`` for ever.
        on_remove: told key, value and reason of each entry that leaves, after the change and outside of the lock, so
            that it may use the cache; what it raises is logged.
        clock: monotonic seconds; ``time.monotonic`` where None.

    Raises:
        ValueError: a number is out of its range.
    """

    def __init__(
        self,
        max_size: int = 1000,
        ttl: float = 300.0,
        *,
        on_remove: Callable[[K, V, Removal], object] | None = None,
        clock: Callable[[], float] | None = None,
    ) -> None:
        if max_size < 1:
            raise ValueError(f"max_size is {max_size}; a cache holds 1 entry or more")
        self.max_size = max_size
        self.ttl = _positive(ttl)
        self._on_remove = on_remove
        self._clock = clock
        self._lock = threading.RLock()  # the garbage collector may call a user's finalizer while it is held
        self._entries: OrderedDict[K, _Entry[V]] = OrderedDict()
        self._expiries: list[tuple[float, int, K]] = []
        self._numbers = itertools.count()
        self._hits = self._misses = 0
        self._removed = dict.fromkeys(Removal, 0)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {len(self._entries)}/{self.max_size} entries, ttl {self.ttl:g} s>"

    def __len__(self) -> int:
        self.cleanup()
        return len(self._entries)

    def __contains__(self, key: K) -> bool:
        with self._lock:
            entry = self._entries.get(key)
            return entry is not None and self._now() < entry.expires

    def __iter__(self) -> Iterator[K]:
        return iter([key for key, _ in self.items()])

    def __getitem__(self, key: K) -> V:
        value = self.get(key, MISSING)
        if value is MISSING:
            raise KeyError(key)
        return cast("V", value)

    def __setitem__(self, key: K, value: V) -> None:
        self.set(key, value)

    def __delitem__(self, key: K) -> None:
        if not self.delete(key):
            raise KeyError(key)

    @overload
    def get(self, key: K) -> V | None: ...
    @overload
    def get(self, key: K, default: D) -> V | D: ...
    def get(self, key: K, default: Any = None) -> Any:
        """Return the value of a key, ``default`` where there is none or its time is over."""
        removed: list[tuple[K, V, Removal]] = []
        with self._lock:
            entry = self._entries.get(key)
            if entry is not None and self._now() < entry.expires:
                self._hits += 1
                self._entries.move_to_end(key)
                return entry.value
            self._misses += 1
            if entry is not None:
                removed.append(self._remove(key, Removal.EXPIRED))
        self._announce(removed)
        return default

    def set(self, key: K, value: V, ttl: float | None = None) -> None:
        """Keep a value.

        Args:
            key: what it is found by.
            value: what is kept.
            ttl: seconds that it lives; the cache's own time where None.
        """
        lifetime = self.ttl if ttl is None else _positive(ttl)
        removed: list[tuple[K, V, Removal]] = []
        with self._lock:
            now = self._now()
            if key in self._entries:
                removed.append(self._remove(key, Removal.REPLACED))
            elif len(self._entries) >= self.max_size:
                removed += self._make_room(now)
            self._insert(key, value, now + lifetime)
        self._announce(removed)

    def delete(self, key: K) -> bool:
        """Remove a key; tell whether it was there and alive."""
        removed: list[tuple[K, V, Removal]] = []
        with self._lock:
            entry = self._entries.get(key)
            alive = entry is not None and self._now() < entry.expires
            if entry is not None:
                removed.append(self._remove(key, Removal.DELETED if alive else Removal.EXPIRED))
        self._announce(removed)
        return alive

    def clear(self) -> int:
        """Remove everything; return how many entries that were."""
        with self._lock:
            removed = [self._remove(key, Removal.DELETED) for key in tuple(self._entries)]
            self._expiries.clear()
        self._announce(removed)
        return len(removed)

    def cleanup(self) -> int:
        """Remove the entries whose time is over; return how many they were."""
        with self._lock:
            removed = self._expire(self._now())
        self._announce(removed)
        return len(removed)

    def items(self) -> list[tuple[K, V]]:
        """Return the living entries at this moment, the one used least recently first."""
        with self._lock:
            now = self._now()
            return [(key, entry.value) for key, entry in self._entries.items() if now < entry.expires]

    @property
    def stats(self) -> CacheStats:
        """What the cache has done so far."""
        with self._lock:
            evictions, expirations = self._removed[Removal.EVICTED], self._removed[Removal.EXPIRED]
            return CacheStats(len(self._entries), self.max_size, self._hits, self._misses, evictions, expirations)

    def _now(self) -> float:
        return (self._clock or time.monotonic)()

    def _insert(self, key: K, value: V, expires: float) -> None:
        entry = self._entries[key] = _Entry(value, expires, next(self._numbers))
        if expires < math.inf:
            heapq.heappush(self._expiries, (expires, entry.number, key))
            if len(self._expiries) > 2 * len(self._entries) + SLACK:
                self._sweep()

    def _sweep(self) -> None:
        alive = self._entries.items()
        self._expiries = [(entry.expires, entry.number, key) for key, entry in alive if entry.expires < math.inf]
        heapq.heapify(self._expiries)

    def _make_room(self, now: float) -> list[tuple[K, V, Removal]]:
        removed = self._expire(now)
        if len(self._entries) >= self.max_size:
            removed.append(self._remove(next(iter(self._entries)), Removal.EVICTED))
        return removed

    def _expire(self, now: float) -> list[tuple[K, V, Removal]]:
        removed = []
        while self._expiries and self._expiries[0][0] <= now:
            _, number, key = heapq.heappop(self._expiries)
            entry = self._entries.get(key)
            if entry is not None and entry.number == number:
                removed.append(self._remove(key, Removal.EXPIRED))
        return removed

    def _remove(self, key: K, reason: Removal) -> tuple[K, V, Removal]:
        self._removed[reason] += 1
        return key, self._entries.pop(key).value, reason

    def _announce(self, removed: list[tuple[K, V, Removal]]) -> None:
        if self._on_remove is not None:
            for key, value, reason in removed:
                announce(self._on_remove, key, value, reason)


def announce(listener: Callable[[Any, Any, Removal], object], key: object, value: object, reason: Removal) -> None:
    """Tell a listener of an entry that left; what it raises is logged and goes no further."""
    try:
        listener(key, value, reason)
    except Exception:
        logger.exception("a cache's on_remove failed")


def _positive(ttl: float) -> float:
    if not ttl > 0:
        raise ValueError(f"ttl is {ttl}; give seconds, more than 0")
    return ttl
