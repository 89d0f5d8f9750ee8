"""The commands of privacy."""

from __future__ import annotations

import gzip
import io
from typing import TYPE_CHECKING, Any

import discord
from discord.ext import commands

from reference.commands import hybrid_group, subcommand
from reference.limits import limited
from reference.refusals import Refused
from reference.utils.fast_json import json_dumps_bytes
from reference.utils.timestamps import utc_text
from reference.views import View

if TYPE_CHECKING:
    from reference.bot import Bot
    from reference.privacy import Forgotten

__all__ = ["ForgetView", "PrivacyCog"]

Context = commands.Context["Bot"]

LARGEST = 8 * 1024 * 1024
"""Bytes that Discord takes as a file anywhere."""


class PrivacyCog(commands.Cog, name="Privacy"):
    """What the bot keeps about people."""

    def __init__(self, bot: Bot) -> None:
        self.bot = bot

    @hybrid_group(fallback="info")
    async def privacy(self, ctx: Context) -> None:
        """Tell what the bot keeps about you, and how to have it or have it forgotten."""
        names = ", ".join(keeper.name for keeper in self.bot.privacy.keepers)
        await ctx.send(await self.bot.text(ctx, "privacy.info", names=names), ephemeral=True)

    @subcommand(privacy)
    @limited(3, per=60)
    async def export(self, ctx: Context) -> None:
        """Give you a file with everything that the bot keeps about you."""
        await ctx.defer(ephemeral=True)
        kept = await self.bot.privacy.export(ctx.author.id)
        if not kept:
            await self._tell(ctx, await self.bot.text(ctx, "privacy.nothing"))
            return
        content = json_dumps_bytes(
            {"user_id": ctx.author.id, "exported_at": utc_text(), "kept": kept}, indent=2, default=str
        )
        text = await self.bot.text(ctx, "privacy.export", count=len(kept))
        await self.bot.audit.log_action("privacy export", ctx.author.id)
        await self._tell(ctx, text, self._file(ctx, content))

    @subcommand(privacy)
    @limited(3, per=60)
    async def forget(self, ctx: Context) -> None:
        """Forget everything that the bot keeps about you."""
        view = ForgetView(ctx.author.id)
        view.yes.label, view.no.label = [
            await self.bot.text(ctx, f"privacy.forget.{name}") for name in ("confirm", "cancel")
        ]
        await ctx.send(await self.bot.text(ctx, "privacy.forget.ask"), view=view, ephemeral=True)

    def _file(self, ctx: Context, content: bytes) -> discord.File:
        """Make a file, packed where it would be too large.

        Raises:
            Refused: it is too large even then; the operator hears of it.
        """
        if len(content) <= LARGEST:
            return discord.File(io.BytesIO(content), "my-data.json")
        packed = gzip.compress(content)
        if len(packed) > LARGEST:
            self.bot.alert("An export is too large", f"Person {ctx.author.id} asked for it.", "privacy export")
            raise Refused("privacy.too_large")
        return discord.File(io.BytesIO(packed), "my-data.json.gz")

    async def _tell(self, ctx: Context, text: str, file: discord.File | None = None) -> None:
        """Answer for the person's eyes alone: ephemerally, or by a direct message after a text command."""
        more: dict[str, Any] = {} if file is None else {"file": file}
        if ctx.interaction is not None:
            await ctx.send(text, ephemeral=True, **more)
            return
        await ctx.author.send(text, **more)
        if ctx.guild is not None:
            await ctx.reply(await self.bot.text(ctx, "privacy.sent"), mention_author=False)


class ForgetView(View):
    """Asks whether everything shall be forgotten.

    Args:
        user_id: who is asked.
    """

    def __init__(self, user_id: int) -> None:
        super().__init__(timeout=120, user_id=user_id)

    @discord.ui.button(style=discord.ButtonStyle.danger)
    async def yes(self, interaction: discord.Interaction[Bot], _button: discord.ui.Button[ForgetView]) -> None:
        """Forget."""
        self.stop()
        await interaction.response.defer()
        bot = interaction.client
        forgotten = await bot.privacy.forget(interaction.user.id)
        await bot.audit.log_action("privacy forget", details={"entries": forgotten.entries})
        for name, error in forgotten.failed:
            await bot.errors.handle(error, None, f"privacy forget: {name}")
        await interaction.edit_original_response(content=await _told(bot, interaction, forgotten), view=None)

    @discord.ui.button(style=discord.ButtonStyle.secondary)
    async def no(self, interaction: discord.Interaction[Bot], _button: discord.ui.Button[ForgetView]) -> None:
        """Leave everything as it is."""
        self.stop()
        text = await interaction.client.text(interaction, "common.cancelled")
        await interaction.response.edit_message(content=text, view=None)


async def _told(bot: Bot, place: discord.Interaction, forgotten: Forgotten) -> str:
    """Say what became of a wish to be forgotten."""
    lines = [await bot.text(place, "privacy.forgotten", count=forgotten.entries)]
    if forgotten.failed:
        names = ", ".join(name for name, _ in forgotten.failed)
        lines.append(await bot.text(place, "privacy.failed", names=names))
    if forgotten.stays:
        lines.append(await bot.text(place, "privacy.stays"))
        lines += [f"- {await bot.text(place, key)}" for key in forgotten.stays]
    return "\n".join(lines)
