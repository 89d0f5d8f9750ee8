"""Which roles members may give themselves: none above the bot, none of an integration, none that gives power."""

from __future__ import annotations

from typing import TYPE_CHECKING

import discord

from reference.refusals import Refused

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["POWERS", "problem_with", "require_assignable"]

POWERS = discord.Permissions(
    administrator=True,
    ban_members=True,
    create_events=True,
    create_expressions=True,
    deafen_members=True,
    kick_members=True,
    manage_channels=True,
    manage_events=True,
    manage_expressions=True,
    manage_guild=True,
    manage_messages=True,
    manage_nicknames=True,
    manage_roles=True,
    manage_threads=True,
    manage_webhooks=True,
    mention_everyone=True,
    moderate_members=True,
    move_members=True,
    mute_members=True,
    pin_messages=True,
    view_audit_log=True,
    view_guild_insights=True,
)
"""Permissions that nobody gives themselves."""


def problem_with(role: discord.Role) -> Refused | None:
    """Say why nobody may give themselves a role; None where they may.

    Asked when a role is offered and again whenever somebody takes it: a role may gain power in between.
    """
    if role.is_default() or role.managed:
        return Refused("community.roles.managed", role=role.mention)
    powers = list(_powers_of(role))
    if powers:
        return Refused("community.roles.powerful", role=role.mention, permissions=", ".join(powers))
    if role >= role.guild.me.top_role:
        return Refused("community.roles.too_high", role=role.mention)
    return None


def require_assignable(role: discord.Role) -> None:
    """Refuse a role that nobody may give themselves.

    Raises:
        Refused: it is one; the answer says why.
    """
    if problem := problem_with(role):
        raise problem


def _powers_of(role: discord.Role) -> Iterator[str]:
    for name, is_power in POWERS:
        if is_power and getattr(role.permissions, name):
            yield name.replace("_", " ").replace("guild", "server")
