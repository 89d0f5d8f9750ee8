"""A web on loopback for the tests of the fetcher."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from harness.parts.network import Network
from harness.parts.site import HTML, PUBLIC
from harness.parts.webserver import Reply, Request, WebServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

FIRST_OF_OWN_CHOICE = 1024
"""Ports from here on are given out by the system to whoever asks for any."""


class Web:
    """Hosts at a public address that one loopback server answers for.

    Attributes:
        pages: the replies, by path; others are 404.
        network: names and connections.
        server: the server.
    """

    def __init__(self, network: Network) -> None:
        """Begin with no page."""
        self.network = network
        self.pages: dict[str, Reply | Callable[[Request], Reply]] = {}
        self.server = WebServer(self._answer)

    @property
    def connections(self) -> list[tuple[str, int]]:
        """Where connections were asked for; an event loop's own, which Windows makes of sockets, are left out."""
        return [place for place in self.network.connections if place[1] < FIRST_OF_OWN_CHOICE]

    def _answer(self, request: Request) -> Reply:
        page = self.pages.get(request.path.partition("?")[0], Reply(b"no such page", 404, HTML))
        return page(request) if callable(page) else page

    def redirect(self, path: str, to: str, status: int = 302) -> None:
        """Let a page lead elsewhere."""
        self.pages[path] = Reply(b"moved", status, {"Location": to})


@contextmanager
def web_of(*hosts: str, ports: tuple[int, ...] = (80,)) -> Iterator[Web]:
    """Run a web of some public hosts."""
    with Network() as network:
        web = Web(network)
        with web.server:
            for host in hosts:
                network.name(host, PUBLIC)
            for port in ports:
                network.route(PUBLIC, port, to=web.server.port)
            yield web
