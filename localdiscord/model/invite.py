"""Invites to guilds."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from localdiscord.snowflakes import iso

if TYPE_CHECKING:
    from datetime import datetime

    from localdiscord.model.channel import Channel
    from localdiscord.model.guild import Guild
    from localdiscord.model.user import User

__all__ = ["Invite"]


@dataclass
class Invite:
    """An invite.

    Attributes:
        max_age: seconds for which it is good; 0: for ever.
        max_uses: how many may come with it; 0: everybody.
        extra: what else it is for, as Discord writes it.
    """

    code: str
    guild: Guild
    channel: Channel
    inviter: User
    created_at: datetime
    max_age: int = 86_400
    max_uses: int = 0
    uses: int = 0
    temporary: bool = False
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def expires_at(self) -> datetime | None:
        """Until when it is good; None: for ever."""
        return self.created_at + timedelta(seconds=self.max_age) if self.max_age else None

    def is_good(self, now: datetime) -> bool:
        """Tell whether somebody may still come with it."""
        in_time = self.expires_at is None or now < self.expires_at
        return in_time and not (self.max_uses and self.uses >= self.max_uses)

    def payload(self, *, with_uses: bool = False) -> dict[str, Any]:
        """Return the invite as Discord writes it.

        Args:
            with_uses: whether what only the guild knows belongs in it.
        """
        body: dict[str, Any] = {
            "type": 0,
            "code": self.code,
            "guild_id": str(self.guild.id),
            "guild": self.guild.invite_payload(),
            "channel": {"id": str(self.channel.id), "type": int(self.channel.type), "name": self.channel.name},
            "inviter": self.inviter.payload(),
            "expires_at": iso(self.expires_at) if self.expires_at else None,
            "flags": 0,
        }
        return body | self.extra | (self.usage() if with_uses else {})

    def usage(self) -> dict[str, Any]:
        """Return what only the guild knows."""
        return {
            "uses": self.uses,
            "max_uses": self.max_uses,
            "max_age": self.max_age,
            "temporary": self.temporary,
            "created_at": iso(self.created_at),
        }
