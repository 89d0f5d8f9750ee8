"""What became of a URL, as plain data: the same whether this process fetched it or the fetching service did."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, TypedDict, cast

import aiohttp

from .errors import reason, status_of
from .redirects import open_session
from .url_fetcher import fetch_page

if TYPE_CHECKING:
    from collections.abc import Sequence

AT_ONCE = 5
"""Pages of a batch that are fetched at the same time."""


class FetchResult(TypedDict):
    """What became of one URL: `error` is None, or a sentence that says why `content` is None."""

    url: str
    title: str
    content: str | None
    description: str
    error: str | None
    status_code: int | None
    fetch_time_ms: float


async def fetch_result(
    url: str,
    timeout: float,  # noqa: ASYNC109
    session: aiohttp.ClientSession | None = None,
) -> FetchResult:
    """Fetch a page in this process, and describe what became of it; nothing is raised.

    Args:
        url: the URL, as a stranger wrote it.
        timeout: seconds, over all hops.
        session: one of `redirects.open_session`, to use its connections again.
    """
    start = time.perf_counter()
    try:
        page = await fetch_page(url, session, timeout)
    except (aiohttp.ClientError, OSError, ValueError) as error:
        return failure(url, error, start)
    return FetchResult(
        url=url,
        title=page.title,
        content=page.content or None,
        description=page.description,
        error=None if page.content else "Not available: the page holds no text",
        status_code=page.status,
        fetch_time_ms=_since(start),
    )


async def fetch_results(urls: Sequence[str], timeout: float) -> list[FetchResult]:  # noqa: ASYNC109
    """Fetch several pages in this process, a few at a time, over one session; the results are in the URLs' order.

    Args:
        urls: the URLs, as strangers wrote them.
        timeout: seconds for each, from when its turn comes.
    """
    turns = asyncio.Semaphore(AT_ONCE)

    async def in_turn(url: str) -> FetchResult:
        async with turns:
            return await fetch_result(url, timeout, session)

    async with open_session() as session:
        return list(await asyncio.gather(*(in_turn(url) for url in urls)))


def failure(url: str, error: Exception, start: float) -> FetchResult:
    """Describe a fetch that failed.

    Args:
        url: the URL that was asked for.
        error: what `fetch_page` raised.
        start: the reading of `time.perf_counter` when it began.
    """
    return FetchResult(
        url=url,
        title="",
        content=None,
        description="",
        error=reason(error),
        status_code=status_of(error),
        fetch_time_ms=_since(start),
    )


def _since(start: float) -> float:
    return round((time.perf_counter() - start) * 1000, 3)


_TYPES: dict[str, tuple[type, ...]] = {
    "url": (str,),
    "title": (str,),
    "content": (str, type(None)),
    "description": (str,),
    "error": (str, type(None)),
    "status_code": (int, type(None)),
    "fetch_time_ms": (int, float),
}


def checked(answer: Any) -> FetchResult | None:
    """Take what belongs to a result from what a service answered; None where it is no result."""
    if not isinstance(answer, dict) or not all(isinstance(answer.get(key), kinds) for key, kinds in _TYPES.items()):
        return None
    return cast("FetchResult", {key: answer[key] for key in _TYPES})
