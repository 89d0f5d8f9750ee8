"""The health API: pages, JSON and metrics about the bot over HTTP, from threads that never touch the bot.

A handler reads one snapshot of `health_data` and answers from it; the bot's objects belong to the event loop (audit
finding F09). Pages come from templates that escape every value (audit finding F15).
"""

from __future__ import annotations

import logging
import os
import threading
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from . import health_pages
from .health_access import Access, decide
from .health_data import BotHealthData, ServiceBoard, health_data
from .health_routes import OPEN_ROUTES, ROUTES, Reply, Request, text_reply
from .health_server import BoundedServer, PortInUseError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "BotHealthData",
    "HealthAPIServer",
    "HealthRequestHandler",
    "PortInUseError",
    "ServiceBoard",
    "health_data",
]

logger = logging.getLogger(__name__)

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 8080
SAFETY = {
    "Cache-Control": "no-store",
    "Connection": "close",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
CHALLENGE = 'Bearer realm="health", Basic realm="health", charset="UTF-8"'


class HealthRequestHandler(BaseHTTPRequestHandler):
    """Answers one request on one thread, out of one snapshot."""

    protocol_version = "HTTP/1.1"
    server_version = "health"
    sys_version = ""
    timeout = 5.0
    health: BotHealthData = health_data

    def _generate_health_html(self, data: Mapping[str, Any]) -> str:
        """Render the dashboard from ``BotHealthData.to_dict()`` and nothing else (F09), every value escaped (F15)."""
        return health_pages.health_page(data)

    def _generate_stats_html(self, data: Mapping[str, Any]) -> str:
        """Render the statistics from the given data and nothing else (F09), every value escaped (F15)."""
        return health_pages.stats_page(data)

    def do_GET(self) -> None:
        """Answer a GET."""
        self._answer()

    def do_HEAD(self) -> None:
        """Answer a HEAD: what a GET would say, without the body."""
        self._answer()

    def _refuse_method(self) -> None:
        self._send(text_reply(405, "only GET and HEAD are answered", Allow="GET, HEAD"))

    def __getattr__(self, name: str) -> Any:
        """Answer every other method with a refusal; the base class looks for ``do_<METHOD>``."""
        if name.startswith("do_"):
            return self._refuse_method
        raise AttributeError(name)

    def _answer(self) -> None:
        if isinstance(self.server, BoundedServer):
            self.server.answering(self.connection)
        try:
            reply = self._reply()
        except Exception:
            logger.exception("answering %r failed", self.path)
            reply = text_reply(500, "the health page could not be made; the log says why")
        self._send(reply)

    def _reply(self) -> Reply:
        try:
            path = urlsplit(self.path).path.rstrip("/") or "/"
        except ValueError:
            return text_reply(400, "the request was not understood")
        request = Request(self.health, self.headers.get("Accept", ""), self)
        if route := OPEN_ROUTES.get(path):
            return route(request)
        access = decide(self.headers, str(self.client_address[0]))
        if access is Access.UNAUTHENTICATED:
            return text_reply(401, access.value, WWW_Authenticate=CHALLENGE)
        if access is Access.FORBIDDEN:
            return text_reply(403, access.value)
        route = ROUTES.get(path)
        return route(request) if route else text_reply(404, "there is no such page")

    def _send(self, reply: Reply) -> None:
        self.send_response(reply.code)
        headers = {
            "Content-Type": reply.content_type,
            "Content-Length": str(len(reply.body)),
            **SAFETY,
            **reply.headers,
        }
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(reply.body)
        self.close_connection = True

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:  # noqa: ARG002
        """Answer a request that could not be read, without repeating any of it."""
        self.close_connection = True
        self._send(text_reply(code, "the request was not understood"))

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002, ARG002  the base class' name
        """Log a request at level debug, what the client sent in quotes."""
        logger.debug("health request: %s", [str(arg) for arg in args])


class HealthAPIServer:
    """Serves the health API on threads of its own; may be started again after it was stopped.

    Args:
        host: address to listen on, by default this machine alone; variable ``HEALTH_API_HOST``.
        port: port to listen on, 0 lets the system choose; variable ``HEALTH_API_PORT``.
        data: whose health is served.
    """

    def __init__(self, host: str | None = None, port: int | None = None, data: BotHealthData = health_data) -> None:
        self.host = os.environ.get("HEALTH_API_HOST", DEFAULT_HOST) if host is None else host
        self._port = _configured_port() if port is None else port
        self._data = data
        self._lock = threading.Lock()
        self._server: BoundedServer | None = None
        self._thread: threading.Thread | None = None

    @property
    def port(self) -> int:
        """The port that is listened on, or would be."""
        server = self._server
        return server.server_port if server else self._port

    @property
    def url(self) -> str:
        """Address of the server for a browser on this machine."""
        host = {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "::1"}.get(self.host.strip("[]"), self.host.strip("[]"))  # noqa: S104
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"

    @property
    def is_running(self) -> bool:
        """Whether requests are answered."""
        return self._thread is not None and self._thread.is_alive()

    def start(self) -> bool:
        """Begin to answer; a server that runs already goes on.

        Raises:
            PortInUseError: another program listens on that port.
            OSError: the address cannot be listened on.
        """
        with self._lock:
            if self.is_running:
                return True
            handler = type("BoundHandler", (HealthRequestHandler,), {"health": self._data})
            server = BoundedServer(self.host, self._port, handler)
            turn = {"poll_interval": 0.05}
            self._thread = threading.Thread(target=server.serve_forever, kwargs=turn, name="health-api", daemon=True)
            self._server = server
            self._thread.start()
        logger.info("health API on %s", self.url)
        return True

    def stop(self) -> None:
        """Stop answering: the port is free and the threads are gone when this returns."""
        with self._lock:
            server, thread = self._server, self._thread
            self._server = self._thread = None
            if server is not None and thread is not None:
                server.shutdown()
                server.close()
                thread.join(5.0)


def _configured_port() -> int:
    text = os.environ.get("HEALTH_API_PORT", "").strip()
    if not text:
        return DEFAULT_PORT
    if not text.isdecimal() or int(text) > 65535:
        raise ValueError(f"HEALTH_API_PORT is {text!r}; it must be a number from 0 to 65535")
    return int(text)
