"""The one place where errors end: of commands, buttons, forms and events.

What is a person's to mend is answered in a kind sentence (`reference.refusals`). What is ours gets an id, which the
person is told and under which it is logged, counted, kept, reported and alerted of. Nothing is answered twice, and an
answer that cannot be given is no second error.
"""

from __future__ import annotations

import contextlib
import sqlite3
from typing import TYPE_CHECKING, Any

import aiohttp
import discord
from discord.ext import commands

from .guilds import Feature
from .incidents import Incidents
from .refusals import Answer, Refused, answer_to, unwrapped
from .utils.monitoring.health_api import health_data
from .utils.monitoring.log_context import new_correlation_id
from .utils.monitoring.metrics import metrics
from .utils.monitoring.sentry_integration import capture_exception
from .utils.monitoring.structured_logger import get_logger

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .bot import Bot

__all__ = ["Errors", "Place", "Refused"]

log = get_logger(__name__)

Place = discord.Interaction | commands.Context["Bot"]
"""Where an answer goes."""

GONE = frozenset({10062, 10015, 50027, 40060})
"""Discord's codes for an interaction that can no longer be answered: unknown, its webhook gone, its token too old,
acknowledged by somebody else."""

ANSWERED = "error_answered"
"""Marks an interaction whose error was answered."""


class Errors:
    """Answers errors.

    Args:
        bot: whose they are.

    Attributes:
        incidents: those that are kept.
    """

    def __init__(self, bot: Bot) -> None:
        self._bot = bot
        self.incidents = Incidents(bot.database)

    async def handle(self, error: BaseException, place: Place | None, what: str) -> str | None:
        """Deal with an error.

        Args:
            error: what was raised, as it arrived.
            place: where the answer goes; None where nobody waits for one.
            what: the command, button or event in which it happened.

        Returns:
            The id of the incident; None where it was the person's to mend.
        """
        error = unwrapped(error)
        if isinstance(place, commands.Context) and isinstance(error, commands.CommandNotFound):
            return None  # other bots may listen to the same prefix
        if place is not None and _is_answered(place):
            return None
        if isinstance(error, discord.HTTPException) and error.code in GONE:
            log.warning("an interaction could not be answered in time", place=what, code=error.code)
            return None
        answer, incident = answer_to(error) if place is not None else None, None
        if answer is None:
            incident = await self._report(error, place, what)
            answer = Answer("common.error", {"reference": incident})
        else:
            log.info("refused", place=what, reason=answer.key)
        if place is not None:
            await self.tell(place, answer)
        return incident

    async def tell(self, place: Place, answer: Answer) -> bool:
        """Answer, for the person's eyes where Discord can; tell whether that was possible."""
        text = await self._bot.text(place, answer.key, **await self._shown(place, answer.values))
        interaction = place if isinstance(place, discord.Interaction) else place.interaction
        try:
            if interaction is not None:
                await _answer(interaction, text)
            elif isinstance(place, commands.Context):
                await _reply(place, text)
        except (discord.HTTPException, aiohttp.ClientError, OSError, RuntimeError) as error:
            if isinstance(error, RuntimeError) and not self._bot.is_closed():
                raise
            log.warning("a person could not be told", key=answer.key, error=f"{type(error).__name__}: {error}")
            return False
        return True

    async def _shown(self, place: Place, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return values as people know them: a feature by its name in their language."""
        return {
            name: await self._bot.text(place, f"core.feature.{value}") if isinstance(value, Feature) else value
            for name, value in values.items()
        }

    async def _report(self, error: BaseException, place: Place | None, what: str) -> str:
        """Let everybody know who should: log, metrics, health, database, Sentry, alerts; return the incident's id."""
        incident = new_correlation_id()
        guild_id = None if place is None or place.guild is None else place.guild.id
        user_id = None if place is None else _user_of(place).id
        log.error("%s failed", what, incident=incident, exc_info=error)
        metrics.increment_errors(error)
        health_data.increment_errors()
        capture_exception(error, user_id=user_id, guild_id=guild_id, tags={"incident": incident, "place": what})
        try:
            await self._bot.errors.incidents.add(incident, error, what, guild_id, user_id)
        except (sqlite3.Error, OSError, TimeoutError) as trouble:
            log.warning("an incident could not be kept", incident=incident, error=str(trouble))
        kind = type(error).__name__
        self._bot.alert(f"{what} failed", f"{kind}; incident {incident}", f"error:{kind}:{what}", "error")
        return incident


def _is_answered(place: Place) -> bool:
    """Tell whether an error of the same request was answered before, and note that it is from now on."""
    interaction = place if isinstance(place, discord.Interaction) else place.interaction
    if interaction is None:
        return False
    before = interaction.extras.get(ANSWERED, False)
    interaction.extras[ANSWERED] = True
    return bool(before)


def _user_of(place: Place) -> discord.User | discord.Member:
    return place.user if isinstance(place, discord.Interaction) else place.author


async def _answer(interaction: discord.Interaction, text: str) -> None:
    """Answer an interaction, be it the first answer or a further one.

    Raises:
        discord.HTTPException: Discord does not take it.
    """
    if not interaction.response.is_done():
        try:
            await interaction.response.send_message(text, ephemeral=True)
        except discord.HTTPException as error:
            if error.code != 40060:
                raise
        else:
            return
    await interaction.followup.send(text, ephemeral=True)


async def _reply(ctx: commands.Context[Bot], text: str) -> None:
    """Reply to a text command; to its author alone where the channel refuses.

    Raises:
        discord.HTTPException: neither is possible.
    """
    none = discord.AllowedMentions.none()
    with contextlib.suppress(discord.HTTPException):
        await ctx.reply(text, mention_author=False, allowed_mentions=none)
        return
    try:
        await ctx.send(text, allowed_mentions=none)
    except discord.Forbidden:
        await ctx.author.send(text, allowed_mentions=none)
