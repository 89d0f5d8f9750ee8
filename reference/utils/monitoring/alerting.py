"""Alerts to the bot's owner through a Discord webhook: never a burden to the bot, and nothing left open (finding F04).

`AlertManager.send_alert` never raises, repeats no alert of a type within the cool-down, and does in the background what
takes longer than one attempt. Its HTTP sessions close with the event loop they belong to, by `close()`, or by the
shutdown manager, whichever comes first.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import os
import random
import threading
import time
import weakref
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from .alert_message import Fields, message_of
from .loop_sessions import LoopSessions, private_session
from .webhook_url import DISCORD, webhook_fault

if TYPE_CHECKING:
    from collections.abc import Collection

    import aiohttp

__all__ = ["AlertManager", "alert_manager"]

logger = logging.getLogger(__name__)

DEFAULT_COOLDOWN = 300.0
REQUEST_TIMEOUT = 5.0
MOST_ATTEMPTS = 4
MOST_PENDING = 20
"""Alerts that may wait for another attempt; one more is dropped."""

MOST_TYPES = 500
"""Types of alert whose cool-down is remembered."""

LONGEST_WAIT = 60.0
FIRST_WAIT = 1.0
CLOSING_PATIENCE = 2.0


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What one attempt came to: delivered, or worth another after ``retry_after`` seconds, or neither."""

    delivered: bool = False
    retry_after: float | None = None
    why: str = ""


class AlertManager:
    """Sends alerts to a Discord webhook.

    Args:
        webhook_url: where to; by default the variable ``ALERT_WEBHOOK_URL`` at the time of sending.
        cooldown: seconds in which a type of alert is sent once; by default ``ALERT_COOLDOWN_SECONDS``, else 300.
        origins: servers that a webhook may be on; Discord's unless a test says otherwise.
    """

    def __init__(
        self, webhook_url: str | None = None, cooldown: float | None = None, *, origins: Collection[str] = DISCORD
    ) -> None:
        self._url = webhook_url
        self._cooldown = cooldown
        self._origins = origins
        self._lock = threading.Lock()
        self._sent: dict[str, float] = {}
        self._pending: set[asyncio.Task[None]] = set()
        self._sessions = LoopSessions(lambda: private_session(REQUEST_TIMEOUT))
        self._faults_told: set[str] = set()
        self._exit_registered = False

    @property
    def webhook_url(self) -> str:
        """The configured address, empty where there is none; it is a secret."""
        return (os.environ.get("ALERT_WEBHOOK_URL", "") if self._url is None else self._url).strip()

    @property
    def cooldown(self) -> float:
        """Seconds in which a type of alert is sent once."""
        if self._cooldown is not None:
            return self._cooldown
        return _seconds(os.environ.get("ALERT_COOLDOWN_SECONDS", ""), DEFAULT_COOLDOWN)

    @property
    def pending(self) -> int:
        """Alerts that wait in the background for another attempt."""
        with self._lock:
            return len(self._pending)

    def __repr__(self) -> str:
        state = "on" if self.webhook_url else "off"
        return f"<AlertManager {state}, {self.pending} pending, {len(self._sessions)} sessions>"

    async def send_alert(
        self,
        title: str,
        description: str,
        alert_type: str = "general",
        severity: str = "warning",
        fields: Fields = None,
    ) -> bool:
        """Send an alert, unless one of its type was sent within the cool-down.

        One attempt is made here, within five seconds; further ones are made in the background.

        Args:
            title: headline.
            description: what happened.
            alert_type: kind of alert; the cool-down is counted for each kind.
            severity: info, success, warning, error or critical.
            fields: further facts: a mapping, pairs, or Discord's field objects.

        Returns:
            Whether Discord has it. False: none is configured, it was sent lately, it was refused, or it is still
            being tried in the background.
        """
        url = self.webhook_url
        if not url or self._is_faulty(url) or not self._claim(alert_type):
            return False
        try:
            return await self._deliver(url, alert_type, message_of(title, description, alert_type, severity, fields))
        except BaseException as error:
            self._release(alert_type)
            if not isinstance(error, Exception):
                raise
            logger.warning("an alert could not be made: %s", type(error).__name__)
            return False

    def _is_faulty(self, url: str) -> bool:
        fault = webhook_fault(url, self._origins)
        if fault is not None and fault not in self._faults_told:
            self._faults_told.add(fault)
            logger.error("ALERT_WEBHOOK_URL is not used: %s", fault)
        return fault is not None

    def _claim(self, alert_type: str) -> bool:
        """Take the cool-down of a type, so that of many alerts at once one is sent."""
        now, cooldown = time.monotonic(), self.cooldown
        with self._lock:
            last = self._sent.get(alert_type)
            if last is not None and now - last < cooldown:
                return False
            self._sent.pop(alert_type, None)
            self._sent[alert_type] = now
            while len(self._sent) > MOST_TYPES:
                del self._sent[next(iter(self._sent))]
        return True

    def _release(self, alert_type: str) -> None:
        """Give the cool-down back, so that the next alert of a type whose last one was lost is tried."""
        with self._lock:
            self._sent.pop(alert_type, None)

    async def _deliver(self, url: str, alert_type: str, message: dict[str, Any]) -> bool:
        outcome = await self._attempt(url, message)
        if outcome.delivered:
            return True
        if outcome.retry_after is None or not self._postpone(url, alert_type, message, outcome.retry_after):
            self._release(alert_type)
            logger.warning("an alert of type %r was lost: %s", alert_type, outcome.why)
        return False

    def _postpone(self, url: str, alert_type: str, message: dict[str, Any], wait: float) -> bool:
        with self._lock:
            self._pending = {task for task in self._pending if not task.get_loop().is_closed()}
            if len(self._pending) >= MOST_PENDING:
                return False
            task = asyncio.get_running_loop().create_task(self._retry(url, alert_type, message, wait))
            self._pending.add(task)
        task.add_done_callback(self._forget)
        return True

    def _forget(self, task: asyncio.Task[None]) -> None:
        with self._lock:
            self._pending.discard(task)

    async def _retry(self, url: str, alert_type: str, message: dict[str, Any], wait: float) -> None:
        outcome = _Outcome(why="the bot ended")
        try:
            for attempt in range(1, MOST_ATTEMPTS):
                await asyncio.sleep(wait)
                outcome = await self._attempt(url, message, attempt)
                if outcome.delivered or outcome.retry_after is None:
                    break
                wait = outcome.retry_after
        finally:
            if not outcome.delivered:
                self._release(alert_type)
                logger.warning("an alert of type %r was lost: %s", alert_type, outcome.why)

    async def _attempt(self, url: str, message: dict[str, Any], attempt: int = 0) -> _Outcome:
        """Make one attempt; no failure of the network gets out of here, and no address gets into the log."""
        import aiohttp  # noqa: PLC0415  not before it is needed

        wait = FIRST_WAIT * 2**attempt * random.uniform(0.5, 1.5)  # noqa: S311  no secret
        try:
            session = await self._get_session()
            async with session.post(url, json=message, allow_redirects=False) as response:
                return await _judged(response, wait)
        except (TimeoutError, aiohttp.ClientError, OSError, RuntimeError) as error:
            return _Outcome(retry_after=wait, why=type(error).__name__)

    async def _get_session(self) -> aiohttp.ClientSession:
        """Return the running loop's session.

        F04: it needs nobody's ``close()``. It closes when its loop ends, and the shutdown manager closes it before.
        """
        self._register_exit()
        return await self._sessions.get()

    def _register_exit(self) -> None:
        """Have the shutdown manager close the sessions, once for each manager; F04: name first, then the callback."""
        if self._exit_registered:
            return
        self._exit_registered = True
        from ..reliability.shutdown_manager import Priority, shutdown_manager  # noqa: PLC0415, TID252  not before it is needed

        name = f"alerts-{id(self):x}"
        shutdown_manager.register(name, _closer(self), priority=Priority.LOW, required=False)
        weakref.finalize(self, shutdown_manager.unregister, name)

    async def close(self) -> None:
        """Drop the alerts that still wait and close all sessions, in whatever loop (F04); it may be used again."""
        with self._lock:
            pending, self._pending = self._pending, set()
        here = asyncio.get_running_loop()
        for task in pending:
            with contextlib.suppress(RuntimeError):  # its loop is closed: nothing runs there any more
                task.get_loop().call_soon_threadsafe(task.cancel)
        mine = [task for task in pending if task.get_loop() is here]
        if mine:
            await asyncio.wait(mine, timeout=CLOSING_PATIENCE)
        await self._sessions.close()


