"""What the bot can do, for whoever asks: the commands that they may use, in their language."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .cog import Help

if TYPE_CHECKING:
    from reference.bot import Bot

__all__ = ["Help", "setup"]


async def setup(bot: Bot) -> None:
    """Add the area to a bot."""
    await bot.add_cog(Help(bot))
