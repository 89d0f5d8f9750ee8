"""Embeds of the AI chat: how the models do, and what was used."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import discord

from reference.utils.localization import get_message

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reference.cogs.ai.budget import BudgetStatus, DailyUsage
    from reference.cogs.ai.gateway import ModelStatus
    from reference.guilds import GuildConfig

__all__ = ["status_embed", "usage_embed"]

COLOUR = discord.Colour.blurple()
BAR = 20
"""Characters of a bar that shows a share."""


def status_embed(models: Sequence[ModelStatus], config: GuildConfig, remembered: int, language: str) -> discord.Embed:
    """Show how the models do, where the bot answers unasked, and what it remembers.

    Args:
        models: from the best to the least.
        config: what the guild chose.
        remembered: messages of the channel that are remembered.
        language: the reader's.
    """
    channel = config.ai_channel_id
    where = f"<#{channel}>" if channel else get_message("ai.status.channel_none", language)
    memory = get_message("ai.status.memory_count", language, count=remembered)
    embed = discord.Embed(title=get_message("ai.status.title", language), colour=COLOUR)
    lines = "\n".join(_model_line(model, language) for model in models)
    embed.add_field(name=get_message("ai.status.models", language), value=lines, inline=False)
    embed.add_field(name=get_message("ai.status.channel", language), value=where)
    embed.add_field(name=get_message("ai.status.memory", language), value=memory)
    return embed


def _model_line(model: ModelStatus, language: str) -> str:
    state = get_message(f"ai.status.breaker.{model.state}", language, seconds=math.ceil(model.retry_after))
    kind = f" ({get_message('ai.status.scripted', language)})" if model.is_scripted else ""
    return f"**{discord.utils.escape_markdown(model.name)}**{kind}: {state}"


def usage_embed(statuses: Sequence[BudgetStatus], days: Sequence[DailyUsage], language: str) -> discord.Embed:
    """Show how much of the budgets is used, and what somebody used on the last days.

    Args:
        statuses: of the person, and of the guild if there is one.
        days: the newest first.
        language: the reader's.
    """
    embed = discord.Embed(title=get_message("ai.usage.title", language), colour=COLOUR)
    for status in statuses:
        embed.add_field(name=get_message(f"ai.usage.{status.scope}", language), value=_budget(status, language))
    lines = [
        get_message(
            "ai.usage.day",
            language,
            day=day.day,
            input=f"{day.input_tokens:,}",
            output=f"{day.output_tokens:,}",
            requests=day.requests,
        )
        for day in days
    ]
    nothing = get_message("ai.usage.nothing", language)
    embed.add_field(name=get_message("ai.usage.days", language), value="\n".join(lines) or nothing, inline=False)
    return embed


def _budget(status: BudgetStatus, language: str) -> str:
    used = f"{status.used:,}"
    if not status.limit:
        return get_message("ai.usage.unlimited", language, used=used)
    filled = min(BAR, round(BAR * status.used / status.limit))
    text = get_message("ai.usage.budget", language, used=used, limit=f"{status.limit:,}")
    return f"`{'█' * filled}{'░' * (BAR - filled)}`\n{text}"
