"""Members: users in a guild."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from localdiscord.snowflakes import iso

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from localdiscord.model.user import User

__all__ = ["Member"]


@dataclass
class Member:
    """A user in a guild.

    Attributes:
        roles: ids, without @everyone.
        clock: tells the time in Unix seconds.
        timed_out_until: until when the member may only read.
    """

    user: User
    joined_at: datetime
    nick: str | None = None
    roles: list[int] = field(default_factory=list)
    timed_out_until: datetime | None = None
    mute: bool = False
    deaf: bool = False
    flags: int = 0
    avatar: str | None = None
    banner: str | None = None
    bio: str | None = None
    clock: Callable[[], float] = time.time

    @property
    def display_name(self) -> str:
        """The name shown in the guild."""
        return self.nick or self.user.global_name or self.user.username

    def is_timed_out(self) -> bool:
        """Tell whether the member is in time-out now."""
        return self.timed_out_until is not None and self.timed_out_until.timestamp() > self.clock()

    def payload(self, *, with_user: bool = True) -> dict[str, Any]:
        """Return the member as Discord writes it.

        Args:
            with_user: whether the user belongs in it; beside an author or a presence it does not.
        """
        until = self.timed_out_until
        body: dict[str, Any] = {
            "nick": self.nick,
            "avatar": self.avatar,
            "banner": self.banner,
            "avatar_decoration_data": None,
            "collectibles": None,
            "roles": [str(role) for role in self.roles],
            "joined_at": iso(self.joined_at),
            "premium_since": None,
            "deaf": self.deaf,
            "mute": self.mute,
            "pending": False,
            "flags": self.flags,
            "communication_disabled_until": iso(until) if until else None,
        }
        return {"user": self.user.payload(), **body} if with_user else body
