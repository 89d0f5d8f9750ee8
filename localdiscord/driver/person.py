"""A person who uses Discord."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from localdiscord.actions import interactions, messages
from localdiscord.actions.access import require
from localdiscord.actions.messages import Draft
from localdiscord.model.interaction import Interaction, InteractionType
from localdiscord.permissions import Permissions

if TYPE_CHECKING:
    from localdiscord.model.channel import Channel
    from localdiscord.model.message import Message
    from localdiscord.model.user import User
    from localdiscord.server import LocalDiscord

__all__ = ["HumanlyImpossibleError", "Person"]


class HumanlyImpossibleError(Exception):
    """Something that no person could do in Discord's client."""


class Person:
    """A person, and what they can do; whatever Discord's client would not offer them is refused.

    Args:
        discord: the server.
        user: who it is.
    """

    def __init__(self, discord: LocalDiscord, user: User) -> None:
        self.discord = discord
        self.user = user

    def say(self, channel: Channel, content: str) -> Message:
        """Write a message."""
        return messages.send(self.discord.world, channel, self.user, Draft(content))

    def slash(self, channel: Channel, name: str, **options: Any) -> Interaction:
        """Use a slash command.

        Args:
            channel: where.
            name: the command, groups first: `settings language`.
            **options: its options by name.

        Raises:
            HumanlyImpossibleError: there is no such command.
        """
        require(self.discord.world, channel, self.user, Permissions.USE_APPLICATION_COMMANDS)
        for application in self.discord.world.applications.values():
            for guild_id in (channel.guild_id, None):
                for command in application.commands.get(guild_id, {}).values():
                    if command["type"] == 1 and command["name"] == name:
                        data = {"id": command["id"], "name": name, "type": 1, "options": _options(options)}
                        kind = InteractionType.COMMAND
                        return interactions.begin(self.discord.world, application, kind, self.user, channel, data)
        raise HumanlyImpossibleError(f"{self.user.username} finds no command /{name}")

    async def reply(self, interaction: Interaction, seconds: float = 5.0) -> Message:
        """Return the bot's answer to an interaction as soon as it is there.

        Raises:
            TimeoutError: it does not come.
        """
        async with asyncio.timeout(seconds):
            return await self.discord.until(lambda: interaction.original)


def _options(values: dict[str, Any]) -> list[dict[str, Any]]:
    kinds = {str: 3, int: 4, bool: 5, float: 10}
    return [{"name": name, "type": kinds[type(value)], "value": value} for name, value in values.items()]
