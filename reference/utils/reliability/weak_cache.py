"""A bounded cache that keeps nothing alive: an entry is there for as long as somebody else uses its value."""

from __future__ import annotations

import threading
import weakref
from collections import OrderedDict, deque
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

from .ttl_cache import Removal, announce

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

K = TypeVar("K", bound="Hashable")
V = TypeVar("V")
D = TypeVar("D")


class WeakRefCache(Generic[K, V]):
    """A thread-safe cache of weak references, bounded in entries.

    The collector may run at any moment, in any thread, also in one that is inside the cache. So a collected value only
    puts its key on a queue; the entry leaves at the next use of the cache.

    Args:
        max_size: entries at most, 1 or more; the one used least recently makes room.
        on_remove: told key, value (None where it was collected) and reason of each entry that leaves, outside of the
            lock, so that it may use the cache; what it raises is logged.

    Raises:
        ValueError: ``max_size`` is less than 1.
    """

    def __init__(
        self, max_size: int = 1000, *, on_remove: Callable[[K, V | None, Removal], object] | None = None
    ) -> None:
        if max_size < 1:
            raise ValueError(f"max_size is {max_size}; a cache holds 1 entry or more")
        self.max_size = max_size
        self._on_remove = on_remove
        self._lock = threading.RLock()  # the garbage collector may call a user's finalizer while it is held
        self._references: OrderedDict[K, weakref.ref[Any]] = OrderedDict()
        self._collected: deque[tuple[K, weakref.ref[Any]]] = deque()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {len(self._references)}/{self.max_size} entries>"

    def __len__(self) -> int:
        self.cleanup()
        return len(self._references)

    def __contains__(self, key: K) -> bool:
        with self._lock:
            reference = self._references.get(key)
        return reference is not None and reference() is not None

    @overload
    def get(self, key: K) -> V | None: ...
    @overload
    def get(self, key: K, default: D) -> V | D: ...
    def get(self, key: K, default: Any = None) -> Any:
        """Return the value of a key, ``default`` where there is none or it was collected."""
        self.cleanup()
        with self._lock:
            reference = self._references.get(key)
            value = reference() if reference is not None else None
            if value is not None:
                self._references.move_to_end(key)
        return default if value is None else value

    def set(self, key: K, value: V) -> None:
        """Keep a value for as long as it is alive.

        Raises:
            TypeError: the value is of a kind that cannot be referred to weakly, a number or a text for one.
        """
        collected = self._collected
        reference: weakref.ref[Any] = weakref.ref(value, lambda dead: collected.append((key, dead)))
        removed = []
        self.cleanup()
        with self._lock:
            if key in self._references:
                removed.append(self._remove(key, Removal.REPLACED))
            elif len(self._references) >= self.max_size:
                removed.append(self._remove(next(iter(self._references)), Removal.EVICTED))
            self._references[key] = reference
        self._announce(removed)

    def delete(self, key: K) -> bool:
        """Remove a key; tell whether it was there and alive."""
        self.cleanup()
        with self._lock:
            removed = [self._remove(key, Removal.DELETED)] if key in self._references else []
        self._announce(removed)
        return bool(removed)

    def clear(self) -> int:
        """Remove everything; return how many entries that were."""
        self.cleanup()
        with self._lock:
            removed = [self._remove(key, Removal.DELETED) for key in tuple(self._references)]
        self._announce(removed)
        return len(removed)

    def cleanup(self) -> int:
        """Remove the entries whose values were collected; return how many they were."""
        if not self._collected:
            return 0
        removed: list[tuple[K, V | None, Removal]] = []
        with self._lock:
            while self._collected:
                key, dead = self._collected.popleft()
                if self._references.get(key) is dead:
                    removed.append(self._remove(key, Removal.COLLECTED))
        self._announce(removed)
        return len(removed)

    def items(self) -> list[tuple[K, V]]:
        """Return the living entries at this moment, the one used least recently first."""
        with self._lock:
            pairs = [(key, reference()) for key, reference in self._references.items()]
        return [(key, value) for key, value in pairs if value is not None]

    def _remove(self, key: K, reason: Removal) -> tuple[K, V | None, Removal]:
        return key, self._references.pop(key)(), reason

    def _announce(self, removed: list[tuple[K, V | None, Removal]]) -> None:
        if self._on_remove is not None:
            for key, value, reason in removed:
                announce(self._on_remove, key, value, reason)
