"""Direct messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from localdiscord.errors import DiscordError, Refusal
from localdiscord.model.channel import Channel, ChannelType

if TYPE_CHECKING:
    from localdiscord.model.user import User
    from localdiscord.model.world import World

__all__ = ["open_direct"]


def open_direct(world: World, user: User, other: User) -> Channel:
    """Return the channel in which two users write to each other; it is made where there is none.

    Whether the other takes messages shows when one is sent, as on Discord.

    Raises:
        DiscordError: nobody writes to themselves, nor a bot to a bot.
    """
    if user is other:
        raise DiscordError(Refusal.INVALID_RECIPIENT)
    if user.bot and other.bot:
        raise DiscordError(Refusal.CANNOT_DM)
    for channel in world.channels.values():
        if channel.type is ChannelType.DM and user in channel.recipients and other in channel.recipients:
            return channel
    channel = Channel(world.snowflakes.next(), ChannelType.DM, recipients=[user, other])
    world.channels[channel.id] = channel
    return channel
