"""Channels: text, voice, categories, threads and direct messages."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING, Any

from localdiscord.permissions import NONE, Permissions

if TYPE_CHECKING:
    from localdiscord.model.message import Message
    from localdiscord.model.user import User

__all__ = ["Channel", "ChannelType", "Overwrite"]


class ChannelType(IntEnum):
    """Discord's kinds of channel."""

    TEXT = 0
    DM = 1
    VOICE = 2
    GROUP_DM = 3
    CATEGORY = 4
    ANNOUNCEMENT = 5
    ANNOUNCEMENT_THREAD = 10
    PUBLIC_THREAD = 11
    PRIVATE_THREAD = 12
    STAGE = 13
    FORUM = 15
    MEDIA = 16


@dataclass
class Overwrite:
    """What a channel allows or denies a role (type 0) or a member (type 1)."""

    id: int
    type: int
    allow: Permissions = NONE
    deny: Permissions = NONE

    def payload(self) -> dict[str, Any]:
        """Return the overwrite as Discord writes it."""
        allow, deny = str(int(self.allow)), str(int(self.deny))
        return {"id": str(self.id), "type": self.type, "allow": allow, "deny": deny}


@dataclass
class Channel:
    """A channel and the messages in it, oldest first."""

    id: int
    type: ChannelType
    name: str = ""
    guild_id: int | None = None
    position: int = 0
    parent_id: int | None = None
    topic: str | None = None
    nsfw: bool = False
    slowmode: int = 0
    overwrites: list[Overwrite] = field(default_factory=list)
    recipients: list[User] = field(default_factory=list)
    messages: dict[int, Message] = field(default_factory=dict)
    last_message_id: int | None = None
    bitrate: int = 64_000
    user_limit: int = 0

    @property
    def mention(self) -> str:
        """What mentions the channel in a message."""
        return f"<#{self.id}>"

    def payload(self) -> dict[str, Any]:
        """Return the channel as Discord writes it."""
        if self.type is ChannelType.DM:
            return self._direct_payload()
        body: dict[str, Any] = {
            "id": str(self.id),
            "type": int(self.type),
            "guild_id": str(self.guild_id),
            "name": self.name,
            "position": self.position,
            "parent_id": str(self.parent_id) if self.parent_id else None,
            "topic": self.topic,
            "nsfw": self.nsfw,
            "flags": 0,
            "rate_limit_per_user": self.slowmode,
            "last_message_id": str(self.last_message_id) if self.last_message_id else None,
            "permission_overwrites": [overwrite.payload() for overwrite in self.overwrites],
        }
        if self.type in {ChannelType.VOICE, ChannelType.STAGE}:
            body |= {"bitrate": self.bitrate, "user_limit": self.user_limit, "rtc_region": None}
        return body

    def _direct_payload(self) -> dict[str, Any]:
        return {
            "id": str(self.id),
            "type": int(self.type),
            "flags": 0,
            "last_message_id": str(self.last_message_id) if self.last_message_id else None,
            "recipients": [user.payload() for user in self.recipients],
        }
