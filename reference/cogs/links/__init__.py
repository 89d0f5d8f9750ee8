"""Links: pages that people link to, read by the safe fetcher and summarised."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reference.bot import Bot

__all__ = ["setup"]


async def setup(bot: Bot) -> None:
    """Add the area to a bot."""
    from reference.cogs.links.cog import Links  # noqa: PLC0415  the bot's settings import this package for its own

    await bot.add_cog(Links(bot))
