"""Durations as moderators write them: `10m`, `1h30m`, `2 days`, `3 วัน`."""

from __future__ import annotations

import re
from datetime import timedelta

__all__ = ["LONGEST_TIMEOUT", "DurationError", "parse_duration", "write_duration"]

LONGEST_TIMEOUT = timedelta(days=28)
"""What Discord allows."""

LONGEST = timedelta(days=3650)
"""Beyond ten years nothing is temporary."""

SECONDS = {"w": 604_800, "d": 86_400, "h": 3_600, "m": 60, "s": 1}
UNITS = {
    "w": ("w", "week", "weeks", "wk", "สัปดาห์", "อาทิตย์"),
    "d": ("d", "day", "days", "วัน"),
    "h": ("h", "hr", "hrs", "hour", "hours", "ชั่วโมง", "ชม", "ชม."),
    "m": ("m", "min", "mins", "minute", "minutes", "นาที"),
    "s": ("s", "sec", "secs", "second", "seconds", "วินาที"),
}
_UNIT_OF = {word: unit for unit, words in UNITS.items() for word in words}
_PART = re.compile(r"\s*(\d{1,9})\s*([^\d\s,]+)\s*,?")


class DurationError(ValueError):
    """A text that is no duration, or none within the limits."""


def parse_duration(text: str, longest: timedelta = LONGEST) -> timedelta:
    """Read a duration; digits of any script are understood.

    Args:
        text: numbers with units, the largest first or not: `1h30m`, `1 week, 2 days`.
        longest: what is allowed.

    Raises:
        DurationError: it cannot be read, is zero, or is longer than allowed.
    """
    position, seconds = 0, 0
    while position < len(text.rstrip()):
        part = _PART.match(text.lower(), position)
        unit = _UNIT_OF.get(part[2]) if part else None
        if part is None or unit is None:
            raise DurationError(f"{text!r} is no duration such as 10m, 1h30m or 7d")
        seconds += int(part[1]) * SECONDS[unit]
        position = part.end()
    if not 0 < seconds <= longest.total_seconds():
        raise DurationError(f"{text!r} is not between one second and {write_duration(longest)}")
    return timedelta(seconds=seconds)


def write_duration(duration: timedelta) -> str:
    """Write a duration in the shortest form that `parse_duration` reads; parts of a second are left out."""
    rest, parts = int(duration.total_seconds()), []
    for unit, size in SECONDS.items():
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count}{unit}")
    return " ".join(parts) or "0s"
