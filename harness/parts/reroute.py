"""Calls of aiohttp clients that arrive at a loopback server, whatever address they are made to."""

from __future__ import annotations

from typing import Any

import aiohttp
from yarl import URL


def send_everything_to(port: int) -> None:
    """Let every request of this process go to a port of 127.0.0.1, by plain HTTP, with path and query as they are."""
    original: Any = aiohttp.ClientSession._request  # noqa: SLF001  the one place that all requests come through

    async def rerouted(session: aiohttp.ClientSession, method: str, url: Any, **options: Any) -> Any:
        target = URL(url).with_scheme("http").with_host("127.0.0.1").with_port(port)
        return await original(session, method, target, **options)

    aiohttp.ClientSession._request = rerouted  # type: ignore[method-assign, assignment]  # noqa: SLF001
