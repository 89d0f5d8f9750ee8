"""Fetching a page of 10 kB from a server on loopback, beside aiohttp alone, which neither judges nor reads it."""

from __future__ import annotations

from contextlib import ExitStack
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import aiohttp

from benchmarks.contest import Bout, Contender, Contest
from harness.parts.network import Network
from harness.parts.webserver import Reply, WebServer
from reference.utils.web.url_fetcher import fetch_url_content, open_session

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

URL = "http://pages.example/"
ADDRESS = "93.184.216.34"
SENTENCES = 100
PAGE = (
    "<!doctype html><html><head><title>Page</title></head><body>"
    + "".join(
        f"<p>Sentence {number} with <a href='/{number}'>a link</a> and about as many words as people write.</p>\n"
        for number in range(SENTENCES)
    )
    + "</body></html>"
).encode()


class _Web:
    """One server and one network for all contenders, there while any of them is."""

    def __init__(self) -> None:
        self._users = 0
        self._held = ExitStack()

    def enter(self) -> None:
        """Take part; the first one starts the server."""
        self._users += 1
        if self._users > 1:
            return
        reply = Reply(PAGE, headers={"Content-Type": "text/html; charset=utf-8"})
        server = self._held.enter_context(WebServer(lambda _: reply))
        network = self._held.enter_context(Network())
        network.name("pages.example", ADDRESS)
        network.route(ADDRESS, 80, to=server.port)

    def leave(self) -> None:
        """Take part no more; the last one ends the server."""
        self._users -= 1
        if not self._users:
            self._held.close()


_WEB = _Web()


def _bout(
    fetch: Callable[[aiohttp.ClientSession | None], Awaitable[str]], *, keep: Callable[[], aiohttp.ClientSession] | None
) -> Callable[[], Awaitable[Bout]]:
    async def enter() -> Bout:
        _WEB.enter()
        session = keep() if keep else None

        async def step() -> int:
            return (await fetch(session)).count("Sentence")

        async def close() -> None:
            if session:
                await session.close()
            _WEB.leave()

        return Bout(step, SENTENCES, close=close)

    return enter


async def _plain(session: aiohttp.ClientSession | None) -> str:
    if session is None:
        async with aiohttp.ClientSession() as own:
            return await _plain(own)
    async with session.get(URL) as response:
        return await response.text()


async def _ours(session: aiohttp.ClientSession | None) -> str:
    _, content = await fetch_url_content(URL, session)
    return content or ""


class _Text(HTMLParser):
    """The text of a page, as the standard library finds it."""

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []

    def handle_data(self, data: str) -> None:
        self.parts.append(data)


async def _parsed(session: aiohttp.ClientSession | None) -> str:
    parser = _Text()
    parser.feed(await _plain(session))
    return " ".join(" ".join(parser.parts).split())


CONTESTS = [
    Contest(
        "fetch",
        "Fetching a page of 10 kB, with a session of its own",
        1.3,
        [
            Contender("aiohttp, page unread", _bout(_plain, keep=None)),
            Contender("fetch_url_content", _bout(_ours, keep=None), is_ours=True, note="judged, bounded, and read"),
            Contender("aiohttp and html.parser", _bout(_parsed, keep=None), "aiohttp", note="read, not judged"),
        ],
    ),
    Contest(
        "fetch.session",
        "Fetching a page of 10 kB over a connection that is open already",
        None,
        [
            Contender("aiohttp, page unread", _bout(_plain, keep=aiohttp.ClientSession)),
            Contender(
                "fetch_url_content", _bout(_ours, keep=open_session), is_ours=True, note="judged, bounded, and read"
            ),
            Contender(
                "aiohttp and html.parser",
                _bout(_parsed, keep=aiohttp.ClientSession),
                "aiohttp",
                note="read, not judged",
            ),
        ],
    ),
]
