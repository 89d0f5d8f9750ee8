"""Messages."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING, Any

from localdiscord.snowflakes import iso, moment_of

if TYPE_CHECKING:
    from datetime import datetime

    from localdiscord.model.channel import Channel
    from localdiscord.model.poll import Poll
    from localdiscord.model.reaction import Reaction
    from localdiscord.model.user import User

__all__ = ["COMPONENTS_V2", "CROSSPOSTED", "EPHEMERAL", "HAS_THREAD", "SUPPRESS_EMBEDS", "Message", "MessageType"]

CROSSPOSTED = 1 << 0
SUPPRESS_EMBEDS = 1 << 2
HAS_THREAD = 1 << 5
COMPONENTS_V2 = 1 << 15

EPHEMERAL = 1 << 6
"""The flag of a message that one person alone sees."""


class MessageType(IntEnum):
    """Discord's kinds of message, as far as they are written here."""

    DEFAULT = 0
    CHANNEL_NAME_CHANGE = 4
    PIN = 6
    JOIN = 7
    FOLLOW = 12
    THREAD_CREATED = 18
    REPLY = 19
    COMMAND = 20
    THREAD_STARTER = 21
    CONTEXT_MENU = 23
    AUTO_MODERATION = 24
    POLL_RESULT = 46


@dataclass
class Message:
    """A message in a channel.

    Attributes:
        reference: the message that it answers, forwards, or speaks of, as Discord writes it.
        referenced: the message that it answers, while it is there.
        reactions: by what tells an emoji from others.
        thread: the thread that began with it.
        position: how many messages of a thread are older.
        audience: the one user who sees an ephemeral message.
    """

    id: int
    channel: Channel
    author: User
    content: str = ""
    type: int = 0
    embeds: list[dict[str, Any]] = field(default_factory=list)
    attachments: list[dict[str, Any]] = field(default_factory=list)
    components: list[dict[str, Any]] = field(default_factory=list)
    mentions: list[User] = field(default_factory=list)
    mention_roles: list[int] = field(default_factory=list)
    mention_everyone: bool = False
    flags: int = 0
    edited_at: datetime | None = None
    pinned: bool = False
    tts: bool = False
    nonce: str | int | None = None
    application_id: int | None = None
    interaction_metadata: dict[str, Any] | None = None
    audience: User | None = None
    webhook_id: int | None = None
    reference: dict[str, Any] | None = None
    referenced: Message | None = None
    snapshots: list[dict[str, Any]] = field(default_factory=list)
    stickers: list[dict[str, Any]] = field(default_factory=list)
    reactions: dict[str, Reaction] = field(default_factory=dict)
    poll: Poll | None = None
    thread: Channel | None = None
    position: int | None = None
    pinned_at: datetime | None = None

    @property
    def sent_at(self) -> datetime:
        """When it was written."""
        return moment_of(self.id)

    @property
    def is_ephemeral(self) -> bool:
        """Whether one person alone sees it."""
        return bool(self.flags & EPHEMERAL)

    def payload(self, viewer: int | None = None, *, is_whole: bool = True) -> dict[str, Any]:
        """Return the message as Discord writes it.

        Args:
            viewer: the user who is told which reactions and votes are theirs; nobody is told reactions otherwise.
            is_whole: whether the message that it answers, and the thread that began with it, belong in it.
        """
        body: dict[str, Any] = {
            "id": str(self.id),
            "channel_id": str(self.channel.id),
            "author": self.author.payload(),
            "content": self.content,
            "timestamp": iso(moment_of(self.id)),
            "edited_timestamp": iso(self.edited_at) if self.edited_at else None,
            "tts": self.tts,
            "mention_everyone": self.mention_everyone,
            "mentions": [user.payload() for user in self.mentions],
            "mention_roles": [str(role) for role in self.mention_roles],
            "attachments": self.attachments,
            "embeds": [] if self.flags & SUPPRESS_EMBEDS else self.embeds,
            "components": self.components,
            "pinned": self.pinned,
            "type": self.type,
            "flags": self.flags,
        }
        ids = {"application_id": self.application_id, "webhook_id": self.webhook_id}
        body |= {name: str(value) for name, value in ids.items() if value}
        optional: dict[str, Any] = {
            "interaction_metadata": self.interaction_metadata,
            "nonce": self.nonce,
            "message_reference": self.reference,
            "message_snapshots": self.snapshots or None,
            "sticker_items": self.stickers or None,
            "poll": self.poll.payload(viewer) if self.poll else None,
            "position": self.position,
        }
        body |= {name: value for name, value in optional.items() if value is not None}
        if viewer is not None and self.reactions:
            body["reactions"] = [reaction.payload(viewer) for reaction in self.reactions.values()]
        if is_whole:
            body |= self._related()
        return body

    def _related(self) -> dict[str, Any]:
        body: dict[str, Any] = {}
        if self.thread is not None:
            body["thread"] = self.thread.payload()
        if self.type in {MessageType.REPLY, MessageType.THREAD_STARTER}:
            there = self.referenced is not None and self.referenced.id in self.referenced.channel.messages
            body["referenced_message"] = self.referenced.payload(is_whole=False) if self.referenced and there else None
        return body
