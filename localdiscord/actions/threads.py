"""Threads: beginning, joining, changing and ending them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from localdiscord.actions import audit, messages
from localdiscord.actions.access import permissions_in, require
from localdiscord.errors import DiscordError, Refusal, invalid_form
from localdiscord.intents import Intents
from localdiscord.model.audit import Audited
from localdiscord.model.channel import Channel, ChannelType
from localdiscord.model.message import HAS_THREAD, Message, MessageType
from localdiscord.model.thread import Thread, ThreadMember
from localdiscord.model.world import Event
from localdiscord.permissions import Permissions

if TYPE_CHECKING:
    from localdiscord.actions.drafts import Draft
    from localdiscord.model.user import User
    from localdiscord.model.world import World

__all__ = ["add", "begin", "begin_from", "change", "delete", "leave", "post", "reopen", "shelve", "vanish"]

PINNED, REQUIRE_TAG = 1 << 1, 1 << 4
"""Flags: of a forum's post; of a forum."""

MOST_TAGS = 5
THREAD_OF = {ChannelType.ANNOUNCEMENT: ChannelType.ANNOUNCEMENT_THREAD}


# -- beginning ---------------------------------------------------------------------------------------------------


def begin_from(world: World, message: Message, by: User, values: dict[str, Any], reason: str | None = None) -> Channel:
    """Begin a thread with a message; it gets the message's id.

    Args:
        world: the world.
        message: the message.
        by: who begins it.
        values: by Discord's names: `name`, `auto_archive_duration`, `rate_limit_per_user`.
        reason: why.

    Raises:
        DiscordError: the actor may not, or there is one already.
    """
    channel = message.channel
    _require_threads(channel)
    require(world, channel, by, Permissions.CREATE_PUBLIC_THREADS | Permissions.READ_MESSAGE_HISTORY)
    if message.thread is not None or message.id in world.channels:
        raise DiscordError(Refusal.THREAD_EXISTS)
    kind = THREAD_OF.get(channel.type, ChannelType.PUBLIC_THREAD)
    thread = _make(world, channel, by, kind, values, key=message.id)
    message.thread, message.flags = thread, message.flags | HAS_THREAD
    _open(world, thread, by, reason)
    starter = Message(world.snowflakes.next(), thread, by, type=MessageType.THREAD_STARTER, referenced=message)
    starter.reference = {"type": 0, "channel_id": str(channel.id), "message_id": str(message.id)}
    starter.reference["guild_id"] = str(channel.guild_id)
    messages.put(starter)
    messages.announce(world, starter)
    messages.announce(world, message, "MESSAGE_UPDATE")
    return thread


def begin(world: World, channel: Channel, by: User, values: dict[str, Any], reason: str | None = None) -> Channel:
    """Begin a thread without a message; see `begin_from`.

    Args:
        world: the world.
        channel: where.
        by: who begins it.
        values: as there, and `type` and `invitable`.
        reason: why.
    """
    _require_threads(channel)
    kind = ChannelType(values.get("type") or ChannelType.PRIVATE_THREAD)
    is_private = kind is ChannelType.PRIVATE_THREAD
    require(world, channel, by, Permissions.CREATE_PRIVATE_THREADS if is_private else Permissions.CREATE_PUBLIC_THREADS)
    thread = _make(world, channel, by, kind, values)
    _open(world, thread, by, reason)
    if not is_private:
        notice = Message(world.snowflakes.next(), channel, by, thread.name, MessageType.THREAD_CREATED)
        notice.reference = {"type": 0, "channel_id": str(thread.id), "guild_id": str(thread.guild_id)}
        messages.put(notice)
        messages.announce(world, notice)
    return thread


def post(
    world: World, forum: Channel, by: User, values: dict[str, Any], draft: Draft, *, webhook_id: int | None = None
) -> tuple[Channel, Message]:
    """Begin a post of a forum: a thread and its first message, or neither.

    Args:
        world: the world.
        forum: where.
        by: who posts.
        values: as for `begin_from`, and `applied_tags`.
        draft: the first message.
        webhook_id: the webhook that posts, which needs no permission.

    Raises:
        DiscordError: the actor may not, the tags do not fit, or Discord does not take the message.
    """
    if webhook_id is None:
        require(world, forum, by, Permissions.SEND_MESSAGES)
    draft.check()
    _require_tags(world, forum, by, values.get("applied_tags") or [])
    thread = _make(world, forum, by, ChannelType.PUBLIC_THREAD, values)
    try:
        message = messages.compose(world, thread, by, draft, webhook_id=webhook_id, key=thread.id)
    except DiscordError:
        _unlist(world, thread)
        raise
    if thread.thread:
        thread.thread.sent = 0
    forum.last_message_id = thread.id
    _open(world, thread, by, None)
    messages.announce(world, message)
    return thread, message


