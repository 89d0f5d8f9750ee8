"""yt-dlp behind the address rules of the fetcher: it connects to public addresses and to nothing else.

The rule stands where the connection is made, so it holds for the page, for each redirect, for the media that the page
names and for every look-up in between (audit findings F11 and F20). This module imports yt-dlp.
"""

from __future__ import annotations

import http.client
import logging
import socket
import urllib.request
from functools import partial
from typing import TYPE_CHECKING, Any

from yt_dlp import YoutubeDL  # type: ignore[import-untyped]
from yt_dlp.networking._urllib import UrllibRH  # type: ignore[import-untyped]

from ..web.addresses import is_public  # noqa: TID252  the package is loaded under two names

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["GuardedYoutubeDL"]

logger = logging.getLogger(__name__)

WEB_PORTS = frozenset({80, 443, 8080, 8443})


class GuardedYoutubeDL(YoutubeDL):  # type: ignore[misc]
    """yt-dlp with a single way to the network, which is the guarded one; proxies of the environment are not used."""

    def __init__(self, params: dict[str, Any]) -> None:
        super().__init__({"proxy": "", "logger": _Log, **params})

    def build_request_director(self, handlers: Iterable[Any], preferences: Any = None) -> Any:  # noqa: ARG002
        """Offer the guarded handler alone, whichever others are installed."""
        return super().build_request_director([_GuardedRH], None)


class _Log:
    """What yt-dlp says, for those who look: an error is raised besides, and it is the caller's to report."""

    debug = info = warning = error = staticmethod(logger.debug)


class _GuardedRH(UrllibRH):  # type: ignore[misc]
    """The handler of yt-dlp that uses the standard library, with guarded connections."""

    _SUPPORTED_URL_SCHEMES = ("http", "https")
    _SUPPORTED_PROXY_SCHEMES = ()

    def _create_instance(self, *args: Any, **kwargs: Any) -> urllib.request.OpenerDirector:
        opener: urllib.request.OpenerDirector = super()._create_instance(*args, **kwargs)
        opener.handle_open = {"unknown": opener.handle_open.get("unknown", [])}  # type: ignore[attr-defined]
        context = self._make_sslcontext(legacy_ssl_support=kwargs.get("legacy_ssl_support"))
        opener.add_handler(_GuardedConnections(context, self.source_address))
        return opener


class _GuardedConnections(urllib.request.AbstractHTTPHandler):
    """Opens http and https URLs over connections of `connect_to_public`."""

    def __init__(self, context: Any, source_address: str | None) -> None:
        super().__init__()
        self._context = context
        self._source = (source_address, 0) if source_address else None

    def http_open(self, request: urllib.request.Request) -> Any:
        return self.do_open(partial(self._connection, http.client.HTTPConnection), request)

    def https_open(self, request: urllib.request.Request) -> Any:
        return self.do_open(partial(self._connection, http.client.HTTPSConnection, context=self._context), request)

    def _connection(self, kind: type[http.client.HTTPConnection], host: str, **options: Any) -> Any:
        connection = kind(host, source_address=self._source, **options)
        connection._create_connection = connect_to_public  # type: ignore[attr-defined]  # noqa: SLF001  as yt-dlp does
        return connection


def connect_to_public(
    address: tuple[str, int], timeout: float | None = None, source_address: tuple[str, int] | None = None
) -> socket.socket:
    """Connect to a host all of whose addresses are public, by one of the very addresses that were judged.

    The family of `source_address` limits the choice: with `0.0.0.0` it is IPv4, without one the operating system's
    order decides, and it chooses the way out as well (audit finding F20).

    Args:
        address: host and port.
        timeout: seconds for each attempt.
        source_address: where to connect from.

    Raises:
        OSError: the host is refused, unknown, or cannot be reached.
    """
    host, port = address
    if port not in WEB_PORTS:
        raise PermissionError(f"port {port} is not one of the web")
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    if not all(is_public(str(place[0])) for *_, place in found):
        raise PermissionError(f"{host} leads to an address that is not public")
    if source_address is not None:
        family = socket.AF_INET6 if ":" in source_address[0] else socket.AF_INET
        found = [answer for answer in found if answer[0] == family]
    return _first_connection([place[:2] for *_, place in found], timeout, source_address)


def _first_connection(
    places: list[Any], timeout: float | None, source_address: tuple[str, int] | None
) -> socket.socket:
    error = OSError("the host has no address of the family that is used here")
    for place in places:
        try:
            return socket.create_connection(place, timeout, source_address)
        except OSError as failure:
            error = failure
    raise error
