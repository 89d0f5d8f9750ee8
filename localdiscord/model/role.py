"""Roles of a guild."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from localdiscord.permissions import NONE, Permissions

__all__ = ["Role"]


@dataclass
class Role:
    """A role: a name, a rank and what it allows."""

    id: int
    name: str
    permissions: Permissions = NONE
    position: int = 0
    color: int = 0
    hoist: bool = False
    managed: bool = False
    mentionable: bool = False
    tags: dict[str, Any] = field(default_factory=dict)

    def payload(self) -> dict[str, Any]:
        """Return the role as Discord writes it."""
        body: dict[str, Any] = {
            "id": str(self.id),
            "name": self.name,
            "permissions": str(int(self.permissions)),
            "position": self.position,
            "color": self.color,
            "colors": {"primary_color": self.color, "secondary_color": None, "tertiary_color": None},
            "hoist": self.hoist,
            "managed": self.managed,
            "mentionable": self.mentionable,
            "icon": None,
            "unicode_emoji": None,
            "flags": 0,
        }
        return {**body, "tags": self.tags} if self.tags else body
