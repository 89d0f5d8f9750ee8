"""Ids as Discord makes them: a time in milliseconds and a counter, so that ids sort by age."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Snowflakes", "iso", "moment_of"]

EPOCH = 1_420_070_400_000
"""Discord's first millisecond, 2015-01-01, in Unix milliseconds."""

TIME_SHIFT = 22


class Snowflakes:
    """Makes ids, each greater than the one before.

    Args:
        clock: tells the time in Unix seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._last = 0

    def next(self) -> int:
        """Return a new id of the present moment."""
        moment = (int(self._clock() * 1000) - EPOCH) << TIME_SHIFT
        self._last = max(self._last + 1, moment)
        return self._last


def moment_of(snowflake: int) -> datetime:
    """Return when an id was made."""
    return datetime.fromtimestamp(((snowflake >> TIME_SHIFT) + EPOCH) / 1000, UTC)


def iso(moment: datetime) -> str:
    """Write a time as Discord does: ISO 8601 with microseconds and offset."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")
