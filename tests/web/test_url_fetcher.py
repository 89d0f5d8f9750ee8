"""Fetching pages: what comes back, what is refused, and what is bounded."""

from __future__ import annotations

import asyncio
import gzip
import socket
import threading
from typing import TYPE_CHECKING

import aiohttp
import pytest

from harness.parts.site import HTML, PUBLIC
from harness.parts.webserver import Reply
from reference.utils.web import connector, redirects, url_fetcher
from reference.utils.web.connector import PublicConnector
from reference.utils.web.errors import BlockedError, FetchError, reason
from reference.utils.web.targets import target
from reference.utils.web.url_fetcher import fetch_all_urls, fetch_page, fetch_url_content, open_session

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.web.loopback import Web


def page(text: str, title: str = "T") -> Reply:
    """Make a small page."""
    return Reply(f"<title>{title}</title><p>{text}</p>".encode(), headers=HTML)


async def test_a_page_comes_with_all_that_is_known_of_it(web: Web) -> None:
    """Final address, status, title, description and text are those of the page behind the redirects."""
    web.redirect("/old", "/new?x=1#part", 308)
    web.pages["/new"] = Reply(b"<title>T</title><meta name=description content=D><p>text", headers=HTML)
    fetched = await fetch_page("http://a.example/old")
    assert fetched == url_fetcher.Page("http://a.example/new?x=1", 200, "T", "D", "text")


async def test_a_page_without_title_is_named_after_its_place(web: Web) -> None:
    """Host and path stand in for a title."""
    web.pages["/notes.txt"] = Reply(b"plain <text>", headers={"Content-Type": "text/plain"})
    assert await fetch_url_content("http://a.example/notes.txt") == ("a.example/notes.txt", "plain <text>")


async def test_a_page_without_text_has_no_content(web: Web) -> None:
    """An empty page has a title and no content."""
    web.pages["/"] = page("")
    assert await fetch_url_content("http://a.example/") == ("T", None)


@pytest.mark.parametrize(
    ("reply", "text"),
    [
        (Reply(gzip.compress(b"<p>folded"), headers={**HTML, "Content-Encoding": "gzip"}), "folded"),
        (Reply(b"4\r\n<p>c\r\n5\r\nhunks\r\n0\r\n\r\n", headers={**HTML, "Transfer-Encoding": "chunked"}), "chunks"),
        (Reply("ไทย".encode("cp874"), headers={"Content-Type": "text/html; charset=tis-620"}), "ไทย"),
        (Reply("<meta charset=cp874>ไทย".encode("cp874"), headers={"Content-Type": "text/html"}), "ไทย"),
        (Reply("é".encode(), headers={"Content-Type": "text/html; charset=nonsense"}), "é"),
        (Reply(b'{"a": 1}', headers={"Content-Type": "application/json"}), '{"a": 1}'),
        (Reply(b"<p>" + b"word " * 20_000, headers=HTML), "word word"),
    ],
    ids=["gzip", "chunked", "charset", "meta", "unknown-charset", "json", "large"],
)
async def test_bodies_of_all_kinds_are_read(web: Web, reply: Reply, text: str) -> None:
    """Compressed, chunked, large and oddly labelled bodies give their text."""
    web.pages["/"] = reply
    _, content = await fetch_url_content("http://a.example/")
    assert content is not None
    assert content.startswith(text)


class Shouting(Reply):
    """A reply whose status has the server's own words, which address everybody, backwards, and do not end."""

    def encode(self) -> bytes:
        """Return what is sent."""
        return super().encode().replace(b"Not Found", "@everyone \u202e\ud800".encode("utf-8", "surrogatepass") * 300)


@pytest.mark.parametrize(
    "reply",
    [
        Shouting(b"", 404, HTML),
        Reply(b"", headers={"Content-Type": f"@everyone\u202e\udcff/{'x' * 500}"}),
        Reply(b"", headers={**HTML, "Content-Encoding": f"@everyone\u202e\udcff{'x' * 500}"}),
    ],
    ids=["status", "media-type", "encoding"],
)
async def test_a_server_does_not_speak_in_the_bots_name(web: Web, reply: Reply) -> None:
    """What a refused answer says of itself is quoted shortly, in letters that can be sent and that call nobody."""
    web.pages["/"] = reply
    sentence, content = await fetch_url_content("http://a.example/")
    assert content is None
    assert sentence.isascii()
    assert sentence.isprintable()
    assert len(sentence) < 120
    assert "@" not in sentence


