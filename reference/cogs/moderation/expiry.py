"""Lifting bans at their time: one task that sleeps until the next is due, or until something changes."""

from __future__ import annotations

import asyncio
import sqlite3
from typing import TYPE_CHECKING

from reference.errors import Refused
from reference.utils.monitoring.structured_logger import get_logger

from .texts import TROUBLE

if TYPE_CHECKING:
    from datetime import datetime

    from .acts import Acts
    from .recovery import Recovery

__all__ = ["Expiry"]

log = get_logger(__name__)

AGAIN_SECONDS = 60.0

LONGEST_SLEEP = 6 * 3600.0
"""Seconds; a clock that was set is noticed after them."""


class Expiry:
    """Lifts bans whose time is over.

    Args:
        acts: with the cases, and the time.
        recovery: lifts a ban.

    Attributes:
        again: seconds after which a ban that could not be lifted is tried again.
    """

    def __init__(self, acts: Acts, recovery: Recovery) -> None:
        self.again = AGAIN_SECONDS
        self._acts = acts
        self._recovery = recovery
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin; called in the event loop in which the bot runs."""
        self._task = asyncio.create_task(self._run(), name="moderation: bans that end")

    async def stop(self) -> None:
        """End, between two bans."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def wake(self) -> None:
        """Look again at once: a ban was written down, or a guild is there."""
        self._wake.set()

    async def _run(self) -> None:
        while True:
            self._wake.clear()
            begun = self._acts.now()
            try:
                await self._lift_due()
                seconds = await self._seconds_left(begun)
            except sqlite3.Error as error:
                log.warning("bans that end cannot be looked up", error=str(error))
                seconds = self.again
            try:
                async with asyncio.timeout(seconds):
                    await self._wake.wait()
            except TimeoutError:
                continue

    async def _lift_due(self) -> None:
        for case in await self._acts.store.due(self._acts.now()):
            try:
                await self._recovery.lift(case)
            except (*TROUBLE, Refused) as error:
                log.warning("a ban could not be lifted", guild=case.draft.guild_id, case=case.number, error=str(error))

    async def _seconds_left(self, begun: datetime) -> float:
        """Return the seconds to the next look: none for a ban that ended meanwhile, more for one that stays."""
        due = await self._acts.store.next_due()
        if due is None:
            return LONGEST_SLEEP
        left = (due - self._acts.now()).total_seconds()
        return min(LONGEST_SLEEP, max(0.0, left)) if due > begun else self.again
