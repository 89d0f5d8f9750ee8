"""A health server of a tree under judgement: started, asked over real sockets, stopped."""

from __future__ import annotations

import contextlib
import http.client
import http.server
import socket
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pytest

TOKEN = "a-token-for-the-health-pages"  # noqa: S105  of this test alone
LARGEST_PAGE = 2**20
"""Bytes that a page may have where nobody reads it before it is whole."""

WAIT = 5.0
"""Seconds within which a health server must answer."""


@dataclass(frozen=True)
class Answer:
    """What a health server said; code 0 means that it said nothing."""

    code: int
    body: str
    content_type: str = ""

    @property
    def is_page(self) -> bool:
        """Whether a browser shows it as a page, which it also does where nothing says what it is."""
        return not self.content_type or "html" in self.content_type.lower()


@dataclass(frozen=True)
class HealthServer:
    """Where a tree's health server listens."""

    host: str
    port: int

    def get(self, path: str, accept: str = "text/html", wait: float = WAIT) -> Answer:
        """Ask for a path, with the token."""
        connection = http.client.HTTPConnection(self.host, self.port, timeout=wait)
        try:
            connection.request("GET", path, headers={"Authorization": f"Bearer {TOKEN}", "Accept": accept})
            response = connection.getresponse()
            body = response.read().decode("utf-8", "replace")
            return Answer(response.status, body, response.getheader("Content-Type", ""))
        except (OSError, http.client.HTTPException):
            return Answer(0, "")
        finally:
            connection.close()


def handled(health_api: Any, path: str, accept: str = "text/html") -> Answer:
    """Have the tree's handler answer a request on this very thread, over a pair of sockets."""
    client, served_end = socket.socketpair()
    server = http.server.HTTPServer(("127.0.0.1", 0), health_api.HealthRequestHandler, bind_and_activate=False)
    with client, served_end, contextlib.closing(server.socket):
        lines = [f"GET {path} HTTP/1.1", "Host: localhost", f"Authorization: Bearer {TOKEN}", f"Accept: {accept}"]
        client.sendall("\r\n".join([*lines, "Connection: close", "", ""]).encode())
        for end in (client, served_end):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, LARGEST_PAGE)
            end.settimeout(WAIT)
        try:
            health_api.HealthRequestHandler(served_end, ("127.0.0.1", 0), server)
        except Exception:  # noqa: BLE001  a server would end the connection
            return Answer(0, "")
        served_end.shutdown(socket.SHUT_WR)
        response = http.client.HTTPResponse(client)
        try:
            response.begin()
            body = response.read().decode("utf-8", "replace")
        except (OSError, http.client.HTTPException):
            return Answer(0, "")
        return Answer(response.status, body, response.getheader("Content-Type", ""))


def handler_of(health_api: Any) -> Any:
    """Return a request handler of the tree's without a request."""
    return health_api.HealthRequestHandler.__new__(health_api.HealthRequestHandler)


def rendered(generate: Callable[[Any], object], data: Any) -> str:
    """Return the page; nothing where the tree refuses such data, which lets nothing through either."""
    try:
        return str(generate(data))
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
        return ""


def set_token(monkeypatch: pytest.MonkeyPatch) -> None:
    """Configure the token; to be done before the tree's module is imported, which may be when it is read."""
    monkeypatch.setenv("HEALTH_API_TOKEN", TOKEN)


@contextmanager
def served(health_api: Any) -> Iterator[HealthServer]:
    """Run a tree's ``HealthAPIServer`` on a free port of this machine."""
    wanted = _free_port()
    server = health_api.HealthAPIServer("127.0.0.1", wanted)
    server.start()
    try:
        _wait_until_open(wanted)
        yield HealthServer("127.0.0.1", wanted)
    finally:
        server.stop()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_open(port: int) -> None:
    for _ in range(100):
        with contextlib.suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port), WAIT):
            return
        threading.Event().wait(0.02)
