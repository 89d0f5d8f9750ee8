"""What the bot hears from Discord about moderation, and what it takes up again when a guild is there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from discord.ext import commands

if TYPE_CHECKING:
    import discord

    from reference.bot import Bot

    from .expiry import Expiry
    from .recovery import Recovery

__all__ = ["Watch"]


class Watch(commands.Cog):
    """Listens."""

    def __init__(self, bot: Bot, recovery: Recovery, expiry: Expiry) -> None:
        self.bot = bot
        self.recovery = recovery
        self.expiry = expiry
        self._taking_up: set[int] = set()
        self._taken_up: set[int] = set()

    async def cog_load(self) -> None:
        """Begin to lift bans at their time."""
        self.expiry.start()

    async def cog_unload(self) -> None:
        """End it."""
        await self.expiry.stop()

    @commands.Cog.listener()
    async def on_ready(self) -> None:
        """Take up what was left off in the guilds that were there before anybody could hear of it."""
        for guild in self.bot.guilds:
            if guild.id not in self._taken_up:
                await self.take_up(guild)

    @commands.Cog.listener()
    async def on_guild_available(self, guild: discord.Guild) -> None:
        """Take up what was left off in a guild that comes late, or comes back."""
        await self.take_up(guild)

    async def take_up(self, guild: discord.Guild) -> None:
        """Settle what was left off in a guild, unless that is being done, and look for bans that are over."""
        if guild.unavailable or guild.id in self._taking_up:
            return
        self._taking_up.add(guild.id)
        self._taken_up.add(guild.id)
        try:
            await self.recovery.reconcile(guild)
            await self.recovery.catch_up(guild)
        finally:
            self._taking_up.discard(guild.id)
        self.expiry.wake()

    @commands.Cog.listener()
    async def on_audit_log_entry_create(self, entry: discord.AuditLogEntry) -> None:
        """Make a case of what was done by hand."""
        await self.recovery.note_entry(entry)
