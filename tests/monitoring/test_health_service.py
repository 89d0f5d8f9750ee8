"""Facts about the health service and its client: what arrives, once, and what becomes of it while nobody listens."""

from __future__ import annotations

import asyncio
import io
import json
import os
import signal
import threading
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import BaseTestServer, TestServer

import reference
from harness.parts.bot import QuietBot
from harness.parts.process import Crowd
from harness.parts.webserver import Reply, WebServer
from reference.services import health as service
from reference.services.running import end_gently
from reference.utils.monitoring import health_client
from reference.utils.monitoring.health_client import HealthAPIClient
from reference.utils.monitoring.health_data import BotHealthData

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

ROOT = Path(reference.__file__).parent.parent


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HEALTH_API_TOKEN", "HEALTH_SERVICE_URL"):
        monkeypatch.delenv(name, raising=False)


@asynccontextmanager
async def running(token: str = "") -> AsyncIterator[BaseTestServer]:
    """Run the service in this loop."""
    async with TestServer(service.make_app(token)) as server:
        yield server


def client_of(server: BaseTestServer, **options: Any) -> HealthAPIClient:
    """Make a client of a running service."""
    return HealthAPIClient(str(server.make_url("/")), **options)


async def get(server: BaseTestServer, path: str, **options: Any) -> tuple[int, str]:
    """Ask the service."""
    async with aiohttp.ClientSession() as session, session.get(server.make_url(path), **options) as response:
        return response.status, await response.text()


async def test_metrics_arrive() -> None:
    """Counts, levels and observations of the client are what the service shows to Prometheus."""
    async with running() as server:
        client = client_of(server)
        client.increment("messages", 2, guild=7)
        client.increment("messages", name="positional only")
        client.set_gauge("latency_seconds", 0.05)
        client.observe("reply_seconds", 0.3)
        assert client.unsent == 4
        assert await client.flush()
        assert client.unsent == 0
        _, text = await get(server, "/metrics")
        assert 'messages_total{guild="7"} 2\n' in text
        assert 'reply_seconds_bucket{le="0.5"} 1\n' in text
        assert client.metrics_text() in text
        await client.close()


async def test_many_series_go_in_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """More series than a batch holds are pushed one batch after the other."""
    monkeypatch.setattr(health_client, "LARGEST_BATCH", 3)
    async with running() as server:
        client = client_of(server)
        for number in range(8):
            client.increment("hits", number=number)
        assert await client.flush()
        assert (await get(server, "/metrics"))[1].count("hits_total{") == 8
        await client.close()


