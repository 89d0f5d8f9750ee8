"""What fetches pages under torture: no connection, response, session or descriptor outlives a cancelled call.

Fetching a page through redirects, several pages at once, here or through the service that does so, is cancelled at
each await, and the look-ups, threads, connections, reads and writes are made to fail. The server is a real one.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from fuzz.budget import fuzzer
from fuzz.torture import Tormentor, torture
from harness.holdings import Holdings, left_behind
from harness.parts.responses import kept_alive
from harness.parts.site import HTML, UNREAD, article, site_at
from harness.parts.webserver import Reply, Request, WebServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from harness.subject import Subject

FUZZ = fuzzer(__file__)
HOST, AWAY = "pages.example", "away.example"
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")


ENDINGS = {
    "page": Reply(article("Arrived"), headers=HTML),
    "error": Reply(UNREAD, 500, headers=HTML),
    "picture": Reply(UNREAD, headers={"Content-Type": "image/png"}),
    "blocked": Reply(UNREAD, 302, headers={**HTML, "Location": "http://127.0.0.1/secret"}),
    "cut": Reply(UNREAD[:4000], headers=HTML, cut=True),
}


SERVED = {
    "url": f"http://{HOST}/page",
    "title": "Arrived",
    "content": "A paragraph.",
    "description": "",
    "error": None,
    "status_code": 200,
    "fetch_time_ms": 1.0,
}
"""What the side service says of a page."""


def answer(request: Request) -> Reply:
    """Be the side service, or answer `/moved/page` with a redirect to `/page`, which is one of the endings."""
    if request.method == "POST":
        told = {"results": [SERVED] * 2} if request.path.endswith("batch") else SERVED
        return Reply(json.dumps(told).encode(), headers={"Content-Type": "application/json"})
    *moved, ending = request.path.strip("/").split("/")
    if moved:
        return Reply(UNREAD, 302, headers={**HTML, "Location": f"http://{HOST}/{ending}"})
    return ENDINGS[ending]


def session_of(subject: Subject) -> aiohttp.ClientSession:
    """Return a session that the tree fetches with: one that it opens, where it has rules of its own, or any."""
    opened: aiohttp.ClientSession = getattr(subject.web.url_fetcher, "open_session", aiohttp.ClientSession)()
    return opened


Call = Callable[["Subject", aiohttp.ClientSession], Coroutine[Any, Any, None]]


def moved(ending: str) -> Call:
    """Return a call that fetches a page that has moved, with a session that stays open."""

    async def call(subject: Subject, session: aiohttp.ClientSession) -> None:
        with suppress(aiohttp.ClientError, OSError, ValueError):
            await subject.web.url_fetcher.fetch_url_content(f"http://{HOST}/moved/{ending}", session=session, timeout=5)

    return call


async def pages(subject: Subject, _session: aiohttp.ClientSession) -> None:
    """Fetch several pages at once."""
    await subject.web.url_fetcher.fetch_all_urls([f"http://{HOST}/moved/page", f"http://{HOST}/page"], max_urls=2)


async def client(subject: Subject, _session: aiohttp.ClientSession) -> None:
    """Fetch a page with the client of the side service, which is away."""
    fetcher = subject.web.url_fetcher_client.URLFetcherClient(f"http://{AWAY}/")
    try:
        await fetcher.fetch(f"http://{HOST}/page")
        await fetcher.fetch_batch([f"http://{HOST}/moved/page", f"http://{HOST}/error"])
    finally:
        await fetcher.close()


async def service(subject: Subject, _session: aiohttp.ClientSession) -> None:
    """Fetch pages with the client of the side service, which is there."""
    async with subject.web.url_fetcher_client.URLFetcherClient(f"http://{HOST}") as fetcher:
        await fetcher.fetch(f"http://{HOST}/page")
        await fetcher.fetch_batch([f"http://{HOST}/page", f"http://{HOST}/page"])


CALLS: dict[str, Call] = {
    **{ending: moved(ending) for ending in ENDINGS},
    "pages": pages,
    "client": client,
    "service": service,
}


def plays(subject: Subject, _folder: Path) -> Iterator[tuple[str, Callable[[Tormentor], None]]]:
    """Yield each call's name, and what makes it once."""
    with site_at(answer, HOST) as server:
        for name, call in CALLS.items():
            yield name, partial(play, subject, call, server)


@pytest.mark.parametrize("name", CALLS)
def test_nothing_outlives_a_disturbed_call(subject: Subject, name: str) -> None:
    """A call that is cancelled or fails anywhere gives back all it took."""
    with site_at(answer, HOST) as server:
        asyncio.run(_called(CALLS[name], subject))
        FUZZ.count(torture(partial(play, subject, CALLS[name], server), FUZZ.examples))


def play(subject: Subject, call: Call, server: WebServer, tormentor: Tormentor) -> None:
    """Make the call once, disturbed, and see what is left."""
    held = Holdings.now(outside=False)

    async def main() -> None:
        async with session_of(subject) as session:
            await tormentor.bear(call(subject, session), OSError, aiohttp.ClientError)
            freed = await server.until(lambda: not server.held, 2.0)
            assert freed, f"{server.held} responses still hold a connection"
        left = [task.get_name() for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        assert not left, f"{len(left)} tasks are left: {left[0]}"

    with kept_alive():
        asyncio.run(main())
    assert server.wait_until(lambda: not server.connected, 2.0), f"{server.connected} connections are left"
    left = left_behind(held, outside=False)
    assert not left, f"{', '.join(left)} left behind"


async def _called(call: Call, subject: Subject) -> None:
    async with session_of(subject) as session:
        await call(subject, session)
