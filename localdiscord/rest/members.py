"""Members."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from localdiscord.actions import members
from localdiscord.errors import DiscordError, Refusal
from localdiscord.intents import Intents
from localdiscord.rest.forms.members import ListForm, MemberForm, OwnMemberForm, PruneForm, SearchForm
from localdiscord.rest.router import Call, route

if TYPE_CHECKING:
    from localdiscord.model.guild import Guild
    from localdiscord.model.member import Member

OF_GUILD = "/guilds/{guild_id}/members"
OF_MEMBER = OF_GUILD + "/{user_id}"


@route("GET", OF_GUILD)
async def list_members(call: Call) -> list[dict[str, Any]]:
    """Return members in the order of their ids, where the bot may know them all."""
    guild, asked = call.guild(), call.asked(ListForm)
    if Intents.GUILD_MEMBERS not in call.requester.granted:
        raise DiscordError(Refusal.MISSING_ACCESS)
    later = sorted(user for user in guild.members if user > asked.after)
    return [guild.members[user].payload() for user in later[: asked.limit]]


@route("GET", OF_GUILD + "/search")
async def search_members(call: Call) -> list[dict[str, Any]]:
    """Return members one of whose names begins with something."""
    guild, asked = call.guild(), call.asked(SearchForm)
    wanted = asked.query.casefold()
    found = [member for member in guild.members.values() if _is_called(member, wanted)]
    return [member.payload() for member in found[: asked.limit]]


def _is_called(member: Member, wanted: str) -> bool:
    names = (member.nick, member.user.global_name, member.user.username)
    return any(name.casefold().startswith(wanted) for name in names if name)


@route("GET", OF_MEMBER)
async def get_member(call: Call) -> dict[str, Any]:
    """Return a member."""
    guild = call.guild()
    call.world.user(call.id("user_id"))
    return guild.member(call.id("user_id")).payload()


@route("PATCH", OF_GUILD + "/@me")
async def edit_own_member(call: Call) -> dict[str, Any]:
    """Change the bot's own membership."""
    guild = call.guild()
    member = guild.member(call.bot.id)
    changes = call.form(OwnMemberForm).given()
    members.change(call.world, guild, call.bot, member, _with_pictures(call, guild, changes), call.reason)
    return member.payload() | {"bio": member.bio}


def _with_pictures(call: Call, guild: Guild, changes: dict[str, Any]) -> dict[str, Any]:
    for name in ("avatar", "banner"):
        if changes.get(name):
            folder = f"/guilds/{guild.id}/users/{call.bot.id}/{name}s"
            changes[name] = call.world.files.keep_image(folder, changes[name])
    return changes


@route("PATCH", OF_GUILD + "/@me/nick")
async def edit_own_nick(call: Call) -> dict[str, Any]:
    """Change the bot's own nickname, as older clients do."""
    guild = call.guild()
    member = guild.member(call.bot.id)
    nick = {"nick": call.form(OwnMemberForm).nick}
    members.change(call.world, guild, call.bot, member, nick, call.reason)
    return nick


@route("PATCH", OF_MEMBER)
async def edit_member(call: Call) -> dict[str, Any]:
    """Change a member."""
    guild = call.guild()
    member = guild.member(call.id("user_id"))
    members.change(call.world, guild, call.bot, member, call.form(MemberForm).given(), call.reason)
    return member.payload()


@route("DELETE", OF_MEMBER)
async def kick(call: Call) -> None:
    """Put a member out."""
    guild = call.guild()
    user = call.world.user(call.id("user_id"))
    members.kick(call.world, guild, call.bot, user, call.reason)


@route("PUT", OF_MEMBER + "/roles/{role_id}")
async def add_role(call: Call) -> None:
    """Give a member a role."""
    guild = call.guild()
    member = guild.member(call.id("user_id"))
    members.add_role(call.world, guild, call.bot, member, call.id("role_id"), call.reason)


@route("DELETE", OF_MEMBER + "/roles/{role_id}")
async def remove_role(call: Call) -> None:
    """Take a role from a member."""
    guild = call.guild()
    member = guild.member(call.id("user_id"))
    members.remove_role(call.world, guild, call.bot, member, call.id("role_id"), call.reason)


@route("GET", "/guilds/{guild_id}/prune")
async def count_prunable(call: Call) -> dict[str, Any]:
    """Return how many members a pruning would put out."""
    asked = call.asked(PruneForm)
    return {"pruned": len(members.prunable(call.world, call.guild(), call.bot, asked.days, asked.roles))}


@route("POST", "/guilds/{guild_id}/prune")
async def prune(call: Call) -> dict[str, Any]:
    """Put out the members who were not there."""
    form = call.form(PruneForm)
    count = members.prune(call.world, call.guild(), call.bot, form.days, form.roles, call.reason)
    return {"pruned": count if form.compute_prune_count else None}
