"""Who may see the figures: a bearer token where one is set, else this machine alone."""

from __future__ import annotations

import base64
import binascii
import contextlib
import hashlib
import hmac
import ipaddress
import os
from enum import Enum
from typing import Protocol

__all__ = ["Access", "decide", "token_matches"]

TOKEN_VARIABLE = "HEALTH_API_TOKEN"  # noqa: S105  the variable's name
FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Real-IP", "Via")


class Headers(Protocol):
    """The headers of a request, by name in any case."""

    def get(self, name: str, default: str, /) -> str:
        """Return a header's value."""
        ...

    def __contains__(self, name: str, /) -> bool: ...


class Access(Enum):
    """What is decided about a request for figures."""

    GRANTED = "granted"
    UNAUTHENTICATED = "a token is needed"
    FORBIDDEN = "figures are for this machine alone until HEALTH_API_TOKEN is set"


def decide(headers: Headers, peer: str, token: str | None = None) -> Access:
    """Decide whether a request may see more than alive and ready.

    Without a token only a browser or program on this machine may, which speaks to it by a loopback name, so that
    neither a proxy nor a web page whose name was re-bound to 127.0.0.1 opens the figures to others.

    Args:
        headers: the request's headers.
        peer: the address the connection comes from.
        token: what must be presented; by default the variable HEALTH_API_TOKEN as it is now.
    """
    expected = (os.environ.get(TOKEN_VARIABLE, "") if token is None else token).strip()
    if expected:
        presented = _presented(headers.get("Authorization", ""))
        return Access.GRANTED if token_matches(presented, expected) else Access.UNAUTHENTICATED
    proxied = any(name in headers for name in FORWARDED)
    local = _is_loopback(peer) and _is_loopback(_host_of(headers.get("Host", "localhost")))
    return Access.GRANTED if local and not proxied else Access.FORBIDDEN


def token_matches(presented: bytes, expected: str) -> bool:
    """Compare a presented token in constant time, whatever its length and alphabet.

    A header's text may have been sent as UTF-8 or as Latin-1; both spellings of the right token are right.
    """
    given = hashlib.sha256(presented).digest()
    spellings = {expected.encode("utf-8", "surrogateescape")}
    with contextlib.suppress(UnicodeEncodeError):
        spellings.add(expected.encode("latin-1"))
    matches = [hmac.compare_digest(given, hashlib.sha256(spelling).digest()) for spelling in spellings]
    return bool(expected) and any(matches)


def _presented(authorization: str) -> bytes:
    """Return the token of a header: ``Bearer TOKEN``, or the password of ``Basic`` so that a browser can ask for it."""
    scheme, _, rest = authorization.strip().partition(" ")
    credentials = rest.strip().encode("latin-1", "replace")
    if scheme.lower() == "bearer":
        return credentials
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(credentials, validate=True).partition(b":")[2]
        except binascii.Error:
            return b""
    return b""


def _host_of(header: str) -> str:
    """Return the name of a Host header, without port and brackets."""
    header = header.strip()
    if header.startswith("["):
        return header[1:].partition("]")[0]
    return header.rpartition(":")[0] or header if header.count(":") == 1 else header


def _is_loopback(host: str) -> bool:
    if host.rstrip(".").lower() == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback
