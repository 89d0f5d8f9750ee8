"""Commands about settings: the form, each setting by itself, and all of them as a file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import discord  # noqa: TC002  discord.py reads the annotations
from discord.ext import commands

from reference.cogs.moderation.guards import guarded, guild_of, quietly
from reference.commands import hybrid_group, subcommand
from reference.errors import Refused
from reference.guilds import Feature
from reference.utils.localization import Language

from .choices import CHANNELS, LANGUAGES, check_prefix
from .document import LARGEST, Chosen, read
from .keeping import names_of

if TYPE_CHECKING:
    from reference.bot import Bot

    from .panel import Panel

__all__ = ["SettingsCog"]

Spoken = Literal["auto", "en", "th"]
Place = Literal["log", "welcome", "ai"]
Switch = Literal["ai", "links", "music", "automod", "welcome", "roles", "reminders", "polls", "stats", "feedback"]
Percent = commands.Range[int, 0, 200]
Delay = commands.Range[int, 0, 86_400]


class SettingsCog(commands.Cog, name="Settings"):
    """What those who manage a server choose."""

    def __init__(self, bot: Bot, panel: Panel) -> None:
        self.bot = bot
        self.panel = panel

    async def cog_load(self) -> None:
        """Begin to keep forms up to date."""
        self.bot.guild_configs.listeners.append(self.panel.changed)

    async def cog_unload(self) -> None:
        """End it."""
        self.bot.guild_configs.listeners.remove(self.panel.changed)

    @commands.Cog.listener()
    async def on_policy_change(self, guild_id: int) -> None:
        """Keep the page of the filters up to date."""
        self.panel.changed(guild_id)

    @hybrid_group(fallback="form")
    @guarded("manage_guild", "")
    async def settings(self, ctx: commands.Context[Bot]) -> None:
        """Show the settings as a form.

        Args:
            ctx: where.
        """
        await self.panel.open(ctx)

    @subcommand(settings)
    @guarded("manage_guild", "")
    async def language(self, ctx: commands.Context[Bot], language: Spoken) -> None:
        """Choose the language in which I answer.

        Args:
            ctx: where.
            language: English, Thai, or that of each reader.
        """
        chosen = None if language == "auto" else Language(language)
        await self._save(ctx, language=chosen and chosen.value)
        key = "settings.set.language" if chosen else "settings.set.language_auto"
        await quietly(ctx, key, language=LANGUAGES[chosen] if chosen else "")

    @subcommand(settings)
    @guarded("manage_guild", "")
    async def prefix(self, ctx: commands.Context[Bot], prefix: str | None = None) -> None:
        """Choose what begins a text command.

        Args:
            ctx: where.
            prefix: Up to 10 characters; nothing for the usual one.
        """
        chosen = check_prefix(prefix) if prefix else None
        await self._save(ctx, prefix=chosen)
        await quietly(ctx, "settings.set.prefix", prefix=chosen or self.bot.settings.prefix)

    @subcommand(settings)
    @guarded("manage_guild", "")
    async def channel(
        self, ctx: commands.Context[Bot], purpose: Place, channel: discord.TextChannel | None = None
    ) -> None:
        """Choose a channel for the mod-log, for newcomers, or for the AI.

        Args:
            ctx: where.
            purpose: What for.
            channel: Which; nothing for none.
        """
        name = CHANNELS[purpose]
        if channel is not None:
            _require_writing(channel)
        await self._save(ctx, **{name: channel.id if channel else None})
        what = await self.bot.text(ctx, f"settings.field.{name}")
        key = "settings.set.channel" if channel else "settings.set.unset"
        await quietly(ctx, key, what=what, value=channel.mention if channel else "")

    @subcommand(settings)
    @guarded("manage_guild", "")
    async def dj(self, ctx: commands.Context[Bot], role: discord.Role | None = None) -> None:
        """Choose who may direct the music.

        Args:
            ctx: where.
            role: The members of which role; nothing for everybody.
        """
        await self._save(ctx, dj_role_id=role.id if role else None)
        what = await self.bot.text(ctx, "settings.field.dj_role_id")
        await quietly(
            ctx, "settings.set.channel" if role else "settings.set.unset", what=what, value=role.mention if role else ""
        )

    @subcommand(settings)
    @guarded("manage_guild", "")
    async def music(
        self,
        ctx: commands.Context[Bot],
        volume: Percent | None = None,
        delay: Delay | None = None,
        stay: bool | None = None,
    ) -> None:
        """Choose how loud the music is, and how long I stay alone.

        Args:
            ctx: where.
            volume: In percent, up to 200.
            delay: Seconds after which I leave an empty voice channel.
            stay: Never leave it.
        """
        given = {
            "music_volume": None if volume is None else volume / 100,
            "auto_disconnect_delay": delay,
            "mode_247": stay,
        }
        await self._save(ctx, **{name: value for name, value in given.items() if value is not None})
        await quietly(ctx, "settings.saved")

    @subcommand(settings)
    @guarded("manage_guild", "")
    async def feature(self, ctx: commands.Context[Bot], feature: Switch, enabled: bool) -> None:
        """Switch a feature on or off.

        Args:
            ctx: where.
            feature: Which.
            enabled: On or off.
        """
        await self.panel.keeping.switch(guild_of(ctx), ctx.author, {Feature(feature): enabled})
        name = await self.bot.text(ctx, f"settings.feature.{feature}")
        await quietly(ctx, "settings.set.on" if enabled else "settings.set.off", name=name)

    @subcommand(settings)
    @guarded("manage_guild", "")
    async def export(self, ctx: commands.Context[Bot]) -> None:
        """Get all settings as a file.

        Args:
            ctx: where.
        """
        file = await self.panel.file(guild_of(ctx))
        await ctx.send(await self.bot.text(ctx, "settings.exported"), file=file, ephemeral=True)

    @subcommand(settings, name="import")
    @guarded("manage_guild", "")
    async def import_(self, ctx: commands.Context[Bot], file: discord.Attachment) -> None:
        """Take over all settings from a file, after a look at what would change.

        Args:
            ctx: where.
            file: What `settings export` gave.
        """
        if file.size > LARGEST:
            raise Refused("settings.import.too_large", most=LARGEST // 1024)
        guild = guild_of(ctx)
        await ctx.defer(ephemeral=True)
        wanted, left_out = read(await file.read(), names_of(guild))
        embed, view = await self.panel.preview(ctx, guild, ctx.author, wanted, left_out)
        await ctx.send(embed=embed, view=view, ephemeral=True)

    @subcommand(settings)
    @guarded("manage_guild", "")
    async def reset(self, ctx: commands.Context[Bot]) -> None:
        """Set everything back, after a look at what would change.

        Args:
            ctx: where.
        """
        embed, view = await self.panel.preview(ctx, guild_of(ctx), ctx.author, Chosen({}), [])
        await ctx.send(embed=embed, view=view, ephemeral=True)

    async def _save(self, ctx: commands.Context[Bot], **settings: object) -> None:
        if settings:
            await self.panel.keeping.save(guild_of(ctx), ctx.author, **settings)


def _require_writing(channel: discord.TextChannel) -> None:
    """Refuse a channel in which the bot cannot write.

    Raises:
        Refused: it cannot.
    """
    may = channel.permissions_for(channel.guild.me)
    if not (may.view_channel and may.send_messages and may.embed_links):
        raise Refused("settings.no_writing", channel=channel.mention)
