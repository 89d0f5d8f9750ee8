"""Pages read through the safe fetcher, from real servers on loopback."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from harness.parts.site import HTML
from harness.parts.webserver import Reply
from reference.cogs import FOLDER
from reference.cogs.links.reader import LinkReader, Reading
from reference.cogs.links.reasons import reason_of
from reference.utils.localization import add_locales, check_locales, get_message
from reference.utils.web.url_fetcher_client import URLFetcherClient

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.web.loopback import Web

NOBODY = "http://127.0.0.1:1"
"""Where no fetching service is."""


@pytest.fixture
async def reader() -> AsyncIterator[LinkReader]:
    """A reader."""
    made = LinkReader(URLFetcherClient(NOBODY, timeout=20.0), 300.0)
    yield made
    await made.close()


async def reason(reader: LinkReader, url: str) -> str:
    """Return the name of the reason why a link is not read."""
    (reading,) = await reader.read([url])
    assert reading.reason is not None
    assert reading.title == reading.text == ""
    return reading.reason.key.removeprefix("links.reason.")


async def test_pages_are_read_and_remembered(web: Web, reader: LinkReader) -> None:
    """Title, description and text come in the order of the links; a page is fetched once for a while."""
    web.pages["/one"] = Reply(b"<title>One</title><meta name=description content=D><p>First text.", headers=HTML)
    web.pages["/two"] = Reply(b"<title>Two</title><p>Second text.", headers=HTML)
    one = Reading("http://a.example/one", "One", "D", "First text.")
    assert (await reader.read([one.url, "http://a.example/two"]))[0] == one
    readings = await reader.read(["http://a.example/two", one.url])
    assert [reading.title for reading in readings] == ["Two", "One"]
    assert len(web.server.requests) == 2
    assert await reader.read([]) == []


async def test_what_was_away_is_fetched_again(web: Web, reader: LinkReader) -> None:
    """A page that could not be had is not remembered."""
    assert await reason(reader, "http://a.example/page") == "status"
    web.pages["/page"] = Reply(b"<title>Now</title><p>Here.", headers=HTML)
    assert (await reader.read(["http://a.example/page"]))[0].title == "Now"


@pytest.mark.parametrize(
    "url",
    [
        *("http://127.0.0.1/", "http://127.1/", "http://2130706433/", "http://0x7f000001/", "http://0177.0.0.1/"),
        *("http://[::1]/", "http://[::ffff:127.0.0.1]/", "http://169.254.169.254/latest/meta-data/"),
        *(
            "http://192.168.1.1/",
            "http://100.64.0.1/",
            "http://0.0.0.0/",
            "http://[fd00::1]/",
            "http://\uff11\uff12\uff17.0.0.1/",
        ),
        *("http://inside.example/", "http://both.example/", "http://[64:ff9b::7f00:1]/"),
    ],
)
async def test_private_places_are_refused(web: Web, reader: LinkReader, url: str) -> None:
    """No spelling of a private address, and no name that leads to one, is connected to."""
    assert await reason(reader, url) == "private"
    assert web.server.requests == []


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("javascript:alert(1)", "scheme"),
        ("file:///etc/passwd", "scheme"),
        ("ftp://a.example/", "scheme"),
        ("http://user:secret@a.example/", "credentials"),
        ("http://a.example@127.0.0.1/", "credentials"),
        ("http://a.example:22/", "port"),
        ("http://a.example:6379/", "port"),
        ("http://a.example/\\@127.0.0.1", "invalid"),
        ("http:///etc", "invalid"),
        ("http://" + "a" * 2100, "invalid"),
        ("http://nowhere.example/", "unreachable"),
    ],
)
async def test_hostile_links_are_refused(web: Web, reader: LinkReader, url: str, name: str) -> None:
    """What is no plain page of the web is refused for its own reason, and nobody is asked."""
    assert await reason(reader, url) == name
    assert web.server.requests == []


@pytest.mark.parametrize(
    ("to", "name"),
    [
        ("http://127.0.0.1:80/", "private"),
        ("http://inside.example/", "private"),
        ("http://[::1]/", "private"),
        ("file:///etc/passwd", "scheme"),
        ("http://a.example:25/", "port"),
        ("/hop", "redirects"),
    ],
)
async def test_a_redirect_is_judged_as_a_link_is(web: Web, reader: LinkReader, to: str, name: str) -> None:
    """A page that leads into the private network, or in circles, is left."""
    web.redirect("/hop", to)
    assert await reason(reader, "http://a.example/hop") == name


@pytest.mark.parametrize(
    ("reply", "name"),
    [
        (Reply(b"", 403, HTML), "status"),
        (Reply(b"png", headers={"Content-Type": "image/png"}), "not_text"),
        (Reply(bytes(6_000_000), headers=HTML), "too_large"),
        (Reply(b"cut short", headers=HTML, cut=True), "broken"),
        (Reply(b"<title>T</title>", headers=HTML), "empty"),
    ],
)
async def test_what_cannot_be_read_has_a_reason(web: Web, reader: LinkReader, reply: Reply, name: str) -> None:
    """Errors, pictures, huge, broken and empty pages are told apart, and none of them is a refusal."""
    web.pages["/"] = reply
    assert await reason(reader, "http://a.example/") == name


async def test_a_silent_page_is_not_waited_for(web: Web) -> None:
    """A page that does not come in time has a reason too."""
    web.pages["/"] = Reply(silent=True)
    impatient = LinkReader(URLFetcherClient(NOBODY, timeout=0.2), 300.0)
    assert await reason(impatient, "http://a.example/") == "too_slow"
    await impatient.close()


@pytest.mark.parametrize("language", ["en", "th"])
def test_every_reason_has_its_text(language: str) -> None:
    """What the fetcher says is said in the reader's language, with the figures that belong to it."""
    add_locales(FOLDER / "links" / "locales")
    sentences = [
        "Blocked: port 22 is not one of the web",
        "Not available: the server answered 404 Not Found",
        "Not available: the page is image/png, not text",
        "Not available: the page is larger than 5 MB",
        "Not available: the page did not come within 10 seconds",
        "anything else",
    ]
    texts = []
    for sentence in sentences:
        found = reason_of(sentence)
        texts.append(get_message(found.key, language, **found.values))
    for text, figure in zip(texts, ("22", "404", "image/png", "5 MB", "10", ""), strict=True):
        assert figure in text
        assert "[" not in text
        assert "{" not in text
    assert check_locales() == []
