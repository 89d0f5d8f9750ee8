"""What can be wrong with a track, as a message that people get in their language."""

from __future__ import annotations

from typing import Any

from reference.refusals import Refused

from .markup import shown

__all__ = ["MusicError"]


class MusicError(Refused):
    """A track cannot be had or played, and the person who asked is told why.

    Args:
        key: of the message.
        **values: for its placeholders; text among them comes from strangers, and is escaped here.
    """

    def __init__(self, key: str, **values: Any) -> None:
        safe = {name: shown(value) if isinstance(value, str) else value for name, value in values.items()}
        super().__init__(key, **safe)
        self._text = " ".join([key, *(f"{name}={value!r}" for name, value in values.items())])

    def __str__(self) -> str:
        return self._text
