"""The tracker of tokens against a plain model, over days, hours and more users than it remembers.

Totals are those of everybody, forgotten or not; the day's and the hour's figures are those of the day and the hour;
one user too many costs one user, and never the one who was just counted or a more active one.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from unittest import mock

from hypothesis import given
from hypothesis import strategies as st

from fuzz.budget import fuzzer
from harness.parts.threads import finish

if TYPE_CHECKING:
    from harness.subject import Subject

FUZZ = fuzzer(__file__)
BEGINNING = 1_800_000_000.0
MOST = 4
"""Users and channels that are remembered; room may be made for two at a time."""

HOUR = 3600.0
Request = tuple[int, int, int, int | None, float]
"""User, input and output tokens, channel, and the hours that passed since the request before."""


class Model:
    """What was recorded, remembered for ever."""

    def __init__(self) -> None:
        self.requests: list[tuple[float, int, int, int | None]] = []

    def total(self, **wanted: int) -> int:
        """Return all tokens, or those of a user or a channel."""
        return sum(
            tokens
            for _, user, tokens, channel in self.requests
            if wanted.get("user", user) == user and wanted.get("channel", channel) == channel
        )

    def since(self, now: float, form: str, user: int) -> int:
        """Return a user's tokens in the day or the hour of a point of time."""
        part = datetime.fromtimestamp(now, UTC).strftime(form)
        return sum(
            tokens
            for when, who, tokens, _ in self.requests
            if who == user and datetime.fromtimestamp(when, UTC).strftime(form) == part
        )

    def last(self) -> dict[int, float]:
        """Return the time of the last request of each user."""
        return {user: when for when, user, _, _ in self.requests}

    def idle_since(self) -> dict[int | None, float]:
        """Return the time of the last request in each channel."""
        return {channel: when for when, _, _, channel in self.requests}


def play(subject: Subject, requests: list[Request]) -> None:
    """Record all requests, and look at the figures after each."""
    kind = subject.monitoring.token_tracker.TokenTracker
    with mock.patch.multiple(kind, MAX_USERS=MOST, MAX_CHANNELS=MOST):
        tracker, model, now = kind(), Model(), BEGINNING
        remembered: set[int] = set()
        channels: dict[int, int] = {}
        for user, given_tokens, answered, channel, pause in requests:
            now += pause * HOUR
            with mock.patch.object(time, "time", lambda now=now: now):
                record(tracker, user, given_tokens, answered, channel)
                model.requests.append((now, user, given_tokens + answered, channel))
                remembered = judge(tracker, model, now, user, remembered)
                if channel is not None:
                    channels[channel] = channels.get(channel, 0) + given_tokens + answered
                    channels = judge_channels(tracker, model, channel, channels)


def record(tracker: Any, *request: int | None) -> None:
    """Record one request; nothing that it can do may raise."""
    user, given_tokens, answered, channel = request
    try:
        tracker.record(user, given_tokens, answered, channel_id=channel)
    except AttributeError as error:
        raise AssertionError(f"a request over the limit raised AttributeError: {error}") from error


def judge(tracker: Any, model: Model, now: float, user: int, before: set[int]) -> set[int]:
    """Judge the figures after a request of a user; return who is remembered."""
    figures = tracker.get_global_stats()
    total = figures["input_tokens"] + figures["output_tokens"]
    assert total == model.total(), f"the totals say {total} tokens; {model.total()} were used"
    known = {each: tracker.get_user_stats(each) for each in {who for _, who, _, _ in model.requests}}
    remembered = {each for each, stats in known.items() if stats}
    assert user in remembered, "the user who was just counted was forgotten"
    assert len(remembered) <= MOST, f"{len(remembered)} users are remembered; the limit is {MOST}"
    lost = before - remembered
    assert len(lost) <= 2, f"one user too many, and {len(lost)} were forgotten"
    latest = model.last()
    for gone in lost:
        assert all(latest[gone] <= latest[each] for each in remembered), "somebody was forgotten who was active later"
    if user in before and len(before) <= MOST:
        assert not lost, "a user was forgotten though nobody came"
    stats = known[user]
    for part, form in (("today", "%Y-%m-%d"), ("this_hour", "%Y-%m-%dT%H")):
        if isinstance(stats, dict) and isinstance(stats.get(part), dict) and user in before:
            said, used = stats[part]["total_tokens"], model.since(now, form, user)
            assert said <= used, f"the figures of {part} say {said} tokens; {used} were used"
    return remembered


def judge_channels(tracker: Any, model: Model, channel: int, used: dict[int, int]) -> dict[int, int]:
    """Judge which channels are remembered after one was used; return them, with the tokens since they were new."""
    kept = {each: tokens for each, tokens in used.items() if tracker.get_channel_stats(each)}
    assert channel in kept, "the channel that was just used was forgotten"
    assert len(kept) <= MOST, f"{len(kept)} channels are remembered; the limit is {MOST}"
    assert len(kept) >= min(len(used), MOST - 2), f"only {len(kept)} of {len(used)} channels are remembered"
    idle = model.idle_since()
    others = [each for each in kept if each != channel]
    for gone in used.keys() - kept.keys():
        is_least = all(used[gone] <= used[each] for each in others)
        is_idlest = all(idle[gone] <= idle[each] for each in others)
        assert is_least or is_idlest, "a channel was forgotten in place of another that is used less and idle longer"
    return kept


requests = st.lists(
    st.tuples(
        st.integers(1, 7),
        st.integers(0, 50),
        st.integers(0, 50),
        st.none() | st.integers(1, 7),
        st.sampled_from([0.0, 0.001, 0.4, 1.0, 5.0, 23.7, 24.0, 30.0, 31 * 24.0, 365 * 24.0]),
    ),
    max_size=18,
)


@FUZZ.tries
@given(requests=requests)
def test_any_history(*, subject: Subject, requests: list[Request]) -> None:
    """Whatever is recorded, the figures are those of a tracker that forgets nothing, as far as it may."""
    finish(lambda: play(subject, requests), "recording waited for ever", 5.0)
