"""Responses of a redirect chain are not released.

A page that redirects is fetched in several steps, and every step is a response that holds a connection until it is
released. Where the answers on the way, or the last one, are left to the garbage collector, each fetch that ends early
(a blocked address, an error, a time-out, a cancelled command) can leave a connection behind that nobody reads from.
The session's limit is then used up a connection at a time, and in the end every fetch waits for its time-out.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, ClassVar

import aiohttp
import pytest

from harness.parts.responses import kept_alive
from harness.parts.site import HTML, UNREAD, article, site_at
from harness.parts.webserver import PATIENCE, Reply, Request, WebServer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from harness.subject import Subject

HOST = "pages.example"
LIMIT = 8
"""Connections of the session that must not be used up."""

OWN_SESSION = pytest.mark.parametrize("own_session", [True, False], ids=["own-session", "callers-session"])


class Site:
    """A host whose pages redirect, step by step, to whatever ending their path names."""

    endings: ClassVar = {
        "page": Reply(article("Arrived"), headers=HTML),
        "blocked": Reply(UNREAD, 302, headers={**HTML, "Location": "http://127.0.0.1/secret"}),
        "no-location": Reply(UNREAD, 302, headers=HTML),
        "no-url": Reply(UNREAD, 302, headers={**HTML, "Location": "http://[::1/"}),
        "other-scheme": Reply(UNREAD, 302, headers={**HTML, "Location": "ftp://files.example/"}),
        "server-error": Reply(UNREAD, 500, headers=HTML),
        "picture": Reply(UNREAD, headers={"Content-Type": "image/png"}),
        "too-large": Reply(UNREAD * 3, headers=HTML),
        "cut-short": Reply(UNREAD[:4000], headers=HTML, cut=True),
        "silence": Reply(silent=True),
    }

    def __call__(self, request: Request) -> Reply:
        """Answer `/3/page` with a redirect to `/2/page`, and so on; `/0/page` is the page."""
        _, steps, ending = request.path.split("/")
        if steps == "0":
            return self.endings[ending]
        location = f"http://{HOST}/{int(steps) - 1}/{ending}" if ending != "loop" else f"http://{HOST}/1/loop"
        return Reply(UNREAD, 302, headers={**HTML, "Location": location})


@pytest.fixture
def site() -> Iterator[WebServer]:
    """The server behind `HOST`, which the subject takes for one on the internet."""
    with site_at(Site(), HOST) as server:
        yield server


@pytest.fixture
async def kept() -> AsyncIterator[None]:
    """Every response, kept alive, so that only an explicit release gives its connection back."""
    with kept_alive():
        yield


async def fetch(subject: Subject, path: str, session: aiohttp.ClientSession | None, timeout: float = 3) -> Any:  # noqa: ASYNC109
    """Fetch a page of the site with the subject; what it raises is as good an end as what it returns."""
    fetching = subject.web.url_fetcher.fetch_url_content
    try:
        async with asyncio.timeout(PATIENCE * 2):
            return await fetching(f"http://{HOST}{path}", session=session, timeout=timeout)
    except (aiohttp.ClientError, OSError, ValueError) as error:
        return type(error).__name__, None


class Leftovers:
    """How long a release is waited for: briefly, once the subject is known to leave responses unreleased."""

    patience: ClassVar = 2.0

    @classmethod
    def found(cls) -> None:
        """Take note that a response was not released, which decides the verdict."""
        cls.patience = 0.1


async def assert_released(site: WebServer, ending: str, held: int = 0) -> None:
    """Check that no more connections than `held` wait for somebody to read an answer."""
    if await site.until(lambda: site.held <= held, Leftovers.patience):
        return
    Leftovers.found()
    left = site.held - held
    what = "1 response still holds" if left == 1 else f"{left} responses still hold"
    raise AssertionError(f"after a redirect chain that ended in {ending}, {what} a connection")


async def fetch_in_a_batch(subject: Subject, site: WebServer, steps: int, ending: str) -> None:
    """Fetch a page beside one that never answers, and check for leftovers while the batch is still under way."""
    site.requests.clear()
    urls = [f"http://{HOST}/{steps}/{ending}", f"http://{HOST}/0/silence"]
    batch = asyncio.create_task(subject.web.url_fetcher.fetch_all_urls(urls, max_urls=2))
    try:
        asked = await site.until(lambda: {f"/0/{ending}", "/0/silence"} <= site.paths() or batch.done())
        assert asked, "fetch_all_urls did not ask for both of its URLs"
        await assert_released(site, ending, held=1)
    finally:
        batch.cancel()
        await asyncio.wait({batch}, timeout=PATIENCE)
        site.hang_up()  # for a fetch in a thread, where nothing can be cancelled


async def fetch_alone(subject: Subject, site: WebServer, path: str) -> None:
    """Fetch with a session of the subject's and with one of the caller's; check both for leftovers."""
    ending = path.rpartition("/")[2]
    await fetch(subject, path, None)
    await assert_released(site, ending)
    async with aiohttp.ClientSession() as session:
        await fetch(subject, path, session)
        await assert_released(site, ending)


async def test_a_page_behind_redirects_arrives(subject: Subject, site: WebServer) -> None:
    """Three redirects later the page is there, so that the other tests test something."""
    async with aiohttp.ClientSession() as session:
        for chosen in (None, session):
            _, content = await fetch(subject, "/3/page", chosen)
            assert content is not None, "a page behind three redirects was not fetched"
            assert "Paragraph 7" in content, "the content is not that of the page behind the redirects"
            await assert_released(site, "a page")


@pytest.mark.parametrize("ending", sorted(Site.endings.keys() - {"page", "silence"}))
@pytest.mark.usefixtures("kept")
async def test_a_chain_that_fails_gives_all_connections_back(subject: Subject, site: WebServer, ending: str) -> None:
    """However a chain ends, no response of it holds a connection afterwards, whoever opened the session."""
    for steps in (1,) if ending == "too-large" else (0, 1, 3):
        await fetch_alone(subject, site, f"/{steps}/{ending}")
        await fetch_in_a_batch(subject, site, steps, ending)


@pytest.mark.usefixtures("kept")
async def test_an_endless_chain_gives_all_connections_back(subject: Subject, site: WebServer) -> None:
    """A page that redirects for ever is given up, and so are its responses."""
    await fetch_alone(subject, site, "/1/loop")


@pytest.mark.usefixtures("kept")
@OWN_SESSION
async def test_a_timeout_gives_all_connections_back(subject: Subject, site: WebServer, own_session: bool) -> None:
    """The time-out of a later hop releases the responses of the earlier ones."""
    async with aiohttp.ClientSession() as session:
        await fetch(subject, "/2/silence", None if own_session else session, timeout=0.3)
        await assert_released(site, "a time-out")


@pytest.mark.usefixtures("kept")
@OWN_SESSION
async def test_cancellation_gives_all_connections_back(subject: Subject, site: WebServer, own_session: bool) -> None:
    """A fetch that is cancelled while a later hop is under way leaves no connection behind.

    One that runs in a thread, where nothing can be cancelled, has until its own time-out.
    """
    async with aiohttp.ClientSession() as session:
        task = asyncio.create_task(fetch(subject, "/2/silence", None if own_session else session, timeout=1))
        arrived = await site.until(lambda: "/0/silence" in site.paths() or task.done())
        assert arrived, "the last hop of the chain was never asked for"
        task.cancel()
        await asyncio.wait({task}, timeout=PATIENCE)
        assert task.done(), "a cancelled fetch goes on"
        await site.until(lambda: not site.held, patience=3)
        await assert_released(site, "cancellation")


@pytest.mark.usefixtures("kept")
async def test_a_small_session_is_not_used_up(subject: Subject, site: WebServer) -> None:
    """After a dozen chains that failed, a session of eight connections still fetches a page."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=LIMIT)) as session:
        for ending in ("blocked", "server-error", "picture") * 4:
            await fetch(subject, f"/2/{ending}", session, timeout=1)
            half_is_free = await site.until(lambda: site.held <= LIMIT // 2, Leftovers.patience)
            assert half_is_free, f"chains that failed still hold {site.held} of the {LIMIT} connections of a session"
        _, content = await fetch(subject, "/1/page", session)
        assert content is not None, "after twelve chains that failed, the session has no connection left"
