"""Fetching a page of 10 kB from a server on loopback, beside aiohttp alone, which neither judges nor reads it."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from html.parser import HTMLParser
from typing import TYPE_CHECKING, cast
from unittest import mock

import aiohttp

from benchmarks.contest import Bout, Contender, Contest
from reference.utils.web import connector, targets
from reference.utils.web.url_fetcher import fetch_url_content, open_session

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

SENTENCES = 100
PAGE = (
    "<!doctype html><html><head><title>Page</title></head><body>"
    + "".join(
        f"<p>Sentence {number} with <a href='/{number}'>a link</a> and about as many words as people write.</p>\n"
        for number in range(SENTENCES)
    )
    + "</body></html>"
).encode()


RESPONSE = b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: %d\r\n\r\n" % len(PAGE) + PAGE


class _Server(asyncio.Protocol):
    """Sends the page for every request."""

    transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        if data.endswith(b"\r\n\r\n"):
            self.transport.write(RESPONSE)


class _Web:
    """One server for all contenders, there while any of them is; for its time loopback counts as public."""

    url = ""

    def __init__(self) -> None:
        self._users = 0
        self._rules = ExitStack()
        self._server: asyncio.Server | None = None

    async def enter(self) -> None:
        """Take part; the first one starts the server."""
        self._users += 1
        if self._users > 1:
            return
        self._server = await asyncio.get_running_loop().create_server(_Server, "127.0.0.1")
        port = self._server.sockets[0].getsockname()[1]
        self.url = f"http://localhost:{port}/"
        self._rules.enter_context(mock.patch.object(connector, "is_public", bool))
        self._rules.enter_context(mock.patch.object(targets, "PORTS", {port}))

    async def leave(self) -> None:
        """Take part no more; the last one ends the server."""
        self._users -= 1
        if not self._users and self._server is not None:
            self._rules.close()
            self._server.close()


_WEB = _Web()


def _bout(
    fetch: Callable[[aiohttp.ClientSession | None], Awaitable[str]], *, keep: Callable[[], aiohttp.ClientSession] | None
) -> Callable[[], Awaitable[Bout]]:
    async def enter() -> Bout:
        await _WEB.enter()
        session = keep() if keep else None

        async def step() -> int:
            return (await fetch(session)).count("Sentence")

        async def close() -> None:
            if session:
                await session.close()
            await _WEB.leave()

        return Bout(step, SENTENCES, close=close)

    return enter


async def _plain(session: aiohttp.ClientSession | None) -> str:
    if session is None:
        async with aiohttp.ClientSession() as own:
            return await _plain(own)
    async with session.get(_WEB.url) as response:
        return await response.text()


async def _ours(session: aiohttp.ClientSession | None) -> str:
    _, content = await fetch_url_content(_WEB.url, session)
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
