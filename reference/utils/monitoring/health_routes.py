"""What each path answers: functions from one reading of the health data to one reply."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from . import health_pages
from .health_metrics import exposition
from .health_verdict import is_up

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .health_data import BotHealthData

__all__ = ["OPEN_ROUTES", "ROUTES", "Reply", "json_reply", "text_reply"]

LEAST_DISK = 200 * 2**20
"""Free bytes below which the disk counts as full."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer: code, body and the headers that go with it."""

    code: int
    body: bytes
    content_type: str
    headers: Mapping[str, str] = field(default_factory=dict)


class Renderer(Protocol):
    """Whoever turns data into pages: the request handler."""

    def _generate_health_html(self, data: Mapping[str, Any]) -> str: ...

    def _generate_stats_html(self, data: Mapping[str, Any]) -> str: ...


@dataclass(frozen=True, slots=True)
class Request:
    """What a route needs to know of a request."""

    health: BotHealthData
    accept: str
    render: Renderer

    @property
    def wants_json(self) -> bool:
        """Whether the client names JSON and does not name HTML."""
        return "json" in self.accept.lower() and "html" not in self.accept.lower()


def json_reply(code: int, value: object) -> Reply:
    """Answer with JSON."""
    body = json.dumps(value, ensure_ascii=True, allow_nan=False, indent=1).encode("ascii")
    return Reply(code, body + b"\n", "application/json")


def text_reply(code: int, text: str, **headers: str) -> Reply:
    """Answer with a line of text."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(code, f"{text}\n".encode(), "text/plain; charset=utf-8", named)


def _html_reply(code: int, page: str) -> Reply:
    policy = {"Content-Security-Policy": health_pages.content_security_policy()}
    return Reply(code, page.encode("utf-8", "replace"), "text/html; charset=utf-8", policy)


def _code(healthy: bool) -> int:
    return 200 if healthy else 503


def _live(request: Request) -> Reply:
    alive = request.health.verdict().alive
    return json_reply(_code(alive), {"alive": alive})


def _ready(request: Request) -> Reply:
    ready = request.health.verdict().ready
    return json_reply(_code(ready), {"ready": ready})


def _health(request: Request) -> Reply:
    if request.wants_json:
        return _health_json(request)
    data = request.health.to_dict()
    return _html_reply(_code(data["healthy"]), request.render._generate_health_html(data))  # noqa: SLF001  the audited name


def _health_json(request: Request) -> Reply:
    data = request.health.to_dict()
    return json_reply(_code(data["healthy"]), data)


def _deep(request: Request) -> Reply:
    """Answer with one entry for each thing the bot leans on; F09: all of it out of one snapshot."""
    data = request.health.to_dict()
    checks = {
        "event_loop": _loop_check(data["heartbeat"]),
        "gateway": _gateway_check(data["bot"]),
        "disk": _disk_check(),
    }
    checks |= {f"service:{name}": {"ok": is_up(value), "told": value} for name, value in data["services"].items()}
    failed = [name for name, check in checks.items() if not check["ok"]]
    status = "degraded" if failed and data["status"] == "healthy" else data["status"]
    answer = {**{key: data[key] for key in ("healthy", "reasons", "timestamp")}, "status": status}
    return json_reply(_code(data["healthy"]), {**answer, "failed": failed, "checks": checks})


def _loop_check(heartbeat: Mapping[str, Any]) -> dict[str, Any]:
    return {"ok": heartbeat["age_seconds"] is not None and not heartbeat["stale"], **heartbeat}


def _gateway_check(bot: Mapping[str, Any]) -> dict[str, Any]:
    return {"ok": bot["ready"] and not bot["closed"], "latency_ms": bot["latency_ms"]}


def _disk_check() -> dict[str, Any]:
    free = shutil.disk_usage(".").free
    return {"ok": free >= LEAST_DISK, "free_mb": free // 2**20}


def _metrics(request: Request) -> Reply:
    body, content_type = exposition(request.health.to_dict())
    return Reply(200, body, content_type)


def _stats(request: Request) -> Reply:
    if request.wants_json:
        return _ai_stats(request)
    return _html_reply(200, request.render._generate_stats_html(request.health.to_dict()))  # noqa: SLF001  the audited name


def _ai_stats(request: Request) -> Reply:
    return json_reply(200, request.health.get_ai_performance_stats())


def _home(_request: Request) -> Reply:
    return text_reply(302, "see /health", Location="/health")


OPEN_ROUTES: dict[str, Callable[[Request], Reply]] = {"/health/live": _live, "/health/ready": _ready}
"""What anybody may ask: alive or not, ready or not."""

ROUTES: dict[str, Callable[[Request], Reply]] = {
    "/": _home,
    "/health": _health,
    "/health/json": _health_json,
    "/health/deep": _deep,
    "/metrics": _metrics,
    "/stats": _stats,
    "/ai/stats": _ai_stats,
}
"""What only those may ask whom ``health_access`` admits."""
