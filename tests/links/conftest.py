"""Fixtures of the tests of the link reader."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from harness.parts.network import Network
from tests.web.loopback import PUBLIC, Web

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def web() -> Iterator[Web]:
    """A web on loopback with the hosts `a.example`, which is public, and `inside.example`, which is not."""
    with Network() as network:
        web = Web(network)
        with web.server:
            network.name("a.example", PUBLIC)
            network.name("inside.example", "10.0.0.5")
            network.name("both.example", (PUBLIC, "10.0.0.5"))
            network.route(PUBLIC, 80, to=web.server.port)
            yield web
