"""Settings: what a guild chooses, in a form, by commands, and as a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .cog import SettingsCog
from .panel import Panel

if TYPE_CHECKING:
    from reference.bot import Bot

__all__ = ["setup"]


async def setup(bot: Bot) -> None:
    """Add the area to a bot."""
    panel = Panel(bot)
    cog = SettingsCog(bot, panel)
    await bot.add_cog(cog)
    bot.persistent.add(cog, *panel.persistent())
