"""For the operator: whether the bot is well, and what to do where it is not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from discord.ext import commands

from reference.commands import hybrid_command

if TYPE_CHECKING:
    from reference.bot import Bot

__all__ = ["Admin", "setup"]


class Admin(commands.Cog):
    """The operator's commands."""

    def __init__(self, bot: Bot) -> None:
        self.bot = bot

    @hybrid_command()
    async def ping(self, ctx: commands.Context[Bot]) -> None:
        """Tell how quickly the bot answers."""
        await ctx.send(await self.bot.text(ctx, "admin.pong", milliseconds=round(self.bot.latency * 1000)))


async def setup(bot: Bot) -> None:
    """Add the area to a bot."""
    await bot.add_cog(Admin(bot))
