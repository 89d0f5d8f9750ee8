"""Threads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from localdiscord.actions import threads
from localdiscord.actions.access import require
from localdiscord.errors import DiscordError, Refusal
from localdiscord.model.channel import FORUMS, Channel, ChannelType
from localdiscord.permissions import Permissions
from localdiscord.rest.drafts import draft_from
from localdiscord.rest.forms.channels import ForumPostForm, ThreadForm, ThreadListForm, ThreadMemberListForm
from localdiscord.rest.router import Call, route

if TYPE_CHECKING:
    from localdiscord.model.thread import Thread

OF_CHANNEL = "/channels/{channel_id}"
MEMBERS = OF_CHANNEL + "/thread-members"
ARCHIVED = OF_CHANNEL + "/threads/archived"


def _own(channel: Channel) -> Thread:
    if channel.thread is None:
        raise DiscordError(Refusal.CHANNEL_TYPE)
    return channel.thread


def _payload(call: Call, thread: Channel) -> dict[str, Any]:
    member = _own(thread).members.get(call.bot.id)
    return thread.payload() | ({"member": member.payload(thread.id)} if member else {})


@route("POST", OF_CHANNEL + "/messages/{message_id}/threads", status=201)
async def begin_from(call: Call) -> dict[str, Any]:
    """Begin a thread with a message."""
    values = call.form(ThreadForm).given()
    return _payload(call, threads.begin_from(call.world, call.message(), call.bot, values, call.reason))


@route("POST", OF_CHANNEL + "/threads", status=201)
async def begin(call: Call) -> dict[str, Any]:
    """Begin a thread without a message, or a post of a forum."""
    channel = call.channel()
    if channel.type not in FORUMS:
        values = call.form(ThreadForm).given()
        return _payload(call, threads.begin(call.world, channel, call.bot, values, call.reason))
    form = call.form(ForumPostForm)
    draft = draft_from(form.message, call.files)
    thread, message = threads.post(call.world, channel, call.bot, form.given(), draft)
    return _payload(call, thread) | {"message": message.payload(call.bot.id)}


# -- members ---------------------------------------------------------------------------------------------------------


@route("GET", MEMBERS)
async def list_members(call: Call) -> list[dict[str, Any]]:
    """Return the members of a thread."""
    thread, asked = call.channel(), call.asked(ThreadMemberListForm)
    own = _own(thread)
    keys = sorted(key for key in own.members if key > asked.after)[: asked.limit]
    return [_member(call, thread, key) for key in keys]


def _member(call: Call, thread: Channel, key: int) -> dict[str, Any]:
    own = _own(thread)
    if key not in own.members:
        raise DiscordError(Refusal.UNKNOWN_MEMBER)
    body = own.members[key].payload(thread.id)
    guild = call.world.guild(thread.guild_id or 0)
    return body | {"member": guild.member(key).payload()} if call.is_asked("with_member") else body


@route("PUT", MEMBERS + "/@me")
async def join(call: Call) -> None:
    """Join a thread."""
    threads.add(call.world, call.channel(), call.bot, call.bot)


@route("DELETE", MEMBERS + "/@me")
async def leave(call: Call) -> None:
    """Leave a thread."""
    threads.leave(call.world, call.channel(), call.bot, call.bot)


@route("GET", MEMBERS + "/{user_id}")
async def get_member(call: Call) -> dict[str, Any]:
    """Return a member of a thread."""
    return _member(call, call.channel(), call.id("user_id"))


@route("PUT", MEMBERS + "/{user_id}")
async def add_member(call: Call) -> None:
    """Bring a user into a thread."""
    threads.add(call.world, call.channel(), call.bot, call.world.user(call.id("user_id")))


@route("DELETE", MEMBERS + "/{user_id}")
async def remove_member(call: Call) -> None:
    """Take a user out of a thread."""
    threads.leave(call.world, call.channel(), call.bot, call.world.user(call.id("user_id")))


# -- archived ones -----------------------------------------------------------------------------------------------------


@route("GET", ARCHIVED + "/public")
async def archived_public(call: Call) -> dict[str, Any]:
    """Return the archived threads that everybody may read."""
    return _archived(call, is_private=False)


@route("GET", ARCHIVED + "/private")
async def archived_private(call: Call) -> dict[str, Any]:
    """Return the archived private threads."""
    require(call.world, call.channel(), call.bot, Permissions.MANAGE_THREADS)
    return _archived(call, is_private=True)


@route("GET", OF_CHANNEL + "/users/@me/threads/archived/private")
async def archived_joined(call: Call) -> dict[str, Any]:
    """Return the archived private threads that the bot is in."""
    return _archived(call, is_private=True, only_joined=True)


def _archived(call: Call, *, is_private: bool, only_joined: bool = False) -> dict[str, Any]:
    guild, channel = call.guild_channel()
    require(call.world, channel, call.bot, Permissions.READ_MESSAGE_HISTORY)
    asked = call.asked(ThreadListForm) if not only_joined else ThreadListForm()
    found = [
        (own.archived_at, thread)
        for thread in guild.threads.values()
        if (own := _own(thread)).archived and own.archived_at and thread.parent_id == channel.id
        if (thread.type is ChannelType.PRIVATE_THREAD) == is_private
        if not only_joined or call.bot.id in own.members
        if asked.before is None or own.archived_at < asked.before
    ]
    found.sort(key=lambda pair: pair[0], reverse=True)
    shown = [thread for _, thread in found[: asked.limit]]
    members = [joined.payload(each.id) for each in shown if (joined := _own(each).members.get(call.bot.id))]
    payloads = [thread.payload() for thread in shown]
    return {"threads": payloads, "members": members, "has_more": len(found) > len(shown)}
