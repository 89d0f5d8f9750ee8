"""Tools of the fuzzers for clients of aiohttp: responses that are kept alive, and requests that are led elsewhere."""

from __future__ import annotations

import aiohttp

from harness.parts.network import Network
from harness.parts.reroute import everything_sent_to
from harness.parts.responses import kept_alive
from harness.parts.webserver import Reply, WebServer

UNREAD = b"x" * 2_000_000
"""More than the buffers between server and client hold, since that of a client on a `Network` is small."""

SITE = "93.184.216.34"


async def test_a_response_that_is_kept_holds_its_connection() -> None:
    """What nobody released is held although nobody refers to it, and is given back at the end."""
    with WebServer(lambda _: Reply(UNREAD)) as server, Network() as network:
        network.route(SITE, 80, to=server.port)
        async with aiohttp.ClientSession() as session:
            with kept_alive() as responses:
                await session.get(f"http://{SITE}/")
                assert len(responses) == 1
                assert not await server.until(lambda: not server.held, 0.2)
            assert await server.until(lambda: not server.held)


async def test_every_request_arrives_for_a_while() -> None:
    """A request to any place arrives at the server, with its path; afterwards it does not."""
    with WebServer(lambda _: Reply(b"here")) as server:
        async with aiohttp.ClientSession() as session:
            with everything_sent_to(server.port):
                async with session.post("https://discord.com/api/webhooks/1/token?wait=true") as response:
                    assert await response.read() == b"here"
            before = len(server.requests)
            async with session.get(f"http://127.0.0.1:{server.port}/again") as response:
                assert response.url.path == "/again"
        assert server.paths() == {"/api/webhooks/1/token?wait=true", "/again"}
        assert before == 1
