"""A bot's answers to interactions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from localdiscord.actions import answers, interactions
from localdiscord.actions.drafts import Draft
from localdiscord.errors import DiscordError, Refusal
from localdiscord.model.interaction import Callback
from localdiscord.rest.drafts import change_of, draft_of
from localdiscord.rest.forms.fields import read
from localdiscord.rest.forms.interactions import FORMS, CallbackForm
from localdiscord.rest.router import Call, route

if TYPE_CHECKING:
    from localdiscord.model.interaction import Interaction

TOKEN = "{webhook_token:aW50ZXJhY3Rpb246[^/]+}"  # noqa: S105  a pattern: how the tokens of interactions begin
OF_TOKEN = "/webhooks/{webhook_id}/" + TOKEN


def _interaction(call: Call) -> Interaction:
    return interactions.of_token(call.discord.world, call.path["webhook_token"])


@route("POST", "/interactions/{interaction_id}/{webhook_token}/callback", anonymous=True)
async def callback(call: Call) -> dict[str, Any] | None:
    """Take the first answer; tell what it made, where the bot wants to know."""
    world = call.discord.world
    interaction = world.interactions.get(call.path["webhook_token"])
    if interaction is None or str(interaction.id) != call.path["interaction_id"]:
        raise DiscordError(Refusal.UNKNOWN_INTERACTION)
    said = call.form(CallbackForm)
    kind, data = said.type, said.data or {}
    draft = _draft(call, kind, data)
    if kind in FORMS:
        data = read(FORMS[kind], data, "data").model_dump(exclude_unset=True)
    answers.answer(world, interaction, kind, data, draft)
    call.discord.notify()
    wanted = call.query.get("with_response", "").lower() in {"1", "true"}
    return _told(interaction) if wanted else None


def _draft(call: Call, kind: Any, data: dict[str, Any]) -> Draft:
    """Read the message in a first answer; an empty one where it has none."""
    if kind == Callback.MESSAGE:
        return draft_of(data, call.files, "data")
    return change_of(data, call.files) if kind == Callback.UPDATE else Draft()


def _told(interaction: Interaction) -> dict[str, Any]:
    told: dict[str, Any] = {"id": str(interaction.id), "type": int(interaction.type)}
    told["channel_id"] = str(interaction.channel.id)
    if interaction.channel.guild_id is not None:
        told["guild_id"] = str(interaction.channel.guild_id)
    message, kind = interaction.original, interaction.kind
    if message is None or kind is None:
        return {"interaction": told}
    told |= {"response_message_id": str(message.id), "response_message_ephemeral": message.is_ephemeral}
    told["response_message_loading"] = bool(message.flags & answers.LOADING)
    if kind not in {Callback.MESSAGE, Callback.UPDATE}:
        return {"interaction": told}
    return {"interaction": told, "resource": {"type": int(kind), "message": message.payload()}}


@route("POST", OF_TOKEN, anonymous=True)
async def follow_up(call: Call) -> dict[str, Any]:
    """Take another answer."""
    return answers.follow_up(call.discord.world, _interaction(call), draft_of(call.body, call.files)).payload()


@route("GET", OF_TOKEN + "/messages/{message_id}", anonymous=True)
async def read_answer(call: Call) -> dict[str, Any]:
    """Return an answer."""
    return answers.written(_interaction(call), call.path["message_id"]).payload()


@route("PATCH", OF_TOKEN + "/messages/{message_id}", anonymous=True)
async def edit_answer(call: Call) -> dict[str, Any]:
    """Change an answer; what the body does not name stays."""
    interaction = _interaction(call)
    message = answers.written(interaction, call.path["message_id"])
    answers.edit(call.discord.world, interaction, message, change_of(call.body, call.files))
    return message.payload()


@route("DELETE", OF_TOKEN + "/messages/{message_id}", anonymous=True)
async def delete_answer(call: Call) -> None:
    """Delete an answer."""
    answers.delete(call.discord.world, answers.written(_interaction(call), call.path["message_id"]))
