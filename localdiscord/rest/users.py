"""Who the bot is, where it connects, and whom it knows."""

from __future__ import annotations

from typing import Annotated, Any

from localdiscord.actions import direct, members
from localdiscord.actions.access import held_in
from localdiscord.errors import DiscordError, Refusal, invalid_form
from localdiscord.rest.forms.fields import Form, Image, Snowflake, text, within
from localdiscord.rest.router import Call, route


class ListForm(Form):
    """Which guilds a list shall hold."""

    before: Snowflake | None = None
    after: Snowflake | None = None
    limit: Annotated[int, within(1, 200)] = 200


class RecipientForm(Form):
    """Whom to write to."""

    recipient_id: Snowflake


class OwnForm(Form):
    """A change of the bot itself."""

    username: Annotated[str, text(2, 32)] | None = None
    avatar: Image | None = None
    banner: Image | None = None


@route("GET", "/gateway", anonymous=True)
async def gateway(call: Call) -> dict[str, Any]:
    """Say where the gateway is."""
    return {"url": call.discord.gateway_url}


@route("GET", "/gateway/bot")
async def gateway_for_bot(call: Call) -> dict[str, Any]:
    """Say where the gateway is and how often it may be used."""
    limit = call.discord.limits.starts(call.requester.id)
    return {"url": call.discord.gateway_url, "shards": call.discord.shards, "session_start_limit": limit}


@route("GET", "/users/@me")
async def me(call: Call) -> dict[str, Any]:
    """Return the bot itself."""
    return call.bot.own_payload()


@route("PATCH", "/users/@me")
async def edit_me(call: Call) -> dict[str, Any]:
    """Change the bot itself."""
    changes, bot = call.form(OwnForm).given(), call.bot
    if changes.get("username"):
        bot.username = changes["username"]
    for name in ("avatar", "banner"):
        if name in changes:
            data = changes[name]
            setattr(bot, name, call.world.files.keep_image(f"/{name}s/{bot.id}", data) if data else None)
    call.world.emit_user(bot)
    return bot.own_payload()


@route("GET", "/users/@me/guilds")
async def my_guilds(call: Call) -> list[dict[str, Any]]:
    """Return the guilds that the bot is a member of, in the order of their ids."""
    asked = call.asked(ListForm)
    guilds = sorted((each for each in call.world.guilds.values() if call.bot.id in each.members), key=lambda g: g.id)
    if asked.before is not None:
        guilds = [guild for guild in guilds if guild.id < asked.before][-asked.limit :]
    elif asked.after is not None:
        guilds = [guild for guild in guilds if guild.id > asked.after]
    counted = call.is_asked("with_counts")
    return [
        {
            "id": str(guild.id),
            "name": guild.name,
            "icon": guild.icon,
            "banner": guild.banner,
            "owner": guild.owner_id == call.bot.id,
            "permissions": str(int(held_in(guild, call.bot))),
            "features": guild.features,
        }
        | (guild.counts() if counted else {})
        for guild in guilds[: asked.limit]
    ]


@route("DELETE", "/users/@me/guilds/{guild_id}")
async def leave_guild(call: Call) -> None:
    """Leave a guild."""
    guild = call.world.guild(call.id("guild_id"))
    if call.bot.id not in guild.members:
        raise DiscordError(Refusal.UNKNOWN_GUILD)
    members.leave(call.world, guild, call.bot)


@route("POST", "/users/@me/channels")
async def open_direct(call: Call) -> dict[str, Any]:
    """Open the channel of direct messages with a user."""
    key = call.form(RecipientForm).recipient_id
    if key not in call.world.users:
        raise invalid_form("recipient_id", "USER_UNKNOWN", f'User "{key}" was not found.')
    channel = direct.open_direct(call.world, call.bot, call.world.users[key])
    body = channel.payload()
    body["recipients"] = [user for user in body["recipients"] if user["id"] != str(call.bot.id)]
    return body


@route("GET", "/users/@me/connections")
async def my_connections(_call: Call) -> list[dict[str, Any]]:
    """Return nothing: bots have no accounts elsewhere."""
    return []


@route("GET", "/users/{user_id}")
async def get_user(call: Call) -> dict[str, Any]:
    """Return a user."""
    return call.world.user(call.id("user_id")).payload()