async def test_the_bot_s_health_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """The last report is shown with its age; silence makes it unhealthy; before the first one nothing is known."""
    now = [1000.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    health = BotHealthData()
    health.update_from_bot(QuietBot())
    async with running() as server:
        assert (await get(server, "/health"))[0] == 503
        client = client_of(server)
        client.report(health.to_dict())
        assert await client.flush()
        status, text = await get(server, "/health")
        assert (status, json.loads(text)["status"]) == (200, "healthy")
        now[0] += 61
        status, text = await get(server, "/health")
        assert (status, json.loads(text)["status"]) == (503, "silent")
        assert (await get(server, "/health/live"))[0] == 200
        await client.close()


async def test_while_the_service_is_away_nothing_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    """Metrics are added up while nobody listens, the service is not asked at every turn, and later all arrive."""
    now = [1000.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    async with running() as server:
        client = HealthAPIClient("http://127.0.0.1:1")
        client.report({"status": "healthy"})
        for _ in range(3):
            client.increment("hits")
            assert not await client.flush()
        assert client.is_service_away
        assert "hits_total 3" in client.metrics_text()
        client.base_url = str(server.make_url("")).rstrip("/")
        assert not await client.flush()
        now[0] += 2 * health_client.FIRST_PAUSE
        assert await client.flush()
        assert "hits_total 3\n" in (await get(server, "/metrics"))[1]
        assert (await get(server, "/health"))[0] == 200
        await client.close()


async def test_a_batch_that_arrived_unnoticed_is_counted_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A batch whose answer got lost is sent again under its own id, and the service counts it once."""
    now = [1000.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    taken: list[str] = []
    app = service.make_app()

    @web.middleware
    async def lossy(request: web.Request, handler: Any) -> Any:
        response = await handler(request)
        if request.path == "/push":
            taken.append((await request.json())["id"])
            if len(taken) == 1:
                raise web.HTTPServiceUnavailable
        return response

    app.middlewares.append(lossy)
    async with TestServer(app) as server:
        client = client_of(server)
        client.increment("hits")
        assert not await client.flush()
        client.increment("hits")
        now[0] += health_client.FIRST_PAUSE
        assert await client.flush()
        assert taken[0] == taken[1]
        assert "hits_total 2\n" in (await get(server, "/metrics"))[1]
        await client.close()


async def test_a_cancelled_push_is_kept() -> None:
    """A push cut off by the end of the bot's loop keeps its batch."""
    with WebServer(lambda _: Reply(silent=True)) as silent:
        client = HealthAPIClient(f"http://127.0.0.1:{silent.port}")
        client.increment("hits")
        client.report({"status": "healthy"})
        first, second = asyncio.create_task(client.flush()), asyncio.create_task(client.flush())
        assert await silent.until(lambda: silent.requests)
        client.increment("hits")
        third = asyncio.create_task(client.flush())
        assert await silent.until(lambda: len(silent.requests) == 2)
        for task in (first, second, third):
            task.cancel()
        await asyncio.gather(first, second, third, return_exceptions=True)
        assert client.unsent >= 1
        assert sum(series.value for series in [*client._unsent, *(client._refused or ("", []))[1]]) == 2


async def test_what_the_service_cannot_read_is_dropped(caplog: pytest.LogCaptureFixture) -> None:
    """A batch that is refused for good is not sent for ever."""
    with WebServer(lambda _: Reply(status=422)) as server:
        client = HealthAPIClient(f"http://127.0.0.1:{server.port}")
        client.increment("hits")
        assert await client.flush()
        assert client.unsent == 0
    assert "cannot read" in caplog.text


async def test_a_started_client_pushes_by_itself_and_closes_with_a_last_push() -> None:
    """Between start and close metrics arrive in the background; what comes last arrives at close."""
    async with running() as server:
        async with client_of(server, interval=0.001) as client:
            await client.start()
            client.increment("early")
            async with asyncio.timeout(10):
                while "early" not in (await get(server, "/metrics"))[1]:
                    pass
            client.increment("late")
        assert "late_total 1" in (await get(server, "/metrics"))[1]
        assert len([task for task in asyncio.all_tasks() if task.get_name() == "health-client"]) == 0


async def test_closing_without_a_service_takes_its_time_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    """Close gives up on a service that does not answer."""
    monkeypatch.setattr(health_client, "CLOSING_PATIENCE", 0.01)
    with WebServer(lambda _: Reply(silent=True)) as silent:
        client = HealthAPIClient(f"http://127.0.0.1:{silent.port}")
        client.increment("hits")
        await client.close()
        assert client.unsent == 1


async def test_the_token_is_asked_for() -> None:
    """With a token, strangers learn only that the service is alive, and cannot push; the client presents it."""
    async with running("secret") as server:
        for path in ("/metrics", "/health"):
            assert (await get(server, path))[0] == 401
        assert (await get(server, "/health/live"))[0] == 200
        stranger = client_of(server)
        stranger.increment("hits")
        assert not await stranger.flush()
        client = client_of(server, token="secret")
        client.increment("hits")
        assert await client.flush()
        status, text = await get(server, "/metrics", headers={"Authorization": "Bearer secret"})
        assert (status, "hits_total 1\n" in text) == (200, True)


async def test_a_rebound_name_is_refused() -> None:
    """Without a token, a web page that is reached under another name gets nothing."""
    async with running() as server:
        assert (await get(server, "/metrics", headers={"Host": "rebound.example"}))[0] == 403


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"{}", "text/plain", 415),
        (b"[]", "application/json", 422),
        (b"nonsense", "application/json", 422),
        (b"[" * 100_000, "application/json", 422),
        (b'{"id": ""}', "application/json", 422),
        (b'{"id": "x", "series": 3}', "application/json", 422),
        (b'{"id": "x", "health": 3}', "application/json", 422),
        (b'{"id": "x", "series": [{"kind": "counter", "name": "x", "value": 1}, {}]}', "application/json", 422),
        (b" " * (service.LARGEST_REQUEST + 1), "application/json", 413),
    ],
)
async def test_bad_batches_are_refused_whole(body: bytes, kind: str, status: int) -> None:
    """What is no batch is refused, with a reason, and nothing of it is counted."""
    async with running() as server, aiohttp.ClientSession() as session:
        async with session.post(
            server.make_url("/push"), data=io.BytesIO(body), headers={"Content-Type": kind}
        ) as response:
            assert response.status == status
        assert "health_service_series 0\n" in (await get(server, "/metrics"))[1]


