"""Deleting messages."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from localdiscord.actions import audit
from localdiscord.actions.access import require
from localdiscord.errors import DiscordError, Refusal, invalid_form
from localdiscord.intents import Intents
from localdiscord.model.audit import Audited
from localdiscord.model.world import Event
from localdiscord.permissions import Permissions
from localdiscord.snowflakes import moment_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from localdiscord.model.channel import Channel
    from localdiscord.model.guild import Guild
    from localdiscord.model.message import Message
    from localdiscord.model.user import User
    from localdiscord.model.world import World

__all__ = ["announce_deletion", "delete", "delete_many"]

BULK_AGE = timedelta(days=14)
DELETABLE = {0, 6, 7, 8, 9, 10, 11, 12, 18, 19, 20, 22, 23, 24, 25, 26, 27, 28, 29, 31, 32, 36, 37, 38, 39, 44, 46}
"""The kinds of message that may be deleted."""


def delete(world: World, message: Message, by: User, reason: str | None = None) -> None:
    """Delete a message.

    Raises:
        DiscordError: it is another's and the user may not, or nobody may.
    """
    channel = message.channel
    require(world, channel, by, Permissions.VIEW_CHANNEL)
    is_own = message.author is by
    if not is_own:
        if channel.guild_id is None:
            raise DiscordError(Refusal.CANNOT_IN_DM)
        require(world, channel, by, Permissions.MANAGE_MESSAGES)
    if message.type not in DELETABLE:
        raise DiscordError(Refusal.SYSTEM_MESSAGE)
    if channel.thread and channel.thread.archived:
        raise DiscordError(Refusal.ARCHIVED)
    announce_deletion(world, message)
    if not is_own and channel.guild_id is not None and message.webhook_id is None:
        _note_deletion(world, world.guild(channel.guild_id), by, message, reason)


AGGREGATED = timedelta(minutes=5)
"""Deletions of one person's messages by one moderator within this time are one entry of the audit log."""


def _note_deletion(world: World, guild: Guild, by: User, message: Message, reason: str | None) -> None:
    place = str(message.channel.id)
    for entry in reversed(guild.audit_log):
        if world.now() - moment_of(entry.id) > AGGREGATED:
            break
        same = (entry.action, entry.user_id, entry.target_id, entry.reason, entry.options.get("channel_id"))
        if same == (Audited.MESSAGE_DELETE, by.id, message.author.id, reason, place):
            entry.options["count"] = str(int(entry.options["count"]) + 1)
            return
    options = {"channel_id": place, "count": "1"}
    audit.note(world, guild, by, Audited.MESSAGE_DELETE, message.author.id, reason, options=options)


def announce_deletion(world: World, message: Message) -> None:
    """Take a message out of its channel, and tell those who saw it."""
    channel = message.channel
    del channel.messages[message.id]
    data = {"id": str(message.id), "channel_id": str(channel.id)}
    if channel.guild_id is not None:
        data["guild_id"] = str(channel.guild_id)
    only = message.audience.id if message.is_ephemeral and message.audience else None
    needs = Intents.GUILD_MESSAGES if channel.guild_id else Intents.DIRECT_MESSAGES
    world.emit(Event("MESSAGE_DELETE", data, needs, channel.guild_id, channel.id, only))


def delete_many(world: World, channel: Channel, by: User, keys: Iterable[int], reason: str | None = None) -> None:
    """Delete messages of the last fourteen days; ids of no message are passed over.

    Raises:
        DiscordError: the user may not, they are too few or too many, or one is too old.
    """
    if channel.guild_id is None:
        raise DiscordError(Refusal.CANNOT_IN_DM)
    require(world, channel, by, Permissions.MANAGE_MESSAGES)
    wanted = list(keys)
    if not 2 <= len(wanted) <= 100:
        raise invalid_form("messages", "BASE_TYPE_BAD_LENGTH", "Must be between 2 and 100 in length.")
    if any(world.now() - moment_of(key) > BULK_AGE for key in wanted):
        raise DiscordError(Refusal.TOO_OLD)
    there = [channel.messages[key] for key in dict.fromkeys(wanted) if key in channel.messages]
    gone = [message.id for message in there if message.type in DELETABLE and not message.is_ephemeral]
    for key in gone:
        del channel.messages[key]
    if not gone:
        return
    data = {"ids": [str(key) for key in gone], "channel_id": str(channel.id), "guild_id": str(channel.guild_id)}
    world.emit(Event("MESSAGE_DELETE_BULK", data, Intents.GUILD_MESSAGES, channel.guild_id, channel.id))
    guild = world.guild(channel.guild_id)
    options = {"count": str(len(gone))}
    audit.note(world, guild, by, Audited.MESSAGE_BULK_DELETE, channel.id, reason, options=options)
