"""The fetching service and its client: the same results, with the service and without it."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from aiohttp import web as aiohttp_web

from harness.parts.site import HTML
from harness.parts.webserver import Reply, WebServer
from reference.services import url_fetcher as service
from reference.utils.web import results, url_fetcher_client
from reference.utils.web.url_fetcher_client import LARGEST_BATCH, URLFetcherClient

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.web.loopback import Web

PAGE = Reply(b"<title>T</title><meta name=description content=D><p>text", headers=HTML)
URL = "http://a.example/"
RESULT = {"url": URL, "title": "T", "content": "text", "description": "D", "error": None, "status_code": 200}


def timeless(result: Any) -> dict[str, Any]:
    """Leave out what differs between two fetches of one page, after a look at it."""
    assert result["fetch_time_ms"] >= 0
    return {key: value for key, value in result.items() if key != "fetch_time_ms"}


@pytest.fixture
async def running() -> AsyncIterator[str]:
    """The service, in this event loop; the value is its URL."""
    runner = aiohttp_web.AppRunner(service.make_app(), access_log=None)
    await runner.setup()
    await aiohttp_web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


@pytest.fixture
def away() -> str:
    """The URL of a service that does not run."""
    with WebServer(lambda _: Reply()) as gone:
        return f"http://127.0.0.1:{gone.port}"


async def test_results_are_the_same_with_the_service_and_without(web: Web, running: str, away: str) -> None:
    """Pages, failures and refusals come out alike, alone and in a batch, whoever fetched them."""
    web.pages["/"] = PAGE
    urls = [URL, f"{URL}missing", "http://b.example:22/", "http://localhost/", "http://unknown.example/"]
    async with URLFetcherClient(running) as through, URLFetcherClient(away) as here:
        alone = [timeless(await through.fetch(url)) for url in urls]
        assert alone == [timeless(await here.fetch(url)) for url in urls]
        assert alone == [timeless(result) for result in await through.fetch_batch(urls)]
        assert alone == [timeless(result) for result in await here.fetch_batch(urls)]
        assert (through.is_service_away, here.is_service_away) == (False, True)
    assert alone[0] == RESULT
    assert [result["status_code"] for result in alone] == [200, 404, None, None, None]
    assert [bool(result["error"]) for result in alone] == [False, True, True, True, True]


@pytest.mark.parametrize(
    "reply",
    [
        Reply(b"{}", headers={"Content-Type": "application/json"}),
        Reply(b"[1]", headers={"Content-Type": "application/json"}),
        Reply(b"no json", headers={"Content-Type": "application/json"}),
        Reply(b'{"results": [{"url": 1}]}', headers={"Content-Type": "application/json"}),
        Reply(b"<p>", headers=HTML),
        Reply(b"", 302, {"Location": "/elsewhere"}),
        Reply(b"", 503),
    ],
)
async def test_a_service_that_answers_strangely_is_done_without(web: Web, reply: Reply) -> None:
    """Whatever listens where the service should be, the page is fetched here."""
    web.pages["/"] = PAGE
    with WebServer(lambda _: reply) as strange:
        async with URLFetcherClient(f"http://127.0.0.1:{strange.port}/") as client:
            assert timeless(await client.fetch(URL)) == RESULT
            assert [timeless(result) for result in await client.fetch_batch([URL])] == [RESULT]


async def test_a_service_found_away_is_not_asked_for_a_while(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a failure the service is left alone, and asked again when the time has passed."""
    web.pages["/"] = PAGE
    with WebServer(lambda _: Reply(b"", 500)) as ill:
        client = URLFetcherClient(f"http://127.0.0.1:{ill.port}")
        for _ in range(3):
            await client.fetch(URL)
        assert len(ill.requests) == 1
        monkeypatch.setattr(url_fetcher_client, "RETRY_AFTER", 0)
        client = URLFetcherClient(f"http://127.0.0.1:{ill.port}")
        for _ in range(3):
            await client.fetch(URL)
        assert len(ill.requests) == 4


async def test_a_url_that_is_refused_is_not_passed_on(web: Web) -> None:
    """What can be refused from its text alone never leaves this process."""
    with WebServer(lambda _: Reply()) as never:
        async with URLFetcherClient(f"http://127.0.0.1:{never.port}") as client:
            result = await client.fetch("http://127.0.0.1/")
    assert result["error"] == "Blocked: 127.0.0.1 is not a public address"
    assert (never.requests, web.network.lookups) == ([], [])


def test_one_client_serves_several_event_loops(web: Web, away: str) -> None:
    """A client made in no loop works in a first and in a second one."""
    web.pages["/"] = PAGE
    client = URLFetcherClient(away)
    for _ in range(2):
        assert timeless(asyncio.run(client.fetch(URL))) == RESULT


async def test_a_closed_client_refuses() -> None:
    """After `close`, which may be called twice, nothing is fetched any more."""
    client = URLFetcherClient()
    await client.close()
    await client.close()
    with pytest.raises(RuntimeError, match="closed"):
        await client.fetch(URL)
    with pytest.raises(RuntimeError, match="closed"):
        await client.fetch_batch([URL])


