"""Who a tab is: choosing a person, or becoming a new one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from localdiscord.permissions import ALL, Permissions, in_guild
from localdiscord.web.acts import BadRequestError, act
from localdiscord.web.view import person_view

if TYPE_CHECKING:
    from localdiscord.model.guild import Guild
    from localdiscord.model.member import Member
    from localdiscord.web.acts import Request
    from localdiscord.web.connection import Tab

__all__ = ["LONGEST_NAME", "arrive", "enter", "leave", "people", "presence"]

LONGEST_NAME = 32
LANGUAGES = frozenset({"en-US", "th"})


def _town(tab: Tab) -> Guild:
    return tab.discord.town.guild


def _part(guild: Guild, member: Member) -> str | None:
    """Say what somebody is in the town."""
    held = in_guild(guild, member)
    if member.user.id == guild.owner_id:
        return "owner"
    if held == ALL:
        return "administrator"
    return "moderator" if Permissions.KICK_MEMBERS in held else None


@act("people")
async def people(tab: Tab, _request: Request) -> dict[str, Any]:
    """Tell who one can be."""
    guild = _town(tab)
    members: list[Member] = [member for member in guild.members.values() if not member.user.bot]
    cards = [{**person_view(member.user), "part": _part(guild, member)} for member in members]
    return {"guild": guild.name, "people": cards}


@act("enter")
async def enter(tab: Tab, request: Request) -> dict[str, Any]:
    """Become somebody; a name is what stays the same when the local Discord starts anew.

    Whoever was kicked or has left comes back to the town.

    Raises:
        BadRequestError: there is nobody of that name, or they are banned.
    """
    for user in tab.discord.world.users.values():
        if user.username == request["username"] and not user.bot:
            guild = _town(tab)
            if user.id in guild.bans:
                raise BadRequestError(f"{user.username} is banned from {guild.name}.")
            if user.id not in guild.members:
                tab.discord.person(user).join(guild)
            return tab.enter(user)
    raise BadRequestError(f"There is no {request['username']} here.")


@act("arrive")
async def arrive(tab: Tab, request: Request) -> dict[str, Any]:
    """Come to the town as somebody new."""
    name, locale = str(request["name"]).strip(), str(request["locale"])
    if not 1 < len(name) <= LONGEST_NAME:
        raise BadRequestError(f"A name has 2 to {LONGEST_NAME} characters.")
    world = tab.discord.world
    if any(user.username == name.lower() for user in world.users.values()):
        raise BadRequestError(f"{name} is here already: choose another name.")
    user = world.add_user(name, locale=locale if locale in LANGUAGES else "en-US")
    tab.discord.person(user).join(_town(tab))
    return tab.enter(user)


@act("leave")
async def leave(tab: Tab, _request: Request) -> None:
    """Go back to the door."""
    tab.leave()


@act("presence")
async def presence(tab: Tab, request: Request) -> None:
    """Be online, idle, not to be disturbed, or not seen."""
    tab.person.be(str(request["status"]))
