"""Roles: making, changing, ranking and deleting them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from localdiscord.actions import audit
from localdiscord.actions.access import held_in, require_in_guild, require_role_rank
from localdiscord.errors import DiscordError, Refusal
from localdiscord.intents import Intents
from localdiscord.model.audit import Audited
from localdiscord.model.role import Role
from localdiscord.model.world import Event
from localdiscord.permissions import ALL, Permissions

if TYPE_CHECKING:
    from localdiscord.model.guild import Guild
    from localdiscord.model.user import User
    from localdiscord.model.world import World

__all__ = ["change", "create", "delete", "reorder"]

MOST_ROLES = 250


def create(world: World, guild: Guild, by: User, values: dict[str, Any], reason: str | None = None) -> Role:
    """Make a role at the bottom of the ranking.

    Args:
        world: the world.
        guild: where.
        by: who makes it.
        values: by the role's attributes; `icon` is the bytes of a picture.
        reason: why.

    Raises:
        DiscordError: the actor may not, lacks what the role would allow, or there are too many.
    """
    require_in_guild(guild, by, Permissions.MANAGE_ROLES)
    said = values.pop("permissions", None)
    permissions = Permissions(guild.everyone.permissions & held_in(guild, by) if said is None else said)
    _require_held(guild, by, permissions)
    if len(guild.roles) >= MOST_ROLES:
        raise DiscordError(Refusal.MOST_ROLES)
    role = Role(world.snowflakes.next(), values.pop("name", None) or "new role", permissions, position=1)
    _apply(world, role, values)
    guild.roles[role.id] = role
    _tell(world, guild, "GUILD_ROLE_CREATE", role)
    changes = audit.created(role.payload())
    audit.note(world, guild, by, Audited.ROLE_CREATE, role.id, reason, changes=changes)
    return role


def change(world: World, guild: Guild, by: User, role: Role, values: dict[str, Any], reason: str | None = None) -> None:
    """Change a role.

    Raises:
        DiscordError: the actor may not, stands no higher, or lacks what the role would allow.
    """
    require_in_guild(guild, by, Permissions.MANAGE_ROLES)
    require_role_rank(guild, by, role)
    if values.get("permissions") is not None:
        values["permissions"] = Permissions(values["permissions"])
        _require_held(guild, by, values["permissions"] ^ role.permissions)
    before = role.payload()
    _apply(world, role, values)
    after = role.payload()
    if after == before:
        return
    _tell(world, guild, "GUILD_ROLE_UPDATE", role)
    changes = audit.differences(before, after)
    audit.note(world, guild, by, Audited.ROLE_UPDATE, role.id, reason, changes=changes)


def _apply(world: World, role: Role, values: dict[str, Any]) -> None:
    if values.get("icon"):
        values["icon"] = world.files.keep_image(f"/role-icons/{role.id}", values["icon"])
    for name, value in values.items():
        if value is not None or name in {"icon", "unicode_emoji"}:
            setattr(role, name, value)


def _require_held(guild: Guild, by: User, permissions: Permissions) -> None:
    """Refuse to give or take what the actor does not have."""
    if permissions & ALL & ~held_in(guild, by):
        raise DiscordError(Refusal.MISSING_PERMISSIONS)


def reorder(world: World, guild: Guild, by: User, positions: dict[int, int | None], reason: str | None = None) -> None:
    """Rank roles anew; all of them, or none.

    Args:
        world: the world.
        guild: where.
        by: who ranks them.
        positions: by role id; greater is higher.
        reason: why.

    Raises:
        DiscordError: the actor may not, or one of the roles stands or would stand as high as the actor.
    """
    require_in_guild(guild, by, Permissions.MANAGE_ROLES)
    named = {guild.role(role): position for role, position in positions.items()}
    wanted = {role: to for role, to in named.items() if to is not None and to != role.position}
    for role, position in wanted.items():
        require_role_rank(guild, by, role)
        require_role_rank(guild, by, Role(0, "", position=position))
    order = sorted(guild.roles.values(), key=lambda role: (role.position, -role.id))
    for role, position in sorted(wanted.items(), key=lambda pair: pair[1]):
        order.remove(role)
        order.insert(max(1, position), role)
    for position, role in enumerate(order):
        if role.position == position:
            continue
        changes = [{"key": "position", "old_value": role.position, "new_value": position}]
        role.position = position
        _tell(world, guild, "GUILD_ROLE_UPDATE", role)
        if role in wanted:
            audit.note(world, guild, by, Audited.ROLE_UPDATE, role.id, reason, changes=changes)


def delete(world: World, guild: Guild, by: User, role: Role, reason: str | None = None) -> None:
    """Delete a role.

    Raises:
        DiscordError: the actor may not, stands no higher, or the role belongs to an application.
    """
    require_in_guild(guild, by, Permissions.MANAGE_ROLES)
    if role.managed or role.id == guild.id:
        raise DiscordError(Refusal.INVALID_ROLE)
    require_role_rank(guild, by, role)
    del guild.roles[role.id]
    for member in guild.members.values():
        if role.id in member.roles:
            member.roles.remove(role.id)
    for channel in guild.channels.values():
        channel.overwrites = [overwrite for overwrite in channel.overwrites if overwrite.id != role.id]
    data = {"guild_id": str(guild.id), "role_id": str(role.id)}
    world.emit(Event("GUILD_ROLE_DELETE", data, Intents.GUILDS, guild.id))
    changes = audit.deleted(role.payload())
    audit.note(world, guild, by, Audited.ROLE_DELETE, role.id, reason, changes=changes)


def _tell(world: World, guild: Guild, name: str, role: Role) -> None:
    data = {"guild_id": str(guild.id), "role": role.payload()}
    world.emit(Event(name, data, Intents.GUILDS, guild.id))
