"""From readings to a verdict: one pure function, so that text, JSON and HTTP code can never disagree."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["DEAD_AFTER", "SLOW_MS", "STALE_AFTER", "Verdict", "is_up", "judge"]

STALE_AFTER = 60.0
"""Age of a heartbeat, seconds, from which the bot counts as unhealthy."""

DEAD_AFTER = 300.0
"""Age of a heartbeat, seconds, from which the process counts as wedged and should be restarted."""

SLOW_MS = 1000.0
"""Gateway latency, milliseconds, from which the bot is degraded."""

LOST_MS = 10_000.0
"""Gateway latency, milliseconds, from which the bot is unhealthy."""

UP_WORDS = frozenset({"available", "connected", "healthy", "ok", "online", "pass", "ready", "running", "up"})


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is said about the bot, in every form it is said in.

    Attributes:
        status: ``starting``, ``healthy``, ``degraded`` or ``unhealthy``.
        reasons: why it is not simply healthy, one sentence each.
        ready: whether the bot takes work.
        alive: whether the process is worth keeping.
    """

    status: str
    reasons: tuple[str, ...]
    ready: bool
    alive: bool

    @property
    def healthy(self) -> bool:
        """Whether the bot does its work, perhaps with something amiss."""
        return self.status in {"healthy", "degraded"}

    @property
    def code(self) -> int:
        """The HTTP code that says the same as ``status``."""
        return 200 if self.healthy else 503


def is_up(value: object) -> bool:
    """Tell whether a service's reported value means that it works."""
    if isinstance(value, Mapping):
        told = next((value[key] for key in ("healthy", "ok", "available", "status", "state") if key in value), False)
        return is_up(told)
    if isinstance(value, str):
        return value.strip().lower() in UP_WORDS
    return bool(value)


def judge(
    *,
    age: float | None,
    ready: bool,
    closed: bool,
    latency_ms: float | None,
    services: Mapping[str, Any],
    stale_after: float = STALE_AFTER,
) -> Verdict:
    """Judge a bot by its readings.

    Args:
        age: seconds since the last heartbeat; None when there was none.
        ready: whether the gateway session is up.
        closed: whether the bot has been closed.
        latency_ms: gateway latency, None when unknown.
        services: what is reported about each service.
        stale_after: age of a heartbeat, seconds, from which the bot is unhealthy.
    """
    if age is None:
        return Verdict("starting", ("the bot has not reported yet",), ready=False, alive=True)
    broken = _broken(age, ready, closed, latency_ms, stale_after)
    amiss = [f"service {name} is down" for name, value in services.items() if not is_up(value)]
    if latency_ms is not None and SLOW_MS < latency_ms <= LOST_MS:
        amiss.append(f"the gateway answers after {latency_ms:.0f} ms")
    status = "unhealthy" if broken else "degraded" if amiss else "healthy"
    alive = age <= max(DEAD_AFTER, stale_after)
    return Verdict(status, (*broken, *amiss), ready=not broken, alive=alive)


def _broken(age: float, ready: bool, closed: bool, latency_ms: float | None, stale_after: float) -> list[str]:
    lost = latency_ms is not None and latency_ms > LOST_MS
    told = {
        f"the event loop has been silent for {age:.0f} s; it is blocked or gone": age > stale_after,
        "the bot is closed": closed,
        "the bot is not connected to the gateway": not ready and not closed,
        "the gateway does not answer heartbeats": lost,
    }
    return [reason for reason, holds in told.items() if holds]
