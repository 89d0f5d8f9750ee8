"""Who may do what where, and whom to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from localdiscord.errors import DiscordError, Refusal
from localdiscord.permissions import ALL, NONE, Permissions, in_channel, in_guild

if TYPE_CHECKING:
    from localdiscord.model.channel import Channel
    from localdiscord.model.guild import Guild
    from localdiscord.model.role import Role
    from localdiscord.model.user import User
    from localdiscord.model.world import World

__all__ = [
    "held_in",
    "may",
    "outranks",
    "permissions_in",
    "require",
    "require_in_guild",
    "require_rank",
    "require_role_rank",
]

DIRECT = ALL
"""Among those who write to each other directly nothing is forbidden."""

OWNER_RANK = (1 << 31, 0)


def permissions_in(world: World, channel: Channel, user: User) -> Permissions:
    """Return what a user may do in a channel; nothing where they are no member.

    A thread has the permissions of its channel; a private one is there for those who are in it, and for moderators.
    """
    if channel.guild_id is None:
        return DIRECT if user in channel.recipients else NONE
    guild = world.guild(channel.guild_id)
    member = guild.members.get(user.id)
    if member is None:
        return NONE
    if channel.thread is None:
        return in_channel(guild, channel, member)
    held = in_channel(guild, world.channel(channel.parent_id or 0), member)
    is_open = not channel.is_private or user.id in channel.thread.members
    return held if is_open or Permissions.MANAGE_THREADS in held else NONE


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


def held_in(guild: Guild, user: User) -> Permissions:
    """Return what a user may do in a guild.

    Raises:
        DiscordError: not a member.
    """
    member = guild.members.get(user.id)
    if member is None:
        raise DiscordError(Refusal.MISSING_ACCESS)
    return in_guild(guild, member)


def require_in_guild(guild: Guild, user: User, needed: Permissions) -> None:
    """Refuse what a user may not do in a guild.

    Raises:
        DiscordError: not a member, or missing permissions.
    """
    if needed not in held_in(guild, user):
        raise DiscordError(Refusal.MISSING_PERMISSIONS)


# -- ranks -------------------------------------------------------------------------------------------------------


def _rank(guild: Guild, user_id: int) -> tuple[int, int]:
    """Return where a member stands: the highest role; of two at one position the older one is higher."""
    if user_id == guild.owner_id:
        return OWNER_RANK
    member = guild.members.get(user_id)
    roles = guild.roles_of(member) if member else []
    return max((_role_rank(role) for role in roles), default=(0, 0))


def _role_rank(role: Role) -> tuple[int, int]:
    return role.position, -role.id


def outranks(guild: Guild, user: User, other_id: int) -> bool:
    """Tell whether a member stands above somebody."""
    return other_id != guild.owner_id and _rank(guild, user.id) > _rank(guild, other_id)


def require_rank(guild: Guild, user: User, other_id: int) -> None:
    """Refuse acts on the owner and on those who stand as high or higher.

    Raises:
        DiscordError: missing permissions.
    """
    if not outranks(guild, user, other_id):
        raise DiscordError(Refusal.MISSING_PERMISSIONS)


def require_role_rank(guild: Guild, user: User, role: Role) -> None:
    """Refuse acts on roles that stand as high as the user or higher.

    Raises:
        DiscordError: missing permissions.
    """
    if _rank(guild, user.id) <= _role_rank(role):
        raise DiscordError(Refusal.MISSING_PERMISSIONS)
