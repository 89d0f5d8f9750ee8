"""Typing: others see that somebody is about to write."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from localdiscord.actions.access import require
from localdiscord.intents import Intents
from localdiscord.model.world import Event
from localdiscord.permissions import Permissions

if TYPE_CHECKING:
    from localdiscord.model.channel import Channel
    from localdiscord.model.user import User
    from localdiscord.model.world import World

__all__ = ["start"]


def start(world: World, channel: Channel, user: User) -> None:
    """Show for some seconds that a user is typing.

    Raises:
        DiscordError: the user may not write there.
    """
    writing = Permissions.SEND_MESSAGES_IN_THREADS if channel.thread else Permissions.SEND_MESSAGES
    require(world, channel, user, writing)
    data: dict[str, Any] = {"channel_id": str(channel.id), "user_id": str(user.id), "timestamp": int(world.clock())}
    guild = world.guilds.get(channel.guild_id or 0)
    if guild is not None:
        data |= {"guild_id": str(guild.id), "member": guild.member(user.id).payload()}
    needs = Intents.GUILD_MESSAGE_TYPING if guild else Intents.DIRECT_MESSAGE_TYPING
    world.emit(Event("TYPING_START", data, needs, channel.guild_id, channel.id))
