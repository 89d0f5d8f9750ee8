"""Interactions: a person does something with a bot, and the bot is told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from localdiscord.actions.access import permissions_in
from localdiscord.errors import DiscordError, Refusal
from localdiscord.model.interaction import ANSWER_WITHIN, TOKEN_LASTS, Interaction, token_of
from localdiscord.model.world import Event

if TYPE_CHECKING:
    from localdiscord.model.application import Application
    from localdiscord.model.channel import Channel
    from localdiscord.model.interaction import Act
    from localdiscord.model.user import User
    from localdiscord.model.world import World

__all__ = ["begin", "of_token", "waiting"]


def begin(world: World, application: Application, user: User, channel: Channel, act: Act) -> Interaction:
    """Tell a bot that a person did something with it.

    Args:
        world: the world.
        application: whose bot it is.
        user: the person.
        channel: where.
        act: what they did.
    """
    _forget_old(world)
    number = world.snowflakes.next()
    interaction = Interaction(number, token_of(number), application, user, channel, act, world.clock())
    world.interactions[interaction.token] = interaction
    payload = _payload(world, interaction)
    world.emit(Event("INTERACTION_CREATE", payload, guild_id=channel.guild_id, only=application.bot.id))
    return interaction


def _forget_old(world: World) -> None:
    oldest = world.clock() - TOKEN_LASTS
    for token, interaction in tuple(world.interactions.items()):
        if interaction.begun >= oldest:
            return  # they stand in the order in which they were begun
        del world.interactions[token]


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
    if interaction.message is not None:
        body["message"] = interaction.message.payload()
    if channel.guild_id is None:
        return body | {"user": user.payload()}
    guild = world.guild(channel.guild_id)
    member = guild.member(user.id).payload() | {"permissions": allowed}
    place = {"id": str(guild.id), "locale": guild.locale, "features": []}
    return body | {"guild_id": str(guild.id), "guild_locale": guild.locale, "guild": place, "member": member}


def of_token(world: World, token: str) -> Interaction:
    """Return the interaction of a token.

    Raises:
        DiscordError: there is none, or the token is too old.
    """
    interaction = world.interactions.get(token)
    if interaction is None or world.clock() - interaction.begun > TOKEN_LASTS:
        raise DiscordError(Refusal.INVALID_TOKEN)
    return interaction


def waiting(world: World) -> list[Interaction]:
    """Return the interactions that their bot can still answer for the first time."""
    newest = world.clock() - ANSWER_WITHIN
    return [each for each in world.interactions.values() if not each.is_answered and each.begun >= newest]
