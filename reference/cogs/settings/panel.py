"""Drawing the form and keeping it up to date; export, import and reset, with a look before and a way back."""

from __future__ import annotations

import asyncio
import contextlib
import io
from typing import TYPE_CHECKING

import discord
from discord.ext import commands

from reference.cogs.moderation.policy import FILTERS
from reference.guilds import DEFAULTS, Feature
from reference.utils.localization import Language
from reference.views import View

from .choices import FIELDS, Page, shown
from .document import Chosen, write
from .form import Form
from .keeping import Keeping, differences, names_of
from .parts import Press, require_manager

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from reference.bot import Bot

__all__ = ["Panel"]

COLOUR = 0x3498DB
MOST_LINES = 25
GONE = frozenset({10003, 10008, 50001, 50013})
"""Discord's codes for a form that is gone, or out of the bot's sight."""


class Panel:
    """The form of a guild, and what it does.

    Args:
        bot: the bot.
    """

    def __init__(self, bot: Bot) -> None:
        self.bot = bot
        self.keeping = Keeping(bot)
        self._in_hand: set[int] = set()
        self._stale: set[int] = set()

    async def chosen(self, interaction: discord.Interaction) -> Chosen:
        """Return what the guild of an interaction chose."""
        return await self.keeping.chosen(_guild(interaction).id)

    async def draw(self, guild: discord.Guild, page: Page) -> tuple[discord.Embed, Form]:
        """Return a page of the form as it stands now, in the language of the guild."""
        chosen, language = await self.keeping.chosen(guild.id), await self.bot.language(guild)
        title = await self.bot.text(guild, "settings.title", guild=discord.utils.escape_markdown(guild.name))
        embed = discord.Embed(title=title, colour=COLOUR)
        for label, value in await self._lines(guild, page, chosen):
            embed.add_field(name=label, value=value, inline=True)
        embed.set_footer(text=await self.bot.text(guild, "settings.footer"))
        return embed, Form(self, page, chosen, language)

    async def _lines(self, guild: discord.Guild, page: Page, chosen: Chosen) -> list[tuple[str, str]]:
        async def text(key: str) -> str:
            return await self.bot.text(guild, f"settings.{key}")

        if page is Page.FEATURES:
            states = {each: chosen.features.get(each, DEFAULTS[each]) for each in Feature}
            return [(await text(f"feature.{each}"), await text("on" if on else "off")) for each, on in states.items()]
        if page is Page.AUTOMOD:
            return await self._automod_lines(guild, chosen)
        lines = []
        for name, field in FIELDS.items():
            if field.page is page:
                value = shown(name, chosen.settings.get(name), guild)
                said = await text("not_chosen") if value is None else value
                lines.append((await text(f"field.{name}"), await text(said) if said in {"on", "off"} else said))
        return lines

    async def _automod_lines(self, guild: discord.Guild, chosen: Chosen) -> list[tuple[str, str]]:
        lines = []
        for name in FILTERS:
            rule = chosen.policy.rule(name)
            key = f"moderation.automod.{rule.action}" if rule.enabled else "settings.off"
            lines.append(
                (await self.bot.text(guild, f"moderation.filter_name.{name}"), await self.bot.text(guild, key))
            )
        after = chosen.policy.escalation
        key = "moderation.automod.escalation" if after.enabled else "moderation.automod.no_escalation"
        values = after.model_dump(include={"warnings", "hours", "minutes"})
        label = await self.bot.text(guild, "settings.button.escalation")
        return [*lines, (label, await self.bot.text(guild, key, **values))]

    async def open(self, ctx: commands.Context[Bot], page: Page = Page.GENERAL) -> None:
        """Put a form into a channel; it is kept up to date from then on."""
        guild = ctx.guild
        if guild is None:
            raise commands.NoPrivateMessage
        embed, form = await self.draw(guild, page)
        message = await ctx.send(embed=embed, view=form, allowed_mentions=discord.AllowedMentions.none())
        await self.keeping.set_form(guild.id, message.channel.id, message.id, page.value)

    async def show(self, interaction: discord.Interaction, page: Page) -> None:
        """Show a page in place of the one whose component was used."""
        guild = _guild(interaction)
        embed, form = await self.draw(guild, page)
        await interaction.response.edit_message(embed=embed, view=form)
        message = interaction.message
        if message is not None:
            await self.keeping.set_form(guild.id, message.channel.id, message.id, page.value)

    @contextlib.asynccontextmanager
    async def changing(self, interaction: discord.Interaction, page: Page) -> AsyncIterator[discord.Guild]:
        """Change something in the body, and show the page as it is then."""
        guild = _guild(interaction)
        self._in_hand.add(guild.id)
        try:
            yield guild
        finally:
            self._in_hand.discard(guild.id)
        await self.show(interaction, page)

    # Kept up to date

    def changed(self, guild_id: int) -> None:
        """Take note that the choices of a guild changed: its form is drawn anew, once for many changes."""
        if guild_id in self._in_hand or guild_id in self._stale or self.bot.is_ending:
            return
        with contextlib.suppress(RuntimeError):
            asyncio.get_running_loop()
            self._stale.add(guild_id)
            self.bot.spawn(self._refresh(guild_id), "form of settings")

    async def _refresh(self, guild_id: int) -> None:
        try:
            form = await self.keeping.form(guild_id)
        finally:
            self._stale.discard(guild_id)
        guild = self.bot.get_guild(guild_id)
        channel = guild.get_channel_or_thread(form[0]) if guild is not None and form is not None else None
        if guild is None or form is None or not isinstance(channel, discord.abc.Messageable):
            return
        embed, view = await self.draw(guild, Page(form[2]))
        try:
            await channel.get_partial_message(form[1]).edit(embed=embed, view=view)
        except discord.HTTPException as error:
            if error.code not in GONE:
                raise
            await self.keeping.drop_form(guild_id, form[1])

    # Export, import, reset

    async def file(self, guild: discord.Guild) -> discord.File:
        """Return everything that a guild chose as a file."""
        raw = write(guild.id, await self.keeping.chosen(guild.id), names_of(guild))
        return discord.File(io.BytesIO(raw), f"settings-{guild.id}.json")

    async def export(self, interaction: discord.Interaction) -> None:
        """Hand out the file to whoever pressed the button."""
        file = await self.file(_guild(interaction))
        text = await self.bot.text(interaction, "settings.exported")
        await interaction.response.send_message(text, file=file, ephemeral=True)

    async def ask_reset(self, interaction: discord.Interaction) -> None:
        """Ask whether everything shall be as in the beginning."""
        embed, view = await self.preview(interaction, _guild(interaction), interaction.user, Chosen({}), [])
        await interaction.response.send_message(embed=embed, view=view, ephemeral=True)

    async def preview(
        self,
        place: commands.Context[Bot] | discord.Interaction,
        guild: discord.Guild,
        user: discord.abc.User,
        wanted: Chosen,
        left_out: list[str],
    ) -> tuple[discord.Embed, View]:
        """Return what would change, with the buttons that do it or do not.

        Args:
            place: whose language it is in.
            guild: whose settings.
            user: who may press the buttons.
            wanted: what would be chosen.
            left_out: names of what is not in this guild.
        """
        rows = differences(await self.keeping.chosen(guild.id), wanted, guild)
        nothing = await self.bot.text(place, "settings.not_chosen")
        lines = []
        for key, old, new in rows[:MOST_LINES]:
            label = await self.bot.text(place, key)
            lines.append(f"**{label}**" + (f": {old or nothing} → {new or nothing}" if old != "" else ""))
        title = await self.bot.text(place, "settings.preview", count=len(rows))
        embed = discord.Embed(title=title, colour=COLOUR, description="\n".join(lines)[:4000] or "-")
        if left_out:
            names = ", ".join(f"`{name}`" for name in left_out[:20])
            embed.add_field(name=await self.bot.text(place, "settings.left_out"), value=names)
        view = View(timeout=600, user_id=user.id)

        async def confirm(interaction: discord.Interaction) -> None:
            require_manager(interaction)
            await self._replace(interaction, wanted)

        async def cancel(interaction: discord.Interaction) -> None:
            text = await self.bot.text(interaction, "common.cancelled")
            await interaction.response.edit_message(content=text, embed=None, view=None)

        view.add_item(Press("confirm", await self.bot.text(place, "settings.button.confirm"), confirm, style=GREEN))
        view.add_item(Press("cancel", await self.bot.text(place, "settings.button.cancel"), cancel))
        return embed, view

    async def _replace(self, interaction: discord.Interaction, wanted: Chosen) -> None:
        """Replace everything, and offer to undo it."""
        guild = _guild(interaction)
        before = await self.keeping.chosen(guild.id)
        await self.keeping.replace(guild, interaction.user, wanted)
        view = View(timeout=900, user_id=interaction.user.id)

        async def undo(again: discord.Interaction) -> None:
            require_manager(again)
            await self.keeping.replace(guild, again.user, before)
            text = await self.bot.text(again, "settings.undone")
            await again.response.edit_message(content=text, view=None)

        view.add_item(Press("undo", await self.bot.text(interaction, "settings.button.undo"), undo))
        text = await self.bot.text(interaction, "settings.saved")
        await interaction.response.edit_message(content=text, embed=None, view=view)

    def persistent(self) -> list[Form]:
        """Return a page of each kind, which answers for those that were sent before a restart."""
        return [Form(self, page, language=Language.ENGLISH) for page in Page]


GREEN = discord.ButtonStyle.success


def _guild(interaction: discord.Interaction) -> discord.Guild:
    """Return the guild of an interaction that happens in guilds only.

    Raises:
        commands.NoPrivateMessage: it happened elsewhere.
    """
    if interaction.guild is None:
        raise commands.NoPrivateMessage
    return interaction.guild
