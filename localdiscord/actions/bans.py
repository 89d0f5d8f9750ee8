"""Bans."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from localdiscord.actions import audit, members
from localdiscord.actions.access import held_in, outranks, require_in_guild, require_rank
from localdiscord.errors import DiscordError, Refusal
from localdiscord.intents import Intents
from localdiscord.model.audit import Audited
from localdiscord.model.guild import Ban
from localdiscord.model.world import Event
from localdiscord.permissions import Permissions

if TYPE_CHECKING:
    from collections.abc import Iterable

    from localdiscord.model.guild import Guild
    from localdiscord.model.user import User
    from localdiscord.model.world import World

__all__ = ["ban", "ban_many", "unban"]


def ban(world: World, guild: Guild, by: User, user: User, reason: str | None = None, seconds: int = 0) -> None:
    """Put somebody out of a guild for good, or keep somebody out who is no member.

    Args:
        world: the world.
        guild: which.
        by: who does it.
        user: whom.
        reason: why.
        seconds: how far back the user's messages are deleted.

    Raises:
        DiscordError: the actor may not.
    """
    require_in_guild(guild, by, Permissions.BAN_MEMBERS)
    if user.id in guild.members or user.id == guild.owner_id:
        require_rank(guild, by, user.id)
    if user.id in guild.bans:
        return
    _ban(world, guild, by, user, reason, seconds)


def _ban(world: World, guild: Guild, by: User, user: User, reason: str | None, seconds: int) -> None:
    guild.bans[user.id] = Ban(user, reason)
    data = {"guild_id": str(guild.id), "user": user.payload()}
    world.emit(Event("GUILD_BAN_ADD", data, Intents.GUILD_MODERATION, guild.id))
    if user.id in guild.members:
        members.leave(world, guild, user)
    if seconds:
        _forget(world, guild, user, seconds)
    audit.note(world, guild, by, Audited.MEMBER_BAN_ADD, user.id, reason)


def _forget(world: World, guild: Guild, user: User, seconds: int) -> None:
    since = world.now() - timedelta(seconds=seconds)
    for channel in [*guild.channels.values(), *guild.threads.values()]:
        gone = [each.id for each in channel.messages.values() if each.author is user and each.sent_at > since]
        for key in gone:
            del channel.messages[key]
        if gone:
            data = {"ids": [str(key) for key in gone], "channel_id": str(channel.id), "guild_id": str(guild.id)}
            world.emit(Event("MESSAGE_DELETE_BULK", data, Intents.GUILD_MESSAGES, guild.id, channel.id))


def ban_many(
    world: World, guild: Guild, by: User, users: Iterable[User], reason: str | None = None, seconds: int = 0
) -> tuple[list[User], list[User]]:
    """Ban several users; returns those who are banned now, and those whom the actor could not ban.

    Raises:
        DiscordError: the actor may not ban, or nobody was banned.
    """
    if Permissions.BAN_MEMBERS | Permissions.MANAGE_GUILD not in held_in(guild, by):
        raise DiscordError(Refusal.MISSING_PERMISSIONS)
    banned, failed = [], []
    for user in users:
        may = user.id not in guild.members or outranks(guild, by, user.id)
        if may and user.id not in guild.bans and user is not by:
            _ban(world, guild, by, user, reason, seconds)
            banned.append(user)
        else:
            failed.append(user)
    if not banned:
        raise DiscordError(Refusal.BULK_BAN_FAILED)
    return banned, failed


def unban(world: World, guild: Guild, by: User, user_id: int, reason: str | None = None) -> None:
    """Lift a ban.

    Raises:
        DiscordError: the actor may not, or there is none.
    """
    require_in_guild(guild, by, Permissions.BAN_MEMBERS)
    if user_id not in guild.bans:
        raise DiscordError(Refusal.UNKNOWN_BAN)
    lifted = guild.bans.pop(user_id)
    data = {"guild_id": str(guild.id), "user": lifted.user.payload()}
    world.emit(Event("GUILD_BAN_REMOVE", data, Intents.GUILD_MODERATION, guild.id))
    audit.note(world, guild, by, Audited.MEMBER_BAN_REMOVE, user_id, reason)
