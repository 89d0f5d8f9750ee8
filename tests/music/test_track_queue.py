"""The queue: what each transition makes of it, and what it refuses."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference.cogs.music.track import Kind, Track, clock_text, parse_position
from reference.cogs.music.track_queue import (
    LONGEST_HISTORY,
    Limits,
    Loop,
    QueueFullError,
    TrackQueue,
    UserLimitError,
)

ROOM = Limits()


def song(name: str, requester: int = 1, duration: float | None = 10.0) -> Track:
    """Make a track."""
    return Track(Kind.LIBRARY, f"{name}.wav", name, requester, duration)


def queue_of(names: str, **options: Any) -> TrackQueue:
    """Make a queue of one-letter tracks, the first of which is played."""
    queue = TrackQueue(**options).add([song(name) for name in names], ROOM)
    assert queue.current is not None
    return queue


def seeded(seed: int) -> random.Random:
    """Make a generator of known numbers."""
    return random.Random(seed)  # noqa: S311  an order of songs is no secret


def names(queue: TrackQueue) -> str:
    """Write a queue as `history|current|upcoming`."""
    history, upcoming = ("".join(track.title for track in part) for part in (queue.history, queue.upcoming))
    return f"{history}|{queue.current.title if queue.current else ''}|{upcoming}"


def test_the_first_track_is_played_and_the_others_wait() -> None:
    """A track that comes to an empty queue is the current one; later ones go to the end."""
    assert names(TrackQueue().add([song("a")], ROOM).add([song("b"), song("c")], ROOM)) == "|a|bc"


@pytest.mark.parametrize(
    ("loop", "step", "expected"),
    [
        (Loop.OFF, TrackQueue.finished, "a|b|c"),
        (Loop.OFF, TrackQueue.skipped, "a|b|c"),
        (Loop.TRACK, TrackQueue.finished, "|a|bc"),
        (Loop.TRACK, TrackQueue.skipped, "a|b|c"),
        (Loop.QUEUE, TrackQueue.finished, "|b|ca"),
        (Loop.QUEUE, TrackQueue.skipped, "|b|ca"),
        (Loop.TRACK, TrackQueue.dropped, "|b|c"),
        (Loop.QUEUE, TrackQueue.dropped, "|b|c"),
    ],
)
def test_what_follows_a_track(loop: Loop, step: Any, expected: str) -> None:
    """The end of a track, a skip and a failure each lead on as the loop says; a failing track never comes back."""
    assert names(step(queue_of("abc", loop=loop))) == expected


def test_a_single_track_in_a_looped_queue_is_played_again() -> None:
    """A loop over a queue of one plays it again; without a loop nothing is left."""
    assert names(queue_of("a", loop=Loop.QUEUE).finished()) == "|a|"
    assert names(queue_of("a").finished()) == "a||"
    assert names(queue_of("a").finished().skipped()) == "a||"


def test_going_back_puts_the_current_track_next() -> None:
    """`previous` takes the latest of the history; at its beginning it refuses."""
    queue = queue_of("abc").finished().finished()
    assert names(queue.previous()) == "a|b|c"
    assert names(queue.finished().previous()) == "ab|c|"
    with pytest.raises(IndexError, match="no track before"):
        queue_of("a").previous()


def test_the_history_is_bounded() -> None:
    """Only the latest tracks are remembered."""
    queue = TrackQueue().add([song(str(number)) for number in range(40)], ROOM)
    for _ in range(40):
        queue = queue.finished()
    assert len(queue.history) == LONGEST_HISTORY
    assert queue.history[-1].title == "39"


@pytest.mark.parametrize(
    ("source", "target", "expected"), [(1, 3, "|a|cdb"), (3, 1, "|a|dbc"), (2, 2, "|a|bcd"), (2, 3, "|a|bdc")]
)
def test_a_track_is_moved(source: int, target: int, expected: str) -> None:
    """A track is at the position that was asked for afterwards."""
    assert names(queue_of("abcd").moved(source, target)) == expected


@pytest.mark.parametrize("position", [0, -1, 4])
def test_a_position_that_is_not_there_is_refused(position: int) -> None:
    """Positions run from 1 to the number of waiting tracks, for looking, removing and moving either way."""
    queue = queue_of("abcd")
    for use in (queue.at, queue.removed, lambda place: queue.moved(place, 1), lambda place: queue.moved(1, place)):
        with pytest.raises(IndexError, match="no track at position"):
            use(position)


def test_removing_clearing_and_stopping() -> None:
    """Removing takes one, clearing all that wait, stopping all but the way of looping."""
    queue = queue_of("abcd").looping(Loop.QUEUE)
    assert names(queue.removed(2)) == "|a|bd"
    assert names(queue.cleared()) == "|a|"
    assert queue.stopped() == TrackQueue(loop=Loop.QUEUE)


def test_a_shuffle_follows_from_its_seed() -> None:
    """The same seed gives the same order, the current track stays, and none is lost."""
    queue = queue_of("abcdefgh")
    mixed = queue.shuffled(seeded(7))
    assert mixed == queue.shuffled(seeded(7)) != queue
    assert mixed.current == queue.current
    assert Counter(mixed.upcoming) == Counter(queue.upcoming)


def test_a_guild_and_a_person_have_limits() -> None:
    """A queue takes no more than its limit, and no more of one person than theirs; what was there stays."""
    limits = Limits(queue=3, user=2)
    queue = TrackQueue().add([song("a")], limits).add([song("b"), song("c")], limits)
    with pytest.raises(UserLimitError):
        queue.add([song("d")], limits)
    queue = queue.add([song("d", requester=2)], limits)
    with pytest.raises(QueueFullError):
        queue.add([song("e", requester=3)], limits)
    assert names(queue) == "|a|bcd"


def test_the_tracks_of_a_person_are_forgotten() -> None:
    """A person's tracks leave the history, the current place and the queue."""
    queue = TrackQueue().add([song("a", 1), song("b", 2), song("c", 1), song("d", 2)], ROOM).finished()
    assert names(queue.without_user(1)) == "|b|d"
    assert names(queue.without_user(2)) == "a|c|"
    assert queue.without_user(3) == queue


