"""Bans."""

from __future__ import annotations

from typing import Any

from localdiscord.actions import bans
from localdiscord.actions.access import require_in_guild
from localdiscord.errors import DiscordError, Refusal
from localdiscord.permissions import Permissions
from localdiscord.rest.forms.members import BanForm, BanListForm, BulkBanForm
from localdiscord.rest.router import Call, route

OF_GUILD = "/guilds/{guild_id}/bans"
OF_USER = OF_GUILD + "/{user_id}"
DAY = 24 * 3600


@route("GET", OF_GUILD)
async def list_bans(call: Call) -> list[dict[str, Any]]:
    """Return bans in the order of the users' ids."""
    guild, asked = call.guild(), call.asked(BanListForm)
    require_in_guild(guild, call.bot, Permissions.BAN_MEMBERS)
    keys = sorted(guild.bans)
    if asked.before is not None:
        keys = [key for key in keys if key < asked.before][-asked.limit :]
    elif asked.after is not None:
        keys = [key for key in keys if key > asked.after]
    return [guild.bans[key].payload() for key in keys[: asked.limit]]


@route("GET", OF_USER)
async def get_ban(call: Call) -> dict[str, Any]:
    """Return a ban."""
    guild = call.guild()
    require_in_guild(guild, call.bot, Permissions.BAN_MEMBERS)
    if call.id("user_id") not in guild.bans:
        raise DiscordError(Refusal.UNKNOWN_BAN)
    return guild.bans[call.id("user_id")].payload()


@route("PUT", OF_USER)
async def ban(call: Call) -> None:
    """Ban a user; how much is deleted may stand in the query, where discord.py writes it."""
    guild, form = call.guild(), call.asked(BanForm) if call.query else call.form(BanForm)
    seconds = form.delete_message_seconds or (form.delete_message_days or 0) * DAY
    bans.ban(call.world, guild, call.bot, call.world.user(call.id("user_id")), call.reason, seconds)


@route("DELETE", OF_USER)
async def unban(call: Call) -> None:
    """Lift a ban."""
    bans.unban(call.world, call.guild(), call.bot, call.id("user_id"), call.reason)


@route("POST", "/guilds/{guild_id}/bulk-ban")
async def ban_many(call: Call) -> dict[str, Any]:
    """Ban several users."""
    guild, form = call.guild(), call.form(BulkBanForm)
    known = [call.world.users[key] for key in dict.fromkeys(form.user_ids) if key in call.world.users]
    seconds = form.delete_message_seconds or 0
    banned, failed = bans.ban_many(call.world, guild, call.bot, known, call.reason, seconds)
    unknown = [str(key) for key in form.user_ids if key not in call.world.users]
    return {
        "banned_users": [str(user.id) for user in banned],
        "failed_users": [*(str(user.id) for user in failed), *unknown],
    }
