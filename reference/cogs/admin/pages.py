"""What the operator is shown, as embeds."""

from __future__ import annotations

import io
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import discord

from reference.utils.monitoring.health_api import health_data
from reference.utils.timestamps import parse_utc

if TYPE_CHECKING:
    from discord.ext import commands

    from reference.bot import Bot
    from reference.incidents import Incident

__all__ = ["errors_page", "health_page", "incident_page", "shards_page"]

COLORS = {
    "healthy": discord.Color.green(),
    "degraded": discord.Color.gold(),
    "unhealthy": discord.Color.red(),
    "starting": discord.Color.light_grey(),
}
MOST_LINES = 15


async def health_page(bot: Bot, ctx: commands.Context[Bot]) -> discord.Embed:
    """Return what the health page says, from the same readings."""
    bot.publish()
    facts = health_data.to_dict()
    process, counters = facts["process"], facts["counters"]
    embed = discord.Embed(title=await bot.text(ctx, f"admin.health.{facts['status']}"), color=COLORS[facts["status"]])
    embed.description = "\n".join(f"- {reason}" for reason in facts["reasons"][:MOST_LINES])
    fields = {
        "uptime": discord.utils.format_dt(discord.utils.utcnow() - timedelta(seconds=facts["uptime_seconds"]), "R"),
        "latency": _unknown(facts["bot"]["latency_ms"], "{:.0f} ms"),
        "memory": _unknown(process.get("memory_mb"), "{:.0f} MiB"),
        "servers": str(facts["bot"]["guilds"]),
        "commands": str(counters["commands"]),
        "errors": str(counters["errors"]),
        "services": "\n".join(_service(name, told) for name, told in list(facts["services"].items())[:MOST_LINES]),
    }
    for name, value in fields.items():
        if value:
            embed.add_field(name=await bot.text(ctx, f"admin.health.{name}"), value=value, inline=name != "services")
    return embed


async def shards_page(bot: Bot, ctx: commands.Context[Bot]) -> discord.Embed:
    """Return how the shards are."""
    states = bot.shards_health.states()
    embed = discord.Embed(title=await bot.text(ctx, "admin.shards", count=len(states)))
    embed.color = COLORS["healthy" if all(state.is_up for state in states) else "unhealthy"]
    lines = [
        f"{'🟢' if state.is_up else '🔴'} **{state.id}** · {_unknown(state.latency_ms, '{:.0f} ms')} · "
        + await bot.text(ctx, "admin.shard", guilds=state.guilds, lost=state.disconnects, resumed=state.resumes)
        for state in states[:MOST_LINES]
    ]
    embed.description = "\n".join(lines)
    return embed


async def errors_page(bot: Bot, ctx: commands.Context[Bot]) -> discord.Embed:
    """Return the newest errors."""
    found = await bot.errors.incidents.recent(MOST_LINES)
    embed = discord.Embed(title=await bot.text(ctx, "admin.errors" if found else "admin.no_errors"))
    embed.description = "\n".join(_incident_line(incident) for incident in found)
    return embed


async def incident_page(bot: Bot, ctx: commands.Context[Bot], incident: Incident) -> tuple[discord.Embed, discord.File]:
    """Return everything that is known of an error, and its traceback as a file."""
    embed = discord.Embed(title=f"{incident.error_type}", description=_shown(incident.message, 1000))
    embed.timestamp = parse_utc(incident.at)
    facts = {
        "incident": f"`{incident.id}`",
        "place": _shown(incident.place, 100),
        "times": str(incident.occurrences),
        "user": f"<@{incident.user_id}>" if incident.user_id else "",
        "server": str(incident.guild_id or ""),
    }
    for name, value in facts.items():
        if value:
            embed.add_field(name=await bot.text(ctx, f"admin.error.{name}"), value=value)
    return embed, discord.File(io.BytesIO((incident.traceback or "").encode()), f"{incident.id}.txt")


def _incident_line(incident: Incident) -> str:
    when = discord.utils.format_dt(parse_utc(incident.at), "R")
    times = f" ({incident.occurrences})" if incident.occurrences > 1 else ""
    return f"`{incident.id}` {when} {_shown(incident.place, 60)}: {_shown(incident.error_type, 40)}{times}"


def _service(name: str, told: Any) -> str:
    is_well = told.get("healthy", told.get("status") == "healthy") if isinstance(told, dict) else bool(told)
    return f"{'🟢' if is_well else '🔴'} {_shown(name, 60)}"


def _shown(text: str, longest: int) -> str:
    return discord.utils.escape_markdown(text if len(text) <= longest else f"{text[: longest - 1]}…")


def _unknown(value: float | None, form: str) -> str:
    return "-" if value is None else form.format(value)
