"""A client of the optional fetching service, which reads pages in a process of its own; without it they are read here.

Either way the same code fetches, so the same address rules hold, and a caller cannot tell the two apart.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any, Self

import aiohttp

from .errors import BlockedError
from .results import AT_ONCE, FetchResult, checked, failure, fetch_result, fetch_results
from .targets import target

if TYPE_CHECKING:
    from collections.abc import Iterable

DEFAULT_URL = "http://127.0.0.1:8081"
"""Where the service listens unless it is told otherwise; `URL_FETCHER_URL` in the environment names another place."""

TIMEOUT = 30.0
"""Seconds, over all of a fetch."""

RETRY_AFTER = 30.0
"""Seconds for which the service is not asked again after it was found away."""

LARGEST_BATCH = 20
_AWAY = (aiohttp.ClientError, OSError, RuntimeError, ValueError, TypeError)


class URLFetcherClient:
    """Fetches pages through the service while it answers, and in this process while it does not.

    It holds nothing that belongs to an event loop, so one client serves a process from its first loop to its last.
    """

    def __init__(self, base_url: str | None = None, timeout: float = TIMEOUT) -> None:
        """Prepare a client; nothing is connected to yet.

        Args:
            base_url: the service; by default `URL_FETCHER_URL` of the environment, or port 8081 of this machine.
            timeout: seconds for each fetch, whoever does it.
        """
        self.base_url = (base_url or os.environ.get("URL_FETCHER_URL") or DEFAULT_URL).rstrip("/")
        self.timeout = timeout
        self._away_until = float("-inf")
        self._closed = False

    @property
    def is_service_away(self) -> bool:
        """Whether the service was found away so lately that it is not asked."""
        return time.monotonic() < self._away_until

    async def fetch(self, url: str) -> FetchResult:
        """Fetch a page; what goes wrong is told in the result.

        Args:
            url: the URL, as a stranger wrote it.

        Raises:
            RuntimeError: the client is closed.
        """
        self._require_open()
        start = time.perf_counter()
        try:
            target(url)
        except BlockedError as error:
            return failure(url, error, start)
        answer = await self._ask("/fetch", {"url": url, "timeout": self.timeout}, 1)
        result = checked(answer)
        return result if result is not None else await fetch_result(url, self.timeout)

    async def fetch_batch(self, urls: Iterable[str]) -> list[FetchResult]:
        """Fetch several pages; the results are in the URLs' order.

        Args:
            urls: at most 20 URLs; more of them are refused.

        Raises:
            ValueError: there are too many.
            RuntimeError: the client is closed.
        """
        self._require_open()
        wanted = list(urls)
        if len(wanted) > LARGEST_BATCH:
            raise ValueError(f"{len(wanted)} URLs are too many; a batch holds {LARGEST_BATCH}")
        answer = (
            await self._ask("/fetch/batch", {"urls": wanted, "timeout": self.timeout}, len(wanted)) if wanted else {}
        )
        results = [checked(result) for result in answer.get("results", [])] if isinstance(answer, dict) else []
        if wanted and len(results) == len(wanted) and None not in results:
            return [result for result in results if result is not None]
        return await fetch_results(wanted, self.timeout)

    async def close(self) -> None:
        """Refuse further fetches; those under way come to their end. Closing twice is no error."""
        self._closed = True

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def _require_open(self) -> None:
        if self._closed:
            raise RuntimeError("the client is closed")

    async def _ask(self, path: str, question: dict[str, Any], pages: int) -> Any:
        """Ask the service; None where it is away, or does not answer as it should."""
        if self.is_service_away:
            return None
        try:
            async with (
                aiohttp.ClientSession(
                    timeout=_patience(self.timeout, pages), cookie_jar=aiohttp.DummyCookieJar()
                ) as session,
                session.post(self.base_url + path, json=question, allow_redirects=False) as response,
            ):
                response.raise_for_status()
                return await response.json()
        except _AWAY:
            self._away_until = time.monotonic() + RETRY_AFTER
            return None


def _patience(timeout: float, pages: int) -> aiohttp.ClientTimeout:
    """Return how long the service may take: its own time for as many turns as the pages need, and a little more."""
    return aiohttp.ClientTimeout(total=timeout * -(-pages // AT_ONCE) + 5, sock_connect=2)
