"""Members: joining and leaving, and what is changed about them."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from localdiscord.actions import audit, voice
from localdiscord.actions.access import held_in, require, require_in_guild, require_rank, require_role_rank
from localdiscord.errors import DiscordError, Refusal, invalid_form
from localdiscord.intents import Intents
from localdiscord.model.audit import Audited
from localdiscord.model.channel import VOCAL
from localdiscord.model.world import Event
from localdiscord.permissions import ALL, Permissions, in_guild

if TYPE_CHECKING:
    from collections.abc import Iterable

    from localdiscord.model.guild import Guild
    from localdiscord.model.member import Member
    from localdiscord.model.user import User
    from localdiscord.model.world import World

__all__ = ["add_role", "announce", "change", "join", "kick", "leave", "prunable", "prune", "remove_role"]

LONGEST_TIMEOUT = timedelta(days=28)


# -- coming and going --------------------------------------------------------------------------------------------


def join(world: World, guild: Guild, user: User) -> Member:
    """Come into a guild.

    Raises:
        DiscordError: the user is banned there.
    """
    if user.id in guild.bans:
        raise DiscordError(Refusal.UNKNOWN_INVITE)
    if user.id in guild.members:
        return guild.members[user.id]
    member = world.add_member(guild, user)
    if user.bot:
        data = guild.create_payload(list(guild.members.values()))
        world.emit(Event("GUILD_CREATE", data, Intents.GUILDS, guild.id, only=user.id))
    data = member.payload() | {"guild_id": str(guild.id)}
    world.emit(Event("GUILD_MEMBER_ADD", data, Intents.GUILD_MEMBERS, guild.id))
    return member


def leave(world: World, guild: Guild, user: User) -> None:
    """Leave a guild.

    Raises:
        DiscordError: the user owns it, or is no member.
    """
    guild.member(user.id)
    if guild.owner_id == user.id:
        raise DiscordError(Refusal.INVALID_GUILD)
    voice.leave(world, guild, user)
    data = {"guild_id": str(guild.id), "user": user.payload()}
    world.emit(Event("GUILD_MEMBER_REMOVE", data, Intents.GUILD_MEMBERS, guild.id))
    if user.bot:
        gone = {"id": str(guild.id), "unavailable": False}
        world.emit(Event("GUILD_DELETE", gone, Intents.GUILDS, guild.id, only=user.id))
    for thread in guild.threads.values():
        if thread.thread:
            thread.thread.members.pop(user.id, None)
    del guild.members[user.id]


def kick(world: World, guild: Guild, by: User, user: User, reason: str | None = None) -> None:
    """Put somebody out of a guild; they may come back.

    Raises:
        DiscordError: the actor may not, or there is no such member.
    """
    require_in_guild(guild, by, Permissions.KICK_MEMBERS)
    guild.member(user.id)
    require_rank(guild, by, user.id)
    leave(world, guild, user)
    audit.note(world, guild, by, Audited.MEMBER_KICK, user.id, reason)


def prunable(world: World, guild: Guild, by: User, days: int, roles: Iterable[int] = ()) -> list[Member]:
    """Return the members who were not there for some days: they have no role but those given, and wrote nothing.

    Raises:
        DiscordError: the actor may not know.
    """
    require_in_guild(guild, by, Permissions.KICK_MEMBERS | Permissions.MANAGE_GUILD)
    since = world.now() - timedelta(days=days)
    wrote = {
        message.author.id
        for channel in guild.channels.values()
        for message in channel.messages.values()
        if message.sent_at > since
    }
    allowed = set(roles)
    return [
        member
        for member in guild.members.values()
        if set(member.roles) <= allowed and member.joined_at < since and member.user.id not in wrote
        if not member.user.bot and member.user.id != guild.owner_id
    ]


def prune(world: World, guild: Guild, by: User, days: int, roles: Iterable[int], reason: str | None = None) -> int:
    """Put out the members who were not there for some days; returns how many. See `prunable`."""
    gone = prunable(world, guild, by, days, roles)
    for member in gone:
        leave(world, guild, member.user)
    options = {"delete_member_days": str(days), "members_removed": str(len(gone))}
    audit.note(world, guild, by, Audited.MEMBER_PRUNE, None, reason, options=options)
    return len(gone)


# -- changes -----------------------------------------------------------------------------------------------------


def announce(world: World, guild: Guild, member: Member) -> None:
    """Tell of a change of a member."""
    data = member.payload() | {"guild_id": str(guild.id)}
    world.emit(Event("GUILD_MEMBER_UPDATE", data, Intents.GUILD_MEMBERS, guild.id))


def change(
    world: World, guild: Guild, by: User, member: Member, changes: dict[str, Any], reason: str | None = None
) -> None:
    """Change a member: all of it, or nothing.

    Args:
        world: the world.
        guild: where.
        by: who changes it.
        member: the member.
        changes: by Discord's names: `nick`, `roles` (ids), `mute`, `deaf`, `channel_id`,
            `communication_disabled_until` (a time), `flags`; and of the own membership the pictures and `bio`.
        reason: why.

    Raises:
        DiscordError: the actor may not do one of them.
    """
    for name, value in changes.items():
        if name in _REFUSE:
            _REFUSE[name](world, guild, by, member, value)
    before, roles = member.payload(), list(member.roles)
    _apply(member, changes)
    if member.payload() != before:
        announce(world, guild, member)
    _apply_voice(world, guild, by, member, changes, reason)
    shown = ("nick", "communication_disabled_until", "mute", "deaf")
    after = member.payload()
    different = audit.differences({key: before[key] for key in shown}, {key: after[key] for key in shown})
    if different:
        audit.note(world, guild, by, Audited.MEMBER_UPDATE, member.user.id, reason, changes=different)
    _note_roles(world, guild, by, member, roles, reason)


def _apply(member: Member, changes: dict[str, Any]) -> None:
    if "nick" in changes:
        member.nick = changes["nick"] or None
    if "roles" in changes:
        member.roles = list(dict.fromkeys(changes["roles"] or []))
    if "communication_disabled_until" in changes:
        member.timed_out_until = changes["communication_disabled_until"]
    if "flags" in changes:
        member.flags = changes["flags"] or 0
    for name in ("avatar", "banner", "bio"):
        if name in changes:
            setattr(member, name, changes[name])


def _apply_voice(
    world: World, guild: Guild, by: User, member: Member, changes: dict[str, Any], reason: str | None
) -> None:
    if changes.get("mute") is not None:
        voice.mute(world, by, guild, member.user, on=changes["mute"])
    if changes.get("deaf") is not None:
        voice.deafen(world, by, guild, member.user, on=changes["deaf"])
    if "channel_id" not in changes:
        return
    if changes["channel_id"] is None:
        voice.disconnect(world, by, guild, member.user)
        audit.note(world, guild, by, Audited.MEMBER_DISCONNECT, None, reason, options={"count": "1"})
    else:
        channel = world.channel(changes["channel_id"])
        voice.move(world, by, guild, member.user, channel)
        options = {"channel_id": str(channel.id), "count": "1"}
        audit.note(world, guild, by, Audited.MEMBER_MOVE, None, reason, options=options)


def _note_roles(world: World, guild: Guild, by: User, member: Member, before: list[int], reason: str | None) -> None:
    changes = []
    for key, some, others in (("$add", member.roles, before), ("$remove", before, member.roles)):
        roles = [{"name": guild.roles[role].name, "id": str(role)} for role in some if role not in others]
        if roles:
            changes.append({"key": key, "new_value": roles})
    if changes:
        audit.note(world, guild, by, Audited.MEMBER_ROLE_UPDATE, member.user.id, reason, changes=changes)


# -- what is refused ----------------------------------------------------------------------------------------------


def _refuse_nick(_world: World, guild: Guild, by: User, member: Member, _value: Any) -> None:
    if member.user is by:
        held = held_in(guild, by)
        if not held & (Permissions.CHANGE_NICKNAME | Permissions.MANAGE_NICKNAMES):
            raise DiscordError(Refusal.MISSING_PERMISSIONS)
        return
    require_in_guild(guild, by, Permissions.MANAGE_NICKNAMES)
    require_rank(guild, by, member.user.id)


def _refuse_timeout(world: World, guild: Guild, by: User, member: Member, value: Any) -> None:
    require_in_guild(guild, by, Permissions.MODERATE_MEMBERS)
    require_rank(guild, by, member.user.id)
    if value is None:
        return
    if in_guild(guild, member) == ALL:
        raise DiscordError(Refusal.MISSING_PERMISSIONS)
    if value > world.now() + LONGEST_TIMEOUT + timedelta(minutes=1):
        code = "INVALID_COMMUNICATION_DISABLED_TIMESTAMP"
        words = "Communication disabled timestamp must be within 28 days."
        raise invalid_form("communication_disabled_until", code, words)


def _refuse_roles(_world: World, guild: Guild, by: User, member: Member, value: Any) -> None:
    require_in_guild(guild, by, Permissions.MANAGE_ROLES)
    for role_id in set(value or []) ^ set(member.roles):
        _require_assignable(guild, by, role_id)


def _require_assignable(guild: Guild, by: User, role_id: int) -> None:
    role = guild.role(role_id)
    if role.managed or role.id == guild.id:
        raise DiscordError(Refusal.INVALID_ROLE)
    require_role_rank(guild, by, role)


def _refuse_voice(permission: Permissions) -> Any:
    def refuse(_world: World, guild: Guild, by: User, member: Member, value: Any) -> None:
        if value is not None or permission is Permissions.MOVE_MEMBERS:
            require_in_guild(guild, by, permission)
            voice.state_of(guild, member.user)

    return refuse


def _refuse_move(world: World, guild: Guild, by: User, member: Member, value: Any) -> None:
    _refuse_voice(Permissions.MOVE_MEMBERS)(world, guild, by, member, value)
    if value is None:
        return
    channel = guild.channels.get(value)
    if channel is None:
        raise DiscordError(Refusal.UNKNOWN_CHANNEL)
    if channel.type not in VOCAL:
        raise invalid_form("channel_id", "CHANNEL_INVALID_TYPE", "Invalid channel type")
    require(world, channel, by, Permissions.CONNECT)


def _refuse_flags(_world: World, guild: Guild, by: User, _member: Member, _value: Any) -> None:
    require_in_guild(guild, by, Permissions.MODERATE_MEMBERS)


_REFUSE = {
    "nick": _refuse_nick,
    "roles": _refuse_roles,
    "communication_disabled_until": _refuse_timeout,
    "mute": _refuse_voice(Permissions.MUTE_MEMBERS),
    "deaf": _refuse_voice(Permissions.DEAFEN_MEMBERS),
    "channel_id": _refuse_move,
    "flags": _refuse_flags,
}


# -- single roles --------------------------------------------------------------------------------------------------


def add_role(world: World, guild: Guild, by: User, member: Member, role_id: int, reason: str | None = None) -> None:
    """Give a member a role; raises DiscordError where the actor may not, or there is no such role."""
    _set_roles(world, guild, by, member, role_id, [*member.roles, role_id], reason)


def remove_role(world: World, guild: Guild, by: User, member: Member, role_id: int, reason: str | None = None) -> None:
    """Take a role from a member; raises DiscordError where the actor may not, or there is no such role."""
    _set_roles(world, guild, by, member, role_id, [role for role in member.roles if role != role_id], reason)


def _set_roles(
    world: World, guild: Guild, by: User, member: Member, role_id: int, roles: list[int], reason: str | None
) -> None:
    require_in_guild(guild, by, Permissions.MANAGE_ROLES)
    _require_assignable(guild, by, role_id)
    if set(roles) != set(member.roles):
        change(world, guild, by, member, {"roles": roles}, reason)
