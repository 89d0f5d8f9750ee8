"""The operator's commands."""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING

import discord
from discord import app_commands
from discord.ext import commands

from reference.cogs import AREAS
from reference.commands import hybrid_command, hybrid_group, subcommand
from reference.refusals import Refused

from .pages import errors_page, health_page, incident_page, shards_page
from .reloading import ReloadError, reload_area

if TYPE_CHECKING:
    from reference.bot import Bot

__all__ = ["Admin"]

Context = commands.Context["Bot"]


class Admin(commands.Cog):
    """The operator's commands."""

    def __init__(self, bot: Bot) -> None:
        self.bot = bot
        self._reloading = asyncio.Lock()

    @hybrid_command()
    async def ping(self, ctx: Context) -> None:
        """Tell how quickly the bot answers."""
        latency = self.bot.latency
        if math.isfinite(latency):
            answer = await self.bot.text(ctx, "admin.pong", milliseconds=round(latency * 1000))
        else:  # Discord has not answered a heartbeat yet
            answer = await self.bot.text(ctx, "admin.pong_unmeasured")
        await ctx.send(answer)

    @hybrid_group(fallback="health")
    @commands.is_owner()
    @app_commands.default_permissions(administrator=True)
    async def admin(self, ctx: Context) -> None:
        """Show how the bot is: what the health page says."""
        await ctx.send(embed=await health_page(self.bot, ctx), ephemeral=True)

    @subcommand(admin)
    @commands.is_owner()
    async def shards(self, ctx: Context) -> None:
        """Show the connections to Discord, one for each shard."""
        await ctx.send(embed=await shards_page(self.bot, ctx), ephemeral=True)

    @subcommand(admin)
    @commands.is_owner()
    @app_commands.describe(incident="The id that somebody was told; the newest errors are listed without one")
    async def errors(self, ctx: Context, incident: str | None = None) -> None:
        """Show the newest errors, or one of them with everything that is known."""
        if incident is None:
            await ctx.send(embed=await errors_page(self.bot, ctx), ephemeral=True)
            return
        found = await self.bot.errors.incidents.get(incident.strip().lower())
        if found is None:
            raise Refused("admin.no_incident", incident=discord.utils.escape_markdown(incident[:50]))
        embed, file = await incident_page(self.bot, ctx, found)
        await ctx.send(embed=embed, file=file, ephemeral=True)

    @subcommand(admin)
    @commands.is_owner()
    async def sync(self, ctx: Context) -> None:
        """Tell Discord all commands anew."""
        await ctx.defer(ephemeral=True)
        await self.bot.sync_commands(force=True)
        count = len(self.bot.tree.get_commands())
        await self.bot.audit.log_action("sync", ctx.author.id, details={"commands": count})
        await ctx.send(await self.bot.text(ctx, "admin.synced", count=count), ephemeral=True)

    @subcommand(admin)
    @commands.is_owner()
    @app_commands.describe(area="The area: its commands, rules and texts are read anew")
    async def reload(self, ctx: Context, area: str) -> None:
        """Read an area of the bot anew; one that is broken stays as it was."""
        if area not in AREAS:
            raise Refused("admin.no_area", area=discord.utils.escape_markdown(area[:50]), areas=", ".join(AREAS))
        await ctx.defer(ephemeral=True)
        async with self._reloading:
            try:
                changed = await reload_area(self.bot, area)
            except ReloadError as error:
                await self.bot.audit.log_action("reload", ctx.author.id, details={"area": area, "failed": str(error)})
                raise Refused("admin.reload_failed", area=area, reason=str(error)) from error
        await self.bot.audit.log_action("reload", ctx.author.id, details={"area": area, "synced": changed})
        key = "admin.reloaded_synced" if changed else "admin.reloaded"
        await ctx.send(await self.bot.text(ctx, key, area=area), ephemeral=True)

    @reload.autocomplete("area")
    async def _areas(self, _interaction: discord.Interaction, typed: str) -> list[app_commands.Choice[str]]:
        return [app_commands.Choice(name=area, value=area) for area in AREAS if typed.lower() in area]

    @subcommand(admin)
    @commands.is_owner()
    @app_commands.describe(on="Whether others than you are refused")
    async def maintenance(self, ctx: Context, on: bool) -> None:
        """Let nobody but you use the bot, or everybody again."""
        self.bot.is_resting = on
        await self.bot.change_presence(status=discord.Status.dnd if on else discord.Status.online)
        await self.bot.audit.log_action("maintenance", ctx.author.id, details={"on": on})
        key = "admin.maintenance_on" if on else "admin.maintenance_off"
        await ctx.send(await self.bot.text(ctx, key), ephemeral=True)

    @subcommand(admin)
    @commands.is_owner()
    async def shutdown(self, ctx: Context) -> None:
        """End the bot in order: commands that run are finished, and everything is saved."""
        await self._end(ctx, "shutdown")

    @subcommand(admin)
    @commands.is_owner()
    async def restart(self, ctx: Context) -> None:
        """End the bot in order, and start it anew."""
        await self._end(ctx, "restart")

    async def _end(self, ctx: Context, action: str) -> None:
        await self.bot.audit.log_action(action, ctx.author.id)
        await ctx.send(await self.bot.text(ctx, f"admin.{action}"), ephemeral=True)
        self.bot.end(f"/admin {action}", restart=action == "restart")
