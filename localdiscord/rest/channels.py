"""Channels."""

from __future__ import annotations

from typing import Annotated, Any

from localdiscord.actions import channels, threads, typing
from localdiscord.actions.access import permissions_in, require
from localdiscord.errors import DiscordError, Refusal
from localdiscord.intents import Intents
from localdiscord.model.channel import VOCAL, Channel, Overwrite
from localdiscord.model.world import Event
from localdiscord.permissions import Permissions
from localdiscord.rest.forms.channels import ChannelForm, NewChannelForm, OverwriteForm, ThreadPatchForm
from localdiscord.rest.forms.fields import Form, text
from localdiscord.rest.forms.members import PositionForm
from localdiscord.rest.router import Call, route

OF_CHANNEL = "/channels/{channel_id}"
OF_GUILD = "/guilds/{guild_id}/channels"


class StatusForm(Form):
    """What a voice channel says of itself."""

    status: Annotated[str, text(None, 500)] | None = None


def _payload(call: Call, channel: Channel) -> dict[str, Any]:
    body = channel.payload()
    if channel.guild_id is None:
        body["recipients"] = [user for user in body["recipients"] if user["id"] != str(call.bot.id)]
    elif channel.thread and call.bot.id in channel.thread.members:
        body["member"] = channel.thread.members[call.bot.id].payload(channel.id)
    return body


@route("GET", OF_CHANNEL)
async def get_channel(call: Call) -> dict[str, Any]:
    """Return a channel."""
    return _payload(call, call.channel())


@route("PATCH", OF_CHANNEL)
async def edit_channel(call: Call) -> dict[str, Any]:
    """Change a channel or a thread."""
    _, channel = call.guild_channel()
    if channel.thread is not None:
        threads.change(call.world, channel, call.bot, call.form(ThreadPatchForm).given(), call.reason)
    else:
        channels.change(call.world, channel, call.bot, call.form(ChannelForm).values(), call.reason)
    return _payload(call, channel)


@route("DELETE", OF_CHANNEL)
async def delete_channel(call: Call) -> dict[str, Any]:
    """Delete a channel or a thread."""
    channel = call.channel()
    body = _payload(call, channel)
    channels.delete(call.world, channel, call.bot, call.reason)
    return body


@route("GET", OF_GUILD)
async def list_channels(call: Call) -> list[dict[str, Any]]:
    """Return all channels of a guild, without threads."""
    return [channel.payload() for channel in call.guild().channels.values()]


@route("POST", OF_GUILD, status=201)
async def create_channel(call: Call) -> dict[str, Any]:
    """Make a channel."""
    values = call.form(NewChannelForm).values()
    return channels.create(call.world, call.guild(), call.bot, values, call.reason).payload()


@route("PATCH", OF_GUILD)
async def move_channels(call: Call) -> None:
    """Order channels anew."""
    entries = [form.given() for form in call.forms(PositionForm)]
    channels.reorder(call.world, call.guild(), call.bot, entries)


@route("PUT", OF_CHANNEL + "/permissions/{overwrite_id}")
async def set_overwrite(call: Call) -> None:
    """Say what a channel allows and denies."""
    _, channel = call.guild_channel()
    form = call.form(OverwriteForm)
    allow, deny = Permissions(form.allow or 0), Permissions(form.deny or 0)
    overwrite = Overwrite(call.id("overwrite_id"), form.type, allow, deny)
    channels.set_overwrite(call.world, channel, call.bot, overwrite, call.reason)


@route("DELETE", OF_CHANNEL + "/permissions/{overwrite_id}")
async def delete_overwrite(call: Call) -> None:
    """Let a channel say nothing more of a role or a member."""
    _, channel = call.guild_channel()
    channels.delete_overwrite(call.world, channel, call.bot, call.id("overwrite_id"), call.reason)


@route("POST", OF_CHANNEL + "/typing")
async def start_typing(call: Call) -> None:
    """Show that the bot is writing."""
    typing.start(call.world, call.channel(), call.bot)


@route("PUT", OF_CHANNEL + "/voice-status")
async def set_voice_status(call: Call) -> None:
    """Say what a voice channel is about."""
    guild, channel = call.guild_channel()
    if channel.type not in VOCAL:
        raise DiscordError(Refusal.CHANNEL_TYPE)
    require(call.world, channel, call.bot, Permissions.SEND_MESSAGES)
    data = {"id": str(channel.id), "guild_id": str(guild.id), "status": call.form(StatusForm).status}
    call.world.emit(Event("VOICE_CHANNEL_STATUS_UPDATE", data, Intents.GUILDS, guild.id, channel.id))


@route("GET", "/guilds/{guild_id}/threads/active")
async def active_threads(call: Call) -> dict[str, Any]:
    """Return the threads of a guild that are not archived, as far as the bot sees them."""
    guild = call.guild()
    seen = [
        thread
        for thread in guild.threads.values()
        if thread.thread and not thread.thread.archived
        if Permissions.VIEW_CHANNEL in permissions_in(call.world, thread, call.bot)
    ]
    members = [own.payload(each.id) for each in seen if each.thread and (own := each.thread.members.get(call.bot.id))]
    return {"threads": [thread.payload() for thread in seen], "members": members, "has_more": False}
