"""What watches the bot under torture: alerts leave no session, the audit log loses no entry, metrics count once.

Each async function is cancelled at each of its awaits and has each call beneath it fail. Real SQLite files, and a real
server on loopback that takes alerts and metrics.
"""

from __future__ import annotations

import asyncio
import gc
import inspect
import itertools
import json
from collections import Counter
from contextlib import contextmanager, suppress
from functools import partial
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from unittest import mock

import aiohttp
import pytest
from yarl import URL

from fuzz.budget import fuzzer
from fuzz.torture import Tormentor, held_locks, play_on_loop, play_on_schedule, torture
from harness.parts.webserver import Reply, Request, WebServer

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator
    from pathlib import Path

    from harness.subject import Subject

FUZZ = fuzzer(__file__)
WEBHOOK = "https://discord.com/api/webhooks/123456789012345678/token"
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")

_kinds = itertools.count()


@contextmanager
def discord() -> Iterator[WebServer]:
    """Run a server that takes whatever is sent, wherever to."""
    with WebServer(lambda _request: Reply(status=204)) as server:
        request: Any = aiohttp.ClientSession._request

        async def rerouted(session: aiohttp.ClientSession, method: str, url: Any, **options: Any) -> Any:
            place = URL(url).with_scheme("http").with_host("127.0.0.1").with_port(server.port)
            return await request(session, method, place, **options)

        with mock.patch.object(aiohttp.ClientSession, "_request", rerouted):
            yield server


@contextmanager
def sessions() -> Iterator[list[aiohttp.ClientSession]]:
    """Know each session that is made, so that it is not closed by the collector."""
    made: list[aiohttp.ClientSession] = []
    make = aiohttp.ClientSession.__init__

    def make_known(session: aiohttp.ClientSession, *args: Any, **options: Any) -> None:
        make(session, *args, **options)
        made.append(session)

    with mock.patch.object(aiohttp.ClientSession, "__init__", make_known):
        yield made


async def ended(closing: Any) -> None:
    """Await what ``close`` returned, where it is to be awaited."""
    if inspect.isawaitable(closing):
        await closing


class Alerts:
    """A tree's alert manager and its shutdown manager."""

    def __init__(self, subject: Subject) -> None:
        self.manager = subject.monitoring.alerting.alert_manager
        self.end = subject.reliability.shutdown_manager.shutdown_manager

    async def send(self) -> None:
        """Send an alert of a kind that was never sent."""
        kind = f"kind {next(_kinds)}"
        await self.manager.send_alert(title="title", description="text", alert_type=kind, severity="critical")

    async def several(self) -> None:
        """Send alerts at once, and one more."""
        await asyncio.gather(self.send(), self.send(), self.send())
        await self.send()

    async def again(self) -> None:
        """Send an alert, close, and send another one."""
        await self.send()
        await self.close()
        await self.send()

    async def close(self) -> None:
        """Close the manager."""
        await ended(self.manager.close())

    async def shut_down(self) -> None:
        """End the bot in order, and make ready for another life of it."""
        with suppress(SystemExit):  # some trees end the process so
            await self.end.shutdown("the test")
        if hasattr(self.end, "reset"):
            self.end.reset()


WAYS: dict[str, tuple[Callable[[Alerts], Coroutine[Any, Any, None]], Callable[[Alerts], Coroutine[Any, Any, None]]]] = {
    "several, closed": (Alerts.several, Alerts.close),
    "several, shut down": (Alerts.several, Alerts.shut_down),
    "closed between, shut down": (Alerts.again, Alerts.shut_down),
    "closed between, closed": (Alerts.again, Alerts.close),
}


def play_alerts(subject: Subject, way: str, elsewhere: bool, server: WebServer, tormentor: Tormentor) -> None:
    """Send alerts once, disturbed, end in order, in the same event loop or the next one, and see what is left."""
    act, end = WAYS[way]
    alerts = Alerts(subject)

    async def scenario() -> None:
        await tormentor.bear(act(alerts), OSError, aiohttp.ClientError)
        if not elsewhere:
            await end(alerts)

    with sessions() as made:
        asyncio.run(scenario())
        if elsewhere:
            asyncio.run(end(alerts))
        left = [session for session in made if not session.closed]
        for session in left:
            session.detach()
        count = len(made)
    assert not left, f"{len(left)} of {count} sessions are left open"
    made.clear()
    if not server.wait_until(lambda: not server.connected, 0.05):
        gc.collect()  # connections of an event loop that was closed end with it
    assert server.wait_until(lambda: not server.connected, 2.0), f"{server.connected} connections are left"


@pytest.mark.parametrize("elsewhere", [False, True], ids=["same loop", "next loop"])
@pytest.mark.parametrize("way", WAYS)
def test_alerts_leave_no_session(subject: Subject, monkeypatch: pytest.MonkeyPatch, way: str, elsewhere: bool) -> None:
    """However alerts were disturbed, an orderly end leaves no session of them open."""
    monkeypatch.setenv("ALERT_WEBHOOK_URL", WEBHOOK)
    monkeypatch.setenv("ALERT_COOLDOWN_SECONDS", "0")
    with discord() as server:
        FUZZ.count(torture(partial(play_alerts, subject, way, elsewhere, server), FUZZ.examples))


