"""The connector that brings a client's connections to the local server and nowhere else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import aiohttp
from aiohttp.client_exceptions import ClientConnectorError

if TYPE_CHECKING:
    from aiohttp import ClientRequest, ClientTimeout
    from aiohttp.client_proto import ResponseHandler
    from aiohttp.tracing import Trace

__all__ = ["LocalConnector"]


class LocalConnector(aiohttp.BaseConnector):
    """Sends every connection to one port of this machine, in plain text, whatever the URL says.

    The host that the URL names arrives as the Host header, so that the server can tell gateway, CDN and voice apart.
    No name is looked up and no TLS is spoken; traffic of a session with this connector cannot leave the machine. A
    client closes its connector with its session: each client needs one of its own.

    Args:
        port: where the local server listens.
        host: an address of this machine.
    """

    def __init__(self, port: int, host: str = "127.0.0.1") -> None:
        super().__init__(limit=0)
        self.host = host
        self.port = port

    async def _create_connection(
        self,
        req: ClientRequest,
        traces: list[Trace],  # noqa: ARG002  the signature is aiohttp's
        timeout: ClientTimeout,  # noqa: ARG002, ASYNC109  the signature is aiohttp's
    ) -> ResponseHandler:
        """Connect to the local server.

        Raises:
            aiohttp.ClientConnectorError: it does not listen.
        """
        try:
            _, protocol = await self._loop.create_connection(self._factory, self.host, self.port)
        except OSError as error:
            raise ClientConnectorError(req.connection_key, error) from error
        return protocol
