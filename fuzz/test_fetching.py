"""Pages of the web in every shape: graphs of redirects, odd headers and bodies, and connections that break.

A real server on loopback answers. A page behind a few plain redirects arrives; one behind too many, or in a loop, does
not; what lies beyond the largest body is never read. Whatever happens, the fetcher returns or raises what it should,
and no response, connection or session is left.
"""

from __future__ import annotations

import asyncio
import functools
import gzip
import re
import zlib
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fuzz.budget import fuzzer
from harness.parts.responses import kept_alive
from harness.parts.site import HTML, UNREAD, site_at
from harness.parts.webserver import Reply, Request, WebServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from harness.subject import Subject

FUZZ = fuzzer(__file__)
HOST, OTHER, FOREIGN = "pages.example", "other.example", "b\xfccher.example"
MOST_REDIRECTS, LARGEST_BODY = 5, 5 * 1024 * 1024
PATIENCE = 10.0
HASTE = 0.3
"""Seconds for a fetch that a server keeps waiting."""

BEYOND = "beyond-the-limit"
PLAIN = {
    "absolute": f"http://{HOST}/{{}}",
    "of another host": f"http://{OTHER}/{{}}",
    "in capitals": f"HTTP://{HOST.upper()}/{{}}",
    "without a scheme": f"//{OTHER}/{{}}",
    "from the root": "/{}",
    "relative": "{}",
    "relative, upwards": "../../x/../{}",
    "with a fragment": "/{}#part",
}
"""Forms of a `Location` that every client follows."""

ODD = {
    "international": f"http://{FOREIGN}/{{}}",
    "in punycode": f"http://{FOREIGN.encode('idna').decode()}/{{}}",
    "with a user": f"http://user@{HOST}/{{}}",
    "with a password": f"http://user:secret@{HOST}/{{}}",
    "encrypted": f"https://{HOST}/{{}}",
    "of another port": f"http://{HOST}:8080/{{}}",
    "of no port": f"http://{HOST}:99999/{{}}",
    "of this machine": "http://127.0.0.1/{}",
    "of a file": "file:///{}",
    "of another scheme": f"ftp://{HOST}/{{}}",
    "of a script": "javascript:{}",
    "of data": "data:text/html,{}",
    "broken": "http://[::1/{}",
    "empty": "",
    "blank": " {} ",
    "endless": "/{}?" + "x" * 5000,
    "in bytes": "/{}?\udcff\udc80",
    "with a backslash": f"http:\\\\{HOST}\\{{}}",
}
"""Forms that may be followed, or refused."""

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")


@dataclass(frozen=True)
class Moved:
    """A page that is elsewhere.

    Attributes:
        to: number of the page that it leads to.
        form: of the `Location`, a name in one of the tables above; None where there is none.
        status: of HTTP.
        is_long: whether there is a body too large to be sent unless it is read.
    """

    to: int
    form: str | None = "absolute"
    status: int = 302
    is_long: bool = True

    def reply(self) -> Reply:
        """Return the answer."""
        forms = {**PLAIN, **ODD}
        location = {} if self.form is None else {"Location": forms[self.form].format(self.to)}
        return Reply(UNREAD if self.is_long else b"", self.status, headers={**HTML, **location})


def page(number: int) -> bytes:
    """Return a page that names its number."""
    paragraph = f"<p>This paragraph belongs to page-{number}-here and is long enough to be worth reading.</p>"
    return f"<html><head><title>T</title></head><body><main>{paragraph * 5}</main></body></html>".encode()


