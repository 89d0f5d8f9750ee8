"""Messages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from localdiscord.actions import deletion, messages
from localdiscord.actions.access import permissions_in, require
from localdiscord.actions.drafts import SETTABLE
from localdiscord.permissions import Permissions
from localdiscord.rest.drafts import change_of, draft_of
from localdiscord.rest.forms.fields import Form, Snowflake, within
from localdiscord.rest.router import Call, route

if TYPE_CHECKING:
    from localdiscord.model.message import Message


class ListForm(Form):
    """Which messages a list shall hold."""

    around: Snowflake | None = None
    before: Snowflake | None = None
    after: Snowflake | None = None
    limit: Annotated[int, within(1, 100)] = 50


class BulkForm(Form):
    """Which messages shall be deleted."""

    messages: list[Snowflake]


@route("GET", "/channels/{channel_id}/messages")
async def list_messages(call: Call) -> list[dict[str, Any]]:
    """Return messages of a channel, newest first; none to those who may not read what was written before."""
    channel, asked, viewer = call.channel(), call.asked(ListForm), call.bot
    if Permissions.READ_MESSAGE_HISTORY not in permissions_in(call.world, channel, viewer):
        return []
    seen = [message for message in channel.messages.values() if not message.is_ephemeral]
    return [message.payload(viewer.id) for message in reversed(_window(seen, asked))]


def _window(seen: list[Message], asked: ListForm) -> list[Message]:
    """Return those of some messages that are asked for; both are in order of age, oldest first."""
    limit = asked.limit
    if asked.around is not None:
        older = [message for message in seen if message.id < asked.around][-(limit // 2) :] if limit > 1 else []
        newer = [message for message in seen if message.id >= asked.around]
        return older + newer[: limit - limit // 2]
    if asked.before is not None:
        return [message for message in seen if message.id < asked.before][-limit:]
    if asked.after is not None:
        return [message for message in seen if message.id > asked.after][:limit]
    return seen[-limit:]


@route("POST", "/channels/{channel_id}/messages")
async def create_message(call: Call) -> dict[str, Any]:
    """Write a message."""
    draft = draft_of(call.body, call.files)
    draft.flags &= SETTABLE
    return messages.send(call.world, call.channel(), call.bot, draft).payload(call.bot.id)


@route("GET", "/channels/{channel_id}/messages/{message_id}")
async def get_message(call: Call) -> dict[str, Any]:
    """Return a message."""
    message = call.message()
    require(call.world, message.channel, call.bot, Permissions.READ_MESSAGE_HISTORY)
    return message.payload(call.bot.id)


@route("PATCH", "/channels/{channel_id}/messages/{message_id}")
async def edit_message(call: Call) -> dict[str, Any]:
    """Change a message."""
    message = call.message()
    messages.edit_as(call.world, message, call.bot, change_of(call.body, call.files))
    return message.payload(call.bot.id)


@route("DELETE", "/channels/{channel_id}/messages/{message_id}")
async def delete_message(call: Call) -> None:
    """Delete a message."""
    deletion.delete(call.world, call.message(), call.bot, call.reason)


@route("POST", "/channels/{channel_id}/messages/bulk-delete")
async def delete_messages(call: Call) -> None:
    """Delete many messages."""
    deletion.delete_many(call.world, call.channel(), call.bot, call.form(BulkForm).messages, call.reason)