def _closer(manager: AlertManager) -> Any:
    """Return a callback that closes a manager and does not keep it alive."""
    reference = weakref.ref(manager)

    async def close_alerts() -> None:
        if (alive := reference()) is not None:
            await alive.close()

    return close_alerts


async def _judged(response: aiohttp.ClientResponse, wait: float) -> _Outcome:
    """Turn Discord's answer into an outcome: 2xx is delivered, 429 and 5xx are tried again, the rest is final."""
    why = f"HTTP {response.status}"
    if response.ok and response.status < 300:
        return _Outcome(delivered=True)
    if response.status == 429:
        told = await _retry_after(response)
        return _Outcome(retry_after=wait if told is None else told, why=why)
    return _Outcome(retry_after=wait if response.status >= 500 else None, why=why)


async def _retry_after(response: aiohttp.ClientResponse) -> float | None:
    """Read how long to wait, in seconds, from the header (RFC 9110, 10.2.3) or from Discord's JSON."""
    header = response.headers.get("Retry-After", "")
    with contextlib.suppress(ValueError, TypeError):
        return _bounded(float(header))
    with contextlib.suppress(ValueError, TypeError):
        return _bounded(parsedate_to_datetime(header).timestamp() - time.time())
    with contextlib.suppress(Exception):  # the body is anybody's
        return _bounded(float((await response.json(content_type=None))["retry_after"]))
    return None


def _bounded(seconds: float) -> float | None:
    return min(max(seconds, 0.0), LONGEST_WAIT) if math.isfinite(seconds) else None


def _seconds(text: str, otherwise: float) -> float:
    try:
        value = float(text)
    except ValueError:
        return otherwise
    return value if math.isfinite(value) and value >= 0 else otherwise


alert_manager = AlertManager()
"""The process' own alerts, configured by the environment."""
