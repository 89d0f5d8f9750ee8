"""What the bot is doing at the moment: each piece of work under an id, measured, and waited for at the end."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

from .utils.monitoring.health_api import health_data
from .utils.monitoring.metrics import metrics
from .utils.monitoring.performance_tracker import perf_tracker
from .utils.monitoring.structured_logger import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["HANDLERS", "begin", "drain", "handlers"]

log = get_logger(__name__)

HANDLERS = ("discord.py: ", "CommandTree-invoker", "discord-ui-view-dispatch", "discord-ui-modal", "discord-ui-dynamic")
"""How the names of the tasks begin in which discord.py runs a bot's code."""


COMMAND = "command"
"""The kind of work that is counted; what else is done is measured alone."""


def begin(kind: str, name: str, failed: Callable[[], bool] | None = None, **fields: Any) -> None:
    """Begin a piece of work in the current task, which is part of it until it ends.

    All lines that are logged from here on share an id.

    Args:
        kind: `COMMAND`, or what else it is.
        name: of the command.
        failed: asked at the end whether it failed.
        **fields: for the log.
    """
    log.request(**{kind: name}, **fields).__enter__()
    if kind == COMMAND:
        metrics.increment_commands(name)
        health_data.increment_commands()
    begun = time.perf_counter()

    def end(_task: asyncio.Task[Any]) -> None:
        seconds, is_failed = time.perf_counter() - begun, failed is not None and failed()
        if kind == COMMAND:
            metrics.observe("command_seconds", name, seconds)
        perf_tracker.record(f"{kind} {name}", seconds, failed=is_failed)
        if is_failed:
            metrics.increment("command_errors", name)

    if (task := asyncio.current_task()) is not None:
        task.add_done_callback(end)


def handlers() -> list[asyncio.Task[Any]]:
    """Return the tasks in which the bot's code runs at the moment, the current one left out."""
    current = asyncio.current_task()
    return [task for task in asyncio.all_tasks() if task is not current and task.get_name().startswith(HANDLERS)]


async def drain(seconds: float) -> list[str]:
    """Wait until the bot's code has come to its end, that which begins meanwhile included.

    Args:
        seconds: how long to wait at most.

    Returns:
        The names of the tasks that were still running then.
    """
    deadline = asyncio.get_running_loop().time() + seconds
    while (running := handlers()) and (left := deadline - asyncio.get_running_loop().time()) > 0:
        await asyncio.wait(running, timeout=left)
    names = [task.get_name() for task in running]
    if names:
        log.warning("still running after %.0f s: %s", seconds, ", ".join(names))
    return names
