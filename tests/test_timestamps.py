"""Points of time have one format, in all areas."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference.utils.timestamps import parse_utc, utc_text


@given(st.floats(0, 4e9))
def test_time_survives(seconds: float) -> None:
    """A point of time comes back to the microsecond, and is always as long."""
    text = utc_text(seconds)
    assert len(text) == 27
    assert abs(parse_utc(text).timestamp() - seconds) < 2e-6


def test_order_of_texts_is_order_of_times() -> None:
    """Now is written in UTC, and later texts are greater."""
    first, second = utc_text(), utc_text()
    assert first <= second
    assert abs((parse_utc(second) - datetime.now(UTC)).total_seconds()) < 60


@pytest.mark.parametrize("seconds", [-1.0, -0.5, float("nan"), float("inf"), 1e15])
def test_no_point_of_time(seconds: float) -> None:
    """What is no time between 1970 and 9999 is refused."""
    with pytest.raises(ValueError, match=r"before 1970|year 9999|no point of time"):
        utc_text(seconds)


def test_far_years_are_written_on_every_platform() -> None:
    """The last second of the year 9999 is written; Windows' own clock functions end with the year 3000."""
    assert utc_text(253_402_300_799.0) == "9999-12-31T23:59:59.000000Z"
    assert utc_text(32_536_850_400.0).startswith("3001-01-")


def test_datetimes_are_written_in_utc() -> None:
    """A time of another zone is the same moment in UTC; one without a zone is taken for UTC."""
    moment = datetime(2026, 1, 31, 12, 0, 0, 1500, tzinfo=UTC)
    east = moment.astimezone(timezone(timedelta(hours=7)))
    assert utc_text(east) == utc_text(moment) == utc_text(moment.replace(tzinfo=None)) == "2026-01-31T12:00:00.001500Z"
    assert parse_utc(utc_text(moment)) == moment