async def closing(subject: Subject, tormentor: Tormentor) -> None:
    """Closing an alert manager that still tries an alert is cancelled; closing it again closes it."""
    with WebServer(lambda _request: Reply(status=503)) as server:
        origin = f"http://127.0.0.1:{server.port}"
        manager = subject.monitoring.alerting.AlertManager(f"{origin}{URL(WEBHOOK).path}", 0.0, origins={origin})
        assert not await manager.send_alert("title", "text", f"kind {next(_kinds)}")
        assert manager.pending == 1
        await tormentor.bear(manager.close())
        await manager.close()
    assert not manager.pending, f"{manager.pending} alerts are still tried"
    assert not held_locks(manager)


class Audit:
    """An audit log in a folder, in which an entry stands already."""

    def __init__(self, subject: Subject, folder: Path) -> None:
        store = subject.monitoring.audit_store.AuditStore(folder / f"audit {next(_kinds)}.db", key=b"key")
        self.log = subject.monitoring.audit_log.AuditLogger(store)
        self.folder = folder
        self.log.log_action_sync("first", 1)

    async def actions(self) -> list[str]:
        """Return the actions, the oldest first; the log is whole."""
        found = await self.log.verify()
        assert found.ok, f"the chain of the audit log is broken: {found.problem}"
        return [each["action"] for each in reversed(await self.log.get_recent_actions())]

    def strays(self) -> list[str]:
        """Return the names of anchors that were begun and not put in their place."""
        return sorted(path.name for path in self.folder.iterdir() if path.suffix[1:].isdecimal())

    async def use(self, told: list[bool]) -> None:
        """Write an entry, and read the log."""
        told.append(await self.log.log_action("second", 1, details={"why": "torture"}))
        await self.actions()


def audited(folder: Path) -> Callable[[Any, Tormentor], Coroutine[Any, Any, None]]:
    """Return a scenario of an audit log that is kept in a folder."""

    async def scenario(subject: Subject, tormentor: Tormentor) -> None:
        audit, told = Audit(subject, folder), list[bool]()
        await tormentor.bear(audit.use(told))
        found = await audit.actions()
        allowed = [["first", "second"]] if told == [True] else [["first"], ["first", "second"]]
        assert found in allowed, f"it said {told}, and the log holds {found}"
        assert await audit.log.log_action("third", 1), "the next entry was not written"
        assert (await audit.actions()) == [*found, "third"]
        strays = audit.strays()
        assert not strays, f"half a file was left behind: {strays[0]}"

    return scenario


async def published(subject: Subject, tormentor: Tormentor) -> None:
    """Publishing the bot's health goes on until it is cancelled, and holds no lock then."""
    health = subject.monitoring.health_data.BotHealthData()

    async def caller() -> None:
        async with asyncio.timeout(20.0):
            await health.keep_published(SimpleNamespace())

    await tormentor.bear(caller(), TimeoutError)
    assert not held_locks(health)


class Metrics:
    """The health service: counts what reaches it, each batch once."""

    def __init__(self) -> None:
        self.batches: dict[str, list[dict[str, Any]]] = {}

    def answer(self, request: Request) -> Reply:
        """Take a batch; one that was taken already changes nothing."""
        body = json.loads(request.body)
        self.batches.setdefault(body["id"], body["series"])
        return Reply(status=204)

    def counted(self) -> Counter[str]:
        """Return what the counters add up to."""
        total: Counter[str] = Counter()
        for batch in self.batches.values():
            for series in batch:
                total[series["name"]] += int(series["value"])
        return total


async def metrics(subject: Subject, tormentor: Tormentor) -> None:
    """Pushing metrics is disturbed; once the service is reached again, each was counted once."""
    service = Metrics()
    with WebServer(service.answer) as server:
        client = subject.monitoring.health_client.HealthAPIClient(f"http://127.0.0.1:{server.port}", token="")

        async def caller() -> None:
            client.increment("one")
            await client.flush()
            async with client:
                client.increment("two", 2)
                await asyncio.sleep(0)
            client.increment("one")
            await client.start()
            await client.close()

        await tormentor.bear(caller())
        await client.close()
        client._away_until = float("-inf")
        assert await client.flush(), "what waits was not sent although the service is there"
        told, sent = client.metrics_text(), service.counted()
        for name in ("one", "two"):
            ours = next((int(float(line.split()[-1])) for line in told.splitlines() if line.startswith(name)), 0)
            assert sent[name] == ours, f"{name} was counted to {ours} here, and to {sent[name]} at the service"


ON_A_SCHEDULE = {"published": published}
WITH_SOCKETS = {"metrics": metrics, "closing": closing}


def plays(subject: Subject, folder: Path) -> Iterator[tuple[str, Callable[[Tormentor], None]]]:
    """Yield each scenario's name, and what plays it once."""
    for name, scenario in {**ON_A_SCHEDULE, "audit log": audited(folder)}.items():
        yield name, partial(play_on_schedule, scenario, subject)
    for name, scenario in WITH_SOCKETS.items():
        yield name, partial(play_on_loop, scenario, subject)


@pytest.mark.parametrize("name", [*ON_A_SCHEDULE, "audit log"])
def test_nothing_is_lost_or_invented(subject: Subject, tmp_path: Path, name: str) -> None:
    """A call that is cancelled or fails anywhere leaves what was there, or what was to be."""
    scenario = {**ON_A_SCHEDULE, "audit log": audited(tmp_path)}[name]
    FUZZ.count(torture(partial(play_on_schedule, scenario, subject), FUZZ.examples))


@pytest.mark.parametrize("name", WITH_SOCKETS)
def test_the_next_push_sets_it_right(subject: Subject, name: str) -> None:
    """However the network failed or the caller went away, nothing is left, and what waits is sent in the end."""
    FUZZ.count(torture(partial(play_on_loop, WITH_SOCKETS[name], subject), FUZZ.examples))
