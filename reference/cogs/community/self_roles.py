"""Roles that members give themselves: moderators offer them, panels of buttons or a menu hand them out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, cast

import discord
from discord import app_commands
from discord.ext import commands

from reference.commands import hybrid_group, subcommand
from reference.guilds import Feature
from reference.limits import limited
from reference.refusals import Refused
from reference.utils.monitoring.structured_logger import get_logger

from .role_panels import panel_view
from .role_rules import problem_with, require_assignable
from .role_store import MOST_ROLES, Panel, RoleStore
from .schedule import TROUBLE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reference.bot import Bot

__all__ = ["SelfRoles"]

log = get_logger(__name__)


class SelfRoles(commands.Cog):
    """Offers roles.

    Args:
        bot: whose cog it is.
    """

    feature = Feature.ROLES

    def __init__(self, bot: Bot) -> None:
        self.bot = bot
        self.store = RoleStore(bot.database)

    @hybrid_group(name="roles")
    @commands.guild_only()
    @app_commands.default_permissions(manage_roles=True)
    async def roles(self, ctx: commands.Context[Bot]) -> None:
        """Roles that members give themselves."""
        await ctx.send(await self.bot.text(ctx, "community.roles.usage", prefix=ctx.clean_prefix))

    @subcommand(roles, name="offer")
    @limited(10, per=30)
    @commands.guild_only()
    @commands.has_guild_permissions(manage_roles=True)
    @commands.bot_has_guild_permissions(manage_roles=True)
    async def offer(self, ctx: commands.Context[Bot], role: discord.Role) -> None:
        """Let members give themselves a role.

        Args:
            ctx: where.
            role: Which.
        """
        author = cast("discord.Member", ctx.author)
        require_assignable(role)
        if author.id != role.guild.owner_id and role >= author.top_role:
            raise Refused("community.roles.above_you", role=role.mention)
        if not await self.store.offer(role.guild.id, role.id):
            raise Refused("community.roles.too_many", count=MOST_ROLES)
        await self._note("offer", role, author)
        await self._refresh(role.guild)
        await self._answer(ctx, "community.roles.offered", role=role.mention)

    @subcommand(roles, name="withdraw")
    @limited(10, per=30)
    @commands.guild_only()
    @commands.has_guild_permissions(manage_roles=True)
    async def withdraw(self, ctx: commands.Context[Bot], role: discord.Role) -> None:
        """Let members no longer give themselves a role; those who have it keep it.

        Args:
            ctx: where.
            role: Which.
        """
        if not await self.store.withdraw(role.guild.id, role.id):
            raise Refused("community.roles.never_offered", role=role.mention)
        await self._note("withdraw", role, ctx.author)
        await self._refresh(role.guild)
        await self._answer(ctx, "community.roles.withdrawn", role=role.mention)

    @subcommand(roles, name="list")
    @limited(10, per=30)
    @commands.guild_only()
    async def listed(self, ctx: commands.Context[Bot]) -> None:
        """Show the roles that members may give themselves."""
        guild = cast("discord.Guild", ctx.guild)
        roles = await self._offered(guild)
        if not roles:
            raise Refused("community.roles.nothing")
        lines = [f"{role.mention}{' ⚠️' if problem_with(role) else ''} · {len(role.members)}" for role in roles]
        title = await self.bot.text(ctx, "community.roles.title", count=len(roles))
        await ctx.send(embed=discord.Embed(title=title, description="\n".join(lines)), ephemeral=True)

    @subcommand(roles, name="panel")
    @limited(3, per=30)
    @commands.guild_only()
    @commands.has_guild_permissions(manage_roles=True)
    @commands.bot_has_permissions(embed_links=True)
    async def panel(
        self,
        ctx: commands.Context[Bot],
        style: Literal["buttons", "menu"] = "buttons",
        *,
        title: commands.Range[str, 1, 200] | None = None,
    ) -> None:
        """Show a message here by which members give themselves roles.

        Args:
            ctx: where.
            style: A button for each role, or one menu.
            title: What stands above it.
        """
        guild = cast("discord.Guild", ctx.guild)
        roles = await self._offered(guild)
        if not roles:
            raise Refused("community.roles.nothing")
        shown = title or await self.bot.text(guild, "community.roles.panel_title")
        message = await ctx.channel.send(embed=_embed(shown, roles), view=await self._view(guild, roles, style))
        await self.store.add_panel(Panel(message.id, guild.id, ctx.channel.id, style, shown))
        await self._answer(ctx, "community.roles.panel")

    # What happens

    @commands.Cog.listener()
    async def on_guild_role_delete(self, role: discord.Role) -> None:
        """Offer a role that is gone no longer."""
        if role.id in await self.store.offered(role.guild.id):
            await self.store.remove_role(role.id)
            await self._refresh(role.guild)

    @commands.Cog.listener()
    async def on_guild_role_update(self, before: discord.Role, after: discord.Role) -> None:
        """Show an offered role under its new name."""
        if before.name != after.name and after.id in await self.store.offered(after.guild.id):
            await self._refresh(after.guild)

    @commands.Cog.listener()
    async def on_raw_message_delete(self, payload: discord.RawMessageDeleteEvent) -> None:
        """Forget a panel that was deleted."""
        if payload.guild_id is not None:
            await self.store.remove_panel(payload.message_id)

    @commands.Cog.listener()
    async def on_guild_remove(self, guild: discord.Guild) -> None:
        """Forget a guild that the bot has left."""
        await self.store.forget_guild(guild.id)

    # Parts

    async def _offered(self, guild: discord.Guild) -> list[discord.Role]:
        return [role for each in await self.store.offered(guild.id) if (role := guild.get_role(each))]

    async def _view(self, guild: discord.Guild, roles: Sequence[discord.Role], style: str) -> discord.ui.View:
        return panel_view(roles, style, await self.bot.text(guild, "community.roles.placeholder"))

    async def _refresh(self, guild: discord.Guild) -> None:
        """Bring the panels of a guild up to date; one that is gone is forgotten."""
        roles = await self._offered(guild)
        for panel in await self.store.panels(guild.id):
            channel = self.bot.get_partial_messageable(panel.channel_id, guild_id=guild.id)
            message = channel.get_partial_message(panel.message_id)
            try:
                await message.edit(embed=_embed(panel.title, roles), view=await self._view(guild, roles, panel.style))
            except TROUBLE as error:
                log.warning("a panel of roles cannot be changed", message=panel.message_id, error=str(error))
                if isinstance(error, discord.NotFound):
                    await self.store.remove_panel(panel.message_id)

    async def _note(self, what: str, role: discord.Role, who: discord.abc.User) -> None:
        await self.bot.database.log_audit(f"roles.{what}", role.guild.id, who.id, None, {"role": role.id})

    async def _answer(self, ctx: commands.Context[Bot], key: str, **values: Any) -> None:
        text = await self.bot.text(ctx, key, **values)
        await ctx.send(text, ephemeral=True, allowed_mentions=discord.AllowedMentions.none())


def _embed(title: str, roles: Sequence[discord.Role]) -> discord.Embed:
    return discord.Embed(title=title, description="\n".join(role.mention for role in roles) or "—", colour=0x5865F2)
