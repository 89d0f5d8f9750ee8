"""Pinned messages, announcements that are passed on, and polls."""

from __future__ import annotations

from typing import Annotated, Any

from localdiscord.actions import pins, polls
from localdiscord.actions.access import permissions_in
from localdiscord.permissions import Permissions
from localdiscord.rest.forms.fields import Form, Moment, Snowflake, within
from localdiscord.rest.router import Call, route
from localdiscord.snowflakes import iso

OF_CHANNEL = "/channels/{channel_id}"
PINS, OLD_PINS = OF_CHANNEL + "/messages/pins", OF_CHANNEL + "/pins"
OLD_LIST = 50


class ListForm(Form):
    """Which pinned messages a list shall hold."""

    before: Moment | None = None
    limit: Annotated[int, within(1, 50)] = 50


class VoterForm(Form):
    """Which voters a list shall hold."""

    after: Snowflake = 0
    limit: Annotated[int, within(1, 100)] = 25


@route("GET", PINS)
async def list_pins(call: Call) -> dict[str, Any]:
    """Return pinned messages, those pinned last first."""
    channel, asked = call.channel(), call.asked(ListForm)
    if Permissions.READ_MESSAGE_HISTORY not in permissions_in(call.world, channel, call.bot):
        return {"items": [], "has_more": False}
    found = [
        (each.pinned_at, each)
        for each in pins.pinned(channel)
        if each.pinned_at and (asked.before is None or each.pinned_at < asked.before)
    ]
    items = [{"pinned_at": iso(at), "message": message.payload(call.bot.id)} for at, message in found[: asked.limit]]
    return {"items": items, "has_more": len(found) > len(items)}


@route("GET", OLD_PINS)
async def list_old_pins(call: Call) -> list[dict[str, Any]]:
    """Return pinned messages as older clients want them."""
    return [message.payload(call.bot.id) for message in pins.pinned(call.channel())[:OLD_LIST]]


@route("PUT", PINS + "/{message_id}")
@route("PUT", OLD_PINS + "/{message_id}")
async def pin(call: Call) -> None:
    """Pin a message."""
    pins.pin(call.world, call.message(), call.bot, call.reason)


@route("DELETE", PINS + "/{message_id}")
@route("DELETE", OLD_PINS + "/{message_id}")
async def unpin(call: Call) -> None:
    """Take a message from the pinned ones."""
    pins.unpin(call.world, call.message(), call.bot, call.reason)


@route("POST", OF_CHANNEL + "/messages/{message_id}/crosspost")
async def crosspost(call: Call) -> dict[str, Any]:
    """Pass an announcement on."""
    message = call.message()
    pins.crosspost(call.world, message, call.bot)
    return message.payload(call.bot.id)


@route("GET", OF_CHANNEL + "/polls/{message_id}/answers/{answer_id}")
async def list_voters(call: Call) -> dict[str, Any]:
    """Return who voted for an answer of a poll."""
    poll, asked = polls.poll_of(call.message()), call.asked(VoterForm)
    voters = sorted(user for user in poll.votes.get(call.id("answer_id"), {}) if user > asked.after)
    return {"users": [call.world.user(user).payload() for user in voters[: asked.limit]]}


@route("POST", OF_CHANNEL + "/polls/{message_id}/expire")
async def end_poll(call: Call) -> dict[str, Any]:
    """End a poll."""
    message = call.message()
    polls.end(call.world, message, call.bot)
    return message.payload(call.bot.id)
