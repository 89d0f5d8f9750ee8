"""How long a server asks its callers to stay away: ``Retry-After`` as RFC 9110, section 10.2.3, defines it."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any

HEADER = "retry-after"


def parse_retry_after(value: object, now: float) -> float | None:
    """Return the seconds that a ``Retry-After`` value asks for, or None where it says nothing usable.

    Args:
        value: a number of seconds, its text, or an HTTP-date.
        now: seconds since 1970, which a date is compared with; a date that has passed asks for 0.
    """
    if isinstance(value, str):
        return _seconds(value) if _is_number(value) else _until(value, now)
    return _seconds(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def retry_after_of(error: BaseException, wall_clock: Callable[[], float] = time.time) -> float | None:
    """Return the seconds that the server behind an exception asks for, or None.

    Looked at, in this order: ``error.retry_after`` (``discord.RateLimited``), ``error.headers``
    (``aiohttp.ClientResponseError``), ``error.response.headers`` (``discord.HTTPException``, httpx, requests).

    Args:
        error: what a call raised.
        wall_clock: tells the seconds since 1970.
    """
    for value in _offers(error):
        seconds = parse_retry_after(value, wall_clock())
        if seconds is not None:
            return seconds
    return None


def _offers(error: BaseException) -> list[object]:
    headers = (getattr(error, "headers", None), getattr(getattr(error, "response", None), "headers", None))
    return [getattr(error, "retry_after", None), *(_header(each) for each in headers)]


def _header(headers: Any) -> object:
    if not isinstance(headers, Mapping):
        return None
    return next((value for name, value in headers.items() if str(name).lower() == HEADER), None)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _seconds(value: str | float) -> float | None:
    try:
        seconds = float(value)
    except OverflowError:
        return None
    return seconds if 0 <= seconds < math.inf else None


def _until(text: str, now: float) -> float | None:
    try:
        moment = parsedate_to_datetime(text)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return max(0.0, moment.timestamp() - now)
    except (ValueError, OverflowError):
        return None