def _require_threads(channel: Channel) -> None:
    if channel.guild_id is None:
        raise DiscordError(Refusal.CANNOT_IN_DM)
    if channel.type not in {ChannelType.TEXT, ChannelType.ANNOUNCEMENT}:
        raise DiscordError(Refusal.CHANNEL_TYPE)


def _require_tags(world: World, forum: Channel, by: User, tags: list[int]) -> None:
    known = {tag.id: tag for tag in forum.tags}
    if len(tags) > MOST_TAGS:
        raise invalid_form("applied_tags", "BASE_TYPE_MAX_LENGTH", f"Must be {MOST_TAGS} or fewer in length.")
    if any(tag not in known for tag in tags):
        raise DiscordError(Refusal.UNKNOWN_TAG)
    if forum.flags & REQUIRE_TAG and not tags:
        raise DiscordError(Refusal.TAG_REQUIRED)
    if any(known[tag].moderated for tag in tags):
        require(world, forum, by, Permissions.MANAGE_THREADS)


def _make(
    world: World, parent: Channel, by: User, kind: ChannelType, values: dict[str, Any], *, key: int | None = None
) -> Channel:
    guild = world.guild(parent.guild_id or 0)
    thread = Channel(key or world.snowflakes.next(), kind, values["name"], guild.id, parent_id=parent.id)
    thread.slowmode = values.get("rate_limit_per_user") or parent.thread_slowmode
    after = values.get("auto_archive_duration") or parent.archive_after or 4320
    thread.thread = Thread(by.id, world.now(), after, tags=list(values.get("applied_tags") or []))
    thread.thread.invitable = values.get("invitable") is not False
    thread.nsfw = parent.nsfw
    if by.id in guild.members:
        thread.thread.members[by.id] = ThreadMember(by.id, world.now())
    guild.threads[thread.id] = world.channels[thread.id] = thread
    return thread


def _unlist(world: World, thread: Channel) -> None:
    del world.guild(thread.guild_id or 0).threads[thread.id], world.channels[thread.id]


def _open(world: World, thread: Channel, by: User, reason: str | None) -> None:
    guild = world.guild(thread.guild_id or 0)
    data = thread.payload() | {"newly_created": True}
    _emit(world, thread, "THREAD_CREATE", data)
    if by.id in guild.members:
        _tell_members(world, thread, added=[by.id])
    audit.note(world, guild, by, Audited.THREAD_CREATE, thread.id, reason, changes=audit.created(thread.payload()))


# -- who is in it --------------------------------------------------------------------------------------------------


def add(world: World, thread: Channel, by: User, user: User) -> None:
    """Bring somebody into a thread, or oneself; nothing happens to those who are in it.

    Raises:
        DiscordError: the actor may not, the user does not see the channel, or the thread is archived.
    """
    own = _thread(thread)
    require(world, thread, by, Permissions.VIEW_CHANNEL)
    _require_active(own)
    if by is not user:
        require(world, thread, by, Permissions.SEND_MESSAGES_IN_THREADS)
        held = permissions_in(world, thread, by)
        if thread.is_private and not own.invitable and own.owner_id != by.id and Permissions.MANAGE_THREADS not in held:
            raise DiscordError(Refusal.MISSING_PERMISSIONS)
        parent = world.channel(thread.parent_id or 0)
        if Permissions.VIEW_CHANNEL not in permissions_in(world, parent, user):
            raise DiscordError(Refusal.MISSING_ACCESS)
    if user.id not in own.members:
        own.members[user.id] = ThreadMember(user.id, world.now())
        _tell_members(world, thread, added=[user.id])


def leave(world: World, thread: Channel, by: User, user: User) -> None:
    """Take somebody out of a thread, or leave it.

    Raises:
        DiscordError: the actor may not, the user is not in it, or the thread is archived.
    """
    own = _thread(thread)
    require(world, thread, by, Permissions.VIEW_CHANNEL)
    _require_active(own)
    if by is not user and not (thread.is_private and own.owner_id == by.id):
        require(world, thread, by, Permissions.MANAGE_THREADS)
    if user.id not in own.members:
        raise DiscordError(Refusal.UNKNOWN_MEMBER)
    _tell_members(world, thread, removed=[user.id], without=user.id)


def _tell_members(
    world: World, thread: Channel, *, added: list[int] | None = None, removed: list[int] | None = None, without: int = 0
) -> None:
    own, guild = _thread(thread), world.guild(thread.guild_id or 0)
    shown = {"presence": None}
    members = [
        own.members[key].payload(thread.id) | {"member": guild.member(key).payload()} | shown for key in added or []
    ]
    data: dict[str, Any] = {
        "id": str(thread.id),
        "guild_id": str(guild.id),
        "member_count": len(own.members) - bool(without),
        "added_members": members,
        "removed_member_ids": [str(key) for key in removed or []],
    }
    _emit(world, thread, "THREAD_MEMBERS_UPDATE", data)
    own.members.pop(without, None)