def chunked(body: bytes, size: int = 1000) -> bytes:
    """Write a body in chunks."""
    parts = [body[at : at + size] for at in range(0, len(body), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


@functools.cache
def large() -> bytes:
    """Return a page that is larger than allowed, with a word beyond the limit."""
    return b"<html><body>" + b"<p>large page</p>\n" * (LARGEST_BODY // 16) + f"<p>{BEYOND}</p>".encode()


@functools.cache
def bomb() -> bytes:
    """Return a few kilobytes that unfold to many megabytes, with a word beyond the limit."""
    return gzip.compress(b"<html><body>" + b"a " * (4 * LARGEST_BODY) + BEYOND.encode(), 9)


def headed(**headers: str) -> dict[str, str]:
    """Return the headers of a page, with others."""
    return {**HTML, **{name.replace("_", "-"): value for name, value in headers.items()}}


SHAPES: dict[str, Callable[[bytes], Reply]] = {
    "plain": lambda body: Reply(body, headers=HTML),
    "in chunks": lambda body: Reply(chunked(body), headers=headed(Transfer_Encoding="chunked")),
    "as gzip": lambda body: Reply(gzip.compress(body), headers=headed(Content_Encoding="gzip")),
    "as deflate": lambda body: Reply(zlib.compress(body), headers=headed(Content_Encoding="deflate")),
    "of no charset": lambda body: Reply(body, headers={"Content-Type": "text/html"}),
    "of an unknown charset": lambda body: Reply(body, headers={"Content-Type": "text/html; charset=klingon"}),
}
"""Shapes of a page that every client reads."""

UNREAD_SHAPES: dict[str, Callable[[bytes], Reply]] = {
    "error": lambda _: Reply(UNREAD, 500, headers=HTML),
    "picture": lambda _: Reply(UNREAD, headers={"Content-Type": "image/png"}),
    "sound": lambda _: Reply(UNREAD, 203, headers={"Content-Type": "audio/mpeg"}),
}
"""Shapes of what nobody reads, and is too large to be sent unless it is read."""

ODD_SHAPES: dict[str, Callable[[bytes], Reply]] = {
    **UNREAD_SHAPES,
    "absent": lambda body: Reply(body, 404, headers=HTML),
    "no content": lambda _: Reply(b"", 204, headers=HTML),
    "in part": lambda body: Reply(body, 206, headers=HTML),
    "of no type": Reply,
    "of a strange type": lambda body: Reply(body, headers={"Content-Type": "\udcff/; ;=html"}),
    "of a false charset": lambda body: Reply(body, headers={"Content-Type": "text/html; charset=utf-16"}),
    "of a codec": lambda body: Reply(body, headers={"Content-Type": "text/html; charset=unicode_escape"}),
    "of a bad codec": lambda body: Reply(body, headers={"Content-Type": "text/html; charset=idna"}),
    "of bytes": lambda body: Reply(bytes(range(256)) * 20 + body, headers=HTML),
    "large": lambda _: Reply(large(), headers=HTML),
    "large, in chunks": lambda _: Reply(chunked(large(), 65536), headers=headed(Transfer_Encoding="chunked")),
    "bomb": lambda _: Reply(bomb(), headers=headed(Content_Encoding="gzip")),
    "cut": lambda body: Reply(body * 50, headers=HTML, cut=True),
    "cut, in chunks": lambda body: Reply(chunked(body), headers=headed(Transfer_Encoding="chunked"), cut=True),
    "chunks of no size": lambda body: Reply(b"zz\r\n" + body, headers=headed(Transfer_Encoding="chunked")),
    "longer than told": lambda body: Reply(body, headers=headed(Content_Length="100")),
    "of two lengths": lambda body: Reply(body, headers=headed(Content_Length="10", content_length="20")),
    "of no length": lambda body: Reply(body, headers=headed(Content_Length="-5")),
    "gzip, cut": lambda body: Reply(gzip.compress(body)[:-12], headers=headed(Content_Encoding="gzip")),
    "no gzip": lambda body: Reply(body, headers=headed(Content_Encoding="gzip")),
    "folded twice": lambda body: Reply(
        gzip.compress(gzip.compress(body)), headers=headed(Content_Encoding="gzip, gzip")
    ),
    "folded strangely": lambda body: Reply(body, headers=headed(Content_Encoding="x-strange")),
    "of long headers": lambda body: Reply(body, headers=headed(X_Long="x" * 9000)),
    "of many headers": lambda body: Reply(body, headers={**HTML, **{f"X-{n}": "x" for n in range(300)}}),
    "silent": lambda _: Reply(silent=True),
}
"""Shapes of a page that may be read, or refused."""


@dataclass(frozen=True)
class Ending:
    """A page, in some shape."""

    shape: str = "plain"

    def reply(self, number: int) -> Reply:
        """Return the answer."""
        return {**SHAPES, **ODD_SHAPES}[self.shape](page(number))


Node = Moved | Ending
Drawn = tuple[int, str | None, int, bool] | str
"""A page as it is drawn: the arguments of `Moved`, or the shape of an ending."""


def node_of(drawn: Drawn) -> Node:
    """Return the page that was drawn."""
    return Ending(drawn) if isinstance(drawn, str) else Moved(*drawn)


@dataclass
class Site:
    """Pages by number; the server asks it what to say."""

    nodes: list[Node] = field(default_factory=list)

    def __call__(self, request: Request) -> Reply:
        """Answer a request for a page."""
        match = re.search(r"([0-9]+)", request.path)
        number = int(match[1]) if match else -1
        if not 0 <= number < len(self.nodes):
            return Reply(b"nothing", 404)
        node = self.nodes[number]
        return node.reply() if isinstance(node, Moved) else node.reply(number)

    def way(self, number: int) -> list[int]:
        """Return the pages that a client comes by which follows whatever it can."""
        way = [number]
        while isinstance(node := self.nodes[way[-1]], Moved) and node.form is not None and len(way) < 30:
            way.append(node.to)
        return way

    def arrives(self, way: list[int]) -> bool | None:
        """Tell whether a page must arrive (True), must not (False), or may (None)."""
        passed = [node for number in way[:-1] if isinstance(node := self.nodes[number], Moved)]
        if any(node.form not in PLAIN for node in passed):
            return None
        if len(passed) > MOST_REDIRECTS:
            return None if len(passed) == MOST_REDIRECTS + 1 else False
        last = self.nodes[way[-1]]
        is_plain = isinstance(last, Ending) and last.shape in SHAPES
        return True if is_plain and len(passed) < MOST_REDIRECTS else None

    @property
    def is_silent(self) -> bool:
        """Whether some page never comes."""
        return any(isinstance(node, Ending) and node.shape == "silent" for node in self.nodes)


endings = st.sampled_from([SHAPES, UNREAD_SHAPES, ODD_SHAPES]).flatmap(lambda shapes: st.sampled_from(sorted(shapes)))


def drawn_of(count: int) -> st.SearchStrategy[list[Drawn]]:
    """Draw so many pages."""
    forms = st.sampled_from(sorted(PLAIN)) | st.sampled_from([*sorted(PLAIN), *sorted(ODD), None])
    moved = st.tuples(st.integers(0, count - 1), forms, st.sampled_from([301, 302, 303, 307, 308]), st.booleans())
    return st.lists(moved | endings, min_size=count, max_size=count)


def chain(length: int, ending: str, form: str) -> list[Drawn]:
    """Return pages that lead from one to the next."""
    return [*((number + 1, form, 302, True) for number in range(length)), ending]


sites: st.SearchStrategy[list[Drawn]] = st.integers(1, 8).flatmap(drawn_of) | st.builds(
    chain, st.integers(0, 3) | st.integers(0, 12), endings, st.sampled_from(sorted(PLAIN))
)
OWN_KIND = "a session of the tree's own kind"
"""The way that keeps connections over several fetches; each site is visited in this way as well."""

WAYS = ["own session", "a caller's session", "a batch"]


@contextmanager
def running(nodes: list[Drawn]) -> Iterator[tuple[Site, WebServer]]:
    """Run the server behind all names, with these pages."""
    pages = Site([node_of(drawn) for drawn in nodes])
    with site_at(pages, HOST, OTHER, FOREIGN, FOREIGN.encode("idna").decode()) as server:
        yield pages, server


def session_for(subject: Subject, way: str) -> aiohttp.ClientSession:
    """Return a session of the caller's: of the tree's own kind, where it has one and that is wanted, or any."""
    opening: Any = getattr(subject.web.url_fetcher, "open_session", aiohttp.ClientSession)
    session: aiohttp.ClientSession = opening() if way == OWN_KIND else aiohttp.ClientSession()
    return session


@dataclass
class Visit:
    """A client of the site, and what it is held to.

    Attributes:
        subject: the tree.
        pages: of the site.
        server: behind them.
        way: how pages are fetched.
    """

    subject: Subject
    pages: Site
    server: WebServer
    way: str

    async def go(self, starts: list[int]) -> None:
        """Fetch pages one after the other, with one session, and see that nothing is left after each."""
        async with session_for(self.subject, self.way) as session:
            for start in starts:
                content = await self.fetched(start, session)
                self.judge(start, content)
                await self.released(start)
        freed = await self.server.until(lambda: not self.server.connected, 2.0)
        assert freed, f"{self.server.connected} connections outlive all sessions"
        left = [task.get_name() for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        assert not left, f"{len(left)} tasks are left: {left[0]}"

    async def fetched(self, start: int, session: aiohttp.ClientSession) -> str | None:
        """Return the content of a page; None where there is none. What it raises is as good an end."""
        fetcher = self.subject.web.url_fetcher
        timeout = HASTE if self.pages.is_silent else PATIENCE
        url = f"http://{HOST}/{start}"
        if self.way == "a batch" and not self.pages.is_silent:
            found = await asyncio.wait_for(fetcher.fetch_all_urls([url, f"{url}?again"], max_urls=2), 2 * PATIENCE)
            return str(found[0][2]) if found[0][2] is not None else None
        chosen = session if "a " in self.way else None
        with suppress(aiohttp.ClientError, OSError, ValueError):
            answer: Any = await asyncio.wait_for(
                fetcher.fetch_url_content(url, session=chosen, timeout=timeout), 2 * PATIENCE
            )
            return str(answer[1]) if answer[1] is not None else None
        return None

    def judge(self, start: int, content: str | None) -> None:
        """Check what arrived."""
        way = self.pages.way(start)
        due = None if self.pages.is_silent else self.pages.arrives(way)
        told = set(re.findall(r"page-([0-9]+)-here", content or ""))
        assert told <= {str(way[-1])}, f"the content of another page than the one at the end of the redirects: {told}"
        assert due is not True or told, f"a page behind {len(way) - 1} plain redirects did not arrive ({self.way})"
        assert due is not False or not told, (
            f"a page behind {len(way) - 1} redirects arrived; {MOST_REDIRECTS} are allowed"
        )
        assert len(content or "") <= LARGEST_BODY, f"{len(content or '')} characters were taken of a page"
        assert BEYOND not in (content or ""), "what lies beyond the largest body was read"

    async def released(self, start: int) -> None:
        """Check that no response holds a connection."""
        freed = await self.server.until(lambda: not self.server.held, 2.0)
        ended = self.pages.nodes[self.pages.way(start)[-1]]
        assert freed, f"after a chain that ended in {ended}, {self.server.held} responses still hold a connection"


@FUZZ.tries
@given(nodes=sites, starts=st.lists(st.integers(0, 7), min_size=1, max_size=3), way=st.sampled_from(WAYS))
def test_any_site(*, subject: Subject, nodes: list[Drawn], starts: list[int], way: str) -> None:
    """Whatever a site is like, its pages arrive or do not, as they should, and nothing is left behind."""
    with running(nodes) as (pages, server), kept_alive():
        for each in (OWN_KIND, way):
            asyncio.run(Visit(subject, pages, server, each).go([start % len(nodes) for start in starts]))


@FUZZ.tries
@given(
    text=st.lists(
        st.sampled_from(
            [
                "http://",
                "https://",
                "HTTP://a.example",
                "(",
                ")",
                "<",
                ">",
                "[",
                "]",
                "*",
                "|",
                "\u3002",
                ".",
                " ",
                "\n",
                "x",
                "/",
            ]
        )
        | st.text(max_size=3),
        max_size=20,
    ).map("".join)
)
def test_any_message(*, subject: Subject, text: str) -> None:
    """Whatever a message says, the URLs found in it are URLs, and stand in it."""
    for url in subject.web.url_fetcher.extract_urls(text):
        assert re.match(r"https?://\S+\Z", url, re.IGNORECASE), f"{url!r} was found, which is no URL"
        assert url in text, f"{url!r} was found, and is not in the message"