def test_batch_ids_are_forgotten_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """The ids of batches are remembered for a while, in bounded memory."""
    monkeypatch.setattr(service, "REMEMBERED_BATCHES", 2)
    store = service.Store()
    assert [store.take({"id": name}) for name in ("a", "a", "b", "c", "a")] == [True, False, True, True, True]
    assert len(store.batches) == 2


@pytest.mark.wine_fault("os.kill(pid, signal.CTRL_BREAK_EVENT) succeeds, and the process hears of nothing")
def test_the_command_runs_and_ends(tmp_path: Path) -> None:
    """`python -m reference.services.health` says where it listens, and ends in order when it is told to."""
    with Crowd() as crowd:
        child = crowd.python(
            "-m", "reference.services.health", "--port", "0", cwd=tmp_path,
            environment={"PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])},
        )  # fmt: skip
        while not child.printed or not child.printed[-1].startswith("health service: http://127.0.0.1:"):
            line = child._lines.get(timeout=20)
            assert line is not None, child.printed
            child.printed.append(line)
        url = child.printed[-1].removeprefix("health service: ")

        async def push() -> bool:
            client = HealthAPIClient(url)
            client.increment("hits")
            return await client.flush()

        assert asyncio.run(push())
        child.send(signal.SIGTERM)
        assert child.ends()
        assert child.exit_code == 0, child.printed


@pytest.mark.parametrize(
    ("arguments", "words"),
    [(["--host", "0.0.0.0", "--port", "0"], "set HEALTH_API_TOKEN"), (["--port", "70000"], "cannot listen")],
)
def test_the_command_refuses_in_words(arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Serving others without a token, or on a port that is none, is refused in a sentence."""
    assert service.main(arguments) == 1
    assert words in capsys.readouterr().err


def test_loopback_has_names() -> None:
    """The name localhost is this machine, other names are not taken for it."""
    assert service._is_loopback("localhost")
    assert not service._is_loopback("example.org")


def test_an_interrupted_command_is_no_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl+C ends the service with exit code 0."""

    def interrupted(coroutine: Any) -> None:
        coroutine.close()
        raise KeyboardInterrupt

    monkeypatch.setattr("asyncio.run", interrupted)
    assert service.main(["--port", "0"]) == 0


@pytest.mark.posix("SIGTERM is a signal of POSIX")
def test_signals_end_the_service_gently() -> None:
    """SIGTERM does what Ctrl+C does."""
    before = signal.getsignal(signal.SIGTERM)
    try:
        end_gently()
        assert signal.getsignal(signal.SIGTERM) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGTERM, before)


def test_the_address_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """The service is looked for on this machine, or where HEALTH_SERVICE_URL says."""
    assert HealthAPIClient().base_url == "http://127.0.0.1:8082"
    monkeypatch.setenv("HEALTH_SERVICE_URL", "http://[::1]:9/")
    assert HealthAPIClient().base_url == "http://[::1]:9"


async def test_without_a_thread_metrics_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the system has no thread to look the service's name up, it counts as away, and what waits is kept."""
    client = HealthAPIClient("http://health.invalid:8082")
    client.increment("seen")
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        assert not await client.flush()
    assert (client.unsent, client.is_service_away) == (1, True)


def refuse(_thread: threading.Thread) -> None:
    """Be a system that has no more threads."""
    raise RuntimeError("can't start new thread")
