"""Messages."""

from __future__ import annotations

from typing import Any

from localdiscord.actions import messages
from localdiscord.actions.messages import Draft
from localdiscord.rest.router import Call, route

__all__ = ["draft_of"]


def draft_of(body: dict[str, Any] | None) -> Draft:
    """Read a message that a bot wants to write."""
    body = body or {}
    return Draft(
        body.get("content") or "",
        body.get("embeds") or [],
        body.get("components") or [],
        body.get("attachments") or [],
        body.get("flags") or 0,
        body.get("nonce"),
    )


@route("POST", "/channels/{channel_id}/messages")
async def create_message(call: Call) -> dict[str, Any]:
    """Write a message."""
    channel = call.discord.world.channel(call.id("channel_id"))
    return messages.send(call.discord.world, channel, call.bot, draft_of(call.body)).payload()
