"""What fetches the page of a URL, in each way that a tree has."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import aiohttp

if TYPE_CHECKING:
    from harness.subject import Subject

OWN, CALLERS, BATCH, CLIENT = "own session", "a caller's session", "a batch", "the client"
NOBODY = "http://127.0.0.1:9"
"""Where no fetching service is, so that the client fetches by itself."""

PATIENCE = 5.0


async def fetch(subject: Subject, url: str, way: str) -> str:
    """Fetch with the subject and return all it says; an exception is as good a refusal as an empty answer."""
    fetcher = subject.web.url_fetcher
    try:
        async with asyncio.timeout(PATIENCE), aiohttp.ClientSession() as session:
            if way == BATCH:
                return str(await fetcher.fetch_all_urls([url]))
            if way == CLIENT:
                return await _through_client(subject, url)
            chosen = session if way == CALLERS else None
            return str(await fetcher.fetch_url_content(url, session=chosen, timeout=2))
    except (aiohttp.ClientError, OSError, ValueError) as error:
        return type(error).__name__


async def _through_client(subject: Subject, url: str) -> str:
    client = subject.web.url_fetcher_client.URLFetcherClient(base_url=NOBODY, timeout=2)
    try:
        return str(await client.fetch(url))
    finally:
        await client.close()