async def test_batches_are_bounded(away: str) -> None:
    """An empty batch asks nobody; one that is too large is refused."""
    async with URLFetcherClient(away) as client:
        assert await client.fetch_batch([]) == []
        with pytest.raises(ValueError, match="21 URLs are too many"):
            await client.fetch_batch([URL] * (LARGEST_BATCH + 1))


async def test_a_page_without_text_says_so(web: Web) -> None:
    """A result without content always carries an error."""
    web.pages["/"] = Reply(b"", headers=HTML)
    result = await results.fetch_result(URL, 5)
    assert (result["content"], result["error"]) == (None, "Not available: the page holds no text")


def test_the_place_of_the_service_is_configured(monkeypatch: pytest.MonkeyPatch) -> None:
    """An argument wins over the environment, which wins over port 8081 of this machine."""
    monkeypatch.delenv("URL_FETCHER_URL", raising=False)
    assert URLFetcherClient().base_url == "http://127.0.0.1:8081"
    monkeypatch.setenv("URL_FETCHER_URL", "http://fetcher:1234/")
    assert URLFetcherClient().base_url == "http://fetcher:1234"
    assert URLFetcherClient("http://other:1").base_url == "http://other:1"


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/fetch", b"{", 400),
        ("/fetch", b"[]", 400),
        ("/fetch", b"{}", 400),
        ("/fetch", b'{"url": 1}', 400),
        ("/fetch", b'{"url": "x", "timeout": 0}', 400),
        ("/fetch", b'{"url": "x", "timeout": true}', 400),
        ("/fetch", b'{"url": "x", "timeout": NaN}', 400),
        ("/fetch", b'{"url": "' + b"x" * 100_000 + b'"}', 413),
        ("/fetch", b'{"url": "x"}', 200),
        ("/fetch/batch", b'{"urls": "x"}', 400),
        ("/fetch/batch", b'{"urls": [1]}', 400),
        ("/fetch/batch", json.dumps({"urls": ["x"] * 21}).encode(), 400),
        ("/fetch/batch", b'{"urls": ["x", "y"], "timeout": 1e9}', 200),
        ("/other", b"{}", 404),
    ],
)
async def test_the_service_refuses_what_it_cannot_do(running: str, path: str, body: bytes, status: int) -> None:
    """A request is answered or refused with the status that says why."""
    async with (
        aiohttp.ClientSession(headers={"Content-Type": "application/json"}) as session,
        session.post(running + path, data=body) as response,
    ):
        assert response.status == status
        if status == 400:
            assert "must be" in (await response.json())["error"]


async def test_the_service_serves_programs_only(running: str) -> None:
    """A form or plain text, which a stranger's page could send from a browser, is refused; health is told to all."""
    async with aiohttp.ClientSession() as session:
        async with session.post(
            f"{running}/fetch", data=b'{"url": "x"}', headers={"Content-Type": "text/plain"}
        ) as response:
            assert response.status == 415
        async with session.get(f"{running}/health") as response:
            assert await response.json() == {"status": "ok"}


async def test_a_busy_service_says_so(web: Web, running: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Over its limit the service answers 503 at once, and recovers when a fetch has ended."""
    monkeypatch.setattr(service, "REQUESTS_AT_ONCE", 1)
    web.pages["/"] = Reply(silent=True)
    async with aiohttp.ClientSession() as session:
        first = asyncio.create_task(session.post(f"{running}/fetch", json={"url": URL, "timeout": 0.5}))
        assert await web.server.until(lambda: web.server.requests)
        async with session.get(f"{running}/health") as response:
            assert (response.status, response.headers["Retry-After"]) == (503, "1")
        async with await first as response:
            assert "did not come" in (await response.json())["error"]
        async with session.get(f"{running}/health") as response:
            assert response.status == 200


async def test_the_service_runs_as_a_process() -> None:
    """Started as a command it says where it listens, answers, and leaves when it is told to."""
    command = [sys.executable, "-m", "reference.services.url_fetcher", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8") as process:  # noqa: ASYNC220
        try:
            assert process.stdout is not None
            url = process.stdout.readline().split()[-1]
            async with URLFetcherClient(url) as client:
                result = await client.fetch("http://localhost/")
                assert not client.is_service_away
            assert result["error"] == "Blocked: localhost leads to an address that is not public"
            taken = await asyncio.to_thread(service.main, ["--port", url.rpartition(":")[2]])
            assert taken == 1
            if sys.platform != "win32":
                process.send_signal(signal.SIGTERM)
                _, errors = process.communicate(timeout=10)
                assert (process.returncode, errors) == (0, "")
        finally:
            process.kill()


def test_an_address_that_cannot_be_had_is_one_clear_line(capsys: pytest.CaptureFixture[str]) -> None:
    """A foreign address or an impossible port ends the command with a sentence and exit code 1."""
    for arguments in (["--host", "203.0.113.1"], ["--port", "70000"]):
        assert service.main(arguments) == 1
        assert capsys.readouterr().err.startswith("fetching service: cannot listen at ")


def test_the_answer_of_a_stranger_is_checked() -> None:
    """Only what has the shape of a result is taken for one, and nothing beside it is."""
    result: dict[str, Any] = {**RESULT, "fetch_time_ms": 1.5}
    checked = results.checked({**result, "more": "ignored"})
    assert checked is not None
    assert {**checked} == result
    assert results.checked({**result, "content": 5}) is None
    assert results.checked({}) is None
    assert results.checked(None) is None
