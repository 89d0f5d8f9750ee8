"""The rules of moderation that need no Discord: durations, texts, who stands above whom."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference.cogs.moderation.durations import LONGEST_TIMEOUT, DurationError, parse_duration, write_duration
from reference.cogs.moderation.hierarchy import Objection, Standing, objection
from reference.cogs.moderation.texts import LONGEST_REASON, audit_reason, clean, reference_in, shown


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("10m", 600),
        ("1h30m", 5400),
        ("28d", 2_419_200),
        ("1 week, 2 days", 777_600),
        ("90 MIN", 5400),
        ("3 วัน", 259_200),
        ("๑๐นาที", 600),
        (" 5s ", 5),
    ],
)
def test_durations_are_read_as_people_write_them(text: str, seconds: int) -> None:
    """Short and long units, sums, capitals, Thai words and Thai digits are understood."""
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "   ", "10", "m", "0s", "10x", "-5m", "1h 30", "1.5h", "29d", "999999999w"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    """Nothing, no unit, an unknown one, zero, and more than is allowed are refused with the text in the sentence."""
    with pytest.raises(DurationError, match=r"no duration|not between"):
        parse_duration(text, LONGEST_TIMEOUT)


@given(st.integers(1, int(timedelta(days=3650).total_seconds())))
def test_a_written_duration_is_read_back(seconds: int) -> None:
    """Whatever `write_duration` writes, `parse_duration` reads as the same."""
    duration = timedelta(seconds=seconds)
    assert parse_duration(write_duration(duration)) == duration


def test_a_hostile_reason_is_cleaned() -> None:
    """Control and zero-width characters go, lines become one, and what is too long is cut; joined emoji stay."""
    assert clean("\u202eevil\u200b\x00 text\nhere") == "evil text here"
    assert clean("👨\u200d👩\u200d👧") == "👨\u200d👩\u200d👧"
    assert clean(None) == clean("\u200d\u200b") == ""
    assert len(clean("x" * 2000)) == LONGEST_REASON


def test_a_shown_reason_mentions_nobody_and_formats_nothing() -> None:
    """Mentions, masked links and markdown come out as the characters they are."""
    text = shown("@everyone <@80351110224678912> [safe](https://evil.example) **loud** `code` <t:0>")
    assert "@everyone" not in text
    assert "<@" not in text.replace("\\<", "")
    assert "\\[safe" in text
    assert "\\*\\*loud" in text


@given(st.text(max_size=3000), st.integers(1, 2**53))
def test_an_audit_reason_fits_and_leads_back_to_its_case(reason: str, number: int) -> None:
    """The audit log's text is at most 512 characters, and the case is found in it whatever the reason says."""
    text = audit_reason(number, "Bob", clean(reason))
    assert len(text) <= 512
    assert reference_in(text) == number


@pytest.mark.parametrize("text", [None, "", "because", "x [#]", "x [#٣]"])
def test_a_reason_without_a_mark_leads_nowhere(text: str | None) -> None:
    """What the bot did not write belongs to no case."""
    assert reference_in(text) is None


ME = Standing(1, (10, -1))
BOB = Standing(2, (5, -2))
CAROL = Standing(3, (1, -3))


@pytest.mark.parametrize(
    ("moderator", "me", "target", "expected"),
    [
        (BOB, ME, CAROL, None),
        (BOB, ME, Standing(9), None),
        (BOB, ME, BOB, Objection.YOURSELF),
        (BOB, ME, ME, Objection.ME),
        (BOB, ME, Standing(4, (1, -4), is_owner=True), Objection.OWNER),
        (BOB, ME, Standing(4, (5, -2)), Objection.ABOVE_YOU),
        (BOB, ME, Standing(4, (5, -1)), Objection.ABOVE_YOU),
        (Standing(2, (5, -2), is_owner=True), ME, Standing(4, (11, -4)), Objection.ABOVE_ME),
        (Standing(2, (5, -2), is_owner=True), ME, Standing(4, (10, -1)), Objection.ABOVE_ME),
        (BOB, Standing(1), CAROL, Objection.ABOVE_ME),
    ],
)
def test_nobody_reaches_above_themselves(
    moderator: Standing, me: Standing, target: Standing, expected: Objection | None
) -> None:
    """Oneself, the bot, the owner, and whoever stands at or above moderator or bot are out of reach."""
    assert objection(moderator, me, target) is expected


def test_administrators_cannot_be_timed_out() -> None:
    """Discord takes no time-out for administrators, so it is said beforehand; a kick is another matter."""
    admin = Standing(4, (2, -4), is_administrator=True)
    assert objection(BOB, ME, admin, is_timeout=True) is Objection.ADMINISTRATOR
    assert objection(BOB, ME, admin) is None
