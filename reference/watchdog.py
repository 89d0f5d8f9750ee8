"""A thread that notices when the event loop stands still, says where, and ends the process when it stays so."""

from __future__ import annotations

import os
import sys
import threading
import time
import traceback
from typing import TYPE_CHECKING, Self

from .exit_codes import ExitCode
from .utils.monitoring.health_api import health_data
from .utils.monitoring.metrics import metrics
from .utils.monitoring.structured_logger import get_logger

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

__all__ = ["Watchdog"]

log = get_logger(__name__)

NAME = "event loop"


def _end() -> None:
    """End the process at once: a blocked loop can do nothing in order."""
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(ExitCode.STUCK)


class Watchdog:
    """Watches an event loop, from `start` to `stop`; to be started in the loop's thread.

    Args:
        loop: the loop.
        stuck_seconds: silence after which it is reported.
        end_seconds: silence after which the process ends; 0 for never.
        end: ends the process.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        stuck_seconds: float,
        end_seconds: float = 0.0,
        end: Callable[[], object] = _end,
    ) -> None:
        self._loop = loop
        self._stuck_seconds = stuck_seconds
        self._end_seconds = end_seconds
        self._end = end
        self._beat = time.monotonic()
        self._is_stuck = False
        self._stopped = threading.Event()
        self._watched = threading.get_ident()
        self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)

    def start(self) -> Self:
        """Begin to watch."""
        self._thread.start()
        return self

    def stop(self) -> None:
        """Watch no more."""
        self._stopped.set()
        self._thread.join(timeout=2.0)

    def _watch(self) -> None:
        while not self._stopped.wait(self._stuck_seconds / 4):
            try:
                self._loop.call_soon_threadsafe(self._turned)
            except RuntimeError:  # the loop is closed, there is nothing to watch
                return
            silence = time.monotonic() - self._beat
            if silence >= self._stuck_seconds and not self._is_stuck:
                self._report(silence)
            if self._end_seconds and silence >= self._end_seconds:
                log.critical("the event loop was blocked for %.0f s; the process ends", silence)
                self._end()
                return

    def _turned(self) -> None:
        """Note that the loop turns; called by it."""
        now = time.monotonic()
        if self._is_stuck:
            self._is_stuck = False
            log.warning("the event loop turns again, after %.1f s", now - self._beat)
            health_data.service_health[NAME] = {"healthy": True}
        self._beat = now

    def _report(self, silence: float) -> None:
        self._is_stuck = True
        frame = sys._current_frames().get(self._watched)  # noqa: SLF001  the documented way to a thread's stack
        where = traceback.format_stack(frame)[-8:] if frame is not None else []
        log.error("the event loop has been blocked for %.1f s", silence, where="".join(where))
        metrics.increment_errors("BlockedEventLoop")
        health_data.service_health[NAME] = {"healthy": False, "silence_seconds": round(silence, 1)}
