"""Users: people and bots."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

__all__ = ["STATUSES", "Presence", "User"]

STATUSES = ("online", "idle", "dnd", "invisible", "offline")
"""Whether a user is there; who is invisible seems offline to others."""


@dataclass
class Presence:
    """Whether a user is there, and what they are doing."""

    status: str = "online"
    activities: list[dict[str, Any]] = field(default_factory=list)

    def payload(self, user_id: int, guild_id: int) -> dict[str, Any]:
        """Return the presence as the gateway tells it to a guild."""
        status = "offline" if self.status == "invisible" else self.status
        return {
            "user": {"id": str(user_id)},
            "guild_id": str(guild_id),
            "status": status,
            "activities": self.activities if status != "offline" else [],
            "client_status": {} if status == "offline" else {"desktop": status},
        }


@dataclass
class User:
    """A person or a bot.

    Attributes:
        id: the snowflake.
        username: the unique name.
        global_name: the name shown; bots have none.
        bot: whether it is a bot.
        avatar: the hash of the picture, if there is one.
        locale: the language of the client, as Discord writes it: `en-US`, `th`.
        presence: whether the user is there.
        blocked: the ids of users who cannot write to this one directly.
        accepts_messages: whether people of common guilds may write directly.
    """

    id: int
    username: str
    global_name: str | None = None
    bot: bool = False
    avatar: str | None = None
    locale: str = "en-US"
    public_flags: int = 0
    presence: Presence = field(default_factory=Presence)
    blocked: set[int] = field(default_factory=set)
    accepts_messages: bool = True
    banner: str | None = None

    @property
    def mention(self) -> str:
        """What mentions the user in a message."""
        return f"<@{self.id}>"

    def payload(self) -> dict[str, Any]:
        """Return the user as others see it."""
        return {
            "id": str(self.id),
            "username": self.username,
            "global_name": self.global_name,
            "discriminator": f"{self.id % 9999 + 1:04}" if self.bot else "0",
            "avatar": self.avatar,
            "avatar_decoration_data": None,
            "collectibles": None,
            "primary_guild": None,
            "banner": self.banner,
            "accent_color": None,
            "public_flags": self.public_flags,
            "flags": self.public_flags,
            "bot": self.bot,
            "system": False,
        }

    def own_payload(self) -> dict[str, Any]:
        """Return the user as it sees itself."""
        return {**self.payload(), "verified": True, "mfa_enabled": True, "email": None, "locale": self.locale}
