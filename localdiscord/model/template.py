"""Templates: what another guild could be made after."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from localdiscord.model.channel import ChannelType
from localdiscord.snowflakes import iso

if TYPE_CHECKING:
    from datetime import datetime

    from localdiscord.model.channel import Channel
    from localdiscord.model.guild import Guild
    from localdiscord.model.user import User

__all__ = ["Template", "snapshot"]

SETTINGS = (
    "name",
    "description",
    "region",
    "verification_level",
    "default_message_notifications",
    "explicit_content_filter",
    "preferred_locale",
    "afk_timeout",
    "system_channel_flags",
)
ROLE = ("name", "permissions", "color", "colors", "hoist", "mentionable", "icon", "unicode_emoji")
CHANNEL: dict[str, Any] = {
    "topic": None,
    "bitrate": 64_000,
    "user_limit": 0,
    "nsfw": False,
    "rate_limit_per_user": 0,
    "default_auto_archive_duration": None,
    "available_tags": None,
    "template": "",
    "default_reaction_emoji": None,
    "default_thread_rate_limit_per_user": None,
    "default_sort_order": None,
    "default_forum_layout": None,
    "default_tag_setting": None,
    "theme_color": None,
    "icon_emoji": None,
}
"""What a template tells of each channel, where it has nothing of its own."""

PLAIN = {
    ChannelType.ANNOUNCEMENT: ChannelType.TEXT,
    ChannelType.STAGE: ChannelType.VOICE,
    ChannelType.MEDIA: ChannelType.FORUM,
}
"""What stands in a template for channels that a guild without a community cannot have."""


@dataclass
class Template:
    """A template of a guild.

    Attributes:
        copy: what the guild was like, as Discord writes it.
    """

    guild: Guild
    creator: User
    name: str
    made_at: datetime
    changed_at: datetime
    description: str | None = None
    code: str = field(default_factory=lambda: secrets.token_urlsafe(9))
    copy: dict[str, Any] = field(default_factory=dict)

    def payload(self) -> dict[str, Any]:
        """Return the template as Discord writes it."""
        return {
            "code": self.code,
            "name": self.name,
            "description": self.description,
            "usage_count": 0,
            "creator_id": str(self.creator.id),
            "creator": self.creator.payload(),
            "created_at": iso(self.made_at),
            "updated_at": iso(self.changed_at),
            "source_guild_id": str(self.guild.id),
            "serialized_source_guild": self.copy,
            "is_dirty": True if snapshot(self.guild) != self.copy else None,
        }


def snapshot(guild: Guild) -> dict[str, Any]:
    """Return what a guild is like, with numbers in the place of ids; it does not change with the guild."""
    body = guild.payload()
    roles = {role.id: number for number, role in enumerate(guild.roles.values())}
    ordered = sorted(guild.channels.values(), key=lambda channel: (channel.parent_id is not None, channel.position))
    channels = {channel.id: number for number, channel in enumerate(ordered, start=1)}
    copy = {name: body[name] for name in SETTINGS} | {"afk_channel_id": None, "system_channel_id": None}
    copy["roles"] = [
        {"id": roles[role.id]} | {name: role.payload()[name] for name in ROLE} for role in guild.roles.values()
    ]
    copy["channels"] = [_channel(channel, channels, roles) for channel in ordered]
    taken: dict[str, Any] = json.loads(json.dumps(copy))
    return taken


def _channel(channel: Channel, channels: dict[int, int], roles: dict[int, int]) -> dict[str, Any]:
    body = channel.payload()
    overwrites = [each.payload() | {"id": str(roles[each.id])} for each in channel.overwrites if each.id in roles]
    kind = int(PLAIN.get(channel.type, channel.type))
    place = {"id": channels[channel.id], "type": kind, "name": body["name"], "position": body["position"]}
    parent = str(channels[channel.parent_id]) if channel.parent_id else None
    own = {name: body.get(name, empty) for name, empty in CHANNEL.items()}
    if own["available_tags"]:
        own["available_tags"] = [tag.payload() | {"id": number} for number, tag in enumerate(channel.tags)]
    return place | own | {"parent_id": parent, "permission_overwrites": overwrites}
