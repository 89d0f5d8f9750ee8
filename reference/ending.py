"""The end in order: no new commands, what runs is finished, voice is left, what is due is written, then all closes.

A signal or `/admin shutdown` ends the process, `/admin restart` and a failure only the bot; the steps are the same.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from . import work
from .utils.monitoring.structured_logger import get_logger
from .utils.reliability.shutdown_manager import Priority, ShutdownManager

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from .bot import Bot

__all__ = ["GRACE_SECONDS", "Ending"]

log = get_logger(__name__)

GRACE_SECONDS = 20.0
"""Seconds for everything but the commands that run."""

STEP_SECONDS = 8.0


@dataclass(frozen=True)
class _Step:
    name: str
    priority: Priority
    do: Callable[[], Awaitable[object]]
    seconds: float = STEP_SECONDS


class Ending:
    """How a bot ends.

    Args:
        bot: the bot.
        manager: ends the process, and the bot with it.
    """

    def __init__(self, bot: Bot, manager: ShutdownManager) -> None:
        self._bot = bot
        self._manager = manager
        self._before: dict[str, Callable[[], Awaitable[object]]] = {}
        self._under_way: asyncio.Task[object] | None = None
        drain = bot.settings.watch.drain_seconds
        self._steps = (
            _Step("finish commands", Priority.CRITICAL, self._drain, drain + 1),
            _Step("finish areas", Priority.HIGH, self._finish_areas),
            _Step("write what is due", Priority.NORMAL, bot.database.flush_pending_exports),
            _Step("leave Discord", Priority.LOW, bot.close),
        )

    @property
    def is_under_way(self) -> bool:
        """Whether the bot was asked to end."""
        return self._under_way is not None or self._manager.is_shutting_down

    def before_leaving(self, name: str, do: Callable[[], Awaitable[object]]) -> None:
        """Have an area do something at the end while the bot is still connected, before it leaves voice.

        Args:
            name: the area's; a later one of the same name takes its place.
            do: called without arguments.
        """
        self._before[name] = do

    def register(self) -> None:
        """Let the end of the process be the end of the bot."""
        for step in self._steps:
            self._manager.register(step.name, step.do, step.priority, step.seconds)

    def unregister(self) -> None:
        """Undo `register`."""
        for step in self._steps:
            self._manager.unregister(step.name)

    def begin(self, why: str, *, restart: bool = False) -> None:
        """End soon; the caller goes on and may finish what it does.

        Args:
            why: who asked for it.
            restart: end the bot alone, so that it can be started anew.
        """
        self._bot.is_ending = True
        manager = self._manager
        if restart:
            manager = ShutdownManager(self._bot.settings.watch.drain_seconds + GRACE_SECONDS, force_exit=False)
            for step in self._steps:
                manager.register(step.name, step.do, step.priority, step.seconds)
        self._under_way = asyncio.get_running_loop().create_task(manager.shutdown(why), name=f"end by {why}")

    async def _drain(self) -> None:
        self._bot.is_ending = True
        await work.drain(self._bot.settings.watch.drain_seconds)

    async def _finish_areas(self) -> None:
        """Let areas do what they have to, then leave voice; what fails is logged and keeps nothing from its turn."""
        finished = await asyncio.gather(*(do() for do in self._before.values()), return_exceptions=True)
        left = await asyncio.gather(
            *(client.disconnect(force=True) for client in self._bot.voice_clients), return_exceptions=True
        )
        for error in (*finished, *left):
            if isinstance(error, Exception):
                log.error("something was not finished at the end", exc_info=error)
