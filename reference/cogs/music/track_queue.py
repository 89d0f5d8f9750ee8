"""The queue of a guild: pure transitions from one queue to the next, which refuse what cannot be."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random
    from collections.abc import Iterable

    from .track import Track

__all__ = ["Limits", "Loop", "QueueFullError", "TrackQueue", "UserLimitError"]

LONGEST_HISTORY = 25
"""Tracks that `previous` can go back."""


class QueueFullError(ValueError):
    """The queue holds as many tracks as it may."""


class UserLimitError(ValueError):
    """Somebody has as many tracks in the queue as one person may."""


class Loop(StrEnum):
    """What happens at the end of a track: the next one, the same one, or the next one and later this one again."""

    OFF = "off"
    TRACK = "track"
    QUEUE = "queue"


@dataclass(frozen=True, slots=True)
class Limits:
    """How many tracks may wait.

    Attributes:
        queue: in a guild.
        user: of one person in a guild.
    """

    queue: int = 200
    user: int = 50


@dataclass(frozen=True, slots=True)
class TrackQueue:
    """What is played, what follows and what was before; positions count from 1, as people do.

    Attributes:
        current: the track that is played, if any.
        upcoming: the tracks that wait, the next one first.
        history: the tracks that were played, the latest last.
        loop: what happens at the end of a track.
    """

    current: Track | None = None
    upcoming: tuple[Track, ...] = ()
    history: tuple[Track, ...] = ()
    loop: Loop = Loop.OFF

    @property
    def tracks(self) -> tuple[Track, ...]:
        """All tracks in the order of play: those before, this one, those that wait."""
        return (*self.history, *((self.current,) if self.current else ()), *self.upcoming)

    @property
    def remaining(self) -> float:
        """Seconds that the waiting tracks take, as far as their durations are known."""
        return sum(track.duration or 0.0 for track in self.upcoming)

    def add(self, tracks: Iterable[Track], limits: Limits) -> TrackQueue:
        """Put tracks at the end; the first one becomes the current one where there is none.

        Raises:
            QueueFullError: there would be too many.
            UserLimitError: there would be too many of one person.
        """
        tracks = tuple(tracks)
        upcoming = (*self.upcoming, *tracks)
        if len(upcoming) > limits.queue:
            raise QueueFullError(limits.queue)
        owners = [track.requester_id for track in upcoming]
        if any(owners.count(owner) > limits.user for owner in {track.requester_id for track in tracks}):
            raise UserLimitError(limits.user)
        added = replace(self, upcoming=upcoming)
        return added if self.current else _advanced(added)

    def finished(self) -> TrackQueue:
        """The current track came to its end."""
        return self if self.loop is Loop.TRACK else self.skipped()

    def skipped(self) -> TrackQueue:
        """Go to the next track, also where the current one is looped."""
        if self.current is None:
            return _advanced(self)
        again = (self.current,) if self.loop is Loop.QUEUE else ()
        history = self.history if again else (*self.history, self.current)[-LONGEST_HISTORY:]
        return _advanced(replace(self, history=history), again)

    def dropped(self) -> TrackQueue:
        """Go to the next track and forget the current one, which cannot be played."""
        return _advanced(self)

    def previous(self) -> TrackQueue:
        """Go back to the track before; the current one is next then.

        Raises:
            IndexError: there was none.
        """
        if not self.history:
            raise IndexError("there is no track before")
        *history, last = self.history
        following = (self.current, *self.upcoming) if self.current else self.upcoming
        return replace(self, current=last, history=tuple(history), upcoming=following)

    def shuffled(self, rng: random.Random) -> TrackQueue:
        """Mix the tracks that wait."""
        return replace(self, upcoming=tuple(rng.sample(self.upcoming, len(self.upcoming))))

    def moved(self, source: int, target: int) -> TrackQueue:
        """Put a waiting track at another position.

        Raises:
            IndexError: there is no such position.
        """
        track = self.at(source)
        rest = [waiting for place, waiting in enumerate(self.upcoming, 1) if place != source]
        self.at(target)
        rest.insert(target - 1, track)
        return replace(self, upcoming=tuple(rest))

    def removed(self, position: int) -> TrackQueue:
        """Take a waiting track out.

        Raises:
            IndexError: there is no such position.
        """
        self.at(position)
        return replace(self, upcoming=self.upcoming[: position - 1] + self.upcoming[position:])

    def at(self, position: int) -> Track:
        """Return a waiting track.

        Raises:
            IndexError: there is no such position.
        """
        if not 1 <= position <= len(self.upcoming):
            raise IndexError(f"there is no track at position {position}")
        return self.upcoming[position - 1]

    def looping(self, loop: Loop) -> TrackQueue:
        """Choose what happens at the end of a track."""
        return replace(self, loop=loop)

    def cleared(self) -> TrackQueue:
        """Forget the tracks that wait."""
        return replace(self, upcoming=())

    def stopped(self) -> TrackQueue:
        """Forget everything but the way of looping."""
        return TrackQueue(loop=self.loop)

    def without_user(self, user_id: int) -> TrackQueue:
        """Forget the tracks that a person asked for, the current one included."""
        kept = tuple(track for track in self.upcoming if track.requester_id != user_id)
        history = tuple(track for track in self.history if track.requester_id != user_id)
        rest = replace(self, upcoming=kept, history=history)
        return rest.dropped() if self.current and self.current.requester_id == user_id else rest


def _advanced(queue: TrackQueue, again: tuple[Track, ...] = ()) -> TrackQueue:
    upcoming = queue.upcoming + again
    return replace(queue, current=upcoming[0] if upcoming else None, upcoming=upcoming[1:])
