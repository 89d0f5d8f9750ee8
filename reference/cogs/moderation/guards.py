"""Who may use a command of moderators, how often, and what its words mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import discord
from discord import app_commands
from discord.ext import commands

from reference.errors import Refused
from reference.limits import limited

from .durations import DurationError, parse_duration, write_duration
from .texts import shown

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import timedelta

    from reference.bot import Bot

__all__ = ["duration_of", "guarded", "guild_of", "leading_duration", "quietly"]

F = TypeVar("F", bound="Callable[..., Any]")

USES, SECONDS = 10, 20.0
"""How often a moderator may use one command: enough for a raid, too little for a script."""


def guarded(permission: str, bots: str | None = None, *, in_channel: bool = False) -> Callable[[F], F]:
    """Guard a hybrid command: servers only, hidden from others, checked for text commands too, with a cooldown.

    Args:
        permission: what the person needs, by discord.py's name.
        bots: what the bot needs; None for the same, the empty text for nothing.
        in_channel: whether the channel's permissions count instead of the server's.
    """
    needed = permission if bots is None else bots
    person: Any = commands.has_permissions if in_channel else commands.has_guild_permissions
    bot: Any = commands.bot_has_permissions if in_channel else commands.bot_has_guild_permissions

    def guard(callback: F) -> F:
        guards: list[Callable[[F], F]] = [
            limited(USES, per=SECONDS),
            commands.guild_only(),
            app_commands.default_permissions(**{permission: True}),
            person(**{permission: True}),
        ]
        guards += [bot(**{needed: True})] if needed else []
        for each in guards:
            callback = each(callback)
        return callback

    return guard


def duration_of(text: str, longest: timedelta) -> timedelta:
    """Read a duration.

    Raises:
        Refused: it cannot be read, or is too long.
    """
    try:
        return parse_duration(text, longest)
    except DurationError:
        raise Refused("moderation.bad_duration", text=shown(text[:50]), longest=write_duration(longest)) from None


def leading_duration(words: str | None) -> tuple[str | None, str | None]:
    """Part a duration from the reason after it, as in `7d spam`; a text command knows no named options."""
    first, _, rest = (words or "").partition(" ")
    try:
        parse_duration(first)
    except DurationError:
        return None, words
    return first, rest or None


def guild_of(ctx: commands.Context[Bot]) -> discord.Guild:
    """Return the guild of a command that works in guilds only.

    Raises:
        commands.NoPrivateMessage: it was used elsewhere.
    """
    if ctx.guild is None:
        raise commands.NoPrivateMessage
    return ctx.guild


async def quietly(ctx: commands.Context[Bot], key: str, **values: Any) -> None:
    """Answer a moderator, for their eyes where Discord can, and without mentioning anybody."""
    text = await ctx.bot.text(ctx, key, **values)
    await ctx.send(text, ephemeral=True, allowed_mentions=discord.AllowedMentions.none())
