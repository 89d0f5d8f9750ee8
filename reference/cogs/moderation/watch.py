"""What the bot hears from Discord about moderation, and what it takes up again when a guild is there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from discord.ext import commands

if TYPE_CHECKING:
    import discord

    from .expiry import Expiry
    from .recovery import Recovery

__all__ = ["Watch"]


class Watch(commands.Cog):
    """Listens."""

    def __init__(self, recovery: Recovery, expiry: Expiry) -> None:
        self.recovery = recovery
        self.expiry = expiry

    async def cog_load(self) -> None:
        """Begin to lift bans at their time."""
        self.expiry.start()

    async def cog_unload(self) -> None:
        """End it."""
        await self.expiry.stop()

    @commands.Cog.listener()
    async def on_guild_available(self, guild: discord.Guild) -> None:
        """Take up what was left off in a guild."""
        await self.recovery.reconcile(guild)
        await self.recovery.catch_up(guild)
        self.expiry.wake()

    @commands.Cog.listener()
    async def on_audit_log_entry_create(self, entry: discord.AuditLogEntry) -> None:
        """Make a case of what was done by hand."""
        await self.recovery.note_entry(entry)
