"""Points of time as text: UTC, ISO 8601, microseconds, always the same width, so that text order is time order."""

from __future__ import annotations

import math
import time
from datetime import UTC, datetime, timedelta

__all__ = ["parse_utc", "utc_text"]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
"""Seconds are added to it, since `datetime.fromtimestamp` ends with the year 3000 on Windows."""

_second: tuple[int, str] = (-1, "")
"""The second that was written last, and its text; replaced as a whole, so any thread may read it."""


def utc_text(moment: float | datetime | None = None) -> str:
    """Write a point of time as ``2026-01-31T23:59:59.000001Z`` (RFC 3339).

    Args:
        moment: seconds since 1970 in UTC, from 0 up to the year 9999; or a datetime, which is taken for UTC if it has
            no time zone; None for now.

    Raises:
        ValueError: the seconds are not within those years.
    """
    global _second  # noqa: PLW0603  a cache of one entry
    if isinstance(moment, datetime):
        return _datetime_text(moment)
    now = time.time() if moment is None else moment
    try:
        whole = int(now)
    except (OverflowError, ValueError):
        raise ValueError(f"{now} is no point of time") from None
    known, text = _second
    if whole != known:
        text = _whole_second(now, whole)
        _second = (whole, text)
    return f"{text}.{str(1_000_000 + int((now - whole) * 1_000_000))[1:]}Z"


def _datetime_text(moment: datetime) -> str:
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return moment.isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"


def _whole_second(now: float, whole: int) -> str:
    if now < 0 or math.isnan(now):
        raise ValueError(f"{now} lies before 1970")
    try:
        return (EPOCH + timedelta(seconds=whole)).isoformat(timespec="seconds").removesuffix("+00:00")
    except OverflowError:
        raise ValueError(f"{now} lies beyond the year 9999") from None


def parse_utc(text: str) -> datetime:
    """Read what `utc_text` wrote.

    Raises:
        ValueError: the text is not of that format.
    """
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
