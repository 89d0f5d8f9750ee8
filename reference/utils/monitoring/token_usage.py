"""Counts of tokens: what one user, one channel or all of them used, in all, today and this hour."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

__all__ = ["Tally", "Usage", "day_of", "hour_of"]

DAYS = 31
"""Days that are kept apart, today among them."""

HOURS = 48
"""Hours that are kept apart, this one among them."""


def day_of(now: float) -> str:
    """Return the day (UTC) of a point of time, seconds since 1970, as ``2026-01-31``."""
    return datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%d")


def hour_of(now: float) -> str:
    """Return the hour (UTC) of a point of time, seconds since 1970, as ``2026-01-31T23``."""
    return datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H")


@dataclass(slots=True)
class Tally:
    """Tokens and the number of requests that used them."""

    input_tokens: int = 0
    output_tokens: int = 0
    requests: int = 0

    def add(self, input_tokens: int, output_tokens: int) -> None:
        """Count one request."""
        self.input_tokens += input_tokens
        self.output_tokens += output_tokens
        self.requests += 1

    @property
    def total_tokens(self) -> int:
        """Tokens in both directions."""
        return self.input_tokens + self.output_tokens

    def to_dict(self) -> dict[str, int]:
        """Return the figures as plain data."""
        return {
            "input_tokens": self.input_tokens,
            "output_tokens": self.output_tokens,
            "total_tokens": self.total_tokens,
            "requests": self.requests,
        }


@dataclass(slots=True)
class Usage:
    """What somebody used, in all and by day and hour.

    Attributes:
        total: since the beginning.
        first_used: seconds since 1970.
        last_used: seconds since 1970.
    """

    total: Tally = field(default_factory=Tally)
    first_used: float = 0.0
    last_used: float = 0.0
    _days: OrderedDict[str, Tally] = field(default_factory=OrderedDict)
    _hours: OrderedDict[str, Tally] = field(default_factory=OrderedDict)

    def add(self, input_tokens: int, output_tokens: int, now: float) -> None:
        """Count one request at a point of time, in seconds since 1970."""
        self.total.add(input_tokens, output_tokens)
        _slot(self._days, day_of(now), DAYS).add(input_tokens, output_tokens)
        _slot(self._hours, hour_of(now), HOURS).add(input_tokens, output_tokens)
        self.first_used = self.first_used or now
        self.last_used = max(self.last_used, now)

    def day(self, now: float) -> Tally:
        """Return what was used on the day of a point of time: nothing, once the day has rolled over (F21)."""
        return self._days.get(day_of(now)) or Tally()

    def hour(self, now: float) -> Tally:
        """Return what was used in the hour of a point of time: nothing, once the hour has rolled over (F21)."""
        return self._hours.get(hour_of(now)) or Tally()

    def to_dict(self, now: float) -> dict[str, Any]:
        """Return the figures as plain data: those in all, then ``today`` and ``this_hour``."""
        return {**self.total.to_dict(), "today": self.day(now).to_dict(), "this_hour": self.hour(now).to_dict()}

    def daily(self) -> dict[str, dict[str, int]]:
        """Return the figures of each day that is kept, oldest first."""
        return {day: tally.to_dict() for day, tally in sorted(self._days.items())}


def _slot(slots: OrderedDict[str, Tally], name: str, most: int) -> Tally:
    """Return the tally of a day or an hour; the earliest one goes when there are too many."""
    tally = slots.get(name)
    if tally is None:
        tally = slots[name] = Tally()
        if len(slots) > most:
            del slots[min(slots)]
    return tally
