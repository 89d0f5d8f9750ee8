"""Roles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from localdiscord.actions import roles
from localdiscord.rest.forms.members import PositionForm, RoleForm
from localdiscord.rest.router import Call, route

if TYPE_CHECKING:
    from localdiscord.model.guild import Guild

OF_GUILD = "/guilds/{guild_id}/roles"
OF_ROLE = OF_GUILD + "/{role_id}"


def _all(guild: Guild) -> list[dict[str, Any]]:
    return [role.payload() for role in guild.roles.values()]


@route("GET", OF_GUILD)
async def list_roles(call: Call) -> list[dict[str, Any]]:
    """Return all roles."""
    return _all(call.guild())


@route("GET", OF_GUILD + "/member-counts")
async def member_counts(call: Call) -> dict[str, Any]:
    """Return how many members have each role but @everyone."""
    guild = call.guild()
    counts = {str(role): 0 for role in guild.roles if role != guild.id}
    for member in guild.members.values():
        for role in member.roles:
            counts[str(role)] += 1
    return counts


@route("GET", OF_ROLE)
async def get_role(call: Call) -> dict[str, Any]:
    """Return a role."""
    return call.guild().role(call.id("role_id")).payload()


@route("POST", OF_GUILD)
async def create_role(call: Call) -> dict[str, Any]:
    """Make a role."""
    return roles.create(call.world, call.guild(), call.bot, call.form(RoleForm).values(), call.reason).payload()


@route("PATCH", OF_GUILD)
async def move_roles(call: Call) -> list[dict[str, Any]]:
    """Rank roles anew."""
    guild = call.guild()
    positions = {each.id: each.position for each in call.forms(PositionForm)}
    roles.reorder(call.world, guild, call.bot, positions, call.reason)
    return _all(guild)


@route("PATCH", OF_ROLE)
async def edit_role(call: Call) -> dict[str, Any]:
    """Change a role."""
    guild = call.guild()
    role = guild.role(call.id("role_id"))
    roles.change(call.world, guild, call.bot, role, call.form(RoleForm).values(), call.reason)
    return role.payload()


@route("DELETE", OF_ROLE)
async def delete_role(call: Call) -> None:
    """Delete a role."""
    guild = call.guild()
    roles.delete(call.world, guild, call.bot, guild.role(call.id("role_id")), call.reason)
