"""Points of time as people write them: `in 10 minutes`, `1h30m`, `tomorrow at 9`, `friday 18:00`, `2026-12-24`.

English and Thai are understood, Thai years (2569) too, and Discord's own timestamps.
"""

from __future__ import annotations

import functools
import re
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, available_timezones

from reference.cogs.moderation.durations import DurationError, parse_duration

if TYPE_CHECKING:
    from datetime import tzinfo

__all__ = ["FARTHEST", "WhenError", "parse_when", "zone_of"]

FARTHEST = timedelta(days=5 * 366)
"""How far ahead a point of time may lie."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
"""Points of time are added to it, since `datetime.fromtimestamp` ends with the year 3000 on Windows."""

MORNING = time(9)
"""What a day without a time of day means."""

BUDDHIST_YEARS = 543
"""By which Thai years are ahead; years from 2400 on are taken for such."""

STAMP = re.compile(r"<t:(\d{1,12})(?::[tdfrs])?>")
AHEAD = re.compile(r"^(?:in|อีก|ใน)\s+|\s+from now$|^อีก")
CLOCK = re.compile(r"(?:^|\s*(?:\bat|เวลา|@)\s*|\s+)(\d{1,2})(?:[:.](\d{2}))?\s*(am|pm|น\.?|โมง)?$")
ISO = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})")
NUMBERS = re.compile(r"(\d{1,2})[./](\d{1,2})(?:[./](\d{4}))?\.?")
NAMED = re.compile(r"(\d{1,2})(?:st|nd|rd|th)?\.?\s*([^\W\d]+)\.?,?\s*(\d{4})?")
DAYS = {"today": 0, "tonight": 0, "tomorrow": 1, "วันนี้": 0, "พรุ่งนี้": 1, "มะรืน": 2, "มะรืนนี้": 2}
WEEKDAYS = (
    ("mon", "monday", "วันจันทร์", "จันทร์"),
    ("tue", "tuesday", "วันอังคาร", "อังคาร"),
    ("wed", "wednesday", "วันพุธ", "พุธ"),
    ("thu", "thursday", "วันพฤหัสบดี", "วันพฤหัส", "พฤหัส"),
    ("fri", "friday", "วันศุกร์", "ศุกร์"),
    ("sat", "saturday", "วันเสาร์", "เสาร์"),
    ("sun", "sunday", "วันอาทิตย์"),
)
WEEKDAY_OF = {name: number for number, names in enumerate(WEEKDAYS) for name in names}
MONTHS = (
    ("january", "มกราคม"),
    ("february", "กุมภาพันธ์"),
    ("march", "มีนาคม"),
    ("april", "เมษายน"),
    ("may", "พฤษภาคม"),
    ("june", "มิถุนายน"),
    ("july", "กรกฎาคม"),
    ("august", "สิงหาคม"),
    ("september", "กันยายน"),
    ("october", "ตุลาคม"),
    ("november", "พฤศจิกายน"),
    ("december", "ธันวาคม"),
)


class WhenError(ValueError):
    """A text that names no point of time that can be waited for.

    Args:
        kind: `unclear`, `past` or `far`: the end of the key of the message that says so.
    """

    def __init__(self, kind: str) -> None:
        super().__init__(f"the point of time is {kind}")
        self.kind = kind


def parse_when(text: str, now: datetime, zone: tzinfo = UTC) -> datetime:
    """Read a point of time that is still to come.

    Args:
        text: as a person wrote it.
        now: the present.
        zone: where the person lives.

    Raises:
        WhenError: it is not clear, is over, or lies too far ahead.
    """
    words = " ".join(text.lower().split())
    try:
        due = _stamp(words) or _ahead(words, now) or _on_a_day(words, now.astimezone(zone), zone)
    except (ValueError, OverflowError):
        raise WhenError("unclear") from None
    if due is None:
        raise WhenError("unclear")
    if due <= now:
        raise WhenError("past")
    if due > now + FARTHEST:
        raise WhenError("far")
    return due.astimezone(UTC)


def zone_of(name: str) -> ZoneInfo:
    """Return a time zone.

    Args:
        name: as in `Asia/Bangkok`, whatever its case and with spaces for `_`.

    Raises:
        ValueError: there is none of that name.
    """
    known = _zone_names().get(name.strip().replace(" ", "_").casefold())
    if known is None:
        raise ValueError(f"there is no time zone {name!r}")
    return ZoneInfo(known)


@functools.cache
def _zone_names() -> dict[str, str]:
    """Return all names by their lower-case form: none is tried as a file, since Windows takes CON for the console."""
    return {name.casefold(): name for name in available_timezones()}


def _stamp(words: str) -> datetime | None:
    match = STAMP.fullmatch(words)
    return EPOCH + timedelta(seconds=int(match[1])) if match else None


def _ahead(words: str, now: datetime) -> datetime | None:
    """Read what is counted from now; a year is 365 days."""
    try:
        return now + parse_duration(AHEAD.sub("", words), FARTHEST)
    except DurationError:
        return None


def _on_a_day(words: str, here: datetime, zone: tzinfo) -> datetime | None:
    """Read a day, a time of day, or both."""
    day = _day(words, here)
    if day is not None:
        return _at(day, MORNING, zone, here, words)
    clock = CLOCK.search(words)
    if clock is None:
        return None
    rest, moment = words[: clock.start()].strip(" ,"), _time(clock)
    if rest:
        day = _day(rest, here)
        return None if day is None else _at(day, moment, zone, here, rest)
    if clock[2] is None and clock[3] is None and "at" not in words:
        return None  # a bare number
    due = datetime.combine(here.date(), moment, zone)
    return due if due > here else datetime.combine(here.date() + timedelta(days=1), moment, zone)


def _at(day: date, moment: time, zone: tzinfo, here: datetime, words: str) -> datetime:
    """Combine day and time; a weekday whose time is over is the one of next week."""
    due = datetime.combine(day, moment, zone)
    if due <= here and words.removeprefix("next ").removeprefix("on ") in WEEKDAY_OF:
        return datetime.combine(day + timedelta(days=7), moment, zone)
    return due


def _day(words: str, here: datetime) -> date | None:
    words = words.removeprefix("on ").removeprefix("next ")
    if words in DAYS:
        return here.date() + timedelta(days=DAYS[words])
    if words in WEEKDAY_OF:
        return here.date() + timedelta(days=(WEEKDAY_OF[words] - here.weekday()) % 7)
    if match := ISO.fullmatch(words):
        return date(_year(match[1]), int(match[2]), int(match[3]))
    if match := NUMBERS.fullmatch(words):
        return _dated(int(match[1]), int(match[2]), match[3], here)
    if (match := NAMED.fullmatch(words)) and (month := _month(match[2])):
        return _dated(int(match[1]), month, match[3], here)
    return None


def _dated(day: int, month: int, year: str | None, here: datetime) -> date:
    """Return a date; without a year the next one that is not over."""
    if year is not None:
        return date(_year(year), month, day)
    this_year = date(here.year, month, day)
    return this_year if this_year >= here.date() else date(here.year + 1, month, day)


def _year(text: str) -> int:
    year = int(text)
    return year - BUDDHIST_YEARS if year >= 2400 else year


def _month(name: str) -> int | None:
    """Return the number of a month, by its name or the first three letters of its English one."""
    for number, (english, thai) in enumerate(MONTHS, 1):
        if name == thai or (len(name) >= 3 and english.startswith(name)):
            return number
    return None


def _time(clock: re.Match[str]) -> time:
    hour, half = int(clock[1]), clock[3]
    if half in {"am", "pm"}:
        if not 1 <= hour <= 12:
            raise ValueError(f"{hour} {half} is no time of day")
        hour = hour % 12 + (12 if half == "pm" else 0)
    return time(hour, int(clock[2] or 0))
