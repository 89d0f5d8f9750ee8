"""Entries of Discord's own menus: warn a member, report a message to the moderators."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import discord
from discord import app_commands
from discord.ext import commands

from reference.errors import Refused
from reference.limits import limited
from reference.views import Modal

from .cases import Action
from .texts import clean, shown

if TYPE_CHECKING:
    from reference.bot import Bot

    from .acts import Acts

__all__ = ["Menus"]

LONGEST_EXCERPT = 1000


class Menus(commands.Cog):
    """The entries of the menus of members and of messages."""

    def __init__(self, bot: Bot, acts: Acts) -> None:
        self.bot = bot
        self.acts = acts
        warn = app_commands.ContextMenu(name="Warn", callback=self.warn)
        warn.default_permissions = discord.Permissions(moderate_members=True)
        report = app_commands.ContextMenu(name="Report message", callback=self.report)
        self._menus = (warn, report)
        for menu in self._menus:
            menu.guild_only = True
            bot.tree.add_command(menu)

    async def cog_unload(self) -> None:
        """Take the entries out of the menus."""
        for menu in self._menus:
            self.bot.tree.remove_command(menu.name, type=menu.type)

    @app_commands.checks.has_permissions(moderate_members=True)
    async def warn(self, interaction: discord.Interaction[Bot], member: discord.Member) -> None:
        """Ask a moderator why, and warn a member."""
        self.acts.require_reach(member.guild, interaction.user, member, Action.WARN)
        await interaction.response.send_modal(await WarnForm.make(self, interaction, member))

    @limited(3, per=60)
    async def report(self, interaction: discord.Interaction[Bot], message: discord.Message) -> None:
        """Ask a member why, and tell the moderators of a message."""
        guild = interaction.guild
        if guild is None or await self.acts.modlog.channel(guild) is None:
            raise Refused("moderation.no_modlog")
        if message.author.id == interaction.user.id:
            raise Refused("moderation.own_message")
        await interaction.response.send_modal(await ReportForm.make(self, interaction, message))


class _Form(Modal):
    """A form with one field: why."""

    def __init__(self, cog: Menus, title: str, label: str) -> None:
        super().__init__(title=title[:45], timeout=900)
        self.cog = cog
        self.why: discord.ui.TextInput[Any] = discord.ui.TextInput(
            label=label[:45], style=discord.TextStyle.paragraph, max_length=1000, custom_id="reason"
        )
        self.add_item(self.why)


class WarnForm(_Form):
    """Why a member is warned."""

    member: discord.Member

    @classmethod
    async def make(cls, cog: Menus, interaction: discord.Interaction[Bot], member: discord.Member) -> WarnForm:
        """Make the form, in the language of the moderator."""
        title = await cog.bot.text(interaction, "moderation.form.warn", name=clean(member.display_name, 25))
        form = cls(cog, title, await cog.bot.text(interaction, "moderation.form.reason"))
        form.member = member
        return form

    async def on_submit(self, interaction: discord.Interaction, /) -> None:
        """Warn the member, where they are still within reach."""
        acts, member = self.cog.acts, self.member
        acts.require_reach(member.guild, interaction.user, member, Action.WARN)
        await interaction.response.defer(ephemeral=True, thinking=True)
        outcome = await acts.act(member.guild, Action.WARN, member, interaction.user, self.why.value)
        values = {"name": shown(member.display_name), "number": outcome.case.number}
        text = await self.cog.bot.text(interaction, "moderation.done.warn", **values)
        if outcome.was_told is False:
            text += "\n" + await self.cog.bot.text(interaction, "moderation.not_told")
        await interaction.followup.send(text, ephemeral=True, allowed_mentions=discord.AllowedMentions.none())


class ReportForm(_Form):
    """Why a message is reported."""

    message: discord.Message

    @classmethod
    async def make(cls, cog: Menus, interaction: discord.Interaction[Bot], message: discord.Message) -> ReportForm:
        """Make the form, in the language of the member."""
        title = await cog.bot.text(interaction, "moderation.form.report")
        form = cls(cog, title, await cog.bot.text(interaction, "moderation.form.reason"))
        form.message = message
        return form

    async def on_submit(self, interaction: discord.Interaction, /) -> None:
        """Tell the moderators, and thank the member.

        Raises:
            Refused: the moderators cannot be told any more.
        """
        bot, message, guild = self.cog.bot, self.message, interaction.guild
        if guild is None:
            raise Refused("common.guild_only")
        await interaction.response.defer(ephemeral=True, thinking=True)
        names = {"author": message.author.mention, "reporter": interaction.user.mention, "url": message.jump_url}
        embed = discord.Embed(title=await bot.text(guild, "moderation.report.title"), colour=0xE67E22)
        embed.description = shown(clean(message.content, LONGEST_EXCERPT)) or "-"
        embed.add_field(
            name=await bot.text(guild, "moderation.report.what"),
            value=await bot.text(guild, "moderation.report.who", **names),
            inline=False,
        )
        why = shown(clean(self.why.value, 450))
        embed.add_field(name=await bot.text(guild, "moderation.form.reason"), value=why or "-", inline=False)
        if await self.cog.acts.modlog.say(guild, embed) is None:
            raise Refused("moderation.no_modlog")
        ids = {"channel": message.channel.id, "message": message.id}
        await bot.database.log_audit("moderation.report", guild.id, interaction.user.id, message.author.id, ids)
        await interaction.followup.send(await bot.text(interaction, "moderation.report.thanks"), ephemeral=True)
