"""AI chat: answers of a language model, or of the scripted one, in channels and direct messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reference.bot import Bot

__all__ = ["setup"]


async def setup(bot: Bot) -> None:
    """Add the area to a bot."""
    from reference.cogs.ai.loading import load  # noqa: PLC0415  the bot's settings import this package for its own

    await load(bot)
