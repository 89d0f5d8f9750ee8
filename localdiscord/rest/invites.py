"""Invites."""

from __future__ import annotations

from typing import Annotated, Any

from localdiscord.actions import invites
from localdiscord.actions.access import require, require_in_guild
from localdiscord.permissions import Permissions
from localdiscord.rest.forms.fields import Flag, Form, Snowflake, choice, within
from localdiscord.rest.router import Call, route

WEEK = 7 * 24 * 3600


class InviteForm(Form):
    """A new invite."""

    max_age: Annotated[int, within(0, WEEK)] | None = None
    max_uses: Annotated[int, within(0, 100)] | None = None
    temporary: Flag | None = None
    unique: Flag | None = None
    target_type: Annotated[int, choice(1, 2)] | None = None
    target_user_id: Snowflake | None = None
    target_application_id: Snowflake | None = None


@route("GET", "/channels/{channel_id}/invites")
async def list_channel_invites(call: Call) -> list[dict[str, Any]]:
    """Return the invites to a channel."""
    _, channel = call.guild_channel()
    require(call.world, channel, call.bot, Permissions.MANAGE_CHANNELS)
    return [each.payload(with_uses=True) for each in _good(call) if each.channel is channel]


@route("GET", "/guilds/{guild_id}/invites")
async def list_guild_invites(call: Call) -> list[dict[str, Any]]:
    """Return the invites to a guild."""
    guild = call.guild()
    require_in_guild(guild, call.bot, Permissions.MANAGE_GUILD)
    return [each.payload(with_uses=True) for each in _good(call) if each.guild is guild]


def _good(call: Call) -> list[Any]:
    return [each for each in call.world.invites.values() if each.is_good(call.world.now())]


@route("POST", "/channels/{channel_id}/invites")
async def create_invite(call: Call) -> dict[str, Any]:
    """Make an invite."""
    _, channel = call.guild_channel()
    values = call.form(InviteForm).given()
    return invites.create(call.world, channel, call.bot, values, call.reason).payload(with_uses=True)


@route("GET", "/invites/{code}", anonymous=True)
async def get_invite(call: Call) -> dict[str, Any]:
    """Return an invite."""
    invite = invites.find(call.world, call.path["code"])
    return invite.payload() | (invite.guild.counts() if call.is_asked("with_counts") else {})


@route("DELETE", "/invites/{code}")
async def delete_invite(call: Call) -> dict[str, Any]:
    """Take an invite back."""
    return invites.delete(call.world, call.path["code"], call.bot, call.reason).payload()
