"""Feedback: one voice for each person and message, bounded in number and age."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reference.utils.monitoring.feedback import FeedbackCollector, FeedbackType

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Set the monotonic clock."""
    now = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    return lambda seconds: now.__setitem__(0, seconds)


def test_one_voice_each() -> None:
    """The last reaction of a person counts; saying the same again changes nothing."""
    collector = FeedbackCollector()
    collector.track_message(1, user_id=7, channel_id=8)
    collector.track_message(1)
    assert collector.process_reaction(1, 10, "👍") is FeedbackType.POSITIVE
    assert collector.process_reaction(1, 10, "👍🏽") is None
    assert collector.process_reaction(1, 10, "👎") is FeedbackType.NEGATIVE
    assert collector.process_reaction(1, 11, "❤️") is FeedbackType.LOVE
    assert collector.get_message_feedback(1) == {"negative": 1, "love": 1}
    stats = collector.get_stats()
    assert stats["total"] == 2
    assert stats["satisfaction"] == 0.5
    assert stats["tracked_ever"] == 1


def test_taking_it_back() -> None:
    """A reaction that is taken away takes its voice away; one that does not count any more does not."""
    collector = FeedbackCollector()
    collector.track_message(1)
    collector.process_reaction(1, 10, "👍")
    collector.process_reaction(1, 10, "😂")
    assert collector.process_reaction(1, 10, "👍", added=False) is None
    assert collector.process_reaction(1, 10, "😂", added=False) is FeedbackType.FUNNY
    assert collector.process_reaction(1, 10, "😂", added=False) is None
    assert collector.get_stats()["total"] == 0
    assert collector.get_stats()["satisfaction"] is None


def test_what_says_nothing() -> None:
    """Other emojis, bots, and messages that are not tracked say nothing."""
    collector = FeedbackCollector()
    collector.track_message(1)
    assert collector.process_reaction(1, 10, "🥔") is None
    assert collector.process_reaction(1, 10, "👍", is_bot=True) is None
    assert collector.process_reaction(2, 10, "👍") is None
    assert collector.get_message_feedback(2) == {}
    assert collector.get_stats()["total"] == 0


def test_bounds(clock: Callable[[float], None]) -> None:
    """The oldest messages go by number and by age; what was said of them stays in the totals."""
    collector = FeedbackCollector(most=2, longest_age=100)
    for message in (1, 2, 3):
        collector.track_message(message)
        collector.process_reaction(message, 10, "👍")
    assert collector.process_reaction(1, 11, "👍") is None
    assert collector.get_stats()["tracked_messages"] == 2
    clock(101)
    assert collector.process_reaction(3, 11, "👍") is None
    stats = collector.get_stats()
    assert (stats["total"], stats["tracked_messages"]) == (3, 0)
