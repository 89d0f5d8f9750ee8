"""Facts about points of time as people write them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from reference.cogs.community import when
from reference.cogs.community.when import FARTHEST, WhenError, parse_when, zone_of

NOW = datetime(2026, 3, 4, 12, 30, tzinfo=UTC)
"""A Wednesday."""


@pytest.mark.parametrize(
    ("text", "due"),
    [
        ("in 10 minutes", "2026-03-04T12:40"),
        ("1h30m", "2026-03-04T14:00"),
        ("2 days from now", "2026-03-06T12:30"),
        ("อีก 10 นาที", "2026-03-04T12:40"),
        ("อีก3วัน", "2026-03-07T12:30"),
        ("tomorrow", "2026-03-05T09:00"),
        ("Tomorrow at 9:15", "2026-03-05T09:15"),
        ("tomorrow at 9", "2026-03-05T09:00"),
        ("tonight at 8pm", "2026-03-04T20:00"),
        ("พรุ่งนี้ เวลา 8:00 น.", "2026-03-05T08:00"),
        ("มะรืน", "2026-03-06T09:00"),
        ("at 18:30", "2026-03-04T18:30"),
        ("12:00", "2026-03-05T12:00"),
        ("at 6", "2026-03-05T06:00"),
        ("12 am", "2026-03-05T00:00"),
        ("12pm", "2026-03-05T12:00"),
        ("friday", "2026-03-06T09:00"),
        ("on friday 18:00", "2026-03-06T18:00"),
        ("wednesday", "2026-03-11T09:00"),
        ("wed at 13:00", "2026-03-04T13:00"),
        ("next monday", "2026-03-09T09:00"),
        ("วันจันทร์ 7:30", "2026-03-09T07:30"),
        ("2026-12-24", "2026-12-24T09:00"),
        ("2026-12-24 18:00", "2026-12-24T18:00"),
        ("2569-12-24", "2026-12-24T09:00"),
        ("24.12.", "2026-12-24T09:00"),
        ("24.12.2026 at 18:00", "2026-12-24T18:00"),
        ("1/2", "2027-02-01T09:00"),
        ("24 december", "2026-12-24T09:00"),
        ("1st jan 2027 10:00", "2027-01-01T10:00"),
        ("5 มกราคม 2570", "2027-01-05T09:00"),
        ("<t:1788000000:R>", "2026-08-29T10:40"),
    ],
)
def test_what_is_understood(text: str, due: str) -> None:
    """Durations, days, times of day, dates and Discord's timestamps are read, in English and Thai."""
    assert parse_when(text, NOW).isoformat(timespec="minutes") == f"{due}+00:00"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("", "unclear"),
        ("soon", "unclear"),
        ("7", "unclear"),
        ("13 pm", "unclear"),
        ("24:00", "unclear"),
        ("31.2.", "unclear"),
        ("5 foo", "unclear"),
        ("foo at 9", "unclear"),
        ("0m", "unclear"),
        ("9" * 12, "unclear"),
        ("2026-03-03", "past"),
        ("today at 9", "past"),
        ("<t:5>", "past"),
        ("2040-01-01", "far"),
        ("<t:999999999999>", "unclear"),
        ("<t:99999999999>", "far"),
    ],
)
def test_what_is_refused(text: str, kind: str) -> None:
    """What is not clear, is over or lies too far ahead is an error of that kind."""
    with pytest.raises(WhenError, match=kind) as caught:
        parse_when(text, NOW)
    assert caught.value.kind == kind


def test_the_zone_counts() -> None:
    """A time of day is meant where the person lives, summer time included; a duration is not concerned."""
    berlin = zone_of("europe/berlin")
    assert parse_when("2026-07-01 9:00", NOW, berlin).isoformat() == "2026-07-01T07:00:00+00:00"
    assert parse_when("2026-12-01 9:00", NOW, berlin).isoformat() == "2026-12-01T08:00:00+00:00"
    assert parse_when("1h", NOW, berlin) == NOW + timedelta(hours=1)
    assert parse_when("13:15", NOW, berlin).isoformat() == "2026-03-05T12:15:00+00:00"


@pytest.mark.parametrize("name", ["Asia/Bangkok", "asia/bangkok", "America/New York", "UTC", "utc"])
def test_zones_are_found(name: str) -> None:
    """A time zone is found whatever the case of its name."""
    assert zone_of(name).key


@pytest.mark.parametrize("name", ["", "Mars", "../../etc/passwd", "Europe/Atlantis", "/"])
def test_zones_that_are_none(name: str) -> None:
    """A name that is no time zone is an error, and no file is read for it."""
    with pytest.raises(ValueError, match="no time zone"):
        zone_of(name)


@pytest.mark.parametrize("name", ["CON", "con", "COM1", "NUL", "aux"])
def test_a_device_is_never_opened_as_a_time_zone(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What no time zone is called is not even looked up: as a file, Windows takes CON for the console, and waits."""
    asked: list[str] = []
    monkeypatch.setattr(when, "ZoneInfo", asked.append)
    with pytest.raises(ValueError, match="no time zone"):
        zone_of(name)
    assert not asked


@given(st.text(max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    """Whatever is written, the result lies ahead and not too far, or the error says why."""
    try:
        due = parse_when(text, NOW)
    except WhenError as error:
        event(error.kind)
    else:
        assert NOW < due <= NOW + FARTHEST
