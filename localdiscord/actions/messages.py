"""Writing, changing and deleting messages."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from localdiscord.actions import automod, threads
from localdiscord.actions.access import permissions_in, require
from localdiscord.actions.content import apply_attachments, apply_mentions, completed
from localdiscord.actions.drafts import LONGEST_CONTENT, SETTABLE, Draft
from localdiscord.actions.writing import count_slowmode, require_reading, require_writing
from localdiscord.errors import DiscordError, Refusal, invalid_form
from localdiscord.intents import Intents
from localdiscord.model.message import (
    COMPONENTS_V2,
    EPHEMERAL,
    SUPPRESS_EMBEDS,
    Message,
    MessageType,
)
from localdiscord.model.poll import Poll
from localdiscord.model.world import Event
from localdiscord.permissions import Permissions

if TYPE_CHECKING:
    from localdiscord.model.channel import Channel
    from localdiscord.model.user import User
    from localdiscord.model.world import World

__all__ = [
    "LONGEST_CONTENT",
    "Draft",
    "announce",
    "compose",
    "edit",
    "edit_as",
    "put",
    "send",
    "visible",
]


def visible(message: Message, user: User) -> bool:
    """Tell whether a user sees a message, the channel being open to them."""
    return not message.is_ephemeral or message.audience is user


# -- writing -----------------------------------------------------------------------------------------------------


def send(world: World, channel: Channel, author: User, draft: Draft) -> Message:
    """Write a message.

    Raises:
        DiscordError: the author may not, or Discord does not take it.
    """
    require_writing(world, channel, author, draft)
    draft.check()
    if draft.enforce_nonce and (known := _said_before(channel, author, draft.nonce)):
        return known
    automod.judge(world, channel, author, draft.content, lambda alert: announce(world, alert))
    message = compose(world, channel, author, draft)
    count_slowmode(world, channel, author)
    if channel.thread and channel.thread.archived:
        threads.reopen(world, channel)
    announce(world, message)
    return message


def _said_before(channel: Channel, author: User, nonce: str | int | None) -> Message | None:
    recent = list(channel.messages.values())[-50:]
    return next((each for each in recent if each.author is author and nonce is not None and each.nonce == nonce), None)


def compose(
    world: World,
    channel: Channel,
    author: User,
    draft: Draft,
    *,
    webhook_id: int | None = None,
    key: int | None = None,
) -> Message:
    """Put a message into a channel, without news of it.

    Args:
        world: the world.
        channel: where.
        author: who writes it.
        draft: what it says.
        webhook_id: the webhook that wrote it.
        key: its id, where that is known before.

    Raises:
        DiscordError: what it answers, shows or sticks on is not there.
    """
    message = Message(key or world.snowflakes.next(), channel, author, draft.content.strip(), webhook_id=webhook_id)
    message.nonce, message.tts, message.flags = draft.nonce, draft.tts, draft.flags
    message.embeds, message.components = draft.embeds, completed(draft.components)
    _refer(world, message, draft)
    message.stickers = [_sticker(world, channel, key) for key in draft.stickers]
    message.poll = _poll(world, draft.poll)
    if Permissions.EMBED_LINKS not in permissions_in(world, channel, author) and webhook_id is None:
        message.embeds = []
    apply_attachments(world, message, draft)
    apply_mentions(world, message, draft.allowed_mentions)
    put(message)
    if message.poll is not None:
        world.open_polls[message.id] = message
    return message


def put(message: Message) -> None:
    """Put a message at the end of its channel, without news of it."""
    channel = message.channel
    if channel.thread is not None:
        message.position = channel.thread.sent
        channel.thread.sent += 1
    channel.messages[message.id] = message
    channel.last_message_id = message.id


def _refer(world: World, message: Message, draft: Draft) -> None:
    if draft.reference is None:
        return
    channel = world.channels.get(int(draft.reference.get("channel_id") or message.channel.id), message.channel)
    found = channel.messages.get(int(draft.reference["message_id"]))
    seen = found is not None and not found.is_ephemeral
    kind = 1 if draft.is_forward else 0
    if not seen and (kind or draft.reference.get("fail_if_not_exists", True)):
        raise invalid_form("message_reference", "REPLIES_UNKNOWN_MESSAGE", "Unknown message")
    if not seen or found is None:
        return
    require_reading(world, channel, message.author)
    message.reference = {"type": kind, "channel_id": str(channel.id), "message_id": str(found.id)}
    if channel.guild_id is not None:
        message.reference["guild_id"] = str(channel.guild_id)
    if kind:
        message.snapshots = [{"message": snapshot(found)}]
    else:
        message.type, message.referenced = MessageType.REPLY, found


SNAPSHOT = (
    "type",
    "content",
    "mentions",
    "mention_roles",
    "attachments",
    "embeds",
    "timestamp",
    "edited_timestamp",
    "flags",
    "components",
    "sticker_items",
)


def snapshot(message: Message) -> dict[str, Any]:
    """Return what a message that passes this one on shows of it."""
    body = message.payload(is_whole=False)
    return {key: body[key] for key in SNAPSHOT if key in body}


def _sticker(world: World, channel: Channel, key: int) -> dict[str, Any]:
    guild = world.guilds.get(channel.guild_id or 0)
    sticker = guild.stickers.get(key) if guild else None
    if sticker is None:
        raise DiscordError(Refusal.INVALID_STICKER)
    return sticker.item()


def _poll(world: World, said: dict[str, Any] | None) -> Poll | None:
    if said is None:
        return None
    expiry = world.now() + timedelta(hours=said["duration"])
    answers = [answer["poll_media"] for answer in said["answers"]]
    return Poll(said["question"]["text"], answers, expiry, said["allow_multiselect"], said["layout_type"])


# -- changing ----------------------------------------------------------------------------------------------------


def edit_as(world: World, message: Message, by: User, draft: Draft) -> None:
    """Change a message, where the user may.

    Raises:
        DiscordError: it is another's, or Discord does not take what it becomes.
    """
    require(world, message.channel, by, Permissions.VIEW_CHANNEL)
    if message.author is not by:
        only_hides = draft.given is not None and draft.given <= {"flags"}
        if not only_hides:
            raise DiscordError(Refusal.CANNOT_EDIT_OTHERS)
        require(world, message.channel, by, Permissions.MANAGE_MESSAGES)
    if message.type not in {MessageType.DEFAULT, MessageType.REPLY, MessageType.COMMAND, MessageType.CONTEXT_MENU}:
        raise DiscordError(Refusal.SYSTEM_MESSAGE)
    if message.channel.thread and message.channel.thread.archived:
        raise DiscordError(Refusal.ARCHIVED)
    edit(world, message, draft)


def edit(world: World, message: Message, draft: Draft, *, is_change: bool = True) -> None:
    """Change a message: what the draft names, or everything.

    Args:
        world: the world.
        message: the message.
        draft: what it becomes.
        is_change: whether it counts as edited; a promise that is kept does not.

    Raises:
        DiscordError: Discord does not take what it becomes; then nothing is changed.
    """
    whole = _merged(message, draft)
    whole.check()
    before = message.content, message.embeds, message.components, message.flags
    message.content, message.embeds, message.components = (
        whole.content.strip(),
        whole.embeds,
        completed(whole.components),
    )
    message.flags = whole.flags
    try:
        apply_attachments(world, message, draft)
    except DiscordError:
        message.content, message.embeds, message.components, message.flags = before
        raise
    apply_mentions(world, message, draft.allowed_mentions)
    if is_change and (draft.given is None or draft.given - {"flags"}):
        message.edited_at = world.now()
    announce(world, message, "MESSAGE_UPDATE")


def _merged(message: Message, draft: Draft) -> Draft:
    whole = Draft(message.content, message.embeds, message.components, message.attachments, message.flags)
    for name in ("content", "embeds", "components", "attachments"):
        if draft.names(name):
            setattr(whole, name, getattr(draft, name))
    if draft.names("flags"):
        settable = (SETTABLE & draft.flags) | (message.flags & COMPONENTS_V2)
        whole.flags = message.flags & ~SUPPRESS_EMBEDS | settable
    whole.files = draft.files
    whole.says_more = bool(message.stickers or message.poll or message.snapshots)
    return whole


# -- telling -----------------------------------------------------------------------------------------------------


def announce(world: World, message: Message, name: str = "MESSAGE_CREATE") -> None:
    """Tell those who see a message of it."""
    channel = message.channel
    data = message.payload()
    guild = world.guilds.get(channel.guild_id or 0)
    if guild is not None:
        data["guild_id"] = str(guild.id)
        if (member := guild.members.get(message.author.id)) and message.webhook_id is None:
            data["member"] = member.payload(with_user=False)
        for entry in data["mentions"]:
            if mentioned := guild.members.get(int(entry["id"])):
                entry["member"] = mentioned.payload(with_user=False)
    data["channel_type"] = int(channel.type)
    needs = Intents.GUILD_MESSAGES if guild else Intents.DIRECT_MESSAGES
    only = message.audience.id if message.flags & EPHEMERAL and message.audience else None
    world.emit(Event(name, data, needs, channel.guild_id, channel.id, only, message.author.id))
