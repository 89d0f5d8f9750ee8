"""What people do with each other: direct messages, nicknames, and what moderators do."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from localdiscord.web.acts import BadRequestError, act
from localdiscord.web.being import LONGEST_NAME

if TYPE_CHECKING:
    from localdiscord.model.guild import Guild
    from localdiscord.model.user import User
    from localdiscord.web.acts import Request
    from localdiscord.web.connection import Tab

__all__ = ["ban", "kick", "leave_guild", "nick", "open_direct", "timeout"]


def _guild(tab: Tab, request: Request) -> Guild:
    return tab.discord.world.guild(int(request["guild"]))


def _user(tab: Tab, request: Request) -> User:
    return tab.discord.world.user(int(request["user"]))


@act("open-direct")
async def open_direct(tab: Tab, request: Request) -> dict[str, str]:
    """Open the direct messages with somebody."""
    channel = tab.person.open_dm(_user(tab, request))
    tab.tell_town()
    return {"channel": str(channel.id)}


@act("nick")
async def nick(tab: Tab, request: Request) -> None:
    """Change one's nickname; none brings the name back."""
    name = str(request.get("nick") or "")
    if len(name) > LONGEST_NAME:
        raise BadRequestError(f"A nickname has at most {LONGEST_NAME} characters.")
    tab.person.rename(_guild(tab, request), tab.person.user, name or None)


@act("leave-guild")
async def leave_guild(tab: Tab, request: Request) -> None:
    """Leave a guild."""
    tab.person.leave(_guild(tab, request))


@act("kick")
async def kick(tab: Tab, request: Request) -> None:
    """Put somebody out."""
    tab.person.kick(_guild(tab, request), _user(tab, request))


@act("ban")
async def ban(tab: Tab, request: Request) -> None:
    """Put somebody out for good."""
    tab.person.ban(_guild(tab, request), _user(tab, request))


@act("timeout")
async def timeout(tab: Tab, request: Request) -> None:
    """Let somebody only read for some minutes; none ends it."""
    minutes = int(request["minutes"])
    tab.person.time_out(_guild(tab, request), _user(tab, request), timedelta(minutes=minutes) if minutes else None)
