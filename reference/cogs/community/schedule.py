"""Work that falls due: one task that sleeps until the next thing is, or until something changes."""

from __future__ import annotations

import asyncio
import sqlite3
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import aiohttp
import discord

from reference.utils.monitoring.structured_logger import get_logger

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from reference.bot import Bot

__all__ = ["TROUBLE", "Schedule", "utc_now"]

log = get_logger(__name__)

TROUBLE = (discord.HTTPException, aiohttp.ClientError, OSError, TimeoutError)
"""What a request to Discord may end with: a refusal, or no answer, after which nobody knows what became of it."""

AGAIN_SECONDS = 60.0
"""After which work is tried again that failed."""

LONGEST_SLEEP = 6 * 3600.0
"""Seconds; a clock that was set is noticed after them."""


def utc_now() -> datetime:
    """Return the time."""
    return datetime.now(UTC)


class Schedule:
    """Does what is due, from the moment the bot is ready.

    Args:
        bot: whose work it is.
        name: what it is called in logs.
        work: does all that is due, and returns when the next thing is; None where there is none.

    Attributes:
        now: tells the time.
    """

    def __init__(self, bot: Bot, name: str, work: Callable[[], Awaitable[datetime | None]]) -> None:
        self._bot = bot
        self._name = name
        self._work = work
        self._wake = asyncio.Event()
        self._resting = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.now: Callable[[], datetime] = utc_now

    def start(self) -> None:
        """Begin; called in the event loop in which the bot runs."""
        self._task = asyncio.create_task(self._run(), name=self._name)

    async def stop(self) -> None:
        """End."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def wake(self) -> None:
        """Look again at once: something was written down, or is no longer wanted."""
        self._resting.clear()
        self._wake.set()

    async def settled(self) -> None:
        """Wait until all that is due has been done."""
        await self._resting.wait()

    async def _run(self) -> None:
        await self._bot.wait_until_ready()
        while True:
            self._wake.clear()
            begun = self.now()
            try:
                seconds = self._until(await self._work(), begun)
            except (sqlite3.Error, OSError) as error:
                log.warning("%s cannot be looked up", self._name, error=str(error))
                seconds = AGAIN_SECONDS
            except Exception as error:  # noqa: BLE001  one bad entry must not end all others
                await self._bot.errors.handle(error, None, self._name)
                seconds = AGAIN_SECONDS
            if not self._wake.is_set():
                self._resting.set()
            try:
                async with asyncio.timeout(seconds):
                    await self._wake.wait()
            except TimeoutError:
                continue

    def _until(self, due: datetime | None, begun: datetime) -> float:
        """Return the seconds to the next look: none for what came due while work was done, more for what work left."""
        if due is None:
            return LONGEST_SLEEP
        left = (due - self.now()).total_seconds()
        return min(LONGEST_SLEEP, max(0.0, left)) if due > begun else AGAIN_SECONDS
