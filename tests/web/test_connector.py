"""The connector by itself: what it looks up, what it refuses, and in which words."""

from __future__ import annotations

import errno
import re
import socket
from typing import TYPE_CHECKING

import aiohttp
import pytest
from aiohttp import ThreadedResolver

from harness.parts.site import HTML, PUBLIC
from harness.parts.webserver import Reply
from reference.utils.web import connector
from reference.utils.web.connector import PublicConnector, PublicResolver
from reference.utils.web.errors import BlockedError
from reference.utils.web.url_fetcher import fetch_url_content

if TYPE_CHECKING:
    from tests.web.loopback import Web


async def test_a_name_with_one_private_address_is_refused_in_words(web: Web) -> None:
    """All addresses of a name have to be public; the sentence names it and not the address."""
    web.network.name("mixed.example", [PUBLIC, "10.0.0.1"])
    resolver = PublicResolver()
    with pytest.raises(BlockedError, match=r"^mixed\.example leads to an address that is not public$"):
        await resolver.resolve("mixed.example", 80)
    answers = await resolver.resolve("a.example", 80, socket.AF_INET)
    assert [(answer["host"], answer["port"]) for answer in answers] == [(PUBLIC, 80)]
    with pytest.raises(OSError, match=r"."):
        await resolver.resolve("a.example", 80, socket.AF_INET6)
    await resolver.close()


async def test_each_of_two_lines_holds_by_itself(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    """A private address is refused as the name is looked up; should one pass there, no socket is made for it."""
    web.network.name("inner.example", "10.0.0.1")
    refused = "Blocked: inner.example leads to an address that is not public"
    assert await fetch_url_content("http://inner.example/") == (refused, None)
    if not connector._LAST_LINE:
        return  # an aiohttp that lets nobody make its sockets has the first line only
    monkeypatch.setattr(PublicResolver, "resolve", ThreadedResolver.resolve)
    title, content = await fetch_url_content("http://inner.example/")
    assert (title, content) == ("Not available: inner.example cannot be reached", None)
    assert web.connections == []


async def test_a_session_sees_what_its_connector_does(web: Web) -> None:
    """Traces that a caller has set up are told of connections, as with any connector."""
    web.pages["/"] = Reply(b"<p>x", headers=HTML)
    seen: list[str] = []

    async def note(*_: object) -> None:
        seen.append("connecting")

    trace = aiohttp.TraceConfig()
    trace.on_connection_create_start.append(note)
    async with aiohttp.ClientSession(connector=PublicConnector(), trace_configs=[trace]) as session:
        async with session.get("http://a.example/") as response:
            assert response.status == 200
        with pytest.raises(BlockedError, match=r"^a proxy would decide where the connection goes$"):
            await session.get("http://a.example/", proxy="http://127.0.0.1:3128/")
    assert seen == ["connecting"]


def test_a_refused_socket_says_which_address() -> None:
    """The error is the one of a system that forbids a connection; an ordinary socket has the protocol asked for."""
    with pytest.raises(PermissionError, match=re.escape("127.0.0.1 is not a public address")) as caught:
        connector._public_socket((socket.AF_INET, socket.SOCK_STREAM, 0, "", ("127.0.0.1", 80)))
    assert caught.value.errno == errno.EACCES
    with connector._public_socket((socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (PUBLIC, 80))) as made:
        assert made.proto == socket.IPPROTO_TCP
