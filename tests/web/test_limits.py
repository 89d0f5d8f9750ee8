"""What is just within a limit of the fetcher and what is just beyond it."""

from __future__ import annotations

import gzip
import hashlib
import threading
import tracemalloc
from typing import TYPE_CHECKING

import pytest
import yarl

from harness.parts.site import HTML
from harness.parts.webserver import Reply
from reference.utils.web import redirects
from reference.utils.web.addresses import literal
from reference.utils.web.body import MOST_MEMBERS, Unfolder, read_body
from reference.utils.web.charsets import decode
from reference.utils.web.errors import BlockedError, FetchError, named
from reference.utils.web.page_text import LONGEST_TEXT, LONGEST_TITLE, read_document
from reference.utils.web.redirects import open_session
from reference.utils.web.targets import target
from reference.utils.web.url_fetcher import fetch_all_urls, fetch_url_content

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.web.loopback import Web

URL = "http://a.example/"
PARTS = "an IPv4 address has at most four parts, each below 256$"
LAST_PART = "the last part of an IPv4 address is too large$"


async def body_of(web: Web, content: bytes, limit: int, headers: Mapping[str, str] = HTML) -> bytes:
    """Read a body over a real connection."""
    web.pages["/"] = Reply(content, headers=headers)
    async with open_session() as session, session.get(URL) as response:
        return await read_body(response, limit)


@pytest.mark.parametrize("size", [0, 1, 300_000])
async def test_a_body_as_large_as_the_limit_is_read_whole(web: Web, size: int) -> None:
    """The last byte within the limit is read, in however many pieces the body arrives; the next one is refused."""
    content = hashlib.shake_256(b"body").digest(size)
    assert await body_of(web, content, limit=size) == content
    with pytest.raises(FetchError, match="larger than"):
        await body_of(web, content + b"!", limit=size)


async def test_a_body_of_unknown_length_is_bounded_too(web: Web) -> None:
    """Where no length is announced the limit holds while the pieces arrive."""
    chunked = {**HTML, "Transfer-Encoding": "chunked"}
    assert await body_of(web, b"3\r\nabc\r\n0\r\n\r\n", 3, chunked) == b"abc"
    with pytest.raises(FetchError, match="larger than"):
        await body_of(web, b"3\r\nabc\r\n1\r\nd\r\n0\r\n\r\n", 3, chunked)


def test_a_stream_that_was_cut_is_told_in_a_sentence() -> None:
    """A compressed body that ends too soon is an error with a sentence of its own."""
    unfolder = Unfolder("gzip")
    unfolder.feed(gzip.compress(b"text")[:-1])
    with pytest.raises(FetchError, match=r"^the compression of the page is broken: it was cut short$"):
        unfolder.finish()


def test_pieces_that_unfold_count_together() -> None:
    """A body is refused for what all its pieces unfold to, none of which is too large."""
    piece = hashlib.shake_256(b"piece").digest(500)
    folded = gzip.compress(piece * 40)
    unfolder = Unfolder("gzip", 10_000)
    with pytest.raises(FetchError, match="larger than"):
        [unfolder.feed(folded[place : place + 10]) for place in range(0, len(folded), 10)]


def test_a_bomb_is_never_in_memory() -> None:
    """Of a body that unfolds to fifty megabytes little more than the limit is ever held."""
    bomb, unfolder = gzip.compress(bytes(50_000_000), compresslevel=1), Unfolder("gzip", 1_000_000)
    tracemalloc.start()
    try:
        with pytest.raises(FetchError, match="larger than"):
            unfolder.feed(bomb)
        assert tracemalloc.get_traced_memory()[1] < 10_000_000
    finally:
        tracemalloc.stop()


def test_as_many_members_as_allowed() -> None:
    """A gzip stream of the largest number of members is read."""
    unfolder = Unfolder("gzip")
    assert unfolder.feed(gzip.compress(b"x") * MOST_MEMBERS) == b"x" * MOST_MEMBERS


