"""Webhooks: making, changing, using and deleting them."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

from localdiscord.actions import audit, messages
from localdiscord.actions.access import require
from localdiscord.actions.drafts import SETTABLE
from localdiscord.actions.threads import post
from localdiscord.errors import DiscordError, Refusal, invalid_form
from localdiscord.intents import Intents
from localdiscord.model.audit import Audited
from localdiscord.model.channel import FORUMS, TEXTUAL, Channel, ChannelType
from localdiscord.model.message import Message, MessageType
from localdiscord.model.user import User
from localdiscord.model.webhook import FOLLOWER, Webhook
from localdiscord.model.world import Event
from localdiscord.permissions import Permissions

if TYPE_CHECKING:
    from localdiscord.actions.drafts import Draft
    from localdiscord.model.guild import Guild
    from localdiscord.model.world import World

__all__ = ["change", "create", "delete", "execute", "find", "follow", "message_of", "of_token"]

MOST_WEBHOOKS = 15
FORBIDDEN = ("clyde", "discord")


# -- finding -----------------------------------------------------------------------------------------------------


def find(world: World, key: int) -> Webhook:
    """Return a webhook; raises DiscordError where there is none."""
    try:
        return world.webhooks[key]
    except KeyError:
        raise DiscordError(Refusal.UNKNOWN_WEBHOOK) from None


def of_token(world: World, key: int, token: str) -> Webhook:
    """Return the webhook of an id and a token; raises DiscordError where they do not belong together."""
    webhook = find(world, key)
    if webhook.token is None or not secrets.compare_digest(webhook.token.encode(), token.encode()):
        raise DiscordError(Refusal.INVALID_TOKEN)
    return webhook


# -- keeping -----------------------------------------------------------------------------------------------------


def create(world: World, channel: Channel, by: User, values: dict[str, Any], reason: str | None = None) -> Webhook:
    """Make a webhook.

    Args:
        world: the world.
        channel: where it writes.
        by: who makes it.
        values: `name`, and `avatar`, the bytes of a picture.
        reason: why.

    Raises:
        DiscordError: the actor may not, the name is not allowed, or there are too many.
    """
    require(world, channel, by, Permissions.MANAGE_WEBHOOKS)
    if channel.type not in TEXTUAL | FORUMS or channel.thread is not None:
        raise DiscordError(Refusal.CHANNEL_TYPE)
    _require_name(values["name"])
    if sum(each.channel_id == channel.id for each in world.webhooks.values()) >= MOST_WEBHOOKS:
        raise DiscordError(Refusal.MOST_WEBHOOKS)
    key, token = world.snowflakes.next(), secrets.token_urlsafe(51)
    webhook = Webhook(key, channel.guild_id or 0, channel.id, values["name"], token, by)
    webhook.application_id = world.application_of(by).id if by.bot else None
    _keep(world, webhook, by, values, reason)
    return webhook


def follow(world: World, source: Channel, target: Channel, by: User, reason: str | None = None) -> Webhook:
    """Have the announcements of a channel carried over to another.

    Raises:
        DiscordError: the actor may not, or the source is no channel for announcements.
    """
    if source.type is not ChannelType.ANNOUNCEMENT or target.type is not ChannelType.TEXT:
        raise DiscordError(Refusal.CHANNEL_TYPE)
    require(world, target, by, Permissions.MANAGE_WEBHOOKS)
    guild = world.guild(source.guild_id or 0)
    name = f"{guild.name} #{source.name}"
    webhook = Webhook(world.snowflakes.next(), target.guild_id or 0, target.id, name, None, by, FOLLOWER)
    origin = {"id": str(guild.id), "name": guild.name, "icon": guild.icon}
    webhook.source = {"source_guild": origin, "source_channel": {"id": str(source.id), "name": source.name}}
    webhook.source_channel_id = source.id
    _keep(world, webhook, by, {}, reason)
    notice = Message(world.snowflakes.next(), target, by, name, MessageType.FOLLOW)
    notice.reference = {"type": 0, "channel_id": str(source.id), "guild_id": str(guild.id)}
    messages.put(notice)
    messages.announce(world, notice)
    return webhook


def _keep(world: World, webhook: Webhook, by: User, values: dict[str, Any], reason: str | None) -> None:
    if values.get("avatar"):
        webhook.avatar = world.files.keep_image(f"/avatars/{webhook.id}", values["avatar"])
    world.webhooks[webhook.id] = webhook
    guild = _tell(world, webhook)
    changes = audit.created(_audited(webhook))
    audit.note(world, guild, by, Audited.WEBHOOK_CREATE, webhook.id, reason, changes=changes)


def _audited(webhook: Webhook) -> dict[str, Any]:
    body = webhook.payload(with_user=False)
    return {name: body[name] for name in ("name", "type", "channel_id", "avatar", "application_id")}


def _require_name(name: str) -> None:
    if any(word in name.lower() for word in FORBIDDEN):
        words = "Username cannot contain 'clyde' or 'discord'"
        raise invalid_form("name", "USERNAME_INVALID_CONTAINS", words)


def _tell(world: World, webhook: Webhook) -> Guild:
    guild = world.guild(webhook.guild_id)
    data = {"guild_id": str(guild.id), "channel_id": str(webhook.channel_id)}
    world.emit(Event("WEBHOOKS_UPDATE", data, Intents.GUILD_WEBHOOKS, guild.id, webhook.channel_id))
    return guild


def change(
    world: World, webhook: Webhook, values: dict[str, Any], by: User | None = None, reason: str | None = None
) -> None:
    """Change a webhook.

    Args:
        world: the world.
        webhook: which.
        values: `name`, `avatar`, `channel_id`, where they change.
        by: who changes it; None is the holder of the token.
        reason: why.

    Raises:
        DiscordError: the actor may not, or the name is not allowed.
    """
    if by is not None:
        require(world, world.channel(webhook.channel_id), by, Permissions.MANAGE_WEBHOOKS)
    before = _audited(webhook)
    if values.get("name"):
        _require_name(values["name"])
    if by is not None and values.get("channel_id"):
        target = world.channel(values["channel_id"])
        require(world, target, by, Permissions.MANAGE_WEBHOOKS)
        webhook.channel_id = target.id
    webhook.name = values.get("name") or webhook.name
    if "avatar" in values:
        data = values["avatar"]
        webhook.avatar = world.files.keep_image(f"/avatars/{webhook.id}", data) if data else None
    guild = _tell(world, webhook)
    changes = audit.differences(before, _audited(webhook))
    if changes:
        audit.note(world, guild, by or webhook.user, Audited.WEBHOOK_UPDATE, webhook.id, reason, changes=changes)


def delete(world: World, webhook: Webhook, by: User | None = None, reason: str | None = None) -> None:
    """Delete a webhook; raises DiscordError where the actor may not. See `change`."""
    if by is not None:
        require(world, world.channel(webhook.channel_id), by, Permissions.MANAGE_WEBHOOKS)
    del world.webhooks[webhook.id]
    guild = _tell(world, webhook)
    changes = audit.deleted(_audited(webhook))
    audit.note(world, guild, by or webhook.user, Audited.WEBHOOK_DELETE, webhook.id, reason, changes=changes)


# -- using -------------------------------------------------------------------------------------------------------


def execute(world: World, webhook: Webhook, draft: Draft, values: dict[str, Any]) -> Message:
    """Write a message with a webhook.

    Args:
        world: the world.
        webhook: which.
        draft: the message.
        values: `username` and `avatar` where they differ, `thread_id`, `thread_name`, `applied_tags`.

    Raises:
        DiscordError: Discord does not take the message, or there is no such thread.
    """
    draft.flags &= SETTABLE
    draft.check()
    author = User(webhook.id, values.get("username") or webhook.name, bot=True)
    author.avatar = values.get("avatar") or webhook.avatar
    channel = world.channel(webhook.channel_id)
    if channel.type in FORUMS and values.get("thread_id") is None:
        if not values.get("thread_name"):
            raise DiscordError(Refusal.FORUM_THREAD_NEEDED)
        named = {"name": values["thread_name"], "applied_tags": values.get("applied_tags")}
        return post(world, channel, author, named, draft, webhook_id=webhook.id)[1]
    place = _place(world, channel, values.get("thread_id"))
    message = messages.compose(world, place, author, draft, webhook_id=webhook.id)
    message.application_id = webhook.application_id
    messages.announce(world, message)
    return message


def _place(world: World, channel: Channel, thread_id: int | None) -> Channel:
    if thread_id is None:
        return channel
    thread = world.channels.get(thread_id)
    if thread is None or thread.parent_id != channel.id:
        raise DiscordError(Refusal.UNKNOWN_CHANNEL)
    return thread


def message_of(world: World, webhook: Webhook, key: int, thread_id: int | None = None) -> Message:
    """Return a message that a webhook wrote.

    Raises:
        DiscordError: there is none.
    """
    place = _place(world, world.channel(webhook.channel_id), thread_id)
    message = place.messages.get(key)
    if message is None or message.webhook_id != webhook.id:
        raise DiscordError(Refusal.UNKNOWN_MESSAGE)
    return message
