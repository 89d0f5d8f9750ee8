"""A bot of the community, as a process of its own: `python -m tests.bot.community_process PORT TOKEN DATA`.

It never notes that a reminder was delivered: whoever kills it does so between Discord's answer and the note.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from localdiscord.connector import LocalConnector
from reference import bot as bot_module
from reference.cogs.community.reminder_store import ReminderStore
from reference.config import Settings


async def _never(*_: object) -> None:
    await asyncio.Event().wait()


async def run(port: str, token: str, data: str) -> None:
    """Run until somebody ends it."""
    setattr(bot_module, "AREAS", ("community",))  # noqa: B010  what a test does with monkeypatch
    setattr(ReminderStore, "delivered", _never)  # noqa: B010
    settings = Settings(data=Path(data))
    async with bot_module.build_bot(settings, connector=LocalConnector(int(port)), guild_ready_timeout=0) as bot:
        await bot.start(token)


if __name__ == "__main__":
    asyncio.run(run(*sys.argv[1:]))
