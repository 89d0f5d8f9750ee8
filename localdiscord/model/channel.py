"""Channels: text, voice, categories, forums, threads and direct messages."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING, Any

from localdiscord.permissions import NONE, Permissions
from localdiscord.snowflakes import iso

if TYPE_CHECKING:
    from datetime import datetime

    from localdiscord.model.message import Message
    from localdiscord.model.thread import Thread
    from localdiscord.model.user import User

__all__ = ["FORUMS", "TEXTUAL", "THREADS", "VOCAL", "Channel", "ChannelType", "Overwrite", "Tag"]


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


VOCAL = {ChannelType.VOICE, ChannelType.STAGE}
FORUMS = {ChannelType.FORUM, ChannelType.MEDIA}
THREADS = {ChannelType.ANNOUNCEMENT_THREAD, ChannelType.PUBLIC_THREAD, ChannelType.PRIVATE_THREAD}
TEXTUAL = {ChannelType.TEXT, ChannelType.DM, ChannelType.GROUP_DM, ChannelType.ANNOUNCEMENT, *VOCAL, *THREADS}
"""Where messages are written."""


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
class Tag:
    """A tag that posts of a forum may have."""

    id: int
    name: str
    moderated: bool = False
    emoji_id: int | None = None
    emoji_name: str | None = None

    def payload(self) -> dict[str, Any]:
        """Return the tag as Discord writes it."""
        return {
            "id": str(self.id),
            "name": self.name,
            "moderated": self.moderated,
            "emoji_id": str(self.emoji_id) if self.emoji_id else None,
            "emoji_name": self.emoji_name,
        }


@dataclass
class Channel:
    """A channel and the messages in it, oldest first.

    Attributes:
        slowmode: seconds between two messages of one person.
        thread_slowmode: the slowmode that new threads get.
        archive_after: minutes after which new threads are archived; None: as Discord decides.
        thread: what makes it a thread.
        last_sent: when each person wrote last, in Unix seconds, where there is a slowmode.
        settings: what else can be set and has no effect here, by Discord's names.
    """

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
    last_pin_at: datetime | None = None
    bitrate: int = 64_000
    user_limit: int = 0
    rtc_region: str | None = None
    flags: int = 0
    thread: Thread | None = None
    thread_slowmode: int = 0
    archive_after: int | None = None
    tags: list[Tag] = field(default_factory=list)
    settings: dict[str, Any] = field(default_factory=dict)
    last_sent: dict[int, float] = field(default_factory=dict)

    @property
    def mention(self) -> str:
        """What mentions the channel in a message."""
        return f"<#{self.id}>"

    @property
    def is_private(self) -> bool:
        """Whether it is a thread for those who are in it."""
        return self.type is ChannelType.PRIVATE_THREAD

    def payload(self) -> dict[str, Any]:
        """Return the channel as Discord writes it."""
        body: dict[str, Any] = {"id": str(self.id), "type": int(self.type), "flags": self.flags}
        if self.type is not ChannelType.CATEGORY:
            body["last_message_id"] = str(self.last_message_id) if self.last_message_id else None
            body["last_pin_timestamp"] = iso(self.last_pin_at) if self.last_pin_at else None
        if self.type is ChannelType.DM:
            return body | {"recipients": [user.payload() for user in self.recipients]}
        body |= {
            "guild_id": str(self.guild_id),
            "name": self.name,
            "parent_id": str(self.parent_id) if self.parent_id else None,
            "rate_limit_per_user": self.slowmode,
        }
        return body | (self._thread_payload(self.thread) if self.thread else self._own_payload())

    def _own_payload(self) -> dict[str, Any]:
        body: dict[str, Any] = {
            "position": self.position,
            "topic": self.topic,
            "nsfw": self.nsfw,
            "permission_overwrites": [overwrite.payload() for overwrite in self.overwrites],
        }
        if self.type in VOCAL:
            body |= {"bitrate": self.bitrate, "user_limit": self.user_limit, "rtc_region": self.rtc_region}
        if self.archive_after is not None:
            body["default_auto_archive_duration"] = self.archive_after
        if self.type in FORUMS or self.thread_slowmode:
            body["default_thread_rate_limit_per_user"] = self.thread_slowmode
        if self.type in FORUMS:
            forum = {"default_reaction_emoji": None, "default_sort_order": None, "default_forum_layout": 0}
            body |= forum | {"available_tags": [tag.payload() for tag in self.tags]}
        return body | self.settings

    def _thread_payload(self, thread: Thread) -> dict[str, Any]:
        body: dict[str, Any] = {
            "owner_id": str(thread.owner_id),
            "thread_metadata": thread.metadata(is_private=self.is_private),
            "message_count": max(0, len(self.messages) - (self.id in self.messages)),
            "member_count": min(len(thread.members), 50),
            "total_message_sent": thread.sent,
        }
        return body | {"applied_tags": [str(tag) for tag in thread.tags]} if thread.tags else body
