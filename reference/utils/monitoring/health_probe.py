"""Readings: of the bot (on its event loop only) and of the process (from any thread), as plain bounded data."""

from __future__ import annotations

import logging
import math
import os
import threading
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any

__all__ = ["finite", "plain", "process_facts", "read_bot"]

logger = logging.getLogger(__name__)

DEEPEST = 6
WIDEST = 200
LONGEST = 500


def finite(value: Any) -> Any:
    """Return a number that JSON can carry, or None in place of NaN and infinities."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def plain(value: Any, depth: int = 0) -> Any:
    """Copy a value into plain data: bounded in depth, width and length, without NaN, sharing nothing with the original.

    Raises:
        RuntimeError: a mapping changed while it was copied; that cannot happen on the thread that changes it.
    """
    if value is None or isinstance(value, bool | int | float):
        return finite(value)
    if isinstance(value, str):
        return value[:LONGEST]
    if depth >= DEEPEST:
        return "…"
    if isinstance(value, Mapping):
        items = list(value.items())[:WIDEST]
        return {str(key)[:LONGEST]: plain(item, depth + 1) for key, item in items}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item, depth + 1) for item in list(value)[:WIDEST]]
    return str(value)[:LONGEST]


def _read(what: str, reading: Callable[[], Any], otherwise: Any = None) -> Any:
    """Take one reading; a bot that is half started, or a cog that fails, must not silence the heartbeat."""
    try:
        return reading()
    except Exception as error:  # noqa: BLE001  cogs are anybody's code
        logger.debug("reading %s failed: %s: %s", what, type(error).__name__, error)
        return otherwise


def read_bot(bot: Any) -> dict[str, Any]:
    """Read everything there is to say about a bot; to be called on the bot's own event loop (F09).

    Returns:
        The fields of a ``BotState`` without ``at``; nothing in it refers to the bot's objects.
    """
    guilds = _read("guilds", lambda: list(bot.guilds), [])
    cogs = _read("cogs", lambda: dict(bot.cogs), {})
    return {
        "ready": bool(_read("is_ready", lambda: bot.is_ready(), otherwise=False)),  # noqa: PLW0108  it may be missing
        "closed": bool(_read("is_closed", lambda: bot.is_closed(), otherwise=False)),  # noqa: PLW0108  it may be missing
        "name": _read("user", lambda: None if bot.user is None else str(bot.user)[:LONGEST]),
        "latency_ms": _read("latency", lambda: _milliseconds(bot.latency)),
        "guilds": len(guilds),
        "users": _read("members", lambda: sum(_members(guilds)), 0),
        "voice_connections": _read("voice clients", lambda: len(bot.voice_clients), 0),
        "shards": _read("shards", lambda: bot.shard_count),
        "cogs": tuple(str(name)[:LONGEST] for name in list(cogs)[:WIDEST]),
        "ai": MappingProxyType(_ai_figures(cogs)),
    }


def _milliseconds(seconds: float) -> float | None:
    return round(seconds * 1000, 1) if math.isfinite(seconds) else None


def _members(guilds: Iterable[Any]) -> Iterable[int]:
    return (getattr(guild, "member_count", 0) or 0 for guild in guilds)


def _ai_figures(cogs: Mapping[str, Any]) -> dict[str, Any]:
    """Ask every cog that keeps performance figures, itself or in its chat manager."""
    figures = {}
    for name, cog in cogs.items():
        sources = (cog, getattr(cog, "chat_manager", None))
        asks = [ask for source in sources if callable(ask := getattr(source, "get_performance_stats", None))]
        if asks:
            figures[str(name)[:LONGEST]] = _read(f"figures of {name}", partial(_plain_answer, asks[0]), {})
    return figures


def _plain_answer(ask: Callable[[], Any]) -> Any:
    return plain(ask())


_process_lock = threading.Lock()
_process: Any = None


def process_facts() -> dict[str, Any]:
    """Measure this process: memory in MiB, CPU in percent of one core since the last call, threads, handles."""
    global _process  # noqa: PLW0603  psutil measures CPU between two calls on one object
    import psutil  # noqa: PLC0415  not before it is needed

    with _process_lock:
        if _process is None or _process.pid != os.getpid():
            _process = psutil.Process()
        try:
            with _process.oneshot():
                return {
                    "pid": _process.pid,
                    "memory_mb": round(_process.memory_info().rss / 2**20, 1),
                    "cpu_percent": _process.cpu_percent(),
                    "threads": _process.num_threads(),
                }
        except psutil.Error as error:
            logger.debug("measuring the process failed: %s", error)
            return {"pid": _process.pid}
