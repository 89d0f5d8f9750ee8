"""Waiting until local Discord and the discord.py clients in this process have nothing more to do."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from localdiscord import LocalDiscord

__all__ = ["HANDLING", "settled"]

HANDLING = ("discord.py: ", "CommandTree-invoker", "discord-ui-view-dispatch-", "discord-ui-modal-dispatch-")
"""How discord.py names the tasks in which a bot handles what happened."""

ARRIVING = "ConnectionState._chunk_and_dispatch"
"""What of discord.py tells the bot of a guild once its members are there; the task has no name."""


async def settled(discord: LocalDiscord, seconds: float = 20.0) -> None:
    """Wait until all events have arrived and been handled, and all requests have been answered.

    Args:
        discord: the server.
        seconds: how long it may take.

    Raises:
        TimeoutError: it takes longer; the message names what is not done.
    """
    deadline = asyncio.get_running_loop().time() + seconds
    while True:
        left = max(deadline - asyncio.get_running_loop().time(), 0.01)
        await discord.settled(left)
        handling = [task for task in asyncio.all_tasks() if _handles(task)]
        if not handling:
            return
        _, running = await asyncio.wait(handling, timeout=left)
        if running:
            names = ", ".join(sorted(task.get_name() for task in running))
            raise TimeoutError(f"The bot is not done after {seconds:g} s: {names}.")


def _handles(task: asyncio.Task[object]) -> bool:
    coroutine = getattr(task.get_coro(), "__qualname__", "")
    return task.get_name().startswith(HANDLING) or coroutine == ARRIVING
