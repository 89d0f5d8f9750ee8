"""Reads the pages behind links, through the safe fetcher, and remembers them for a while."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reference.cogs.links.reasons import Reason, reason_of
from reference.utils.monitoring.metrics import metrics
from reference.utils.monitoring.performance_tracker import perf_tracker
from reference.utils.reliability.memory_manager import TTLCache

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reference.utils.web.results import FetchResult
    from reference.utils.web.url_fetcher_client import URLFetcherClient

__all__ = ["LinkReader", "Reading"]

MOST_REMEMBERED = 200
"""Pages that are remembered; each is up to 50,000 characters."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What became of a link.

    Attributes:
        url: as it was written.
        title: of the page, empty where there is none to read.
        description: the author's summary, possibly empty.
        text: of the page, empty where there is none to read.
        reason: why it was not read; None where it was.
    """

    url: str
    title: str = ""
    description: str = ""
    text: str = ""
    reason: Reason | None = None


class LinkReader:
    """Reads pages.

    Args:
        client: fetches them.
        remembered_seconds: for how long a page is not fetched again.
    """

    def __init__(self, client: URLFetcherClient, remembered_seconds: float) -> None:
        self._client = client
        self._known: TTLCache[str, Reading] = TTLCache(MOST_REMEMBERED, remembered_seconds)

    async def read(self, urls: Sequence[str]) -> list[Reading]:
        """Read the pages behind some links at once; what goes wrong is told in the reading.

        Args:
            urls: at most 20 links, as strangers wrote them.
        """
        known = {url: self._known.get(url) for url in urls}
        unknown = [url for url, reading in known.items() if reading is None]
        for reading in known.values():
            metrics.record_cache(hit=reading is not None)
        with perf_tracker.measure("links.read"):
            results = await self._client.fetch_batch(unknown)
        known |= {url: self._kept(_reading(result)) for url, result in zip(unknown, results, strict=True)}
        return [reading for url in urls if (reading := known[url]) is not None]

    async def close(self) -> None:
        """Read nothing more."""
        await self._client.close()

    def _kept(self, reading: Reading) -> Reading:
        """Remember what was read or refused; what was merely unavailable may be there at the next try."""
        if reading.reason is None or reading.reason.is_refusal:
            self._known.set(reading.url, reading)
        return reading


def _reading(result: FetchResult) -> Reading:
    if result["error"] is not None:
        return Reading(result["url"], reason=reason_of(result["error"]))
    return Reading(result["url"], result["title"], result["description"], result["content"] or "")
