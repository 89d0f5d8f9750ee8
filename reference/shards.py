"""The bot's connections to Discord, one for each shard, and how each is."""

from __future__ import annotations

import asyncio
import math
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from discord.gateway import KeepAliveHandler

from .utils.monitoring.health_api import health_data
from .utils.monitoring.sentry_integration import add_breadcrumb
from .utils.monitoring.structured_logger import get_logger

if TYPE_CHECKING:
    from collections.abc import Iterator

    from discord.state import ConnectionState

    from .bot import Bot

__all__ = ["ALERT_AFTER", "ShardState", "Shards", "close_half_made"]

log = get_logger(__name__)

ALERT_AFTER = 60.0
"""Seconds without a connection after which the operator is alerted."""

EVENTS = ("shard_connect", "shard_ready", "shard_resumed", "shard_disconnect")


async def close_half_made(connection: ConnectionState) -> None:
    """Close connections that were just being made, and end the threads that keep them alive: discord.py 2.7 forgets."""
    for thread in threading.enumerate():
        if isinstance(thread, KeepAliveHandler) and getattr(thread.ws, "_connection", None) is connection:
            await thread.ws.close(1000)


@dataclass(frozen=True)
class ShardState:
    """A shard at one moment.

    Attributes:
        id: its number, from 0.
        is_up: whether it is connected.
        latency_ms: how long Discord takes to answer a heartbeat; None while that is not known.
        guilds: guilds that it hears of.
        disconnects: how often its connection was lost since the start.
        resumes: how often it went on where it had been.
    """

    id: int
    is_up: bool
    latency_ms: float | None
    guilds: int
    disconnects: int
    resumes: int


class Shards:
    """How the shards of a bot are.

    Args:
        bot: whose they are.
        alert_after: seconds without a connection after which the operator is alerted.
    """

    def __init__(self, bot: Bot, alert_after: float = ALERT_AFTER) -> None:
        self._bot = bot
        self._alert_after = alert_after
        self._counts: dict[str, dict[int, int]] = {event: {} for event in EVENTS}
        self._down: dict[int, asyncio.TimerHandle] = {}

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Follow the connections while the body runs."""
        listeners = {f"on_{event}": self._listener(event) for event in EVENTS}
        for name, listener in listeners.items():
            self._bot.add_listener(listener, name)
        try:
            yield
        finally:
            for name, listener in listeners.items():
                self._bot.remove_listener(listener, name)
            for timer in self._down.values():
                timer.cancel()
            for shard_id in self._known():
                health_data.service_health.pop(f"shard {shard_id}", None)

    def states(self) -> list[ShardState]:
        """Return the state of each shard, by its number."""
        shards = {} if self._bot.is_closed() else self._bot.shards
        return [self._state(shard_id, shard) for shard_id, shard in sorted(shards.items())]

    def publish(self) -> None:
        """Put the shards on the health page."""
        for state in self.states():
            told = {"healthy": state.is_up, "latency_ms": state.latency_ms, "guilds": state.guilds}
            name = f"shard {state.id}"
            health_data.service_health[name] = {
                **told,
                "disconnects": state.disconnects,
                "resumes": state.resumes,
            }

    def _known(self) -> set[int]:
        return {shard_id for counts in self._counts.values() for shard_id in counts}

    def _state(self, shard_id: int, shard: Any) -> ShardState:
        latency = shard.latency
        return ShardState(
            id=shard_id,
            is_up=not shard.is_closed(),
            latency_ms=round(latency * 1000, 1) if math.isfinite(latency) else None,
            guilds=sum(guild.shard_id == shard_id for guild in self._bot.guilds),
            disconnects=self._counts["shard_disconnect"].get(shard_id, 0),
            resumes=self._counts["shard_resumed"].get(shard_id, 0),
        )

    def _listener(self, event: str) -> Any:
        async def listen(shard_id: int) -> None:
            self._happened(event, shard_id)

        return listen

    def _happened(self, event: str, shard_id: int) -> None:
        counts = self._counts[event]
        counts[shard_id] = counts.get(shard_id, 0) + 1
        log.info("shard %d: %s", shard_id, event.removeprefix("shard_"))
        add_breadcrumb(f"{event} {shard_id}", "gateway")
        timer = self._down.pop(shard_id, None)
        if timer is not None:
            timer.cancel()
        if event == "shard_disconnect" and not self._bot.is_closed():
            loop = asyncio.get_running_loop()
            self._down[shard_id] = loop.call_later(self._alert_after, self._alert, shard_id)
        self._bot.publish()

    def _alert(self, shard_id: int) -> None:
        text = f"It has had no connection to Discord for {self._alert_after:.0f} s."
        self._bot.alert(f"shard {shard_id} is down", text, f"shard:{shard_id}", "critical")
