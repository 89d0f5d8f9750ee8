"""Fixtures of the tests of the fetcher."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.web.loopback import web_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.web.loopback import Web


@pytest.fixture
def web() -> Iterator[Web]:
    """A web with two hosts, `a.example` and `b.example`."""
    with web_of("a.example", "b.example", ports=(80, 8080)) as web:
        yield web
