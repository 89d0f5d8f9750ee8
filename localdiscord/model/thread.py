"""What threads have that other channels have not."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from localdiscord.snowflakes import iso

if TYPE_CHECKING:
    from datetime import datetime

__all__ = ["Thread", "ThreadMember"]


@dataclass(frozen=True)
class ThreadMember:
    """A user in a thread."""

    user_id: int
    joined_at: datetime

    def payload(self, thread_id: int) -> dict[str, Any]:
        """Return the membership as Discord writes it."""
        return {
            "id": str(thread_id),
            "user_id": str(self.user_id),
            "join_timestamp": iso(self.joined_at),
            "flags": 0,
            "muted": False,
            "mute_config": None,
        }


@dataclass
class Thread:
    """What a thread is besides a channel.

    Attributes:
        archive_after: minutes without a message.
        invitable: whether everybody in a private thread may add others.
        sent: how many messages were ever written, the first one not counted.
        tags: the tags of a forum's post.
    """

    owner_id: int
    created_at: datetime
    archive_after: int = 4320
    archived: bool = False
    archived_at: datetime | None = None
    locked: bool = False
    invitable: bool = True
    sent: int = 0
    tags: list[int] = field(default_factory=list)
    members: dict[int, ThreadMember] = field(default_factory=dict)

    def metadata(self, *, is_private: bool) -> dict[str, Any]:
        """Return what Discord calls the thread's metadata."""
        body: dict[str, Any] = {
            "archived": self.archived,
            "archive_timestamp": iso(self.archived_at or self.created_at),
            "auto_archive_duration": self.archive_after,
            "locked": self.locked,
            "create_timestamp": iso(self.created_at),
        }
        return body | {"invitable": self.invitable} if is_private else body
