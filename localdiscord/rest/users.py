"""Who the bot is, and where it connects."""

from __future__ import annotations

from typing import Any

from localdiscord.rest.router import Call, route


@route("GET", "/gateway/bot")
async def gateway_for_bot(call: Call) -> dict[str, Any]:
    """Say where the gateway is and how often it may be used."""
    limit = {"total": 1000, "remaining": 999, "reset_after": 86_400_000, "max_concurrency": 16}
    return {"url": call.discord.gateway_url, "shards": call.discord.shards, "session_start_limit": limit}


@route("GET", "/users/@me")
async def me(call: Call) -> dict[str, Any]:
    """Return the bot itself."""
    return call.bot.own_payload()


@route("GET", "/oauth2/applications/@me")
@route("GET", "/applications/@me")
async def my_application(call: Call) -> dict[str, Any]:
    """Return the bot's application."""
    return call.requester.payload()
