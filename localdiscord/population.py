"""More guilds and members than the town has, for bots that have to do with many."""

from __future__ import annotations

from typing import TYPE_CHECKING

from localdiscord.model.user import Presence

if TYPE_CHECKING:
    from localdiscord.server import LocalDiscord

__all__ = ["populate"]


def populate(discord: LocalDiscord, guilds: int = 1, members: int = 0) -> None:
    """Add guilds that the bot is in, and members to the first one; before anybody is connected, without news of it.

    Args:
        discord: the server.
        guilds: how many guilds there are in the end, the town among them.
        members: how many members join the town.
    """
    world, town = discord.world, discord.town
    for number in range(2, guilds + 1):
        guild = world.add_guild(f"Town {number}", town.owner)
        world.add_member(guild, town.application.bot)
        world.add_channel(guild, "general")
    for number in range(1, members + 1):
        user = world.add_user(f"Member {number}")
        user.presence = Presence("online" if number % 3 == 0 else "offline")
        world.add_member(town.guild, user)
