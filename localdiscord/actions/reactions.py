"""Reacting to messages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from localdiscord.actions.access import require
from localdiscord.errors import DiscordError, Refusal
from localdiscord.intents import Intents
from localdiscord.model.reaction import PartialEmoji, Reaction
from localdiscord.model.world import Event
from localdiscord.permissions import Permissions

if TYPE_CHECKING:
    from localdiscord.model.message import Message
    from localdiscord.model.user import User
    from localdiscord.model.world import World

__all__ = ["add", "clear", "clear_emoji", "emoji_of", "remove"]

MOST_REACTIONS = 20


def emoji_of(world: World, text: str) -> PartialEmoji:
    """Return the emoji that a path names.

    Args:
        world: the world.
        text: a character, or `name:id` of one of a guild.

    Raises:
        DiscordError: there is no such emoji.
    """
    emoji = PartialEmoji.read(text)
    if emoji is None:
        raise DiscordError(Refusal.UNKNOWN_EMOJI)
    if emoji.id is None:
        return emoji
    tables = [guild.emojis for guild in world.guilds.values()]
    tables += [application.emojis for application in world.applications.values()]
    known = next((table[emoji.id] for table in tables if emoji.id in table), None)
    if known is None:
        raise DiscordError(Refusal.UNKNOWN_EMOJI)
    return PartialEmoji(known.id, known.name, known.animated)


def add(world: World, message: Message, user: User, emoji: PartialEmoji) -> None:
    """React to a message; once more makes no difference.

    Raises:
        DiscordError: the user may not, is blocked by the author, or there are too many.
    """
    require(world, message.channel, user, Permissions.READ_MESSAGE_HISTORY)
    _require_open(message)
    reaction = message.reactions.get(emoji.key)
    if reaction is None:
        require(world, message.channel, user, Permissions.ADD_REACTIONS)
        if len(message.reactions) >= MOST_REACTIONS:
            raise DiscordError(Refusal.MOST_REACTIONS)
    if user.id in message.author.blocked:
        raise DiscordError(Refusal.REACTION_BLOCKED)
    if reaction is None:
        reaction = message.reactions[emoji.key] = Reaction(emoji)
    if user.id in reaction.users:
        return
    reaction.users[user.id] = None
    author = {} if message.webhook_id else {"message_author_id": str(message.author.id)}
    _tell(world, message, "MESSAGE_REACTION_ADD", emoji, user, author, with_member=True)


def remove(world: World, message: Message, emoji: PartialEmoji, user_id: int, by: User) -> None:
    """Take back somebody's reaction; nothing happens where there is none.

    Raises:
        DiscordError: it is another's and the user may not, or nobody reacted with it.
    """
    require(world, message.channel, by, Permissions.VIEW_CHANNEL)
    if by.id != user_id:
        require(world, message.channel, by, Permissions.MANAGE_MESSAGES)
    _require_open(message)
    reaction = _reaction(message, emoji)
    if user_id not in reaction.users:
        return
    del reaction.users[user_id]
    if not reaction.users:
        del message.reactions[emoji.key]
    _tell(world, message, "MESSAGE_REACTION_REMOVE", emoji, world.user(user_id), {})


def clear_emoji(world: World, message: Message, emoji: PartialEmoji, by: User) -> None:
    """Take away all reactions with an emoji; raises DiscordError where the user may not, or there is none."""
    require(world, message.channel, by, Permissions.MANAGE_MESSAGES)
    _reaction(message, emoji)
    del message.reactions[emoji.key]
    data = _place(message) | {"emoji": emoji.payload()}
    world.emit(_event(message, "MESSAGE_REACTION_REMOVE_EMOJI", data))


def clear(world: World, message: Message, by: User) -> None:
    """Take away all reactions; raises DiscordError where the user may not."""
    require(world, message.channel, by, Permissions.MANAGE_MESSAGES)
    message.reactions.clear()
    world.emit(_event(message, "MESSAGE_REACTION_REMOVE_ALL", _place(message)))


def _reaction(message: Message, emoji: PartialEmoji) -> Reaction:
    try:
        return message.reactions[emoji.key]
    except KeyError:
        raise DiscordError(Refusal.UNKNOWN_EMOJI) from None


def _require_open(message: Message) -> None:
    if message.channel.thread and message.channel.thread.archived:
        raise DiscordError(Refusal.ARCHIVED)


def _place(message: Message) -> dict[str, Any]:
    channel = message.channel
    body = {"message_id": str(message.id), "channel_id": str(channel.id)}
    return body | {"guild_id": str(channel.guild_id)} if channel.guild_id else body


def _tell(
    world: World,
    message: Message,
    name: str,
    emoji: PartialEmoji,
    user: User,
    more: dict[str, Any],
    *,
    with_member: bool = False,
) -> None:
    data = _place(message) | {"user_id": str(user.id), "emoji": emoji.payload(), "burst": False, "type": 0} | more
    guild = world.guilds.get(message.channel.guild_id or 0)
    if with_member and guild and (member := guild.members.get(user.id)):
        data |= {"member": member.payload(), "burst_colors": []}
    world.emit(_event(message, name, data))


def _event(message: Message, name: str, data: dict[str, Any]) -> Event:
    guild_id = message.channel.guild_id
    needs = Intents.GUILD_MESSAGE_REACTIONS if guild_id else Intents.DIRECT_MESSAGE_REACTIONS
    return Event(name, data, needs, guild_id, message.channel.id)
