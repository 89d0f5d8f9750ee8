"""A page and the redirects before it: one response is held at a time, and given back before the next is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING

import aiohttp

from .body import ACCEPTED_ENCODINGS, read_body
from .connector import PublicConnector
from .errors import FetchError, named
from .targets import target

if TYPE_CHECKING:
    from yarl import URL

MOST_REDIRECTS = 5
REDIRECTS = frozenset({301, 302, 303, 307, 308})
READABLE = ("text/", "application/json", "application/xhtml", "application/xml", "application/ld+json")
"""Beginnings of the media types that hold text for a person; others are not downloaded."""

_HEADERS = {
    "Accept": "text/html, application/xhtml+xml, text/plain, application/json;q=0.9, */*;q=0.1",
    "Accept-Encoding": ACCEPTED_ENCODINGS,
    "Accept-Language": "en, th;q=0.9, *;q=0.5",
    "User-Agent": "Mozilla/5.0 (compatible; link preview)",
}
_NO_DEADLINE = aiohttp.ClientTimeout(total=None)


@dataclass(frozen=True)
class Response:
    """What a server answered at the end of a chain.

    Attributes:
        url: where it was found.
        status: the HTTP status, a success.
        media_type: as the server named it, in lower case, without parameters.
        charset: as the server named it.
        body: the content, unfolded.
    """

    url: URL
    status: int
    media_type: str
    charset: str | None
    body: bytes


def open_session() -> aiohttp.ClientSession:
    """Open a session that reaches public addresses only and keeps neither cookies nor credentials between fetches.

    For use in the running event loop, to be closed by the caller (`async with open_session() as session`).
    """
    return aiohttp.ClientSession(
        connector=PublicConnector(),
        cookie_jar=aiohttp.DummyCookieJar(),
        headers=_HEADERS,
        timeout=_NO_DEADLINE,
        auto_decompress=False,
        trust_env=False,
    )


def is_guarded(session: aiohttp.ClientSession) -> bool:
    """Tell whether a session is made as `open_session` makes it, so that all rules hold in it (audit finding F11)."""
    return (
        isinstance(session.connector, PublicConnector)
        and isinstance(session.cookie_jar, aiohttp.DummyCookieJar)
        and not (session.auto_decompress or session.trust_env)
    )


async def get(session: aiohttp.ClientSession, place: URL) -> Response:
    """Ask for a page and follow its redirects, each judged as its URL was.

    The caller bounds the time, over all hops together, with `asyncio.timeout`.

    Args:
        session: one of `open_session`.
        place: a URL that `targets.target` let pass.

    Raises:
        BlockedError: a redirect or an address is refused.
        FetchError: there are too many redirects, the status is no success, or the content is no text.
        aiohttp.ClientError: the server cannot be reached or does not speak HTTP.
    """
    for _ in range(MOST_REDIRECTS + 1):
        answer = await _hop(session, place)
        if isinstance(answer, Response):
            return answer
        place = answer
    raise FetchError(f"the page redirects more than {MOST_REDIRECTS} times")


async def _hop(session: aiohttp.ClientSession, place: URL) -> Response | URL:
    """Make one request; its response is given back before this returns or raises, read or not (audit finding F03)."""
    async with session.get(place, allow_redirects=False) as response:
        return await _answer(response, place)


async def _answer(response: aiohttp.ClientResponse, place: URL) -> Response | URL:
    if response.status in REDIRECTS and "Location" in response.headers:
        return target(response.headers["Location"], base=place)
    if response.status // 100 != 2:
        raise FetchError(f"the server answered {_status(response.status)}", response.status)
    if not response.content_type.startswith(READABLE):
        raise FetchError(f"the page is {named(response.content_type)}, not text", response.status)
    body = await read_body(response)
    return Response(place, response.status, response.content_type, response.charset, body)


def _status(number: int) -> str:
    """Name a status in our words; a server's own may be of any length, and address the people of the chat."""
    try:
        return f"{number} {HTTPStatus(number).phrase}"
    except ValueError:
        return str(number)
