"""Who may speak with the page's server: the page itself, opened on this machine, and nobody else's page.

A browser lets any page it shows send requests to this machine. Three things keep other pages out: the Host header has
to name this machine (a foreign name that was made to point here, DNS rebinding, does not), the Origin header has to
be the page's own (another page on another port of this machine has another), and the headers of each answer forbid
the page to load, to run or to send anything to anywhere else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

if TYPE_CHECKING:
    from aiohttp.typedefs import Handler

__all__ = ["HEADERS", "is_own_host", "is_own_origin", "shut_out_strangers"]

LOOPBACK = frozenset({"127.0.0.1", "localhost", "[::1]"})

POLICY = (
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' blob:",
    "media-src 'self' blob:",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
)

HEADERS = {
    "Content-Security-Policy": "; ".join(POLICY),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cache-Control": "no-cache",
}
"""What every answer to the page says."""


def is_own_host(host: str, port: int) -> bool:
    """Tell whether a Host header names this machine and the port that the server listens on."""
    name, _, number = host.rpartition(":")
    return name.lower() in LOOPBACK and number == str(port)


def is_own_origin(origin: str | None, host: str) -> bool:
    """Tell whether a request comes from the page that the same server gave out."""
    return origin is not None and origin.lower() == f"http://{host.lower()}"


async def shut_out_strangers(request: web.Request, handler: Handler, port: int) -> web.StreamResponse:
    """Let the page's own requests pass, and add the headers to what is answered.

    Args:
        request: what is asked.
        handler: what answers.
        port: where the server listens.

    Raises:
        aiohttp.web.HTTPForbidden: the request does not come from the page.
    """
    host = request.headers.get("Host", "")
    if not is_own_host(host, port):
        raise web.HTTPForbidden(text=f"The page is at http://127.0.0.1:{port}/ and under no other name.")
    writes = request.method not in {"GET", "HEAD"} or "Upgrade" in request.headers
    if writes and not is_own_origin(request.headers.get("Origin"), host):
        raise web.HTTPForbidden(text="Only the page itself may do this.")
    response = await handler(request)
    if not response.prepared:
        response.headers.update(HEADERS)
    return response
