"""Messages."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from localdiscord.snowflakes import iso, moment_of

if TYPE_CHECKING:
    from datetime import datetime

    from localdiscord.model.channel import Channel
    from localdiscord.model.user import User

__all__ = ["EPHEMERAL", "Message"]

EPHEMERAL = 1 << 6
"""The flag of a message that one person alone sees."""


@dataclass
class Message:
    """A message in a channel.

    Attributes:
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

    @property
    def is_ephemeral(self) -> bool:
        """Whether one person alone sees it."""
        return bool(self.flags & EPHEMERAL)

    def payload(self) -> dict[str, Any]:
        """Return the message as Discord writes it."""
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
            "embeds": self.embeds,
            "components": self.components,
            "pinned": self.pinned,
            "type": self.type,
            "flags": self.flags,
        }
        if self.application_id:
            body["application_id"] = str(self.application_id)
        if self.interaction_metadata:
            body["interaction_metadata"] = self.interaction_metadata
        if self.nonce is not None:
            body["nonce"] = self.nonce
        return body
