"""Pages that people link to in a chat, fetched for reading, from the public web only.

What is refused: schemes but http and https, ports that are not the web's, user names and passwords, and every address
that is not public, in whatever spelling and at whatever hop (audit finding F11). What is bounded: five redirects, one
deadline over all hops, and 5 MB of body, unfolded. Nothing is carried from one fetch to the next.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

import aiohttp

from . import redirects
from .body import LARGEST_BODY
from .charsets import decode
from .errors import BlockedError, FetchError, reason
from .github import plain_text_of
from .links import extract_urls
from .page_text import Document, read_document
from .redirects import MOST_REDIRECTS, open_session
from .targets import leads_to_private, target

if TYPE_CHECKING:
    from collections.abc import Iterable

    from yarl import URL

__all__ = [
    "LARGEST_BODY",
    "MOST_REDIRECTS",
    "BlockedError",
    "FetchError",
    "Page",
    "extract_urls",
    "fetch_all_urls",
    "fetch_page",
    "fetch_url_content",
    "open_session",
]

TIMEOUT = 10.0
"""Seconds, over all hops of a fetch."""

MOST_URLS = 3

_LARGE = 64 * 1024
"""Bytes; a larger page is read in a thread, so that the event loop goes on meanwhile."""


@dataclass(frozen=True)
class Page:
    """A page that was fetched.

    Attributes:
        url: where it was found, after redirects.
        status: the HTTP status.
        title: its title, or host and path where it has none.
        description: the author's summary, possibly empty.
        content: its text, possibly empty.
    """

    url: str
    status: int
    title: str
    description: str
    content: str


async def fetch_page(
    url: str,
    session: aiohttp.ClientSession | None = None,
    timeout: float = TIMEOUT,  # noqa: ASYNC109
) -> Page:
    """Fetch a page and read it.

    Args:
        url: the URL, as a stranger wrote it.
        session: one of `open_session`, to use its connections again. Any other session is left alone: its connector
            decides where a connection goes, and it may carry cookies and credentials (audit finding F11).
        timeout: seconds, over all hops.

    Raises:
        BlockedError: the URL, a redirect or an address is refused.
        FetchError: the page could not be had in time, or is no text.
        aiohttp.ClientError: the server cannot be reached, or its answer is broken.
    """
    try:
        async with asyncio.timeout(timeout):
            if session is not None and redirects.is_guarded(session):
                return await _read(await _answer(session, target(url)))
            async with open_session() as own:
                return await _read(await _answer(own, target(url)))
    except TimeoutError:
        raise FetchError(f"the page did not come within {timeout:g} seconds") from None
    except RuntimeError as error:  # from the start of a thread, for the look-up or for a long page
        raise FetchError("there is no thread to look it up or to read it in; please try again later") from error


async def _answer(session: aiohttp.ClientSession, place: URL) -> redirects.Response:
    plain = plain_text_of(place)
    if plain is not None:
        try:
            return await redirects.get(session, plain)
        except FetchError:  # no such file: the page itself will tell
            pass
    return await redirects.get(session, place)


async def _read(answer: redirects.Response) -> Page:
    if len(answer.body) > _LARGE:
        document = await asyncio.to_thread(_document, answer)
    else:
        document = _document(answer)
    title = document.title or (answer.url.host or "") + answer.url.path.rstrip("/")
    return Page(str(answer.url), answer.status, title, document.description, document.text)


def _document(answer: redirects.Response) -> Document:
    is_markup = "html" in answer.media_type or "xml" in answer.media_type
    return read_document(decode(answer.body, answer.charset, is_markup=is_markup), is_markup=is_markup)


async def fetch_url_content(
    url: str,
    session: aiohttp.ClientSession | None = None,
    timeout: float = TIMEOUT,  # noqa: ASYNC109
) -> tuple[str, str | None]:
    """Fetch a page for reading; whatever the page does, this returns.

    Args:
        url: the URL, as a stranger wrote it.
        session: one of `open_session`, to use its connections again; any other is left alone.
        timeout: seconds, over all hops.

    Returns:
        Title and content. Where there is no content it is None, and the title is a sentence that says why.
    """
    try:
        page = await fetch_page(url, session, timeout)
    except (aiohttp.ClientError, OSError, ValueError) as error:
        return reason(error), None
    return page.title, page.content or None


async def fetch_all_urls(urls: Iterable[str], max_urls: int = MOST_URLS) -> list[tuple[str, str, str | None]]:
    """Fetch several pages at once, over one session.

    Args:
        urls: the URLs, of which the first `max_urls` different ones are fetched.
        max_urls: how many.

    Returns:
        URL, title and content of each, in the order of the URLs; see `fetch_url_content`.
    """
    chosen = list(dict.fromkeys(urls))[: max(0, max_urls)]
    if not chosen:
        return []
    async with open_session() as session:
        pages = await asyncio.gather(*(fetch_url_content(url, session) for url in chosen))
    return [(url, *page) for url, page in zip(chosen, pages, strict=True)]


def _is_private_url(url: str) -> bool:
    """Tell whether a URL is refused or leads to an address that is not public now; it blocks while it looks up."""
    return leads_to_private(url)
