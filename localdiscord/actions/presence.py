"""Whether users are there, and what they are doing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from localdiscord.intents import Intents
from localdiscord.model.user import STATUSES, Presence
from localdiscord.model.world import Event

if TYPE_CHECKING:
    from localdiscord.model.user import User
    from localdiscord.model.world import World

__all__ = ["change", "check"]


def change(world: World, user: User, status: str, activities: list[dict[str, Any]]) -> None:
    """Say that a user is there, or no longer, and what they are doing; each guild of theirs hears of it.

    Args:
        world: the world.
        user: who.
        status: one of Discord's: `online`, `idle`, `dnd`, `invisible`, `offline`.
        activities: what they are doing, as Discord writes it.

    Raises:
        ValueError: there is no such status.
    """
    check(status)
    moment = int(world.clock() * 1000)
    known = [{"type": 0, "created_at": moment, **each} for each in activities]
    user.presence = Presence(status, known)
    for guild in tuple(world.guilds.values()):
        if user.id in guild.members:
            data = user.presence.payload(user.id, guild.id)
            world.emit(Event("PRESENCE_UPDATE", data, Intents.GUILD_PRESENCES, guild.id))


def check(status: str) -> None:
    """Refuse what is no status.

    Raises:
        ValueError: it is none.
    """
    if status not in STATUSES:
        raise ValueError(f"{status!r} is none of {', '.join(STATUSES)}")
