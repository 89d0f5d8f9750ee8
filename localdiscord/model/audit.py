"""The audit log of a guild."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

__all__ = ["Audited", "Entry"]


class Audited(IntEnum):
    """Discord's kinds of entry."""

    GUILD_UPDATE = 1
    CHANNEL_CREATE = 10
    CHANNEL_UPDATE = 11
    CHANNEL_DELETE = 12
    OVERWRITE_CREATE = 13
    OVERWRITE_UPDATE = 14
    OVERWRITE_DELETE = 15
    MEMBER_KICK = 20
    MEMBER_PRUNE = 21
    MEMBER_BAN_ADD = 22
    MEMBER_BAN_REMOVE = 23
    MEMBER_UPDATE = 24
    MEMBER_ROLE_UPDATE = 25
    MEMBER_MOVE = 26
    MEMBER_DISCONNECT = 27
    BOT_ADD = 28
    ROLE_CREATE = 30
    ROLE_UPDATE = 31
    ROLE_DELETE = 32
    INVITE_CREATE = 40
    INVITE_DELETE = 42
    WEBHOOK_CREATE = 50
    WEBHOOK_UPDATE = 51
    WEBHOOK_DELETE = 52
    EMOJI_CREATE = 60
    EMOJI_UPDATE = 61
    EMOJI_DELETE = 62
    MESSAGE_DELETE = 72
    MESSAGE_BULK_DELETE = 73
    MESSAGE_PIN = 74
    MESSAGE_UNPIN = 75
    STAGE_CREATE = 83
    STAGE_UPDATE = 84
    STAGE_DELETE = 85
    STICKER_CREATE = 90
    STICKER_UPDATE = 91
    STICKER_DELETE = 92
    EVENT_CREATE = 100
    EVENT_UPDATE = 101
    EVENT_DELETE = 102
    THREAD_CREATE = 110
    THREAD_UPDATE = 111
    THREAD_DELETE = 112
    SOUND_CREATE = 130
    SOUND_UPDATE = 131
    SOUND_DELETE = 132
    RULE_CREATE = 140
    RULE_UPDATE = 141
    RULE_DELETE = 142
    RULE_BLOCK = 143
    RULE_FLAG = 144
    RULE_TIMEOUT = 145
    ONBOARDING_UPDATE = 167


@dataclass
class Entry:
    """Who did what, to whom, and why.

    Attributes:
        changes: what is different, as Discord writes it.
        options: what else is told of the act.
    """

    id: int
    action: Audited
    user_id: int
    target_id: int | None = None
    changes: list[dict[str, Any]] = field(default_factory=list)
    options: dict[str, Any] = field(default_factory=dict)
    reason: str | None = None

    def payload(self) -> dict[str, Any]:
        """Return the entry as Discord writes it."""
        body: dict[str, Any] = {
            "id": str(self.id),
            "action_type": int(self.action),
            "user_id": str(self.user_id),
            "target_id": str(self.target_id) if self.target_id else None,
        }
        if self.changes:
            body["changes"] = self.changes
        if self.options:
            body["options"] = self.options
        return body | {"reason": self.reason} if self.reason else body
