"""Interactions: beginning one, and the bot's answers to it."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

from localdiscord.actions import messages
from localdiscord.actions.access import permissions_in
from localdiscord.errors import DiscordError, Refusal
from localdiscord.model.interaction import Interaction, InteractionType
from localdiscord.model.message import EPHEMERAL
from localdiscord.model.world import Event

if TYPE_CHECKING:
    from localdiscord.actions.messages import Draft
    from localdiscord.model.application import Application
    from localdiscord.model.channel import Channel
    from localdiscord.model.message import Message
    from localdiscord.model.user import User
    from localdiscord.model.world import World

__all__ = ["answer", "begin", "follow_up", "of_token"]

CHANNEL_MESSAGE = 4
LOADING = 1 << 7


def begin(
    world: World,
    application: Application,
    kind: InteractionType,
    user: User,
    channel: Channel,
    data: dict[str, Any],
    message: Message | None = None,
) -> Interaction:
    """Tell a bot that a person did something with it."""
    token = secrets.token_urlsafe(32)
    interaction = Interaction(world.snowflakes.next(), token, kind, application, user, channel, data, message)
    world.interactions[token] = interaction
    payload = _payload(world, interaction)
    world.emit(Event("INTERACTION_CREATE", payload, guild_id=channel.guild_id, only=application.bot.id))
    return interaction


def _payload(world: World, interaction: Interaction) -> dict[str, Any]:
    channel, user, application = interaction.channel, interaction.user, interaction.application
    allowed = str(int(permissions_in(world, channel, user)))
    body: dict[str, Any] = {
        "id": str(interaction.id),
        "application_id": str(application.id),
        "type": int(interaction.type),
        "token": interaction.token,
        "version": 1,
        "channel_id": str(channel.id),
        "channel": channel.payload() | {"permissions": allowed},
        "app_permissions": str(int(permissions_in(world, channel, application.bot))),
        "locale": user.locale,
        "entitlements": [],
        "authorizing_integration_owners": {"0": str(channel.guild_id or 0)},
        "context": 0 if channel.guild_id else 1,
        "attachment_size_limit": 10 * 1024 * 1024,
        "data": interaction.data,
    }
    if channel.guild_id is None:
        return body | {"user": user.payload()}
    guild = world.guild(channel.guild_id)
    member = guild.member(user.id).payload() | {"permissions": allowed}
    place = {"id": str(guild.id), "locale": guild.locale, "features": []}
    return body | {"guild_id": str(guild.id), "guild_locale": guild.locale, "guild": place, "member": member}


def of_token(world: World, token: str) -> Interaction:
    """Return the interaction of a token; raises DiscordError where there is none."""
    try:
        return world.interactions[token]
    except KeyError:
        raise DiscordError(Refusal.UNKNOWN_INTERACTION) from None


def answer(world: World, interaction: Interaction, kind: int, draft: Draft) -> None:
    """Take the bot's first answer.

    Args:
        world: the world.
        interaction: what is answered.
        kind: Discord's type of callback.
        draft: the message, where the answer is one.

    Raises:
        DiscordError: it was answered before.
    """
    if interaction.callback is not None:
        raise DiscordError(Refusal.INTERACTION_ACKNOWLEDGED)
    interaction.callback = {"type": kind}
    if kind == CHANNEL_MESSAGE:
        interaction.original = _reply(world, interaction, draft)


def follow_up(world: World, interaction: Interaction, draft: Draft) -> Message:
    """Take another answer."""
    message = _reply(world, interaction, draft)
    interaction.followups.append(message)
    return message


def _reply(world: World, interaction: Interaction, draft: Draft) -> Message:
    draft.check()
    message = messages.compose(world, interaction.channel, interaction.application.bot, draft)
    message.application_id = interaction.application.id
    if draft.flags & EPHEMERAL:
        message.audience = interaction.user
    messages.announce(world, message)
    return message
