"""Writing, changing and deleting messages."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from localdiscord.actions.access import require
from localdiscord.errors import DiscordError, Refusal, invalid_form
from localdiscord.intents import Intents
from localdiscord.model.message import EPHEMERAL, Message
from localdiscord.model.world import Event
from localdiscord.permissions import Permissions

if TYPE_CHECKING:
    from localdiscord.model.channel import Channel
    from localdiscord.model.user import User
    from localdiscord.model.world import World

__all__ = ["LONGEST_CONTENT", "Draft", "announce", "edit", "send"]

LONGEST_CONTENT = 2000
MENTION = re.compile(r"<@!?(\d+)>")


@dataclass
class Draft:
    """What somebody wants to write."""

    content: str = ""
    embeds: list[dict[str, Any]] = field(default_factory=list)
    components: list[dict[str, Any]] = field(default_factory=list)
    attachments: list[dict[str, Any]] = field(default_factory=list)
    flags: int = 0
    nonce: str | int | None = None

    def check(self) -> None:
        """Refuse what Discord does not take.

        Raises:
            DiscordError: it is empty or too long.
        """
        if len(self.content) > LONGEST_CONTENT:
            words = f"Must be {LONGEST_CONTENT} or fewer in length."
            raise invalid_form("content", "BASE_TYPE_MAX_LENGTH", words)
        if not (self.content.strip() or self.embeds or self.attachments or self.components):
            raise DiscordError(Refusal.EMPTY_MESSAGE)


def send(world: World, channel: Channel, author: User, draft: Draft) -> Message:
    """Write a message.

    Raises:
        DiscordError: the author may not, or Discord does not take it.
    """
    require(world, channel, author, Permissions.SEND_MESSAGES)
    draft.check()
    message = compose(world, channel, author, draft)
    announce(world, message)
    return message


def compose(world: World, channel: Channel, author: User, draft: Draft) -> Message:
    """Put a message into a channel, without news of it."""
    message = Message(world.snowflakes.next(), channel, author, draft.content)
    message.embeds, message.components = draft.embeds, draft.components
    message.attachments, message.flags, message.nonce = draft.attachments, draft.flags, draft.nonce
    mentioned = dict.fromkeys(int(found) for found in MENTION.findall(draft.content))
    message.mentions = [world.users[user] for user in mentioned if user in world.users]
    channel.messages[message.id] = message
    channel.last_message_id = message.id
    return message


def edit(world: World, message: Message, draft: Draft) -> None:
    """Replace what a message says."""
    draft.check()
    message.content, message.embeds, message.components = draft.content, draft.embeds, draft.components
    message.attachments = draft.attachments
    message.edited_at = world.now()
    announce(world, message, "MESSAGE_UPDATE")


def announce(world: World, message: Message, name: str = "MESSAGE_CREATE") -> None:
    """Tell those who see a message of it."""
    channel = message.channel
    data = message.payload()
    guild = world.guilds.get(channel.guild_id or 0)
    if guild is not None:
        data["guild_id"] = str(guild.id)
        if member := guild.members.get(message.author.id):
            data["member"] = member.payload(with_user=False)
        for entry in data["mentions"]:
            if mentioned := guild.members.get(int(entry["id"])):
                entry["member"] = mentioned.payload(with_user=False)
    needs = Intents.GUILD_MESSAGES if guild else Intents.DIRECT_MESSAGES
    only = message.audience.id if message.flags & EPHEMERAL and message.audience else None
    world.emit(Event(name, data, needs, channel.guild_id, channel.id, only, message.author.id))
