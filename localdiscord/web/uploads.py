"""Files that the page sent ahead of the message they belong to."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from localdiscord.web.acts import BadRequestError

if TYPE_CHECKING:
    from localdiscord.model.files import Upload

__all__ = ["LARGEST", "Uploads"]

LARGEST = 10 * 1024 * 1024
"""Bytes of a file that people may send."""

MOST_WAITING = 20
"""How many files wait for a message; the oldest goes first."""


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
            BadRequestError: it is not there.
        """
        try:
            return self._waiting.pop(key)
        except KeyError:
            raise BadRequestError("The file did not arrive: choose it again.") from None
