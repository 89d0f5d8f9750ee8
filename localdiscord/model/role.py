"""Roles of a guild."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from localdiscord.permissions import NONE, Permissions

__all__ = ["Role"]


@dataclass(eq=False)
class Role:
    """A role: a name, a rank and what it allows.

    Attributes:
        colors: the second and third colour of a gradient.
    """

    id: int
    name: str
    permissions: Permissions = NONE
    position: int = 0
    color: int = 0
    hoist: bool = False
    managed: bool = False
    mentionable: bool = False
    tags: dict[str, Any] = field(default_factory=dict)
    colors: tuple[int | None, int | None] = (None, None)
    icon: str | None = None
    unicode_emoji: str | None = None

    def payload(self) -> dict[str, Any]:
        """Return the role as Discord writes it."""
        body: dict[str, Any] = {
            "id": str(self.id),
            "name": self.name,
            "permissions": str(int(self.permissions)),
            "position": self.position,
            "color": self.color,
            "colors": {
                "primary_color": self.color,
                "secondary_color": self.colors[0],
                "tertiary_color": self.colors[1],
            },
            "hoist": self.hoist,
            "managed": self.managed,
            "mentionable": self.mentionable,
            "icon": self.icon,
            "unicode_emoji": self.unicode_emoji,
            "flags": 0,
        }
        return {**body, "tags": self.tags} if self.tags else body
