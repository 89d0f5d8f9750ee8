"""Invites: making, using and deleting them."""

from __future__ import annotations

import secrets
import string
from typing import TYPE_CHECKING, Any

from localdiscord.actions import audit, members
from localdiscord.actions.access import permissions_in, require
from localdiscord.errors import DiscordError, Refusal
from localdiscord.intents import Intents
from localdiscord.model.audit import Audited
from localdiscord.model.channel import ChannelType
from localdiscord.model.invite import Invite
from localdiscord.model.world import Event
from localdiscord.permissions import Permissions

if TYPE_CHECKING:
    from localdiscord.model.channel import Channel
    from localdiscord.model.user import User
    from localdiscord.model.world import World

__all__ = ["accept", "create", "delete", "find"]

LETTERS = string.ascii_letters + string.digits


def create(world: World, channel: Channel, by: User, values: dict[str, Any], reason: str | None = None) -> Invite:
    """Invite to a channel; an invite that is the same already is given again, unless it shall be unique.

    Args:
        world: the world.
        channel: where those who come arrive.
        by: who invites.
        values: by Discord's names.
        reason: why.

    Raises:
        DiscordError: the actor may not.
    """
    require(world, channel, by, Permissions.CREATE_INSTANT_INVITE)
    if channel.type is ChannelType.CATEGORY or channel.thread is not None:
        raise DiscordError(Refusal.CHANNEL_TYPE)
    guild = world.guild(channel.guild_id or 0)
    limits = {name: values[name] for name in ("max_age", "max_uses", "temporary") if values.get(name) is not None}
    code = "".join(secrets.choice(LETTERS) for _ in range(8))
    invite = Invite(code, guild, channel, by, world.now(), **limits)
    for known in world.invites.values():
        if not values.get("unique") and _sense(known) == _sense(invite) and known.is_good(world.now()):
            return known
    world.invites[code] = invite
    data = invite.payload() | invite.usage() | {"channel_id": str(channel.id)}
    _tell(world, invite, "INVITE_CREATE", data)
    told = invite.usage() | {"code": code, "channel_id": str(channel.id), "inviter_id": str(by.id)}
    changes = audit.created({name: value for name, value in told.items() if name != "created_at"})
    audit.note(world, guild, by, Audited.INVITE_CREATE, None, reason, changes=changes)
    return invite


def _sense(invite: Invite) -> tuple[Any, ...]:
    return invite.channel.id, invite.inviter.id, invite.max_age, invite.max_uses, invite.temporary


def find(world: World, code: str) -> Invite:
    """Return an invite; raises DiscordError where there is none, or it is no longer good."""
    invite = world.invites.get(code)
    if invite is None or not invite.is_good(world.now()):
        raise DiscordError(Refusal.UNKNOWN_INVITE)
    return invite


def accept(world: World, code: str, user: User) -> None:
    """Come into a guild with an invite.

    Raises:
        DiscordError: it is not good, or the user is banned.
    """
    invite = find(world, code)
    if user.id not in invite.guild.members:
        members.join(world, invite.guild, user)
        invite.uses += 1


def delete(world: World, code: str, by: User, reason: str | None = None) -> Invite:
    """Take an invite back, and return it.

    Raises:
        DiscordError: the actor may not, or there is none.
    """
    invite = find(world, code)
    held = permissions_in(world, invite.channel, by)
    if not held & (Permissions.MANAGE_CHANNELS | Permissions.MANAGE_GUILD):
        raise DiscordError(Refusal.MISSING_PERMISSIONS)
    del world.invites[code]
    _tell(world, invite, "INVITE_DELETE", {"code": code, "channel_id": str(invite.channel.id)})
    told = invite.usage() | {"code": code, "channel_id": str(invite.channel.id)}
    changes = audit.deleted({name: value for name, value in told.items() if name != "created_at"})
    audit.note(world, invite.guild, by, Audited.INVITE_DELETE, None, reason, changes=changes)
    return invite


def _tell(world: World, invite: Invite, name: str, data: dict[str, Any]) -> None:
    told = data | {"guild_id": str(invite.guild.id)}
    world.emit(Event(name, told, Intents.GUILD_INVITES, invite.guild.id, invite.channel.id))