@pytest.mark.parametrize(
    ("reply", "sentence"),
    [
        (Reply(b"", 404, HTML), "the server answered 404 Not Found"),
        (Reply(b"", 304, HTML), "the server answered 304"),
        (Reply(b"", 302, HTML), "the server answered 302 Found"),
        (Reply(b"png", headers={"Content-Type": "image/png"}), "the page is image/png, not text"),
        (Reply(b"?"), "the page is application/octet-stream, not text"),
        (Reply(gzip.compress(bytes(6_000_000)), headers={**HTML, "Content-Encoding": "gzip"}), "larger than 5 MB"),
        (Reply(bytes(6_000_000), headers=HTML), "larger than 5 MB"),
        (Reply(b"x", headers={**HTML, "Content-Encoding": "br"}), "encoded as br"),
        (Reply(b"cut short", headers=HTML, cut=True), "answer is broken"),
        (Reply(b"", headers={"X": "y" * 100_000}), "answer is broken"),
    ],
)
async def test_what_cannot_be_read_is_told_in_a_sentence(web: Web, reply: Reply, sentence: str) -> None:
    """The title of a page that could not be had says why, and the content is None."""
    web.pages["/"] = reply
    title, content = await fetch_url_content("http://a.example/")
    assert content is None
    assert sentence in title


@pytest.mark.parametrize("hops", [5, 6])
async def test_five_redirects_are_followed(web: Web, hops: int) -> None:
    """The fifth redirect still leads to the page, the sixth does not."""
    for hop in range(hops):
        web.redirect(f"/{hop}", f"/{hop + 1}", 301 + hop % 3)
    web.pages[f"/{hops}"] = page("there")
    title, content = await fetch_url_content("http://a.example/0")
    assert content == ("there" if hops == 5 else None), title


@pytest.mark.parametrize(
    "location", ["http://a.example:22/", "ftp://a.example/", "http://u@a.example/", "http://[", "http://127.1/"]
)
async def test_a_redirect_is_judged_like_the_first_url(web: Web, location: str) -> None:
    """A redirect to another port, scheme, with a user name, or to a literal address is blocked and not connected to."""
    web.redirect("/", location)
    title, content = await fetch_url_content("http://a.example/")
    assert (title.partition(":")[0], content) == ("Blocked", None)
    assert set(web.connections) == {(PUBLIC, 80)}


async def test_one_deadline_bounds_all_hops(web: Web) -> None:
    """A chain whose last hop is silent ends at the deadline, and says so."""
    web.redirect("/", "/silent")
    web.pages["/silent"] = Reply(silent=True)
    title, content = await fetch_url_content("http://a.example/", timeout=0.2)
    assert (title, content) == ("Not available: the page did not come within 0.2 seconds", None)


@pytest.mark.parametrize("host", ["unknown.example", "refused.example"])
async def test_a_server_that_cannot_be_reached_is_named(web: Web, host: str) -> None:
    """An unknown name and a refused connection are told alike."""
    web.network.name("refused.example", "93.184.216.99")
    assert await fetch_url_content(f"http://{host}/") == (f"Not available: {host} cannot be reached", None)


async def test_nothing_is_carried_from_one_fetch_to_the_next(web: Web) -> None:
    """Cookies that a page sets are sent neither to the next hop nor with the next fetch of the session."""
    web.pages["/"] = Reply(
        b"", 302, {"Location": "http://a.example/next", "Set-Cookie": "a=b; Path=/; Domain=a.example"}
    )
    web.pages["/next"] = page("x")
    async with open_session() as session:
        for _ in range(2):
            await fetch_url_content("http://a.example/", session)
    sent = [set(request.headers) & {"cookie", "authorization", "referer"} for request in web.server.requests]
    assert sent == [set()] * 4


async def test_a_callers_own_session_is_left_alone(web: Web) -> None:
    """Cookies, headers and credentials of a session that is not ours are not sent."""
    web.pages["/"] = page("x")
    async with aiohttp.ClientSession(headers={"Authorization": "Bearer t"}, cookies={"a": "b"}) as session:
        assert (await fetch_url_content("http://a.example/", session))[1] == "x"
    assert not {"authorization", "cookie"} & set(web.server.requests[0].headers)


async def test_a_session_of_ours_is_used_again(web: Web) -> None:
    """Fetches that share a session share its connections, and look a name up once."""
    web.pages["/"] = page("x")
    async with open_session() as session:
        for _ in range(3):
            assert (await fetch_url_content("http://a.example/", session))[1] == "x"
    assert (web.network.lookups, web.connections) == (["a.example"], [(PUBLIC, 80)])


@pytest.mark.parametrize(
    "other",
    [
        lambda: aiohttp.ClientSession(connector=PublicConnector()),
        lambda: aiohttp.ClientSession(connector=PublicConnector(), cookie_jar=aiohttp.DummyCookieJar()),
        lambda: aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False),
    ],
    ids=["with-cookies", "unfolding", "any-connector"],
)
async def test_only_sessions_that_keep_all_rules_are_ours(other: Callable[[], aiohttp.ClientSession]) -> None:
    """A session with our connector but with cookies or unbounded unfolding is not taken for ours."""
    async with other() as session, open_session() as ours:
        assert not redirects.is_guarded(session)
        assert redirects.is_guarded(ours)


