"""What the fetching service answers is what a caller gets, and what the client asks it."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from harness.parts.site import HTML
from harness.parts.webserver import Reply, Request, WebServer
from reference.utils.web import results, url_fetcher_client
from reference.utils.web.errors import FetchError
from reference.utils.web.url_fetcher_client import LARGEST_BATCH, URLFetcherClient

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.web.loopback import Web

URL = "http://a.example/"
JSON = {"Content-Type": "application/json"}


def result_of(url: str) -> dict[str, Any]:
    """Describe a page that no server of these tests has."""
    known: dict[str, Any] = {"url": url, "title": "From the service", "content": "elsewhere", "description": ""}
    return {**known, "error": None, "status_code": 200, "fetch_time_ms": 1.5}


def answer(request: Request) -> Reply:
    """Answer as the service does."""
    question = json.loads(request.body)
    if request.path == "/fetch":
        return Reply(json.dumps(result_of(question["url"])).encode(), headers=JSON)
    return Reply(json.dumps({"results": [result_of(url) for url in question["urls"]]}).encode(), headers=JSON)


@pytest.fixture
def service() -> Iterator[WebServer]:
    """A service that knows pages which are nowhere else."""
    with WebServer(answer) as server:
        yield server


def client_of(server: WebServer, timeout: float = 7) -> URLFetcherClient:
    """Make a client of a service."""
    return URLFetcherClient(f"http://127.0.0.1:{server.port}", timeout)


async def test_what_the_service_answers_is_the_result(web: Web, service: WebServer) -> None:
    """A page that the service had is not fetched here as well; it was asked for with the client's own time-out."""
    assert await client_of(service).fetch(URL) == result_of(URL)
    (request,) = service.requests
    assert (request.method, request.path) == ("POST", "/fetch")
    assert json.loads(request.body) == {"url": URL, "timeout": 7}
    assert web.network.lookups == []


async def test_a_whole_batch_is_one_question(web: Web, service: WebServer) -> None:
    """The largest batch is passed on in one request, and its results come back in its order."""
    urls = [f"{URL}{number}" for number in range(LARGEST_BATCH)]
    assert await client_of(service).fetch_batch(urls) == [result_of(url) for url in urls]
    (request,) = service.requests
    assert (request.path, json.loads(request.body)) == ("/fetch/batch", {"urls": urls, "timeout": 7})
    assert web.network.lookups == []


async def test_an_empty_batch_asks_nobody(service: WebServer) -> None:
    """Without a URL there is no request."""
    assert await client_of(service).fetch_batch([]) == []
    assert service.requests == []


async def test_a_service_does_not_lead_elsewhere(web: Web) -> None:
    """A redirect of the service is not followed, so the answer behind it is nobody's result."""
    web.pages["/"] = Reply(b"<title>Here</title><p>text", headers=HTML)

    def away(request: Request) -> Reply:
        return Reply(b"", 307, {"Location": "/elsewhere/fetch"}) if request.path == "/fetch" else answer(request)

    with WebServer(away) as server:
        result = await client_of(server).fetch(URL)
        assert [request.path for request in server.requests] == ["/fetch"]
    assert result["title"] == "Here"


@pytest.mark.parametrize(("pages", "turns"), [(1, 1), (5, 1), (6, 2), (20, 4)])
def test_a_service_has_its_time_for_each_turn(pages: int, turns: int) -> None:
    """Five pages take one turn; five seconds are for the way, two for the connection."""
    patience = url_fetcher_client._patience(30, pages)
    assert (patience.total, patience.sock_connect) == (30 * turns + 5, 2)


async def test_a_service_that_does_not_answer_is_done_without(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the service has had its time, the page is fetched here, and the service counts as away."""
    monkeypatch.setattr(url_fetcher_client, "_patience", lambda *_: aiohttp.ClientTimeout(total=0.05))
    web.pages["/"] = Reply(b"<title>Here</title><p>text", headers=HTML)
    with WebServer(lambda _: Reply(silent=True)) as silent:
        client = client_of(silent)
        assert not client.is_service_away
        assert (await client.fetch(URL))["title"] == "Here"
        assert client.is_service_away


async def test_the_clients_time_bounds_a_fetch_here(web: Web) -> None:
    """Without a service each page has the client's time, alone and in a batch."""
    web.pages["/"] = Reply(silent=True)
    with WebServer(lambda _: Reply(b"", 503)) as ill:
        client = client_of(ill, timeout=0.1)
        alone, (within,) = await client.fetch(URL), await client.fetch_batch([URL])
    for result in (alone, within):
        assert result["error"] == "Not available: the page did not come within 0.1 seconds"
        assert 100 <= result["fetch_time_ms"] < 60_000


async def test_a_batch_looks_a_name_up_once(web: Web) -> None:
    """The pages of a batch share a session, and so what is known of their host."""
    for name in "abc":
        web.pages[f"/{name}"] = Reply(b"<p>text", headers=HTML)
    fetched = await results.fetch_results([f"{URL}{name}" for name in "abc"], 5)
    assert [result["content"] for result in fetched] == ["text"] * 3
    assert web.network.lookups == ["a.example"]


def test_a_failure_is_described_in_full(monkeypatch: pytest.MonkeyPatch) -> None:
    """A failed fetch has every key of a result, the status of the answer, and the milliseconds since it began."""
    monkeypatch.setattr(time, "perf_counter", lambda: 12.3456789)
    assert results.failure(URL, FetchError("the server answered 404 Not Found", 404), 10) == {
        "url": URL,
        "title": "",
        "content": None,
        "description": "",
        "error": "Not available: the server answered 404 Not Found",
        "status_code": 404,
        "fetch_time_ms": 2345.679,
    }


async def test_a_closed_client_says_that_it_is_closed() -> None:
    """The error names what is wrong, and nothing else."""
    client = URLFetcherClient("http://fetcher/X")
    assert client.base_url == "http://fetcher/X"
    await client.close()
    with pytest.raises(RuntimeError, match=r"^the client is closed$"):
        await client.fetch(URL)


async def test_a_page_that_is_no_text_has_its_status(web: Web) -> None:
    """A picture was answered with 200, which the result says beside the reason."""
    web.pages["/"] = Reply(b"png", headers={"Content-Type": "image/png"})
    result = await results.fetch_result(URL, 5)
    assert (result["status_code"], result["error"]) == (200, "Not available: the page is image/png, not text")