@pytest.mark.parametrize(
    ("host", "sentence"),
    [
        ("1.2.3.4.5", PARTS),
        ("1.2.3.4.5.6", PARTS),
        ("256.1.1.1", PARTS),
        ("1.256.1", PARTS),
        ("1.1.1.256", LAST_PART),
        ("1.16777216", LAST_PART),
        ("4294967296", LAST_PART),
        ("X127.0.0.1", "invalid literal"),
    ],
)
def test_numbers_beyond_an_address_are_none(host: str, sentence: str) -> None:
    """A number too many or too large makes a host invalid, and says how."""
    with pytest.raises(ValueError, match=f"^{sentence}"):
        literal(host)


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("255.255.255.255", "255.255.255.255"),
        ("255.1", "255.0.0.1"),
        ("1.16777215", "1.255.255.255"),
        ("4294967295", "255.255.255.255"),
    ],
)
def test_the_largest_numbers_are_read(host: str, address: str) -> None:
    """The largest number of each part is part of an address."""
    assert str(literal(host)) == address


def test_a_letter_behind_numbers_makes_a_name() -> None:
    """A host that ends in a letter is no address, whatever it begins with."""
    assert literal("127.0.0.1X") is None


def test_a_label_is_quoted_in_forty_ascii_characters() -> None:
    """What a server calls something is cut at forty characters; each that is no part of a media type is a mark."""
    assert named("text/x-y.z+json") == "text/x-y.z+json"
    assert named("é <b>") == "???b?"
    assert named("x" * 41) == "x" * 40


@pytest.mark.parametrize(
    ("body", "charset", "text"),
    [
        (b"abc\xff", None, "abcÿ"),
        (b"\xef\xbb\xbf\xff", None, "\ufffd"),
        ("ไทย".encode("cp874"), "'tis-620'", "ไทย"),
        (b"\xe9!", "Xtis-620X", "é!"),
    ],
)
def test_bytes_at_the_edge_of_an_encoding(body: bytes, charset: str | None, text: str) -> None:
    """A last byte that no UTF-8 begins with, one behind a mark, and quoted labels are read as browsers read them."""
    assert decode(body, charset) == text


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("http://a.example/" + "x" * 2032, "the URL is longer than 2048 characters"),
        ("http://a.example/ ", "the URL holds a space, a control character or a backslash"),
        ("ftp://a.example/", "only http and https are fetched"),
        ("http://u@a.example/", "a URL with a user name or password is not fetched"),
        ("http://a..example/", "the URL names no valid host"),
        ("http://a.example:22/", "port 22 is not one of the web"),
    ],
)
def test_a_refused_url_is_told_in_a_sentence(url: str, sentence: str) -> None:
    """Each refusal has a sentence of its own, and the longest URL that is let pass has 2048 characters."""
    with pytest.raises(BlockedError) as caught:
        target(url)
    assert str(caught.value) == sentence
    assert target("http://a.example/" + "x" * 2031)


async def test_a_page_that_does_not_come_is_told_in_a_sentence(web: Web) -> None:
    """The seconds are those that were asked for."""
    web.pages["/"] = Reply(silent=True)
    assert (await fetch_url_content(URL, timeout=0.05))[0] == "Not available: the page did not come within 0.05 seconds"


