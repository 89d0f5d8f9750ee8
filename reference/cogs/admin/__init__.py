"""For the operator: whether the bot is well, what went wrong, and what to do about it. All but /ping is the owner's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .cog import Admin

if TYPE_CHECKING:
    from reference.bot import Bot

__all__ = ["Admin", "setup"]


async def setup(bot: Bot) -> None:
    """Add the area to a bot."""
    await bot.add_cog(Admin(bot))
