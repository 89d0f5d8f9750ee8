"""Pinning messages, and passing announcements on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from localdiscord.actions import audit, messages
from localdiscord.actions.access import require
from localdiscord.actions.drafts import Draft
from localdiscord.errors import DiscordError, Refusal
from localdiscord.intents import Intents
from localdiscord.model.audit import Audited
from localdiscord.model.channel import ChannelType
from localdiscord.model.message import CROSSPOSTED, Message, MessageType
from localdiscord.model.user import User
from localdiscord.model.webhook import FOLLOWER
from localdiscord.model.world import Event
from localdiscord.permissions import Permissions
from localdiscord.snowflakes import iso

if TYPE_CHECKING:
    from localdiscord.model.channel import Channel
    from localdiscord.model.world import World

__all__ = ["crosspost", "pin", "pinned", "unpin"]

MOST_PINS = 250
IS_CROSSPOST = 1 << 1


def pinned(channel: Channel) -> list[Message]:
    """Return the pinned messages of a channel, those pinned last first."""
    return sorted((each for each in channel.messages.values() if each.pinned_at), key=_moment, reverse=True)


def _moment(message: Message) -> str:
    return iso(message.pinned_at) if message.pinned_at else ""


def pin(world: World, message: Message, by: User, reason: str | None = None) -> None:
    """Pin a message; once more makes no difference.

    Raises:
        DiscordError: the actor may not, or there are too many.
    """
    _require(world, message.channel, by)
    if message.pinned:
        return
    if len(pinned(message.channel)) >= MOST_PINS:
        raise DiscordError(Refusal.MOST_PINS)
    message.pinned, message.pinned_at = True, world.now()
    message.channel.last_pin_at = message.pinned_at
    _tell(world, message, by, Audited.MESSAGE_PIN, reason)
    notice = Message(world.snowflakes.next(), message.channel, by, type=MessageType.PIN)
    notice.reference = {"type": 0, "channel_id": str(message.channel.id), "message_id": str(message.id)}
    if message.channel.guild_id:
        notice.reference["guild_id"] = str(message.channel.guild_id)
    messages.put(notice)
    messages.announce(world, notice)


def unpin(world: World, message: Message, by: User, reason: str | None = None) -> None:
    """Take a message from the pinned ones; raises DiscordError where the actor may not."""
    _require(world, message.channel, by)
    if message.pinned:
        message.pinned, message.pinned_at = False, None
        _tell(world, message, by, Audited.MESSAGE_UNPIN, reason)


def _require(world: World, channel: Channel, by: User) -> None:
    require(world, channel, by, Permissions.VIEW_CHANNEL)
    require(world, channel, by, Permissions.PIN_MESSAGES)
    if channel.thread and channel.thread.archived:
        raise DiscordError(Refusal.ARCHIVED)


def _tell(world: World, message: Message, by: User, action: Audited, reason: str | None) -> None:
    channel = message.channel
    last = iso(channel.last_pin_at) if channel.last_pin_at else None
    data: dict[str, Any] = {"channel_id": str(channel.id), "last_pin_timestamp": last}
    if channel.guild_id is not None:
        data["guild_id"] = str(channel.guild_id)
    messages.announce(world, message, "MESSAGE_UPDATE")
    needs = Intents.GUILDS if channel.guild_id else Intents.DIRECT_MESSAGES
    world.emit(Event("CHANNEL_PINS_UPDATE", data, needs, channel.guild_id, channel.id))
    if channel.guild_id is not None:
        options = {"channel_id": str(channel.id), "message_id": str(message.id)}
        guild = world.guild(channel.guild_id)
        audit.note(world, guild, by, action, message.author.id, reason, options=options)


def crosspost(world: World, message: Message, by: User) -> None:
    """Pass an announcement on to the channels that follow.

    Raises:
        DiscordError: the actor may not, it was done before, or the channel is none for announcements.
    """
    channel = message.channel
    if channel.type is not ChannelType.ANNOUNCEMENT:
        raise DiscordError(Refusal.CHANNEL_TYPE)
    needed = Permissions.SEND_MESSAGES if message.author is by else Permissions.MANAGE_MESSAGES
    require(world, channel, by, needed)
    if message.flags & CROSSPOSTED:
        raise DiscordError(Refusal.CROSSPOSTED)
    message.flags |= CROSSPOSTED
    messages.announce(world, message, "MESSAGE_UPDATE")
    followers = [each for each in world.webhooks.values() if each.type == FOLLOWER]
    for webhook in [each for each in followers if each.source_channel_id == channel.id]:
        author = User(webhook.id, webhook.name, bot=True, avatar=webhook.avatar)
        draft = Draft(message.content, message.embeds, flags=IS_CROSSPOST)
        copy = messages.compose(world, world.channel(webhook.channel_id), author, draft, webhook_id=webhook.id)
        copy.attachments = message.attachments
        copy.reference = {"type": 0, "channel_id": str(channel.id), "message_id": str(message.id)}
        copy.reference["guild_id"] = str(channel.guild_id)
        messages.announce(world, copy)
