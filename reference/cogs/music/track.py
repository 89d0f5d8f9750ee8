"""A track: what is known about it, where its sound comes from, and how it is kept over a restart."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["LONGEST_TITLE", "Kind", "Track", "clock_text", "parse_position"]

LONGEST_TITLE = 200
"""Characters of a title that are kept."""


class Kind(StrEnum):
    """Where the sound of a track comes from.

    Attributes:
        WEB: a URL that yt-dlp opens.
        LIBRARY: a file of the media folder.
        UPLOAD: a file that somebody attached in Discord, kept while the track is in a queue.
    """

    WEB = "web"
    LIBRARY = "library"
    UPLOAD = "upload"


@dataclass(frozen=True, slots=True)
class Track:
    """Something to be played.

    Attributes:
        kind: where its sound comes from.
        location: the URL, the path below the media folder, or the name of the kept upload.
        title: as its author wrote it; it is escaped where it is shown.
        requester_id: who asked for it.
        duration: seconds; None where it is unknown.
        page: URL for people, if there is one.
    """

    kind: Kind
    location: str
    title: str
    requester_id: int
    duration: float | None = None
    page: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return what is saved."""
        return {name: value for name, value in asdict(self).items() if value is not None}

    @classmethod
    def from_json(cls, saved: Mapping[str, Any]) -> Track:
        """Read what was saved.

        Raises:
            ValueError: it is no track.
        """
        known = {field.name for field in fields(cls)}
        try:
            values = {**{name: saved[name] for name in saved if name in known}, "kind": Kind(saved["kind"])}
            return cls(**values)
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"this is no saved track: {error}") from None


def clock_text(seconds: float | None) -> str:
    """Write a time as people read it: `3:05`, `1:02:03`; `-:--` where it is unknown."""
    if seconds is None or not math.isfinite(seconds):
        return "-:--"
    minutes, rest = divmod(int(max(0.0, seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def parse_position(text: str, now: float = 0.0) -> float:
    """Read a position: `90`, `1:30`, `1:02:03`, or relative to now: `+15`, `-1:00`.

    Args:
        text: what somebody wrote.
        now: seconds at which the track is.

    Returns:
        Seconds, 0 or more.

    Raises:
        ValueError: it is no time.
    """
    text = text.strip()
    sign = {"+": 1, "-": -1}.get(text[:1], 0)
    parts = text[1 if sign else 0 :].split(":")
    if len(parts) > 3 or not all(_is_number(part) for part in parts) or not all(p.isdigit() for p in parts[:-1]):
        raise ValueError(f"{text!r} is no time such as 1:30")
    seconds = 0.0
    for part in parts:
        seconds = seconds * 60 + float(part)
    return max(0.0, now + sign * seconds) if sign else seconds


def _is_number(text: str) -> bool:
    whole, _, fraction = text.partition(".")
    return text.isascii() and whole.isdigit() and (fraction.isdigit() or "." not in text) and len(text) <= 9
