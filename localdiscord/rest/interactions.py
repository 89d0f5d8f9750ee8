"""A bot's answers to interactions."""

from __future__ import annotations

from typing import Any

from localdiscord.actions import interactions
from localdiscord.rest.messages import draft_of
from localdiscord.rest.router import Call, route


@route("POST", "/interactions/{interaction_id}/{token}/callback", anonymous=True)
async def callback(call: Call) -> dict[str, Any] | None:
    """Take the first answer; tell what it made, where the bot wants to know."""
    interaction = interactions.of_token(call.discord.world, call.path["token"])
    kind = call.body["type"]
    interactions.answer(call.discord.world, interaction, kind, draft_of(call.body.get("data")))
    if call.query.get("with_response", "").lower() not in {"1", "true"}:
        return None
    told: dict[str, Any] = {"id": str(interaction.id), "type": int(interaction.type)}
    message = interaction.original
    if message is None:
        return {"interaction": told}
    told |= {"response_message_id": str(message.id), "response_message_ephemeral": message.is_ephemeral}
    return {"interaction": told, "resource": {"type": kind, "message": message.payload()}}


@route("POST", "/webhooks/{application_id}/{token}", anonymous=True)
async def follow_up(call: Call) -> dict[str, Any]:
    """Take another answer."""
    interaction = interactions.of_token(call.discord.world, call.path["token"])
    return interactions.follow_up(call.discord.world, interaction, draft_of(call.body)).payload()
