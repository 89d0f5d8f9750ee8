"""Counters and histograms of prometheus_client with one label whose values are bounded in number.

What users choose (names of commands, kinds of errors, hosts) must not make a time series each: beyond a limit all
further values are counted as ``other``. A value's child is looked up in a dictionary, which costs a part of
``metric.labels(...)``.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["MOST_VALUES", "OTHER", "BoundedLabel"]

MOST_VALUES = 100
"""Values of one label that get a time series of their own."""

LONGEST_VALUE = 100
"""Characters of a value that are kept."""

OTHER = "other"

C_co = TypeVar("C_co", covariant=True)


class Labelled(Protocol[C_co]):
    """A metric of prometheus_client that has labels."""

    def labels(self, *values: str) -> C_co:
        """Return the child of these values."""
        ...


class BoundedLabel(Generic[C_co]):
    """The children of a metric, by the value of its label.

    Args:
        make: makes the metric at the first use.
        most: values that get a child of their own.
    """

    __slots__ = ("_children", "_lock", "_make", "_metric", "_most")

    def __init__(self, make: Callable[[], Labelled[C_co]], most: int = MOST_VALUES) -> None:
        self._make = make
        self._metric: Labelled[C_co] | None = None
        self._children: dict[str, C_co] = {}
        self._lock = threading.Lock()
        self._most = most

    def get(self, value: str) -> C_co:
        """Return the child of a value; that of ``other`` once there are too many."""
        child = self._children.get(value)
        return self._admit(value) if child is None else child

    def make(self) -> None:
        """Make the metric now, so that it is exposed before its first event."""
        with self._lock:
            self._metric = self._metric or self._make()

    def _admit(self, value: Any) -> C_co:
        text = str(value)[:LONGEST_VALUE].encode("utf-8", "replace").decode("utf-8")
        self.make()
        with self._lock:
            if text not in self._children and len(self._children.keys() - {OTHER}) >= self._most:
                text = OTHER
            if text not in self._children and self._metric is not None:
                self._children[text] = self._metric.labels(text)
            return self._children[text]
