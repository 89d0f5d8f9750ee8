"""Facts about polls as such: what a vote changes, what options are, and how a poll looks."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference.cogs import FOLDER
from reference.cogs.community.poll import Poll, options_in, poll_embed
from reference.utils.localization import add_locales

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)

add_locales(FOLDER / "community" / "locales")


def poll(most_votes: int = 1, **more: Any) -> Poll:
    """Return a poll with three options."""
    return Poll(1, 2, 3, "Tea *or* coffee?", ("tea", "coffee", "_both_"), most_votes, "en", NOW, **more)


@given(st.integers(1, 3), st.lists(st.integers(0, 2), max_size=12))
def test_votes_stay_within_their_number(most: int, presses: list[int]) -> None:
    """However buttons are pressed, a person never has more votes than allowed, and pressing twice takes a vote back."""
    asked, votes = poll(most), frozenset[int]()
    for option in presses:
        votes = asked.voted(votes, option)
        assert len(votes) <= most
    for option in votes:
        assert option not in asked.voted(votes, option)


def test_one_vote_moves() -> None:
    """Where one vote is allowed, another option takes its place; where two are, a third changes nothing."""
    assert poll(1).voted(frozenset({0}), 1) == {1}
    assert poll(2).voted(frozenset({0, 1}), 2) == {0, 1}


@pytest.mark.parametrize(
    ("text", "options"),
    [("tea|coffee", ["tea", "coffee"]), (" a ; b\n\nb | ", ["a", "b"]), ("one", ["one"]), (" | ", [])],
)
def test_options(text: str, options: list[str]) -> None:
    """Options are parted by bars, semicolons and line ends; each counts once."""
    assert options_in(text) == options


def test_an_open_poll() -> None:
    """An open poll shows bars, shares of the voters and votes, and no winner; text of people formats nothing."""
    embed = poll_embed(poll(2, id=7), {0: 3, 2: 1}, 4)
    assert embed.title == r"Tea \*or\* coffee?"
    lines = (embed.description or "").splitlines()
    assert lines[0] == "**1.** tea"
    assert lines[1] == "`█████████░░░` 75% · 3"
    assert lines[4] == r"**3.** \_both\_"
    assert "🏆" not in (embed.description or "")
    assert embed.footer.text == "4 people voted · up to 2 answers each · #7"
    assert embed.fields == []


def test_a_closed_poll() -> None:
    """A closed poll marks the winners, all of them, and says since when it is closed; one without votes has none."""
    embed = poll_embed(poll(closed_at=NOW), {0: 1, 1: 1}, 2)
    assert (embed.description or "").count("🏆") == 2
    assert embed.fields[0].value == f"Closed <t:{int(NOW.timestamp())}:R>."
    assert "🏆" not in (poll_embed(poll(closed_at=NOW), {}, 0).description or "")
    assert poll_embed(poll(closes_at=NOW), {}, 0).fields[0].value == f"Ends <t:{int(NOW.timestamp())}:R>."
