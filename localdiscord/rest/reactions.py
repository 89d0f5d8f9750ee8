"""Reactions."""

from __future__ import annotations

from typing import Annotated, Any

from localdiscord.actions import reactions
from localdiscord.actions.access import require
from localdiscord.permissions import Permissions
from localdiscord.rest.forms.fields import Form, Snowflake, choice, within
from localdiscord.rest.router import Call, route

OF_MESSAGE = "/channels/{channel_id}/messages/{message_id}/reactions"
OF_EMOJI = OF_MESSAGE + "/{emoji_name}"
BURST = 1


class ListForm(Form):
    """Which reactions a list shall hold."""

    after: Snowflake = 0
    limit: Annotated[int, within(1, 100)] = 25
    type: Annotated[int, choice(0, BURST)] = 0


@route("PUT", OF_EMOJI + "/@me")
async def add_reaction(call: Call) -> None:
    """React."""
    message = call.message()
    reactions.add(call.world, message, call.bot, reactions.emoji_of(call.world, call.path["emoji_name"]))


@route("DELETE", OF_EMOJI + "/@me")
async def remove_own_reaction(call: Call) -> None:
    """Take back the bot's own reaction."""
    emoji = reactions.emoji_of(call.world, call.path["emoji_name"])
    reactions.remove(call.world, call.message(), emoji, call.bot.id, call.bot)


@route("DELETE", OF_EMOJI + "/{user_id}")
async def remove_reaction(call: Call) -> None:
    """Take away somebody's reaction."""
    emoji = reactions.emoji_of(call.world, call.path["emoji_name"])
    reactions.remove(call.world, call.message(), emoji, call.id("user_id"), call.bot)


@route("GET", OF_EMOJI)
async def list_reactions(call: Call) -> list[dict[str, Any]]:
    """Return who reacted with an emoji."""
    message, asked = call.message(), call.asked(ListForm)
    require(call.world, message.channel, call.bot, Permissions.READ_MESSAGE_HISTORY)
    reaction = message.reactions.get(reactions.emoji_of(call.world, call.path["emoji_name"]).key)
    if reaction is None or asked.type == BURST:
        return []
    users = sorted(user for user in reaction.users if user > asked.after)
    return [call.world.users[user].payload() for user in users[: asked.limit]]


@route("DELETE", OF_EMOJI)
async def clear_emoji(call: Call) -> None:
    """Take away all reactions with an emoji."""
    emoji = reactions.emoji_of(call.world, call.path["emoji_name"])
    reactions.clear_emoji(call.world, call.message(), emoji, call.bot)


@route("DELETE", OF_MESSAGE)
async def clear_reactions(call: Call) -> None:
    """Take away all reactions."""
    reactions.clear(call.world, call.message(), call.bot)
