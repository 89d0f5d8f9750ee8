"""Who may do what where."""

from __future__ import annotations

from typing import TYPE_CHECKING

from localdiscord.errors import DiscordError, Refusal
from localdiscord.permissions import ALL, Permissions, in_channel, in_guild

if TYPE_CHECKING:
    from localdiscord.model.channel import Channel
    from localdiscord.model.guild import Guild
    from localdiscord.model.user import User
    from localdiscord.model.world import World

__all__ = ["may", "permissions_in", "require", "require_in_guild"]

DIRECT = ALL
"""Among those who write to each other directly nothing is forbidden."""


def permissions_in(world: World, channel: Channel, user: User) -> Permissions:
    """Return what a user may do in a channel; nothing where they are no member."""
    if channel.guild_id is None:
        return DIRECT if user in channel.recipients else Permissions(0)
    guild = world.guild(channel.guild_id)
    member = guild.members.get(user.id)
    return in_channel(guild, channel, member) if member else Permissions(0)


def may(world: World, channel: Channel, user: User, needed: Permissions) -> bool:
    """Tell whether a user may do something in a channel."""
    return needed in permissions_in(world, channel, user)


def require(world: World, channel: Channel, user: User, needed: Permissions) -> None:
    """Refuse what a user may not do in a channel.

    Raises:
        DiscordError: missing access to the channel, or missing permissions in it.
    """
    held = permissions_in(world, channel, user)
    if Permissions.VIEW_CHANNEL not in held:
        raise DiscordError(Refusal.MISSING_ACCESS)
    if needed not in held:
        raise DiscordError(Refusal.MISSING_PERMISSIONS)


def require_in_guild(guild: Guild, user: User, needed: Permissions) -> None:
    """Refuse what a user may not do in a guild.

    Raises:
        DiscordError: not a member, or missing permissions.
    """
    member = guild.members.get(user.id)
    if member is None:
        raise DiscordError(Refusal.MISSING_ACCESS)
    if needed not in in_guild(guild, member):
        raise DiscordError(Refusal.MISSING_PERMISSIONS)
