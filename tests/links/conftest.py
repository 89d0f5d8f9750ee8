"""Fixtures of the tests of the link reader."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from harness.parts.site import PUBLIC
from tests.web.loopback import web_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.web.loopback import Web


@pytest.fixture
def web() -> Iterator[Web]:
    """A web on loopback with the hosts `a.example`, which is public, and `inside.example`, which is not."""
    with web_of("a.example") as web:
        web.network.name("inside.example", "10.0.0.5")
        web.network.name("both.example", (PUBLIC, "10.0.0.5"))
        yield web
