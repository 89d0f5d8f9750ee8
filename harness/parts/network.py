"""A network under the test's control: names answer what the test says, and chosen addresses lead to loopback servers.

Everything that asks for a name through the standard library or aiohttp, in whatever thread, gets the scripted answers;
every connection of a socket is recorded, and goes to the loopback server behind its address or is refused. Nothing
leaves the machine. A subject's own code is not touched: what is replaced is what lies below it.
"""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import os
import socket
import sys
import threading
import weakref
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Self
from unittest import mock

import aiohttp.resolver

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Answer = tuple[str, ...]
LOOPBACK = "127.0.0.1"
SMALL_BUFFER = 16 * 1024
"""Bytes that the system takes in for a routed socket: what the subject does not read stays with the server."""

_UNKNOWN_NAME = socket.gaierror(socket.EAI_NONAME, "Name or service not known")


class Network:
    """Scripted names and routed addresses, in force between `__enter__` and `__exit__`, in the whole process.

    Attributes:
        lookups: the names that were asked for, in order.
        connections: the (address, port) pairs that a socket was told to connect to, in order; those that no
            route leads from were refused, except loopback, which is connected to as it is.
    """

    def __init__(self) -> None:
        """Make a network in which no name is known."""
        self.lookups: list[str] = []
        self.connections: list[tuple[str, int]] = []
        self._answers: dict[str, list[Answer]] = {}
        self._routes: dict[tuple[str, int], int | None] = {}
        self._rest: dict[int, int] = {}
        self._pretended: weakref.WeakKeyDictionary[socket.socket, tuple[Any, ...]] = weakref.WeakKeyDictionary()
        self._lock = threading.Lock()
        self._patches = ExitStack()
        self._getaddrinfo = socket.getaddrinfo

    def name(self, host: str, *answers: str | Sequence[str]) -> None:
        """Give a name its answers: one for each look-up in turn, the last one for ever.

        Args:
            host: the name.
            answers: an address, or the addresses of one answer; an empty answer means that the name is unknown.
        """
        with self._lock:
            self._answers[host] = [(answer,) if isinstance(answer, str) else tuple(answer) for answer in answers]

    def route(self, address: str, port: int, *, to: int) -> None:
        """Let connections to an address and port arrive at a port of 127.0.0.1."""
        self._routes[_canonical(address), port] = to

    def route_the_rest(self, port: int, *, to: int) -> None:
        """Let connections to a port of every address without a route of its own arrive at a port of 127.0.0.1."""
        self._rest[port] = to

    def refuse(self, address: str, port: int) -> None:
        """Let connections to an address and port be refused."""
        self._routes[_canonical(address), port] = None

    def reached(self, address: str) -> bool:
        """Tell whether a socket was ever told to connect to an address."""
        return any(_canonical(place) == _canonical(address) for place, _ in self.connections)

    def __enter__(self) -> Self:
        for owner, name, replacement in self._replacements():
            self._patches.enter_context(mock.patch.object(owner, name, replacement))
        return self

    def __exit__(self, *_: object) -> None:
        self._patches.close()

    def _replacements(self) -> list[tuple[Any, str, Callable[..., Any]]]:
        replacements: list[tuple[Any, str, Callable[..., Any]]] = [
            (socket, "getaddrinfo", self._answer),
            (socket, "gethostbyname", lambda host: self._first_ipv4(host)[0]),
            (socket, "gethostbyname_ex", lambda host: (host, [], self._first_ipv4(host))),
            (aiohttp.resolver.AsyncResolver, "resolve", aiohttp.resolver.ThreadedResolver.resolve),
            (socket.socket, "connect", self._connecting(socket.socket.connect)),
            (socket.socket, "connect_ex", self._connecting(socket.socket.connect_ex)),
            (socket.socket, "getpeername", self._naming(socket.socket.getpeername)),
        ]
        if sys.platform == "win32":
            replacements.append((asyncio.IocpProactor, "connect", self._overlapped(asyncio.IocpProactor.connect)))
        return replacements

    def _answer(self, host: Any, port: Any, family: int = 0, type: int = 0, proto: int = 0, flags: int = 0) -> Any:  # noqa: A002
        host = host.decode("idna") if isinstance(host, bytes) else host
        if host in {None, "", "localhost"}:
            return self._getaddrinfo(host, port, family, type, proto, flags)
        literal = flags & ~getattr(socket, "AI_ADDRCONFIG", 0) | socket.AI_NUMERICHOST
        try:
            return self._getaddrinfo(host, port, family, type, proto, literal)
        except (socket.gaierror, UnicodeError):
            found = [self._getaddrinfo(place, port, family, type, proto, literal) for place in self._next(host, family)]
        if not found:
            raise _UNKNOWN_NAME
        return [info for infos in found for info in infos]

    def _next(self, host: str, family: int) -> list[str]:
        host = host.rstrip(".").lower()
        with self._lock:
            self.lookups.append(host)
            script = self._answers.get(host, [()])
            answer = script.pop(0) if len(script) > 1 else script[0]
        return [place for place in answer if family in {0, _family(place)}]

    def _first_ipv4(self, host: str) -> list[str]:
        return [info[4][0] for info in self._answer(host, 0, socket.AF_INET, socket.SOCK_STREAM)]

    def _connecting(self, connect: Callable[..., Any]) -> Callable[..., Any]:
        def connect_routed(sock: socket.socket, address: Any) -> Any:
            return connect(sock, self._routed(sock, address))

        return connect_routed

    def _overlapped(self, connect: Callable[..., Any]) -> Callable[..., Any]:
        def connect_routed(proactor: Any, sock: socket.socket, address: Any) -> Any:
            return connect(proactor, sock, self._routed(sock, address))

        return connect_routed

    def _naming(self, getpeername: Callable[..., Any]) -> Callable[..., Any]:
        def getpeername_pretended(sock: socket.socket) -> Any:
            actual = getpeername(sock)
            return self._pretended.get(sock, actual)

        return getpeername_pretended

    def _routed(self, sock: socket.socket, address: Any) -> Any:
        """Decide where a connection really goes, and remember where the caller believes it goes."""
        if sock.family not in {socket.AF_INET, socket.AF_INET6} or sock.type != socket.SOCK_STREAM:
            return address
        place = _canonical(str(self._getaddrinfo(address[0], None, sock.family)[0][4][0]))
        to = self._routes.get((place, address[1]), self._rest.get(address[1]))
        with self._lock:
            self.connections.append((place, address[1]))
        if to is None and not ipaddress.ip_address(place).is_loopback:
            raise ConnectionRefusedError(errno.ECONNREFUSED, os.strerror(errno.ECONNREFUSED))
        if to is None:
            return address
        self._pretended[sock] = (place, *address[1:])
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_BUFFER)
        if sock.family == socket.AF_INET:
            return LOOPBACK, to
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        return f"::ffff:{LOOPBACK}", to, 0, 0


def _canonical(address: str) -> str:
    return ipaddress.ip_address(address.partition("%")[0]).compressed


def _family(address: str) -> int:
    return socket.AF_INET6 if ":" in address else socket.AF_INET
