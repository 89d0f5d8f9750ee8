"""A health server of a tree under judgement: started, asked over real sockets, stopped."""

from __future__ import annotations

import contextlib
import http.client
import socket
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pytest

TOKEN = "a-token-for-the-health-pages"  # noqa: S105  of this test alone
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
