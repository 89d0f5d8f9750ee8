"""A site of the public web: a server on loopback that a public name leads to."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import unquote

from harness.parts.network import Network
from harness.parts.webserver import Reply, Request, WebServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PUBLIC, ABSENT = "93.184.216.34", "93.184.216.99"
"""Public addresses: of the site, and one at which no server answers."""

HTML = {"Content-Type": "text/html; charset=utf-8"}
UNREAD = b"<p>moved elsewhere</p>" * 100_000
"""More than the buffers between server and client hold: sent to the end only if it is read."""

INSIDE = "the inner page that nobody outside may read"
INNER = Reply(f"<html><title>Inner</title><body><p>{INSIDE}</p></body></html>".encode() * 10, headers=HTML)
"""What a server answers that no stranger's URL may lead to."""


def article(title: str, end: str = "") -> bytes:
    """Make a page that is long enough to count as content."""
    body = "".join(
        f"<p>Paragraph {number} of a page that is long enough to be worth reading.</p>" for number in range(20)
    )
    main = f"<main><h1>{title}</h1>{body}{end}</main>"
    return f"<html><head><title>{title}</title></head><body>{main}</body></html>".encode()


def leading_on(request: Request) -> Reply:
    """Be a public site: `/to/<place>` redirects to `http://<place>`; a page names the host that it was asked as."""
    if request.path.startswith("/to/"):
        return Reply(b"moved", 302, {"Location": f"http://{unquote(request.path.removeprefix('/to/'))}"})
    return Reply(article("Public", f"<p>Served as {request.host}.</p>"), headers=HTML)


@contextmanager
def site_at(answer: Callable[[Request], Reply], *names: str) -> Iterator[WebServer]:
    """Run a site, and lead names to it; no other name is known meanwhile."""
    with WebServer(answer) as server, Network() as network:
        for name in names:
            network.name(name, PUBLIC)
        network.route(PUBLIC, 80, to=server.port)
        yield server
