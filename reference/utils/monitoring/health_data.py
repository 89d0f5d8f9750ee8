"""What the bot says about its own health: immutable snapshots, published by the event loop, read by any thread.

The event loop calls `BotHealthData.update_from_bot`; it reads the bot, builds one frozen `BotState` and swaps one
reference. Everybody else reads that reference once and works from it. So no reader sees half of an update, no reader
ever holds the bot, and a reader answers while the event loop is blocked: the age of the last snapshot says so.
(Audit finding F09.)
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator, Mapping, MutableMapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

from .health_probe import finite, plain, process_facts, read_bot
from .health_verdict import SLOW_MS, STALE_AFTER, Verdict, judge

__all__ = ["BotHealthData", "BotState", "Sample", "ServiceBoard", "health_data"]

COUNTERS = ("messages", "commands", "errors", "ai_requests", "cache_hits", "cache_misses")
HISTORY = 60
"""Samples kept for the charts."""

SAMPLE_EVERY = 5.0
"""Least distance between two samples, seconds."""

LARGEST_BOARD = 200
"""Services that may be reported on; more are refused, so that labels and pages stay bounded."""


@dataclass(frozen=True, slots=True)
class BotState:
    """What was true of the bot at one moment; it holds no object of the bot.

    Attributes:
        at: monotonic time of the reading, seconds.
        latency_ms: gateway latency, None while there is none.
        ai: performance figures by cog, as plain data.
    """

    at: float
    ready: bool = False
    closed: bool = False
    name: str | None = None
    latency_ms: float | None = None
    guilds: int = 0
    users: int = 0
    voice_connections: int = 0
    shards: int | None = None
    cogs: tuple[str, ...] = ()
    ai: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class Sample:
    """One point of the charts; ``at`` is monotonic seconds."""

    at: float
    latency_ms: float | None
    memory_mb: float | None
    messages: int
    errors: int
    ai_requests: int


@dataclass(frozen=True, slots=True)
class _Published:
    state: BotState | None = None
    history: tuple[Sample, ...] = ()


class ServiceBoard(MutableMapping[str, Any]):
    """Health of the services the bot leans on, by name: a mapping that may be changed while others iterate over it.

    Every change replaces the whole mapping, so an iterator keeps the one it began with (audit finding F09).
    A value is a bool, a word (``"up"``, ``"down"``...), or a mapping with ``healthy``, ``ok`` or ``status``.
    """

    def __init__(self, services: Mapping[str, Any] | None = None) -> None:
        self._lock = threading.Lock()
        self._services: Mapping[str, Any] = dict(services or {})

    def current(self) -> Mapping[str, Any]:
        """Return the mapping as it is now; it never changes again."""
        return self._services

    def __getitem__(self, name: str) -> Any:
        return self._services[name]

    def __setitem__(self, name: str, value: object) -> None:
        with self._lock:
            if name not in self._services and len(self._services) >= LARGEST_BOARD:
                raise ValueError(f"the board holds {LARGEST_BOARD} services already; {name!r} is one too many")
            self._services = {**self._services, str(name): plain(value)}

    def __delitem__(self, name: str) -> None:
        with self._lock:
            rest = dict(self._services)
            del rest[name]
            self._services = rest

    def __iter__(self) -> Iterator[str]:
        return iter(self._services)

    def __len__(self) -> int:
        return len(self._services)

    def __repr__(self) -> str:
        return f"ServiceBoard({dict(self._services)!r})"


class BotHealthData:
    """The bot's health as one thread publishes it and every other thread reads it.

    Args:
        stale_after: age of the last heartbeat, in seconds, from which the bot counts as unhealthy.
    """

    def __init__(self, *, stale_after: float = STALE_AFTER) -> None:
        self.stale_after = stale_after
        self._lock = threading.Lock()
        self._counts = dict.fromkeys(COUNTERS, 0)
        self._started = time.monotonic()
        self._published = _Published()
        self._board = ServiceBoard()

    @property
    def service_health(self) -> ServiceBoard:
        """Health of the services the bot leans on; assign by name, or a whole mapping at once."""
        return self._board

    @service_health.setter
    def service_health(self, services: Mapping[str, Any]) -> None:
        board = ServiceBoard()
        board.update(services)
        self._board = board

    def update_from_bot(self, bot: Any) -> None:
        """Read the bot and publish what was read, all of it at once; this is the heartbeat too.

        F09: call it on the bot's event loop. The reading is complete before anything is published, and one
        assignment publishes it.

        Args:
            bot: a discord.py ``Bot`` or ``Client``; it is read here and not kept.
        """
        state = BotState(at=time.monotonic(), **read_bot(bot))
        with self._lock:
            self._published = _Published(state, self._extended(state))

    def beat(self) -> None:
        """Say that the event loop turns, without a new reading of the bot."""
        with self._lock:
            state = self._published.state
            if state is not None:
                self._published = replace(self._published, state=replace(state, at=time.monotonic()))

    async def keep_published(self, bot: Any, *, interval: float = 5.0) -> None:
        """Publish now and every ``interval`` seconds, until cancelled."""
        while True:
            self.update_from_bot(bot)
            await asyncio.sleep(interval)

    def reset(self) -> None:
        """Forget everything, as on the day the process began."""
        with self._lock:
            self._counts = dict.fromkeys(COUNTERS, 0)
            self._published = _Published()
            self._started = time.monotonic()
        self._board = ServiceBoard()

    def _extended(self, state: BotState) -> tuple[Sample, ...]:
        history = self._published.history
        if history and state.at - history[-1].at < SAMPLE_EVERY:
            return history
        sample = Sample(
            at=state.at,
            latency_ms=state.latency_ms,
            memory_mb=process_facts().get("memory_mb"),
            messages=self._counts["messages"],
            errors=self._counts["errors"],
            ai_requests=self._counts["ai_requests"],
        )
        return (*history, sample)[-HISTORY:]

    def _count(self, name: str, amount: int) -> None:
        with self._lock:
            self._counts[name] += amount

    def increment_messages(self, amount: int = 1) -> None:
        """Count messages seen."""
        self._count("messages", amount)

    def increment_commands(self, amount: int = 1) -> None:
        """Count commands run."""
        self._count("commands", amount)

    def increment_errors(self, amount: int = 1) -> None:
        """Count errors."""
        self._count("errors", amount)

    def increment_ai_requests(self, amount: int = 1) -> None:
        """Count requests to a language model."""
        self._count("ai_requests", amount)

    def increment_cache_hits(self, amount: int = 1) -> None:
        """Count answers found in a cache."""
        self._count("cache_hits", amount)

    def increment_cache_misses(self, amount: int = 1) -> None:
        """Count answers that no cache had."""
        self._count("cache_misses", amount)

    def counters(self) -> dict[str, int]:
        """Return all counters as they stood at one moment."""
        with self._lock:
            return dict(self._counts)

    def verdict(self) -> Verdict:
        """Judge the bot's health now."""
        return self._judge(self._published.state, self._board.current(), time.monotonic())

    def is_healthy(self) -> bool:
        """Tell whether ``/health`` answers 200: the bot is ready, its loop turns and the gateway is near."""
        return self.verdict().healthy

    def _judge(self, state: BotState | None, services: Mapping[str, Any], now: float) -> Verdict:
        if state is None:
            return judge(age=None, ready=False, closed=False, latency_ms=None, services=services)
        age = max(0.0, now - state.at)
        return judge(
            age=age,
            ready=state.ready,
            closed=state.closed,
            latency_ms=state.latency_ms,
            services=services,
            stale_after=self.stale_after,
        )

    def get_ai_performance_stats(self) -> dict[str, Any]:
        """Return the AI figures of the last snapshot, by cog.

        F09: the figures were read on the event loop; the thread that asks touches nothing of the bot.
        """
        return self._ai_stats(self._published.state, time.monotonic())

    @staticmethod
    def _ai_stats(state: BotState | None, now: float) -> dict[str, Any]:
        if state is None:
            return {"available": False, "reason": "the bot has not reported yet", "cogs": {}}
        stats: dict[str, Any] = {"available": bool(state.ai), "age_seconds": round(max(0.0, now - state.at), 1)}
        if not state.ai:
            stats["reason"] = "no loaded cog reports AI figures"
        return {**stats, "cogs": plain(state.ai)}

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain data, fit for JSON, made from one snapshot (F09).

        Status, reasons and figures belong together: they are made from the same readings at the same instant.
        """
        published, services, counts = self._published, self._board.current(), self.counters()
        now = time.monotonic()
        verdict = self._judge(published.state, services, now)
        uptime = now - self._started
        return {
            "status": verdict.status,
            "healthy": verdict.healthy,
            "ready": verdict.ready,
            "alive": verdict.alive,
            "reasons": list(verdict.reasons),
            "timestamp": datetime.now(UTC).isoformat(timespec="seconds"),
            "uptime_seconds": round(uptime, 1),
            "heartbeat": _heartbeat(published.state, now, self.stale_after),
            "bot": _bot_facts(published.state),
            "counters": counts,
            "services": plain(services),
            "process": process_facts(),
            "ai": self._ai_stats(published.state, now),
            "history": [_point(sample, now) for sample in published.history],
        }


def _heartbeat(state: BotState | None, now: float, limit: float) -> dict[str, Any]:
    age = None if state is None else round(max(0.0, now - state.at), 1)
    return {"age_seconds": age, "limit_seconds": limit, "stale": age is not None and age > limit}


def _bot_facts(state: BotState | None) -> dict[str, Any]:
    facts = asdict(replace(state or BotState(at=0.0), ai={}))
    del facts["at"], facts["ai"]
    return {**facts, "cogs": list(facts["cogs"]), "slow": (facts["latency_ms"] or 0.0) > SLOW_MS}


def _point(sample: Sample, now: float) -> dict[str, Any]:
    point = asdict(sample)
    return {"age_seconds": round(now - point.pop("at"), 1), **{key: finite(value) for key, value in point.items()}}


health_data = BotHealthData()
"""The process' own health; `HealthAPIServer` serves it unless told otherwise."""
