"""A client of the optional health service, which keeps the bot's metrics in a process of its own.

Metrics are added up here and sent on in batches. While the service is away nothing is lost and nobody waits: they go on
being added up, in bounded memory, and ``metrics_text`` shows them as the service would.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import time
import uuid
from typing import TYPE_CHECKING, Any, Self

from .metric_series import Series, SeriesTable, counter, gauge, observation

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["HealthAPIClient"]

logger = logging.getLogger(__name__)

DEFAULT_URL = "http://127.0.0.1:8082"
"""Where the service listens unless it is told otherwise; ``HEALTH_SERVICE_URL`` names another place."""

REQUEST_TIMEOUT = 5.0
LARGEST_BATCH = 500
FIRST_PAUSE, LONGEST_PAUSE = 5.0, 300.0
CLOSING_PATIENCE = 2.0
REFUSED = frozenset({400, 413, 422})


class HealthAPIClient:
    """Adds metrics up and pushes them to the health service while it answers.

    The methods that take a metric never wait and never fail for want of the service; they may be called from any
    thread. The client keeps nothing of an event loop but the task of ``start``.

    Args:
        base_url: the service; by default ``HEALTH_SERVICE_URL``, else port 8082 of this machine.
        token: bearer token; by default ``HEALTH_API_TOKEN``.
        interval: seconds between two pushes of a started client.
    """

    def __init__(self, base_url: str | None = None, *, token: str | None = None, interval: float = 5.0) -> None:
        self.base_url = (base_url or os.environ.get("HEALTH_SERVICE_URL") or DEFAULT_URL).rstrip("/")
        self.interval = interval
        self._token = os.environ.get("HEALTH_API_TOKEN", "") if token is None else token
        self._total = SeriesTable()
        self._unsent = SeriesTable()
        self._report: Mapping[str, Any] | None = None
        self._refused: tuple[str, list[Series]] | None = None
        self._pause = FIRST_PAUSE
        self._away_until = float("-inf")
        self._task: asyncio.Task[None] | None = None

    @property
    def is_service_away(self) -> bool:
        """Whether the service was found away so lately that it is not asked."""
        return time.monotonic() < self._away_until

    @property
    def unsent(self) -> int:
        """Series that wait to be sent."""
        return len(self._unsent) + (len(self._refused[1]) if self._refused else 0)

    def increment(self, name: str, amount: float = 1.0, /, **labels: object) -> None:
        """Count something.

        Raises:
            ValueError: the name, a label's name or the amount is not a possible one.
        """
        self._add(counter(name, amount, labels))

    def set_gauge(self, name: str, level: float, /, **labels: object) -> None:
        """Note a level.

        Raises:
            ValueError: the name, a label's name or the level is not a possible one.
        """
        self._add(gauge(name, level, labels))

    def observe(self, name: str, value: float, /, **labels: object) -> None:
        """Note one observation of a distribution, in seconds where it is a time.

        Raises:
            ValueError: the name, a label's name or the value is not a possible one.
        """
        self._add(observation(name, value, labels))

    def _add(self, series: Series) -> None:
        self._total.add(series)
        self._unsent.add(series)

    def report(self, health: Mapping[str, Any]) -> None:
        """Note the bot's health for the next push.

        Args:
            health: what ``BotHealthData.to_dict`` returns.
        """
        self._report = health

    def metrics_text(self) -> str:
        """Return everything since the start in the Prometheus text format, whether or not it was sent."""
        return self._total.exposition()

    async def flush(self) -> bool:
        """Push what waits, in batches.

        Returns:
            Whether nothing waits any more. False: the service is away, and what waits is kept.
        """
        while not self.is_service_away:
            batch, series = self._next_batch()
            report, self._report = self._report, None
            if not series and report is None:
                return True
            pushed = False
            try:
                pushed = await self._push(
                    {"id": batch, "series": [each.to_dict() for each in series], "health": report}
                )
            finally:
                if not pushed:
                    self._keep(batch, series, report)
        return not self.unsent and self._report is None

    def _next_batch(self) -> tuple[str, list[Series]]:
        """Return what is due: the batch that got lost, under its own id, so that it is never counted twice."""
        if self._refused is not None:
            again, self._refused = self._refused, None
            return again
        return uuid.uuid4().hex, self._unsent.drain(LARGEST_BATCH)

    def _keep(self, batch: str, series: list[Series], report: Mapping[str, Any] | None) -> None:
        if self._refused is not None:
            self._unsent.put_back(self._refused[1])
        self._refused = (batch, series) if series else None
        self._report = self._report or report

    async def _push(self, body: dict[str, Any]) -> bool:
        import aiohttp  # noqa: PLC0415  not before it is needed

        headers = {"Authorization": f"Bearer {self._token}"} if self._token else {}
        timeout = aiohttp.ClientTimeout(total=REQUEST_TIMEOUT)
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout, cookie_jar=aiohttp.DummyCookieJar()) as session,
                session.post(f"{self.base_url}/push", json=body, headers=headers, allow_redirects=False) as response,
            ):
                return self._told(response.status)
        except (aiohttp.ClientError, OSError, RuntimeError, ValueError) as error:
            return self._found_away(type(error).__name__)

    def _told(self, status: int) -> bool:
        """Judge an answer: 2xx is done, 400, 413 and 422 will never be done, the rest is tried again later."""
        if status in REFUSED:
            logger.warning("the health service cannot read what this bot sends (HTTP %d); it is dropped", status)
        if status < 300 or status in REFUSED:
            self._pause, self._away_until = FIRST_PAUSE, float("-inf")
            return True
        return self._found_away(f"HTTP {status}")

    def _found_away(self, why: str) -> bool:
        logger.debug("the health service is away (%s); metrics are kept here", why)
        self._away_until = time.monotonic() + self._pause
        self._pause = min(2 * self._pause, LONGEST_PAUSE)
        return False

    async def run(self) -> None:
        """Push every ``interval`` seconds until cancelled."""
        while True:
            await self.flush()
            await asyncio.sleep(self.interval)

    async def start(self) -> None:
        """Push in the background of the running loop from now on; starting twice is no error."""
        loop = asyncio.get_running_loop()
        if self._task is None or self._task.done() or self._task.get_loop() is not loop:
            self._task = loop.create_task(self.run(), name="health-client")

    async def close(self) -> None:
        """Stop pushing, after one last try of two seconds; the client may be started again."""
        task, self._task = self._task, None
        if task is not None and task.get_loop() is asyncio.get_running_loop():
            task.cancel()
            await asyncio.wait([task])
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSING_PATIENCE):
                await self.flush()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()
