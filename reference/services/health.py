"""The health service: the bot's metrics and last known health, kept in a process that outlives the bot's troubles.

Run it with `python -m reference.services.health`; `HealthAPIClient` pushes to it. Routes: `POST /push` with a batch of
series, `GET /metrics` for Prometheus, `GET /health` for the bot's last report and its age, `GET /health/live`. Figures
are shown to this machine alone, or to those who hold the token in HEALTH_API_TOKEN.
"""

from __future__ import annotations

import ipaddress
import os
import sys
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from reference.services.running import Service, end_gently
from reference.utils.monitoring.health_access import Access, decide
from reference.utils.monitoring.metric_series import SeriesTable, series_from

PORT = 8082
LARGEST_REQUEST = 1024 * 1024
"""Bytes."""

LARGEST_BATCH = 1000
REMEMBERED_BATCHES = 1000
"""Batches whose id is kept, so that one sent twice is counted once."""

SILENCE = 60.0
"""Seconds without a report after which the bot counts as unhealthy."""


@dataclass
class Store:
    """What the service knows."""

    series: SeriesTable = field(default_factory=SeriesTable)
    report: dict[str, Any] | None = None
    reported: float = float("-inf")
    batches: OrderedDict[str, None] = field(default_factory=OrderedDict)

    def take(self, batch: Any) -> bool:
        """Add a batch up; tell whether it was new.

        Raises:
            ValueError: it is not what a client sends; nothing of it was added.
        """
        if not isinstance(batch, dict):
            raise ValueError("the request must be a JSON object")  # noqa: TRY004  bad data, not a bad call
        name, entries, report = batch.get("id"), batch.get("series", []), batch.get("health")
        if not isinstance(name, str) or not 0 < len(name) <= 64:
            raise ValueError("`id` must be a string of 1 to 64 characters")
        if not isinstance(entries, list) or len(entries) > LARGEST_BATCH:
            raise ValueError(f"`series` must be a list of at most {LARGEST_BATCH} series")
        if not (report is None or isinstance(report, dict)):
            raise ValueError("`health` must be an object")
        series = [series_from(entry) for entry in entries]
        if report is not None:
            self.report, self.reported = report, time.monotonic()
        if name in self.batches:
            return False
        self.batches[name] = None
        while len(self.batches) > REMEMBERED_BATCHES:
            self.batches.popitem(last=False)
        self.series.add(*series)
        return True

    def health(self) -> dict[str, Any]:
        """Return the bot's last report, how old it is, and what follows from both."""
        if self.report is None:
            return {"status": "unknown", "healthy": False, "age_seconds": None, "report": None}
        age = time.monotonic() - self.reported
        told = str(self.report.get("status", "unknown")) if age <= SILENCE else "silent"
        healthy = told in {"healthy", "degraded"}
        return {"status": told, "healthy": healthy, "age_seconds": round(age, 1), "report": self.report}


_STORE = web.AppKey("store", Store)
_TOKEN = web.AppKey("token", str)


def make_app(token: str = "") -> web.Application:
    """Make the application; nothing listens yet.

    Args:
        token: what clients must present; without one only this machine is served.
    """
    app = web.Application(client_max_size=LARGEST_REQUEST, middlewares=[_admit])
    app[_STORE], app[_TOKEN] = Store(), token
    app.add_routes(
        [
            web.post("/push", _push),
            web.get("/metrics", _metrics),
            web.get("/health", _health),
            web.get("/health/live", _live),
        ]
    )
    return app


@web.middleware
async def _admit(request: web.Request, handler: Any) -> web.StreamResponse:
    if request.path != "/health/live":
        access = decide(request.headers, request.remote or "", request.app[_TOKEN])
        if access is not Access.GRANTED:
            status = 401 if access is Access.UNAUTHENTICATED else 403
            challenge = {"WWW-Authenticate": 'Bearer realm="health"'} if status == 401 else {}
            return web.json_response({"error": access.value}, status=status, headers=challenge)
    response: web.StreamResponse = await handler(request)
    return response


async def _push(request: web.Request) -> web.Response:
    """Take a batch; a request must say that it is JSON, which a stranger's page cannot make a browser do."""
    if request.content_type != "application/json":
        return web.json_response({"error": "the request must be application/json"}, status=415)
    try:
        new = request.app[_STORE].take(await request.json())
    except (ValueError, RecursionError) as error:
        return web.json_response({"error": str(error)[:200]}, status=422)
    return web.json_response({"taken": new})


async def _metrics(request: web.Request) -> web.Response:
    store = request.app[_STORE]
    own = f"# TYPE health_service_series gauge\nhealth_service_series {len(store.series)}\n"
    own += f"# TYPE health_service_dropped_total counter\nhealth_service_dropped_total {store.series.dropped}\n"
    body = (store.series.exposition() + own).encode()
    return web.Response(body=body, headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"})


async def _health(request: web.Request) -> web.Response:
    health = request.app[_STORE].health()
    return web.json_response(health, status=200 if health["healthy"] else 503)


async def _live(_request: web.Request) -> web.Response:
    return web.json_response({"alive": True})


def _app_for(host: str) -> web.Application:
    token = os.environ.get("HEALTH_API_TOKEN", "").strip()
    if not token and not _is_loopback(host):
        raise ValueError("set HEALTH_API_TOKEN before others than this machine are served")
    return make_app(token)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


SERVICE = Service("health service", "reference.services.health", PORT, _app_for)
main = SERVICE.main

if __name__ == "__main__":
    end_gently()
    sys.exit(main())