async def test_a_system_without_threads_is_told_in_a_sentence(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no thread can be had for the look-up, trying later is the advice."""
    web.pages["/"] = Reply(b"<p>x", headers=HTML)

    def refuse(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        told = await fetch_url_content(URL)
    sentence = "there is no thread to look it up or to read it in; please try again later"
    assert told == (f"Not available: {sentence}", None)


def test_a_title_is_cut_at_its_limit() -> None:
    """A title of the largest length is whole; a longer one ends in an ellipsis, with no space before it."""

    def title(text: str) -> str:
        return read_document(f"<title>{text}</title>", is_markup=True).title

    assert title("a" * LONGEST_TITLE) == "a" * LONGEST_TITLE
    assert title("a" * (LONGEST_TITLE + 1)) == "a" * (LONGEST_TITLE - 1) + "…"
    assert title("a" * (LONGEST_TITLE - 2) + " bbb") == "a" * (LONGEST_TITLE - 2) + "…"


def test_a_text_is_cut_at_its_limit() -> None:
    """A long text ends where its limit is, without the line break there."""
    line = "a" * (LONGEST_TEXT - 1)
    assert read_document(f"<p>{line}<p>b", is_markup=True).text == line
    assert read_document(f"<p>{line}bc", is_markup=True).text == f"{line}b"


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("<P>one<BR>two<TABLE><TD>three</TD><TD>four</TABLE>", "one\ntwo\nthree four"),
        ("<script>gone</SCRIPT>kept", "kept"),
        ("<nav>gone<script>gone</script>gone</nav>kept<nav>gone</nav>", "kept"),
        ("<script>still read<nav>gone</nav>kept", "still read kept"),
        ("a --> b<!-- gone -->kept<!-- gone -->end", "a --> b kept end"),
    ],
)
def test_what_is_unread_ends_where_it_ends(source: str, text: str) -> None:
    """Tags in capitals, unread parts within others, and several comments leave the text between them."""
    assert read_document(source, is_markup=True).text == text


def test_a_description_without_content_is_none() -> None:
    """A `<meta>` that names a description and holds none gives way to the next."""
    source = "<meta name=description><meta property=og:description content=x>"
    assert read_document(source, is_markup=True).description == "x"


async def test_xml_is_markup_and_plain_text_is_not(web: Web) -> None:
    """The tags of XML are no text; in a plain text they are, and name no encoding."""
    web.pages["/xml"] = Reply(b"<a><p>text</p></a>", headers={"Content-Type": "application/xml"})
    assert (await fetch_url_content(f"{URL}xml"))[1] == "text"
    web.pages["/plain"] = Reply(b"<meta charset=tis-620>\xe9!", headers={"Content-Type": "text/plain"})
    assert (await fetch_url_content(f"{URL}plain/"))[1] is None
    assert (await fetch_url_content(f"{URL}plain"))[1] == "<meta charset=tis-620>é!"


async def test_a_folder_is_named_without_its_slash(web: Web) -> None:
    """The title that stands in for a missing one does not end in a slash."""
    web.pages["/notes/"] = Reply(b"<p>x", headers=HTML)
    assert await fetch_url_content(f"{URL}notes/") == ("a.example/notes", "x")
    web.pages["/X"] = Reply(b"<p>x", headers=HTML)
    assert await fetch_url_content(f"{URL}X") == ("a.example/X", "x")


class Odd(Reply):
    """A reply with a status that nobody knows."""

    def encode(self) -> bytes:
        """Return what is sent."""
        return super().encode().replace(b"404 Not Found", b"799 Odd")


async def test_statuses_are_judged_by_their_class(web: Web) -> None:
    """Every success is one, and a status without a name is told by its number."""
    web.pages["/"] = Reply(b"<title>T</title><p>x", 203, HTML)
    assert await fetch_url_content(URL) == ("T", "x")
    web.pages["/"] = Odd(b"", 404, HTML)
    assert await fetch_url_content(URL) == ("Not available: the server answered 799", None)


async def test_too_many_redirects_are_named(web: Web) -> None:
    """A page that leads to itself is told apart from one that is not there."""
    web.redirect("/", "/")
    assert await fetch_url_content(URL) == ("Not available: the page redirects more than 5 times", None)


async def test_pages_asked_for_together_share_a_session(web: Web) -> None:
    """The name of one host is looked up once for all its pages."""
    urls = [f"{URL}{name}" for name in "abc"]
    assert len(await fetch_all_urls(urls)) == 3
    assert web.network.lookups == ["a.example"]


async def test_a_session_of_ours_speaks_for_itself(web: Web) -> None:
    """A request says who asks and for which languages; its deadline is the caller's; it has 20 connections."""
    web.pages["/"] = Reply(b"<p>x", headers=HTML)
    async with open_session() as session:
        await redirects.get(session, yarl.URL(URL))
        assert session.timeout.total is None
        assert session.connector is not None
        assert session.connector.limit == 20
    (request,) = web.server.requests
    assert request.headers["user-agent"] == "Mozilla/5.0 (compatible; link preview)"
    assert request.headers["accept-language"].startswith("en")
    assert request.headers["accept"].startswith("text/html")
