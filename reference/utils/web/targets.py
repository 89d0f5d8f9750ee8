"""Which URLs may be fetched: what can be said from the text alone, and what takes a look-up."""

from __future__ import annotations

import re
import socket

from yarl import URL

from .addresses import is_public
from .connector import refuse_literal
from .errors import BlockedError

SCHEMES = frozenset({"http", "https"})
PORTS = frozenset({80, 443, 8080, 8443})
"""Where web servers are; any other port is a way to talk to something else."""

LONGEST_URL = 2048
"""Characters."""

_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_HOST = re.compile(rf"(?=.{{1,254}}$)(?:{_LABEL}(?:\.{_LABEL})*\.?|[0-9a-f:.]+)", re.IGNORECASE)
_UNCLEAN = re.compile(r"[\x00-\x20\x7f\\]")


def target(url: str | URL, base: URL | None = None) -> URL:
    """Read a URL that a stranger wrote, and refuse what is not a plain page of the public web.

    The object returned is the one that is connected to, so no second parser can read the text in another way.

    Args:
        url: the text, as written in a message or a `Location` header.
        base: the page that the URL was found on, where it may be relative.

    Raises:
        BlockedError: it is no URL, or its scheme, port, credentials or literal address are refused.
    """
    if len(str(url)) > LONGEST_URL:
        raise BlockedError(f"the URL is longer than {LONGEST_URL} characters")
    if _UNCLEAN.search(str(url)):
        raise BlockedError("the URL holds a space, a control character or a backslash")
    try:
        parsed = URL(url) if base is None else base.join(URL(url))
        host, port, userinfo = parsed.raw_host or "", parsed.port, parsed.raw_user or parsed.raw_password
    except ValueError as error:
        raise BlockedError(f"that is no valid URL: {error}") from None
    if parsed.scheme not in SCHEMES:
        raise BlockedError("only http and https are fetched")
    if userinfo is not None:
        raise BlockedError("a URL with a user name or password is not fetched")
    if not _HOST.fullmatch(host):
        raise BlockedError("the URL names no valid host")
    if port not in PORTS:
        raise BlockedError(f"port {port} is not one of the web")
    refuse_literal(host)
    return parsed.with_fragment(None)


def leads_to_private(url: str) -> bool:
    """Tell whether a URL is refused, or names a host any of whose addresses is not public; look-ups block.

    For code that hands a URL to a program of its own and cannot use `PublicConnector`. What is true now may be untrue
    at the next look-up, so this is advice, and no protection for a connection made later (audit finding F11).

    Args:
        url: the URL, as a stranger wrote it.

    Returns:
        True also where the name cannot be resolved.
    """
    try:
        place = target(url)
        answers = socket.getaddrinfo(place.raw_host, place.port, type=socket.SOCK_STREAM)
    except (BlockedError, OSError, UnicodeError):
        return True
    return not all(is_public(str(address[0])) for *_, address in answers)
