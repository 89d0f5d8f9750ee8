"""Files that the page sent ahead of the message they belong to."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

__all__ = ["LARGEST", "Upload", "Uploads"]

LARGEST = 10 * 1024 * 1024
"""Bytes of a file that people may send."""

MOST_WAITING = 20
"""How many files wait for a message; the oldest goes first."""


@dataclass(frozen=True)
class Upload:
    """A file that waits for its message."""

    filename: str
    content_type: str
    data: bytes


class Uploads:
    """The files that wait, by a key that only who sent them knows."""

    def __init__(self) -> None:
        self._waiting: dict[str, Upload] = {}

    def put(self, upload: Upload) -> str:
        """Keep a file and return its key."""
        while len(self._waiting) >= MOST_WAITING:
            del self._waiting[next(iter(self._waiting))]
        key = secrets.token_urlsafe(12)
        self._waiting[key] = upload
        return key

    def take(self, key: str) -> Upload:
        """Return a file and forget it.

        Raises:
            KeyError: it is not there.
        """
        return self._waiting.pop(key)
