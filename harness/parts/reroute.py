"""Calls of aiohttp clients that arrive at a loopback server, whatever address they are made to."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from unittest import mock

import aiohttp
from yarl import URL

if TYPE_CHECKING:
    from collections.abc import Iterator


def send_everything_to(port: int) -> None:
    """Let every request of this process go to a port of 127.0.0.1, by plain HTTP, with path and query as they are."""
    aiohttp.ClientSession._request = _rerouted(port)  # type: ignore[method-assign]  # noqa: SLF001


@contextmanager
def everything_sent_to(port: int) -> Iterator[None]:
    """Do as ``send_everything_to``, for a while."""
    with mock.patch.object(aiohttp.ClientSession, "_request", _rerouted(port)):
        yield


def _rerouted(port: int) -> Any:
    original: Any = aiohttp.ClientSession._request  # noqa: SLF001  the one place that all requests come through

    async def rerouted(session: aiohttp.ClientSession, method: str, url: Any, **options: Any) -> Any:
        target = URL(url).with_scheme("http").with_host("127.0.0.1").with_port(port)
        return await original(session, method, target, **options)

    return rerouted
