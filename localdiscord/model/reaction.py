"""Emoji as reactions and messages name them, and who reacted with them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

__all__ = ["PartialEmoji", "Reaction"]

CUSTOM = re.compile(r"(?:a:)?(\w{1,32}):(\d{15,20})")
NOT_EMOJI = re.compile(r"[\w\s:!-/;-@\[-`{-~]*")
KEYCAP = re.compile(r"[0-9#*]\ufe0f?\u20e3")


@dataclass(frozen=True)
class PartialEmoji:
    """An emoji: one of a guild by id, or a character by name."""

    id: int | None
    name: str | None
    animated: bool = False

    @property
    def key(self) -> str:
        """What tells it from others."""
        return str(self.id) if self.id else (self.name or "").replace("\ufe0f", "")

    def payload(self) -> dict[str, Any]:
        """Return the emoji as Discord writes it."""
        body: dict[str, Any] = {"id": str(self.id) if self.id else None, "name": self.name}
        return body | {"animated": True} if self.animated else body

    @classmethod
    def read(cls, text: str) -> PartialEmoji | None:
        """Read an emoji as paths name it: `👍`, or `name:id`; None where it is neither."""
        if found := CUSTOM.fullmatch(text):
            return cls(int(found[2]), found[1], text.startswith("a:"))
        if KEYCAP.fullmatch(text) or (text and not NOT_EMOJI.fullmatch(text) and len(text) <= 32):
            return cls(None, text)
        return None


@dataclass
class Reaction:
    """A reaction to a message, and whose it is, in order."""

    emoji: PartialEmoji
    users: dict[int, None] = field(default_factory=dict)

    def payload(self, viewer: int | None = None) -> dict[str, Any]:
        """Return the reaction as Discord writes it.

        Args:
            viewer: the user who is told whether the reaction is theirs.
        """
        return {
            "emoji": self.emoji.payload(),
            "count": len(self.users),
            "count_details": {"burst": 0, "normal": len(self.users)},
            "burst_colors": [],
            "me_burst": False,
            "burst_me": False,
            "me": viewer in self.users,
            "burst_count": 0,
        }
