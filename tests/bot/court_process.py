"""A bot that moderates, as a process of its own: `python -m tests.bot.court_process PORT TOKEN DATA`."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from localdiscord.connector import LocalConnector
from reference import bot as bot_module
from reference.config import Settings


async def run(port: str, token: str, data: str) -> None:
    """Run until somebody ends it."""
    setattr(bot_module, "AREAS", ("moderation", "settings"))  # noqa: B010  what a test does with monkeypatch
    connector = LocalConnector(int(port))
    async with bot_module.build_bot(Settings(data=Path(data)), connector=connector, guild_ready_timeout=0) as bot:
        await bot.start(token)


if __name__ == "__main__":
    asyncio.run(run(*sys.argv[1:]))
