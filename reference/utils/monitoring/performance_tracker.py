"""How long operations take: count, mean, extremes and percentiles of each, over its most recent samples."""

from __future__ import annotations

import functools
import inspect
import math
import threading
import time
from collections import OrderedDict, deque
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["PerformanceTracker", "perf_tracker", "track_performance"]

P = ParamSpec("P")
R = TypeVar("R")

MOST_OPERATIONS = 500
"""Operations that are remembered; the one that was idle the longest goes."""

SAMPLES = 1000
"""Durations of an operation that are kept for its percentiles."""


@dataclass(slots=True)
class _Series:
    count: int = 0
    failures: int = 0
    total: float = 0.0
    shortest: float = math.inf
    longest: float = 0.0
    recent: deque[float] = field(default_factory=deque)

    def add(self, seconds: float, failed: bool) -> None:
        self.count += 1
        self.failures += failed
        self.total += seconds
        self.shortest = min(self.shortest, seconds)
        self.longest = max(self.longest, seconds)
        self.recent.append(seconds)

    def describe(self) -> dict[str, float]:
        ordered = sorted(self.recent)
        percentiles = {f"p{rank}_ms": _percentile(ordered, rank) * 1000 for rank in (50, 95, 99)}
        return {
            "count": self.count,
            "failures": self.failures,
            "avg_ms": self.total / self.count * 1000,
            "min_ms": self.shortest * 1000,
            "max_ms": self.longest * 1000,
            **percentiles,
        }


class PerformanceTracker:
    """Collects durations by operation; safe from any thread.

    Args:
        samples: durations kept for the percentiles of an operation.
        most: operations that are remembered.
    """

    def __init__(self, samples: int = SAMPLES, most: int = MOST_OPERATIONS) -> None:
        self._samples = max(1, samples)
        self._most = max(1, most)
        self._series: OrderedDict[str, _Series] = OrderedDict()
        self._lock = threading.Lock()

    def record(self, name: str, seconds: float, *, failed: bool = False) -> None:
        """Add a duration.

        Args:
            name: of the operation.
            seconds: how long it took.
            failed: whether it failed.

        Raises:
            ValueError: the duration is negative or not a number.
        """
        if not 0 <= seconds < math.inf:
            raise ValueError(f"{seconds} s is no duration")
        with self._lock:
            series = self._series.get(name)
            if series is None:
                series = self._series[name] = _Series(recent=deque(maxlen=self._samples))
                if len(self._series) > self._most:
                    self._series.popitem(last=False)
            self._series.move_to_end(name)
            series.add(seconds, failed)

    @contextmanager
    def measure(self, name: str) -> Iterator[None]:
        """Measure a ``with`` block; one that fails is counted as a failure too, and its exception passes."""
        begin = time.perf_counter()
        try:
            yield
        except BaseException:
            self.record(name, time.perf_counter() - begin, failed=True)
            raise
        self.record(name, time.perf_counter() - begin)

    def get_stats(self, name: str | None = None) -> dict[str, Any]:
        """Return the figures of an operation, in milliseconds; those of all by name, where none is given.

        Nothing is known of an operation that was never recorded: its figures are an empty dictionary.
        """
        with self._lock:
            if name is None:
                return {known: series.describe() for known, series in self._series.items()}
            series = self._series.get(name)
            return series.describe() if series else {}

    def get_slowest(self, limit: int = 10) -> list[tuple[str, dict[str, float]]]:
        """Return the operations that take the longest on average, the slowest first."""
        stats = self.get_stats()
        return sorted(stats.items(), key=lambda item: item[1]["avg_ms"], reverse=True)[:limit]

    def reset(self, name: str | None = None) -> None:
        """Forget an operation; all of them, where none is given."""
        with self._lock:
            if name is None:
                self._series.clear()
            else:
                self._series.pop(name, None)


def _percentile(ordered: list[float], rank: int) -> float:
    """Return the smallest sample that at least ``rank`` percent of all are not above (the nearest-rank method)."""
    return ordered[max(0, math.ceil(len(ordered) * rank / 100) - 1)]


perf_tracker = PerformanceTracker()


def track_performance(
    name: str | None = None, tracker: PerformanceTracker | None = None
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Measure each call of a function or a coroutine function.

    Args:
        name: of the operation; None for the function's own.
        tracker: where to; None for the bot's own.
    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        operation = name or str(getattr(function, "__qualname__", "function"))
        target = tracker or perf_tracker

        @functools.wraps(function)
        async def waiting(*args: P.args, **kwargs: P.kwargs) -> Any:
            with target.measure(operation):
                return await cast("Any", function(*args, **kwargs))

        @functools.wraps(function)
        def plain(*args: P.args, **kwargs: P.kwargs) -> R:
            with target.measure(operation):
                return function(*args, **kwargs)

        return cast("Callable[P, R]", waiting if inspect.iscoroutinefunction(function) else plain)

    return decorate
