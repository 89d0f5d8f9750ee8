"""What can be wrong with a track or a command, as a message that people get in their language."""

from __future__ import annotations

from typing import Any

__all__ = ["MusicError"]


class MusicError(Exception):
    """Something that the person who asked should be told.

    Attributes:
        key: of the message.
        values: for its placeholders.
    """

    def __init__(self, key: str, **values: Any) -> None:
        super().__init__(key, values)
        self.key = key
        self.values = values

    def __str__(self) -> str:
        return " ".join([self.key, *(f"{name}={value!r}" for name, value in self.values.items())])
