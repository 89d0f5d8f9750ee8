"""The connector through which pages are fetched: it connects to public addresses and to nothing else.

The rule stands where the connection is made, so that it holds for every hop and whatever happened before (audit
finding F11). Three places enforce it, each for what the other two cannot see:

* `connect` judges literal addresses, which aiohttp never gives to a resolver;
* `PublicResolver` judges the very answer that is connected to, and every address in it;
* `_public_socket` judges the address that the operating system is about to be given (aiohttp 3.12 and later).
"""

from __future__ import annotations

import errno
import inspect
import socket
from typing import TYPE_CHECKING, Any

import aiohttp
from aiohttp.resolver import ThreadedResolver

from .addresses import is_public, literal
from .errors import BlockedError

if TYPE_CHECKING:
    from aiohttp.abc import ResolveResult
    from aiohttp.client_reqrep import ClientRequest
    from aiohttp.connector import Connection
    from aiohttp.tracing import Trace

CONNECTIONS = 20
"""Connections open at once in one session."""


class PublicResolver(ThreadedResolver):
    """The system's resolver, less every name of which any address is not public."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Look a name up; the addresses returned are the ones that will be connected to (audit finding F11).

        Raises:
            BlockedError: one of the addresses is not public.
            OSError: the name cannot be resolved.
        """
        answers = await super().resolve(host, port, family)
        if not all(is_public(answer["host"]) for answer in answers):
            raise BlockedError(f"{host} leads to an address that is not public")
        return answers


class PublicConnector(aiohttp.TCPConnector):
    """A connector that refuses, for every request, literal and resolved addresses that are not public.

    Closing it also ends the look-ups that run. It belongs to one event loop, as all connectors do.
    """

    def __init__(self) -> None:
        super().__init__(resolver=PublicResolver(), limit=CONNECTIONS, **_LAST_LINE)

    async def connect(
        self,
        req: ClientRequest,
        traces: list[Trace],
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109  aiohttp's signature
    ) -> Connection:
        """Give a connection for a request, unless it names a literal address that is not public (audit finding F11).

        Raises:
            BlockedError: the host is such an address, or the request is to go through a proxy, which would resolve
                the name out of sight.
        """
        if req.proxy is not None:
            raise BlockedError("a proxy would decide where the connection goes")
        refuse_literal(req.url.raw_host or "")
        return await super().connect(req, traces, timeout)


def refuse_literal(host: str) -> None:
    """Raise `BlockedError` if a host is a literal address, in any spelling, that is not public."""
    try:
        address = literal(host)
    except ValueError:
        raise BlockedError(f"{host} is not a valid address") from None
    if address is not None and not is_public(address):
        raise BlockedError(f"{host} is not a public address")


def _public_socket(target: tuple[Any, ...]) -> socket.socket:
    family, kind, protocol, _, place = target
    if not is_public(place[0]):
        raise PermissionError(errno.EACCES, f"{place[0]} is not a public address")
    return socket.socket(family, kind, protocol)


_KNOWN = inspect.signature(aiohttp.TCPConnector.__init__).parameters
_LAST_LINE: dict[str, Any] = {"socket_factory": _public_socket} if "socket_factory" in _KNOWN else {}
