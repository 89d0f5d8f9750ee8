"""What a guild adds to messages: emojis, stickers and sounds of its own."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from localdiscord.model.user import User

__all__ = ["Emoji", "Sound", "Sticker"]


@dataclass
class Emoji:
    """An emoji of a guild or an application."""

    id: int
    name: str
    user: User
    animated: bool = False
    roles: list[int] = field(default_factory=list)

    def payload(self) -> dict[str, Any]:
        """Return the emoji as Discord writes it."""
        return {
            "id": str(self.id),
            "name": self.name,
            "roles": [str(role) for role in self.roles],
            "user": self.user.payload(),
            "require_colons": True,
            "managed": False,
            "animated": self.animated,
            "available": True,
        }


@dataclass
class Sticker:
    """A sticker of a guild.

    Attributes:
        format: 1 is PNG, 2 APNG, 3 Lottie, 4 GIF.
    """

    id: int
    guild_id: int
    name: str
    user: User
    description: str | None = None
    tags: str = ""
    format: int = 1

    def item(self) -> dict[str, Any]:
        """Return what a message says of the sticker."""
        return {"id": str(self.id), "name": self.name, "format_type": self.format}

    def payload(self) -> dict[str, Any]:
        """Return the sticker as Discord writes it."""
        return self.item() | {
            "description": self.description,
            "tags": self.tags,
            "type": 2,
            "available": True,
            "guild_id": str(self.guild_id),
            "user": self.user.payload(),
        }


@dataclass
class Sound:
    """A sound of a guild's soundboard."""

    id: int
    guild_id: int
    name: str
    user: User
    volume: float = 1.0
    emoji_id: int | None = None
    emoji_name: str | None = None

    def payload(self) -> dict[str, Any]:
        """Return the sound as Discord writes it."""
        return {
            "sound_id": str(self.id),
            "guild_id": str(self.guild_id),
            "name": self.name,
            "volume": self.volume,
            "emoji_id": str(self.emoji_id) if self.emoji_id else None,
            "emoji_name": self.emoji_name,
            "available": True,
            "user": self.user.payload(),
        }