def test_the_remaining_time_counts_what_is_known() -> None:
    """Unknown durations count as nothing."""
    assert TrackQueue().add([song("a"), song("b"), song("c", duration=None)], ROOM).remaining == 10.0


STEPS: dict[str, Any] = {
    "finished": TrackQueue.finished,
    "skipped": TrackQueue.skipped,
    "shuffled": lambda queue: queue.shuffled(seeded(1)),
    "previous": lambda queue: queue.previous() if queue.history else queue,
    "moved": lambda queue: queue.moved(len(queue.upcoming), 1) if queue.upcoming else queue,
    **{loop.value: lambda queue, loop=loop: queue.looping(loop) for loop in Loop},
}


@given(st.lists(st.sampled_from(sorted(STEPS)), max_size=30))
def test_no_track_is_lost_or_doubled(steps: list[str]) -> None:
    """Whatever is done to the order, each track is in the queue exactly once."""
    queue = queue_of("abcdef")
    tracks = Counter(queue.tracks)
    for step in steps:
        queue = STEPS[step](queue)
        assert Counter(queue.tracks) == tracks


def test_a_track_is_kept_and_read_again() -> None:
    """What is saved gives the same track; unknown names of a later version are left out; anything else is refused."""
    track = Track(Kind.WEB, "https://media.example/a", "Ä", 3, None, "https://media.example/a")
    assert Track.from_json(track.to_json()) == track
    assert Track.from_json({**track.to_json(), "mood": "calm"}) == track
    for broken in ({}, {"kind": "tape"}, {"kind": "web", "title": "x"}):
        with pytest.raises(ValueError, match="no saved track"):
            Track.from_json(broken)


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0:00"), (65.9, "1:05"), (3723, "1:02:03"), (None, "-:--"), (float("inf"), "-:--")]
)
def test_times_are_written_for_people(seconds: float | None, text: str) -> None:
    """Minutes and seconds, hours where there are some."""
    assert clock_text(seconds) == text


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90", 90), ("1:30", 90), ("1:02:03", 3723), ("+15", 75), ("-1:00", 0), ("-90", 0), (" 2.5 ", 2.5)],
)
def test_positions_are_read(text: str, seconds: float) -> None:
    """A position is absolute, or relative to where the track is, and never before its beginning."""
    assert parse_position(text, 60) == seconds


@pytest.mark.parametrize("text", ["", ":", "1:", "a", "1:2:3:4", "1.5:00", "--5", "nan", "inf", "1e3", "٣", "1" * 12])
def test_what_is_no_position_is_refused(text: str) -> None:
    """Anything else is a ValueError."""
    with pytest.raises(ValueError, match="is no time"):
        parse_position(text)
