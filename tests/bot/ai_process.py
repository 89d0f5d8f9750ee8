"""A bot that answers, as a process of its own: `python -m tests.bot.ai_process PORT TOKEN DATA BASE_URL`."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from localdiscord.connector import LocalConnector
from reference import bot as bot_module
from reference.cogs.ai.config import AIEndpoint, AISettings
from reference.config import Settings


async def run(port: str, token: str, data: str, base_url: str) -> None:
    """Run until somebody ends it."""
    setattr(bot_module, "AREAS", ("ai",))  # noqa: B010  what a test does with monkeypatch
    ai = AISettings(endpoint=AIEndpoint(base_url=base_url, model="test-model"), edit_seconds=0.02, retries=0)
    connector = LocalConnector(int(port))
    settings = Settings(data=Path(data), ai=ai)
    async with bot_module.build_bot(settings, connector=connector, guild_ready_timeout=0) as bot:
        await bot.start(token)


if __name__ == "__main__":
    asyncio.run(run(*sys.argv[1:]))
