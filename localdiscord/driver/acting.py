"""What all that a person does rests on: who they are, where they are, what they see."""

from __future__ import annotations

from typing import TYPE_CHECKING

from localdiscord.actions.access import permissions_in
from localdiscord.driver.errors import HumanlyImpossibleError
from localdiscord.model.channel import Channel
from localdiscord.permissions import Permissions

if TYPE_CHECKING:
    from localdiscord.model.message import Message
    from localdiscord.model.user import User
    from localdiscord.model.world import World
    from localdiscord.server import LocalDiscord

__all__ = ["Acting"]


class Acting:
    """Somebody before Discord's client.

    Args:
        discord: the server.
        user: who it is.
    """

    def __init__(self, discord: LocalDiscord, user: User) -> None:
        self.discord = discord
        self.user = user

    def __repr__(self) -> str:
        """Name the person."""
        return f"<{type(self).__name__} {self.name}>"

    @property
    def name(self) -> str:
        """What others call them."""
        return self.user.global_name or self.user.username

    @property
    def world(self) -> World:
        """Everything that exists."""
        return self.discord.world

    def sees(self, thing: Channel | Message) -> bool:
        """Tell whether they see a channel or a message."""
        if isinstance(thing, Channel):
            return Permissions.VIEW_CHANNEL in permissions_in(self.world, thing, self.user)
        is_theirs = thing.audience is None or thing.audience is self.user
        return is_theirs and thing.id in thing.channel.messages and self.sees(thing.channel)

    def require_sight(self, thing: Channel | Message) -> None:
        """Refuse what is done to something that they do not see.

        Raises:
            HumanlyImpossibleError: they do not see it.
        """
        if self.sees(thing):
            return
        channel = thing if isinstance(thing, Channel) else thing.channel
        if isinstance(thing, Channel) or not self.sees(channel):
            raise HumanlyImpossibleError(f"{self.name} does not see {place(channel)}.")
        if thing.id not in channel.messages:
            raise HumanlyImpossibleError(f"The message {thing.id} in {place(channel)} was deleted.")
        raise HumanlyImpossibleError(f"{self.name} does not see the message {thing.id}: one other person alone does.")


def place(channel: Channel) -> str:
    """Name a channel in a sentence."""
    return f"#{channel.name}" if channel.name else "the direct messages"
