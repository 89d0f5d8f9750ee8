"""The town that a new local Discord begins with: a guild, some people, and a bot that is a member."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from localdiscord.model.channel import ChannelType
from localdiscord.permissions import Permissions

if TYPE_CHECKING:
    from localdiscord.model.application import Application
    from localdiscord.model.channel import Channel
    from localdiscord.model.guild import Guild
    from localdiscord.model.user import User
    from localdiscord.model.world import World

__all__ = ["Town", "found"]

MODERATOR = (
    Permissions.KICK_MEMBERS
    | Permissions.BAN_MEMBERS
    | Permissions.MANAGE_MESSAGES
    | Permissions.MODERATE_MEMBERS
    | Permissions.MANAGE_CHANNELS
    | Permissions.MANAGE_NICKNAMES
    | Permissions.MUTE_MEMBERS
    | Permissions.MOVE_MEMBERS
)


@dataclass(frozen=True)
class Town:
    """What a new local Discord holds.

    Attributes:
        owner: owns guild and application.
        moderator: has the role Moderator.
        members: people without a role.
        channels: by name.
    """

    guild: Guild
    application: Application
    owner: User
    moderator: User
    members: tuple[User, ...]
    channels: dict[str, Channel]


def found(world: World, bot_name: str = "Reference") -> Town:
    """Fill an empty world.

    Args:
        world: the world.
        bot_name: what the bot is called.
    """
    owner, moderator = world.add_user("Alice"), world.add_user("Bob")
    members = (world.add_user("Carol"), world.add_user("Somchai", locale="th"))
    application = world.add_application(bot_name, owner)
    guild = world.add_guild("Local Town", owner)
    for user in members:
        world.add_member(guild, user)
    world.add_member(guild, moderator, world.add_role(guild, "Moderator", MODERATOR, color=0x3498DB, hoist=True))
    managed = world.add_role(guild, bot_name, Permissions.ADMINISTRATOR, managed=True)
    managed.tags = {"bot_id": str(application.bot.id)}
    world.add_member(guild, application.bot, managed)
    text = world.add_channel(guild, "Text channels", ChannelType.CATEGORY)
    voice = world.add_channel(guild, "Voice channels", ChannelType.CATEGORY)
    names = ("welcome", "general", "music", "bot", "mod-log")
    channels = {name: world.add_channel(guild, name, parent=text) for name in names}
    channels |= {name: world.add_channel(guild, name, ChannelType.VOICE, voice) for name in ("Lounge", "Studio")}
    return Town(guild, application, owner, moderator, members, channels)
