"""The health figures in the Prometheus text format, made per request from one snapshot, with bounded labels."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from .health_verdict import is_up

if TYPE_CHECKING:
    from prometheus_client import Metric

__all__ = ["exposition"]

STATUSES = ("starting", "healthy", "degraded", "unhealthy")
GAUGES = {
    "bot_health_up": ("Whether the bot does its work", ("healthy",), 1),
    "bot_health_ready": ("Whether the bot takes work", ("ready",), 1),
    "bot_health_uptime_seconds": ("Age of the process", ("uptime_seconds",), 1),
    "bot_health_heartbeat_age_seconds": ("Age of the event loop's last sign of life", ("heartbeat", "age_seconds"), 1),
    "bot_health_gateway_latency_seconds": ("Latency of the gateway", ("bot", "latency_ms"), 0.001),
    "bot_health_guilds": ("Servers the bot is in", ("bot", "guilds"), 1),
    "bot_health_users": ("Members of those servers", ("bot", "users"), 1),
    "bot_health_voice_connections": ("Open voice connections", ("bot", "voice_connections"), 1),
    "bot_health_memory_bytes": ("Resident memory", ("process", "memory_mb"), 2**20),
}


class _Snapshot:
    """A collector of one dictionary, for a registry that lives as long as one request."""

    def __init__(self, data: Mapping[str, Any]) -> None:
        self._data = data

    def collect(self) -> Iterator[Metric]:
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily  # noqa: PLC0415

        for name, (text, path, factor) in GAUGES.items():
            value = self._find(path)
            if isinstance(value, int | float):
                yield GaugeMetricFamily(name, text, value=value * factor)
        for name, count in self._data["counters"].items():
            yield CounterMetricFamily(
                f"bot_health_{name}", f"{name.replace('_', ' ')} counted".capitalize(), value=count
            )
        status = GaugeMetricFamily("bot_health_status", "1 for the status that holds", labels=["status"])
        for name in STATUSES:
            status.add_metric([name], float(name == self._data["status"]))
        yield status
        services = GaugeMetricFamily("bot_health_service_up", "Whether a service works", labels=["service"])
        for name, value in self._data["services"].items():
            services.add_metric([name.encode("utf-8", "replace").decode()], float(is_up(value)))
        yield services

    def _find(self, path: tuple[str, ...]) -> Any:
        value: Any = self._data
        for key in path:
            value = value.get(key) if isinstance(value, Mapping) else None
        return value


def exposition(data: Mapping[str, Any]) -> tuple[bytes, str]:
    """Render the figures, followed by those of the bot's own registry.

    Args:
        data: what ``BotHealthData.to_dict`` returns.

    Returns:
        The body and its content type.
    """
    from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest  # noqa: PLC0415

    registry = CollectorRegistry()
    registry.register(_Snapshot(data))
    return generate_latest(registry) + _bot_metrics(), CONTENT_TYPE_LATEST


def _bot_metrics() -> bytes:
    """Render the registry of the bot's own metrics, where the bot keeps one."""
    from prometheus_client import CollectorRegistry, generate_latest  # noqa: PLC0415

    try:
        module = importlib.import_module(".metrics", __package__)
    except ImportError:
        return b""
    registry = getattr(getattr(module, "metrics", None), "registry", None)
    return generate_latest(registry) if isinstance(registry, CollectorRegistry) else b""
