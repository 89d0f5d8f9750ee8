"""What a guild plans, and what is going on on its stages."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from localdiscord.snowflakes import iso

if TYPE_CHECKING:
    from datetime import datetime

    from localdiscord.model.user import User

__all__ = ["ScheduledEvent", "Stage"]


@dataclass
class ScheduledEvent:
    """Something that is planned.

    Attributes:
        kind: 1 is on a stage, 2 in a voice channel, 3 somewhere else.
        status: 1 is planned, 2 goes on, 3 is over, 4 is called off.
        users: who wants to come.
    """

    id: int
    guild_id: int
    creator: User
    name: str
    kind: int
    starts_at: datetime
    ends_at: datetime | None = None
    channel_id: int | None = None
    location: str | None = None
    description: str | None = None
    image: str | None = None
    recurrence: dict[str, Any] | None = None
    status: int = 1
    users: dict[int, None] = field(default_factory=dict)

    def payload(self, *, with_count: bool = False) -> dict[str, Any]:
        """Return the plan as Discord writes it.

        Args:
            with_count: whether it tells how many want to come.
        """
        body: dict[str, Any] = {
            "id": str(self.id),
            "guild_id": str(self.guild_id),
            "channel_id": str(self.channel_id) if self.channel_id else None,
            "creator_id": str(self.creator.id),
            "creator": self.creator.payload(),
            "name": self.name,
            "description": self.description,
            "image": self.image,
            "scheduled_start_time": iso(self.starts_at),
            "scheduled_end_time": iso(self.ends_at) if self.ends_at else None,
            "privacy_level": 2,
            "status": self.status,
            "entity_type": self.kind,
            "entity_id": None,
            "entity_metadata": {"location": self.location} if self.location else None,
            "recurrence_rule": self.recurrence,
            "guild_scheduled_event_exceptions": [],
        }
        return body | {"user_count": len(self.users)} if with_count else body


@dataclass
class Stage:
    """What is going on on a stage."""

    id: int
    guild_id: int
    channel_id: int
    topic: str
    event_id: int | None = None

    def payload(self) -> dict[str, Any]:
        """Return it as Discord writes it."""
        return {
            "id": str(self.id),
            "guild_id": str(self.guild_id),
            "channel_id": str(self.channel_id),
            "topic": self.topic,
            "privacy_level": 2,
            "discoverable_disabled": True,
            "guild_scheduled_event_id": str(self.event_id) if self.event_id else None,
        }
