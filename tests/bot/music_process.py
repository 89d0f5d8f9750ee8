"""A bot that plays music, as a process of its own: `python -m tests.bot.music_process PORT TOKEN DATA`."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from localdiscord.connector import LocalConnector
from reference import bot as bot_module
from reference.cogs.music.config import MusicSettings
from reference.config import Settings


async def run(port: str, token: str, data: str) -> None:
    """Run until somebody ends it."""
    setattr(bot_module, "AREAS", ("music",))  # noqa: B010  what a test does with monkeypatch
    settings = Settings(data=Path(data), music=MusicSettings(save_seconds=0.1))
    connector = LocalConnector(int(port))
    async with bot_module.build_bot(settings, connector=connector, guild_ready_timeout=0) as bot:
        await bot.start(token)


if __name__ == "__main__":
    asyncio.run(run(*sys.argv[1:]))
