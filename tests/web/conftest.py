"""Fixtures of the tests of the fetcher."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from harness.parts.network import Network
from tests.web.loopback import PUBLIC, Web

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def web() -> Iterator[Web]:
    """A web with two hosts, `a.example` and `b.example`."""
    with Network() as network:
        web = Web(network)
        with web.server:
            for host in ("a.example", "b.example"):
                network.name(host, PUBLIC)
            for port in (80, 8080):
                network.route(PUBLIC, port, to=web.server.port)
            yield web
