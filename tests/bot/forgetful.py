"""The bot, which never notes that a reminder was delivered: `python -m tests.bot.forgetful`, as `python -m reference`.

Whoever kills it does so between Discord's answer and the note.
"""

from __future__ import annotations

import asyncio
import sys

from reference.__main__ import main
from reference.cogs.community.reminder_store import ReminderStore


async def _never(*_: object) -> None:
    await asyncio.Event().wait()


if __name__ == "__main__":
    setattr(ReminderStore, "delivered", _never)  # noqa: B010  what a test does with monkeypatch
    sys.exit(main())
