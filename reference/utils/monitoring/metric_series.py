"""Time series in memory: counters, gauges and histograms, bounded in number, that can be sent on and added up."""

from __future__ import annotations

import bisect
import math
import re
import threading
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

__all__ = ["BOUNDS", "Series", "SeriesTable", "series_from"]

Kind = Literal["counter", "gauge", "histogram"]
Key = tuple[str, tuple[tuple[str, str], ...]]
NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]{0,99}", re.ASCII)
MOST_LABELS = 8
LONGEST_LABEL = 100
MOST_SERIES = 2000
BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Upper bounds of a histogram's buckets, seconds; the last bucket has none."""


@dataclass(frozen=True)
class Series:
    """One value, or one distribution, under a name and labels; adding makes a new one.

    Attributes:
        value: a counter's sum, a gauge's level, the sum of a histogram's observations.
        buckets: a histogram's observations by bucket, not cumulated; empty for the other kinds.
    """

    kind: Kind
    name: str
    labels: tuple[tuple[str, str], ...] = ()
    value: float = 0.0
    buckets: tuple[int, ...] = ()

    @property
    def key(self) -> Key:
        """What tells this series from the others."""
        return self.name, self.labels

    def plus(self, newer: Series) -> Series:
        """Return this series with what happened since: sums are added, a gauge's newer level holds."""
        if self.kind == "gauge":
            return newer
        buckets = tuple(map(sum, zip(self.buckets, newer.buckets, strict=True)))
        return replace(self, value=self.value + newer.value, buckets=buckets)

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON; ``series_from`` reads it back."""
        facts: dict[str, Any] = {"kind": self.kind, "name": self.name, "labels": dict(self.labels), "value": self.value}
        return {**facts, "buckets": list(self.buckets)} if self.buckets else facts


def counter(name: str, amount: float, labels: Mapping[str, object]) -> Series:
    """Make a series of one counted amount.

    Raises:
        ValueError: the amount is negative or no number, or a name is not one that Prometheus takes.
    """
    if not (math.isfinite(amount) and amount >= 0):
        raise ValueError(f"{name}: a counter grows by numbers from 0, not by {amount}")
    return Series("counter", _name(name), _labels(labels), float(amount))


def gauge(name: str, level: float, labels: Mapping[str, object]) -> Series:
    """Make a series of one level.

    Raises:
        ValueError: the level is no finite number, or a name is not one that Prometheus takes.
    """
    return Series("gauge", _name(name), _labels(labels), _finite(name, level))


def observation(name: str, value: float, labels: Mapping[str, object]) -> Series:
    """Make a series of one observation, in seconds where it is a time.

    Raises:
        ValueError: the value is no finite number, or a name is not one that Prometheus takes.
    """
    place = bisect.bisect_left(BOUNDS, _finite(name, value))
    buckets = tuple(int(index == place) for index in range(len(BOUNDS) + 1))
    return Series("histogram", _name(name), _labels(labels), float(value), buckets)


def series_from(entry: object) -> Series:
    """Read a series that came over the network.

    Raises:
        ValueError: it is not what ``Series.to_dict`` makes; the text says in what.
    """
    if not isinstance(entry, dict) or not isinstance(labels := entry.get("labels", {}), dict):
        raise ValueError("a series is an object with kind, name, labels and value")  # noqa: TRY004  bad data, not a bad call
    kind, name, value = entry.get("kind"), entry.get("name"), entry.get("value")
    if not isinstance(name, str) or isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("a series has a name and a number as its value")  # noqa: TRY004  bad data, not a bad call
    if kind == "counter":
        return counter(name, value, labels)
    if kind == "gauge":
        return gauge(name, value, labels)
    if kind == "histogram":
        return Series("histogram", _name(name), _labels(labels), _finite(name, value), _buckets(entry.get("buckets")))
    raise ValueError("a series is of kind counter, gauge or histogram")


def _name(name: str) -> str:
    if not NAME.fullmatch(name):
        raise ValueError(f"{name[:40]!r} is no metric or label name: letters, digits and underscores, at most 100")
    return name


def _labels(labels: Mapping[str, object]) -> tuple[tuple[str, str], ...]:
    if len(labels) > MOST_LABELS:
        raise ValueError(f"{len(labels)} labels are too many; a series has at most {MOST_LABELS}")
    readable = {name: str(value).encode("utf-8", "replace").decode() for name, value in labels.items()}
    if reserved := [name for name in readable if name.startswith("__") or name == "le"]:
        raise ValueError(f"the label {reserved[0][:40]!r} is Prometheus' own")
    return tuple(sorted((_name(name), text[:LONGEST_LABEL]) for name, text in readable.items()))


def _finite(name: str, value: float) -> float:
    if not math.isfinite(value):
        raise ValueError(f"{name}: {value} is no finite number")
    return float(value)


def _buckets(counts: object) -> tuple[int, ...]:
    fits = isinstance(counts, list) and len(counts) == len(BOUNDS) + 1
    if not isinstance(counts, list) or not fits or not all(type(count) is int and count >= 0 for count in counts):
        raise ValueError(f"a histogram has {len(BOUNDS) + 1} counts from 0 as its buckets")
    return tuple(counts)


@dataclass
class SeriesTable:
    """Series by name and labels, for use from any thread.

    Args:
        most: series it holds; further ones are dropped and counted, so that labels chosen by strangers fill no memory.

    Attributes:
        dropped: additions that found no place or another kind under their name.
    """

    most: int = MOST_SERIES
    dropped: int = 0
    _series: dict[Key, Series] = field(default_factory=dict, repr=False)
    _kinds: dict[str, Kind] = field(default_factory=dict, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def __len__(self) -> int:
        return len(self._series)

    def __iter__(self) -> Iterator[Series]:
        with self._lock:
            return iter(list(self._series.values()))

    def add(self, *additions: Series) -> None:
        """Add what happened since."""
        with self._lock:
            for newer in additions:
                self._put(newer, lambda older, newer: older.plus(newer))

    def put_back(self, earlier: Iterable[Series]) -> None:
        """Add what was drained and could not be sent; a gauge that was set since keeps its newer level."""
        with self._lock:
            for series in earlier:
                self._put(series, lambda newer, older: older.plus(newer))

    def _put(self, series: Series, merge: Any) -> None:
        present = self._series.get(series.key)
        full = present is None and len(self._series) >= self.most
        if full or self._kinds.get(series.name, series.kind) != series.kind:
            self.dropped += 1
            return
        self._kinds[series.name] = series.kind
        self._series[series.key] = series if present is None else merge(present, series)

    def drain(self, most: int) -> list[Series]:
        """Take out up to ``most`` series, the ones that were put in first."""
        with self._lock:
            taken = [self._series.pop(key) for key in list(self._series)[:most]]
            if not self._series:
                self._kinds.clear()
            return taken

    def exposition(self) -> str:
        """Return all series in the Prometheus text format, version 0.0.4."""
        lines: list[str] = []
        named: dict[str, list[Series]] = {}
        for series in self:
            named.setdefault(series.name, []).append(series)
        for name, group in sorted(named.items()):
            kind = group[0].kind
            family = f"{name}_total" if kind == "counter" and not name.endswith("_total") else name
            lines.append(f"# TYPE {family} {kind}")
            for series in sorted(group, key=lambda series: series.labels):
                lines += (
                    _histogram_lines(series) if kind == "histogram" else [_line(family, series.labels, series.value)]
                )
        return "".join(f"{line}\n" for line in lines)


def _histogram_lines(series: Series) -> Iterator[str]:
    reached = 0
    for bound, count in zip((*map(str, BOUNDS), "+Inf"), series.buckets, strict=True):
        reached += count
        yield _line(f"{series.name}_bucket", (*series.labels, ("le", bound)), reached)
    yield _line(f"{series.name}_sum", series.labels, series.value)
    yield _line(f"{series.name}_count", series.labels, reached)


def _line(name: str, labels: tuple[tuple[str, str], ...], value: float) -> str:
    escapes = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n"})
    told = ",".join(f'{label}="{text.translate(escapes)}"' for label, text in labels)
    return f"{name}{{{told}}} {value:.17g}" if told else f"{name} {value:.17g}"