async def test_several_pages_are_fetched_at_once_in_their_order(web: Web) -> None:
    """A batch gives one entry for each different URL, up to its limit, in the order asked for."""
    for name in "abcd":
        web.pages[f"/{name}"] = page(name, title=name.upper())
    urls = [f"http://a.example/{name}" for name in "baacd"]
    assert await fetch_all_urls(urls) == [(urls[0], "B", "b"), (urls[1], "A", "a"), (urls[3], "C", "c")]
    assert len(await fetch_all_urls(urls, max_urls=9)) == 4
    assert await fetch_all_urls(urls, max_urls=-1) == await fetch_all_urls([]) == []


async def test_one_page_of_a_batch_does_not_spoil_another(web: Web) -> None:
    """A blocked URL beside a good one changes nothing for the good one."""
    web.pages["/"] = page("x")
    blocked, good = await fetch_all_urls(["http://127.0.0.1/", "http://a.example/"])
    assert blocked[2] is None
    assert good == ("http://a.example/", "T", "x")


async def test_github_gives_the_text_or_else_the_page(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where GitHub has no plain text for a page, the page itself is fetched."""

    def text_of(url: object) -> object:
        return target("http://b.example/raw" if str(url).endswith("/file") else "http://b.example/none")

    monkeypatch.setattr(url_fetcher, "plain_text_of", text_of)
    web.pages |= {"/raw": page("plain"), "/file": page("framed"), "/other": page("framed")}
    assert (await fetch_url_content("http://a.example/file"))[1] == "plain"
    assert (await fetch_url_content("http://a.example/other"))[1] == "framed"


async def test_a_cancelled_look_up_does_not_poison_a_name(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fetch cancelled while its name is looked up leaves the next fetch of that name unharmed."""
    web.pages["/"] = page("x")
    asked, answer = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    look_up = loop.getaddrinfo

    async def slowly(*args: object, **kwargs: object) -> object:
        asked.set()
        await answer.wait()
        return await look_up(*args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(loop, "getaddrinfo", slowly)
    async with open_session() as session, asyncio.timeout(5):
        first = asyncio.create_task(fetch_url_content("http://a.example/", session))
        await asked.wait()
        second = asyncio.create_task(fetch_url_content("http://a.example/", session))
        first.cancel()
        await asyncio.wait({first})
        answer.set()
        assert (await second)[1] == "x"
        assert (await fetch_url_content("http://a.example/", session))[1] == "x"


async def test_the_connector_refuses_proxies_and_literals() -> None:
    """Whatever a caller does with our connector, neither a proxy nor a literal address that is not public is used."""
    async with aiohttp.ClientSession(connector=PublicConnector()) as session:
        with pytest.raises(BlockedError, match="proxy"):
            await session.get("http://a.example/", proxy="http://127.0.0.1:3128/")
        for host in ("127.0.0.1", "[::1]", "127.1", "1.2.3.4.5"):
            with pytest.raises((BlockedError, aiohttp.InvalidURL)):
                await session.get(f"http://{host}/")


def test_the_last_line_judges_the_address_given_to_the_system() -> None:
    """No socket is made for an address that is not public; for others it is an ordinary one."""
    with pytest.raises(PermissionError, match="not a public address"):
        connector._public_socket((socket.AF_INET, socket.SOCK_STREAM, 0, "", ("127.0.0.1", 80)))
    connector._public_socket((socket.AF_INET, socket.SOCK_STREAM, 0, "", (PUBLIC, 80))).close()


def test_reasons_tell_nothing_of_this_network() -> None:
    """A failure is put into words without addresses, paths or the text of an exception."""
    assert reason(BlockedError("no")) == "Blocked: no"
    assert reason(FetchError("no", 404)) == "Not available: no"
    assert reason(OSError("10.0.0.1 refused")) == "Not available: the server's answer is broken (OSError)"


def test_the_module_answers_for_other_modules(web: Web) -> None:
    """The check by look-up says what the fetcher would refuse now."""
    assert url_fetcher._is_private_url("http://127.0.0.1/")
    assert not url_fetcher._is_private_url("http://a.example/")


async def test_the_request_is_plain(web: Web) -> None:
    """A request asks for text, in encodings that can be bounded, under the name of the host."""
    web.pages["/"] = page("x")
    await fetch_url_content("http://a.example:8080/")
    (request,) = web.server.requests
    assert request.method == "GET"
    assert request.headers["host"] == "a.example:8080"
    assert request.headers["accept-encoding"] == "gzip, deflate"


async def test_without_a_thread_a_fetch_still_returns(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the system has no thread for the look-up, the title says so, and the next fetch works."""
    web.pages["/"] = page("text")
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        title, content = await fetch_url_content("http://a.example/")
    assert (title.partition(":")[0], content) == ("Not available", None)
    assert await fetch_url_content("http://a.example/") == ("T", "text")


def refuse(_thread: threading.Thread) -> None:
    """Be a system that has no more threads."""
    raise RuntimeError("can't start new thread")
