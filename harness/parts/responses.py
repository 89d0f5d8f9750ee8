"""Responses of aiohttp that nobody's forgetting can release."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any
from unittest import mock

import aiohttp

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def kept_alive() -> Iterator[list[aiohttp.ClientResponse]]:
    """Keep every response alive, as a tracer does, so that only an explicit release gives its connection back."""
    responses: list[aiohttp.ClientResponse] = []
    start = aiohttp.ClientResponse.start

    async def start_and_keep(response: aiohttp.ClientResponse, *args: Any, **kwargs: Any) -> aiohttp.ClientResponse:
        responses.append(response)
        return await start(response, *args, **kwargs)

    try:
        with mock.patch.object(aiohttp.ClientResponse, "start", start_and_keep):
            yield responses
    finally:
        for response in responses:
            with suppress(RuntimeError):  # its event loop is closed
                response.close()
