"""An HTTP server on threads of its own, in which no client can pin anything: bounded in connections and in time."""

from __future__ import annotations

import contextlib
import errno
import logging
import socket
import sys
import threading
import time
from dataclasses import dataclass, field
from http.server import HTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from http.server import BaseHTTPRequestHandler

__all__ = ["BoundedServer", "PortInUseError", "address_of"]

logger = logging.getLogger(__name__)

BUSY = b"HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 0\r\nRetry-After: 1\r\n\r\n"
IN_USE = {errno.EADDRINUSE, errno.EACCES} if sys.platform == "win32" else {errno.EADDRINUSE}


class PortInUseError(OSError):
    """The port belongs to another program; the text says which port and what to do."""


@dataclass(eq=False)
class Connection:
    """One client: since when it is connected, and whether its request has been read."""

    sock: socket.socket
    since: float = field(default_factory=time.monotonic)
    answering: bool = False
    thread: threading.Thread | None = None

    def cut(self) -> None:
        """End the connection, so that the thread that serves it comes back."""
        with contextlib.suppress(OSError):
            self.sock.shutdown(socket.SHUT_RDWR)


def address_of(host: str, port: int) -> tuple[socket.AddressFamily, Any]:
    """Return family and address to listen on; ``::`` and IPv6 literals, with or without brackets, are understood.

    Raises:
        OSError: the host is not an address of this machine, in words.
    """
    literal = host.strip().removeprefix("[").removesuffix("]")
    try:
        found = socket.getaddrinfo(literal or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (socket.gaierror, UnicodeError) as error:
        raise OSError(f"the health server cannot listen on {host!r}: it is no address of this machine") from error
    family, _, _, _, address = min(found, key=lambda entry: entry[0] != socket.AF_INET)
    return family, address


class BoundedServer(HTTPServer):
    """Serves each connection in a daemon thread, at most ``most`` at once, none longer than ``longest``.

    When all places are taken, the client that has been longest without sending its request gives way.

    Args:
        host: name or address to listen on.
        port: 0 lets the system choose.
        handler: class of the request handlers.
        most: connections at once.
        longest: seconds from accepting a connection to its end.

    Raises:
        PortInUseError: another program listens there.
    """

    allow_reuse_address = sys.platform != "win32"
    allow_reuse_port = False
    request_queue_size = 64

    def __init__(
        self, host: str, port: int, handler: type[BaseHTTPRequestHandler], *, most: int = 32, longest: float = 10.0
    ) -> None:
        self.most = most
        self.longest = longest
        self._lock = threading.Lock()
        self._connections: set[Connection] = set()
        self.address_family, address = address_of(host, port)
        try:
            super().__init__(address, handler)
        except OSError as error:
            if error.errno not in IN_USE:
                raise
            raise PortInUseError(
                error.errno, f"port {port} on {host} is in use by another program; choose another or stop that program"
            ) from error

    def server_bind(self) -> None:
        """Bind without asking the DNS for this machine's name; ``::`` takes IPv4 too where the system can."""
        if self.address_family == socket.AF_INET6:
            with contextlib.suppress(OSError):
                self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        if sys.platform == "win32":
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        elif self.allow_reuse_address:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def process_request(self, request: Any, client_address: Any) -> None:
        """Hand a connection to a thread of its own, or turn it away."""
        connection = Connection(request)
        with self._lock:
            room = len(self._connections) < self.most or self._make_room()
            if room:
                self._connections.add(connection)
        if not room:
            self._turn_away(request)
            return
        connection.thread = threading.Thread(
            target=self._serve, args=(connection, client_address), name="health-request", daemon=True
        )
        connection.thread.start()

    def _make_room(self) -> bool:
        idle = [connection for connection in self._connections if not connection.answering]
        if not idle:
            return False
        oldest = min(idle, key=lambda connection: connection.since)
        self._connections.discard(oldest)
        oldest.cut()
        return True

    def _turn_away(self, request: socket.socket) -> None:
        with contextlib.suppress(OSError):
            request.settimeout(0.0)
            request.send(BUSY)
        self.shutdown_request(request)

    def _serve(self, connection: Connection, client_address: Any) -> None:
        try:
            self.finish_request(connection.sock, client_address)
        except (OSError, ValueError) as error:
            logger.debug("a health client went away: %s", type(error).__name__)
        except Exception:
            logger.exception("a health request failed")
        finally:
            self.shutdown_request(connection.sock)
            with self._lock:
                self._connections.discard(connection)

    def answering(self, sock: socket.socket) -> None:
        """Note that a request has been read whole, so its connection gives way to nobody."""
        with self._lock:
            for connection in self._connections:
                if connection.sock is sock:
                    connection.answering = True

    def service_actions(self) -> None:
        """Cut connections that are over their time; called at every turn of the server."""
        overdue = time.monotonic() - self.longest
        with self._lock:
            late = [connection for connection in self._connections if connection.since < overdue]
        for connection in late:
            connection.cut()

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002  the base class' names
        """Log what went wrong instead of printing it."""
        logger.debug("a health connection failed", exc_info=sys.exc_info())

    def close(self, deadline: float = 2.0) -> None:
        """Free the port, cut every connection and wait for their threads, at most ``deadline`` seconds in all."""
        self.server_close()
        with self._lock:
            connections = list(self._connections)
        end = time.monotonic() + deadline
        for connection in connections:
            connection.cut()
        for connection in connections:
            if connection.thread is not None and connection.thread is not threading.current_thread():
                connection.thread.join(max(0.0, end - time.monotonic()))