def _thread(channel: Channel) -> Thread:
    if channel.thread is None:
        raise DiscordError(Refusal.CHANNEL_TYPE)
    return channel.thread


def _require_active(own: Thread) -> None:
    if own.archived:
        raise DiscordError(Refusal.ARCHIVED)


# -- changing ----------------------------------------------------------------------------------------------------


def change(world: World, thread: Channel, by: User, values: dict[str, Any], reason: str | None = None) -> None:
    """Change a thread: its owner some of it, moderators all.

    Args:
        world: the world.
        thread: the thread.
        by: who changes it.
        values: by Discord's names.
        reason: why.

    Raises:
        DiscordError: the actor may not, it is archived, or its tags do not fit.
    """
    own = _thread(thread)
    _require_change(world, thread, by, values)
    if "applied_tags" in values:
        _require_tags(world, world.channel(thread.parent_id or 0), by, values["applied_tags"] or [])
    before = thread.payload()
    for name, place, key in _SETTABLE:
        if values.get(name) is not None:
            setattr(thread if place == "channel" else own, key, values[name])
    if own.archived != before["thread_metadata"]["archived"]:
        own.archived_at = world.now()
    after = thread.payload()
    if after == before:
        return
    _emit(world, thread, "THREAD_UPDATE", after)
    guild = world.guild(thread.guild_id or 0)
    changes = audit.differences(before.pop("thread_metadata"), after.pop("thread_metadata"))
    changes = [each for each in changes if each["key"] != "archive_timestamp"] + audit.differences(before, after)
    audit.note(world, guild, by, Audited.THREAD_UPDATE, thread.id, reason, changes=changes)


_SETTABLE = (
    ("name", "channel", "name"),
    ("rate_limit_per_user", "channel", "slowmode"),
    ("flags", "channel", "flags"),
    ("archived", "thread", "archived"),
    ("locked", "thread", "locked"),
    ("auto_archive_duration", "thread", "archive_after"),
    ("invitable", "thread", "invitable"),
    ("applied_tags", "thread", "tags"),
)
FOR_OWNERS = {"name", "archived", "auto_archive_duration", "applied_tags", "rate_limit_per_user", "invitable"}


def _require_change(world: World, thread: Channel, by: User, values: dict[str, Any]) -> None:
    own = _thread(thread)
    require(world, thread, by, Permissions.VIEW_CHANNEL)
    moderates = Permissions.MANAGE_THREADS in permissions_in(world, thread, by)
    if own.archived and values.get("archived") is not False:
        raise DiscordError(Refusal.ARCHIVED)
    if moderates:
        return
    reopens = values.keys() <= {"archived"} and values.get("archived") is False and not own.locked
    if not reopens and (own.owner_id != by.id or own.locked or not values.keys() <= FOR_OWNERS):
        raise DiscordError(Refusal.MISSING_PERMISSIONS)


def reopen(world: World, thread: Channel) -> None:
    """Take a thread out of the archive because somebody writes in it."""
    _set_archived(world, thread, is_archived=False)


def shelve(world: World, thread: Channel) -> None:
    """Put a thread into the archive because nobody wrote in it for long."""
    _set_archived(world, thread, is_archived=True)


def _set_archived(world: World, thread: Channel, *, is_archived: bool) -> None:
    own = _thread(thread)
    own.archived, own.archived_at = is_archived, world.now()
    _emit(world, thread, "THREAD_UPDATE", thread.payload())


def delete(world: World, thread: Channel, by: User, reason: str | None = None) -> None:
    """Delete a thread; raises DiscordError where the actor may not."""
    require(world, thread, by, Permissions.MANAGE_THREADS)
    guild = world.guild(thread.guild_id or 0)
    vanish(world, thread)
    audit.note(world, guild, by, Audited.THREAD_DELETE, thread.id, reason, changes=audit.deleted(thread.payload()))


def vanish(world: World, thread: Channel) -> None:
    """Take a thread out of its guild, and tell those who saw it."""
    data = {"id": str(thread.id), "guild_id": str(thread.guild_id), "parent_id": str(thread.parent_id)}
    _emit(world, thread, "THREAD_DELETE", data | {"type": int(thread.type)})
    _unlist(world, thread)


def _emit(world: World, thread: Channel, name: str, data: dict[str, Any]) -> None:
    world.emit(Event(name, data, Intents.GUILDS, thread.guild_id, thread.id))
