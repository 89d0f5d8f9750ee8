"""A web server on loopback that answers what the test says, sees every request, and knows what its connections do."""

from __future__ import annotations

import asyncio
import socket
import threading
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Self, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

PATIENCE = 5.0
"""Seconds that waiting for the other side may take before it counts as "never"."""

_SMALL_BUFFER = 16 * 1024
_TURNS = 10
"""Turns of the event loop within which a connection that waits to be accepted is made, aborted and gone.

They come before the listener is closed: asyncio leaks a connection that it accepts in the turn of the closing."""


@dataclass(frozen=True)
class Request:
    """One request, as it arrived.

    Attributes:
        method: in upper case.
        host: the `Host` header without the port, in lower case.
        path: path and query.
        headers: by name in lower case.
        body: what was sent with it.
        version: of HTTP, as the client named it.
    """

    method: str
    host: str
    path: str
    headers: Mapping[str, str]
    body: bytes = b""
    version: str = "HTTP/1.1"

    @property
    def is_last(self) -> bool:
        """Whether the client expects the connection to be closed after the answer."""
        wish = self.headers.get("connection", "").lower()
        return "close" in wish or (self.version == "HTTP/1.0" and "keep-alive" not in wish)


@dataclass(frozen=True)
class Reply:
    """What the server says.

    Attributes:
        body: sent whole, with its length, unless the client goes away.
        status: the HTTP status.
        headers: besides Content-Length, which is left out where they name a Transfer-Encoding.
        silent: nothing is ever answered; the connection stays open until the client closes it.
        cut: the connection is closed in the middle of the body.
    """

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    silent: bool = False
    cut: bool = False

    def encode(self) -> bytes:
        """Return status line, headers and body, as sent."""
        length = {} if "Transfer-Encoding" in self.headers else {"Content-Length": str(len(self.body))}
        lines = [f"{name}: {value}" for name, value in {**length, **self.headers}.items()]
        first = f"HTTP/1.1 {self.status} {HTTPStatus(self.status).phrase}"
        body = self.body[: len(self.body) // 2] if self.cut else self.body
        return "\r\n".join([first, *lines, "\r\n"]).encode("utf-8", "surrogateescape") + body


class WebServer:
    """A server in a thread of its own, so that a subject which blocks its event loop is answered as well.

    A connection is *held* from the arrival of a request until its answer is sent to the last byte or the connection is
    closed. The send buffer is small, so that a large answer which nobody reads keeps its connection held.

    Attributes:
        port: where it listens on 127.0.0.1, once entered.
        requests: what arrived, in order.
    """

    def __init__(self, answer: Callable[[Request], Reply]) -> None:
        """Prepare a server.

        Args:
            answer: gives the reply to a request; called in the server's thread.
        """
        self.port = 0
        self.requests: list[Request] = []
        self.answer = answer
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="web server", daemon=True)
        self._changed = threading.Condition()
        self._connections: set[_Connection] = set()

    @property
    def held(self) -> int:
        """Connections whose answer is still on its way."""
        return sum(connection.is_held for connection in self._connections)

    @property
    def connected(self) -> int:
        """Connections that are open."""
        return len(self._connections)

    def paths(self) -> set[str]:
        """Return the paths that were asked for."""
        return {request.path for request in self.requests}

    def wait_until(self, condition: Callable[[], object], patience: float = PATIENCE) -> bool:
        """Wait, in the calling thread, until something is true of this server; tell whether it came true.

        Args:
            condition: looked at whenever a request arrives, is answered, or a connection opens or closes.
            patience: seconds.
        """
        with self._changed:
            return bool(self._changed.wait_for(condition, patience))

    async def until(self, condition: Callable[[], object], patience: float = PATIENCE) -> bool:
        """Wait like `wait_until`, without blocking the event loop."""
        return await asyncio.to_thread(self.wait_until, condition, patience)

    def hang_up(self) -> None:
        """Abort every connection, as a server does that goes down; the next one is welcome."""
        self._loop.call_soon_threadsafe(self._abort_all)

    def _abort_all(self) -> None:
        for connection in list(self._connections):
            connection.transport.abort()

    def change(self, connection: _Connection, *, is_open: bool, request: Request | None = None) -> None:
        """Take note of what became of a connection (called in the server's thread)."""
        with self._changed:
            (self._connections.add if is_open else self._connections.discard)(connection)
            if request is not None:
                self.requests.append(request)
            self._changed.notify_all()

    def __enter__(self) -> Self:
        listener = socket.create_server(("127.0.0.1", 0))
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SMALL_BUFFER)
        self.port = listener.getsockname()[1]
        self._thread.start()
        self._in_thread(self._listen(listener))
        return self

    def __exit__(self, *_: object) -> None:
        self._in_thread(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(PATIENCE)
        self._loop.close()

    def _in_thread(self, work: Any) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(PATIENCE)

    async def _listen(self, listener: socket.socket) -> None:
        self._server = await self._loop.create_server(lambda: _Connection(self), sock=listener)

    async def _close(self) -> None:
        for _ in range(_TURNS):
            self._abort_all()
            await asyncio.sleep(0)
        self._server.close()


class _Connection(asyncio.Protocol):
    """One client: requests are answered as they arrive, in their order."""

    transport: asyncio.Transport

    def __init__(self, server: WebServer) -> None:
        self.is_held = False
        self._server = server
        self._received = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.transport.set_write_buffer_limits(high=0)
        self._server.change(self, is_open=True)

    def data_received(self, data: bytes) -> None:
        self._received += data
        while not self.transport.is_closing() and (request := self._taken()) is not None:
            self.is_held = True
            self._server.change(self, is_open=True, request=request)
            self._send(self._server.answer(request), is_last=request.is_last)

    def _taken(self) -> Request | None:
        head, end, rest = bytes(self._received).partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        pairs = [line.partition(":") for line in lines]
        headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
        length = int(headers.get("content-length", "0"))
        if not end or len(rest) < length:
            return None
        self._received[:] = rest[length:]
        method, path, version = first.split(" ", 2)
        host = headers.get("host", "").partition(":")[0].lower()
        return Request(method, host, path, headers, rest[:length], version)

    def _send(self, reply: Reply, *, is_last: bool) -> None:
        if reply.silent:
            return
        self.transport.write(reply.encode())
        if reply.cut or is_last:
            self.transport.close()
        if not self.transport.get_write_buffer_size():
            self.resume_writing()

    def resume_writing(self) -> None:
        self.is_held = False
        self._server.change(self, is_open=True)

    def eof_received(self) -> None:
        self.transport.abort()

    def connection_lost(self, _error: Exception | None) -> None:
        self.is_held = False
        self._server.change(self, is_open=False)
