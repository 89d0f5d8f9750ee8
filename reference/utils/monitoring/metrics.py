"""What the bot counts and measures for Prometheus, in a registry of its own.

The registry is not the library's global one, so the package may be loaded twice in a process. prometheus_client is
imported, and the metrics are made, at the first use. Every label is bounded (`BoundedLabel`).
"""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

from .bounded_labels import BoundedLabel

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

__all__ = ["BotMetrics", "metrics"]

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
"""Upper bounds of the histograms of durations."""

COUNTERS = {
    "messages": ("bot_messages", "Messages seen, by kind", "kind"),
    "commands": ("bot_commands", "Commands run, by name", "command"),
    "command_errors": ("bot_command_errors", "Commands that failed, by name", "command"),
    "errors": ("bot_errors", "Errors, by type", "type"),
    "ai_requests": ("bot_ai_requests", "Requests to language models, by model", "model"),
    "ai_tokens": ("bot_ai_tokens", "Tokens used, by direction", "direction"),
    "cache": ("bot_cache_lookups", "Look-ups in caches, by outcome", "outcome"),
    "rate_limited": ("bot_rate_limited", "Requests refused by a rate limit, by its name", "limit"),
}
HISTOGRAMS = {
    "command_seconds": ("bot_command_seconds", "Duration of commands, by name", "command"),
    "ai_seconds": ("bot_ai_request_seconds", "Duration of requests to language models, by model", "model"),
    "database_seconds": ("bot_database_seconds", "Duration of database work, by kind", "kind"),
}
GAUGES = {
    "guilds": ("bot_guilds", "Servers the bot is in"),
    "users": ("bot_users", "Members of those servers"),
    "voice_connections": ("bot_voice_connections", "Open voice connections"),
    "latency_seconds": ("bot_latency_seconds", "Latency of the gateway"),
    "queue_length": ("bot_music_queue_length", "Tracks that wait in all queues"),
}


class BotMetrics:
    """The bot's counters, gauges and histograms; each is made at its first use.

    Args:
        most: values of one label that get a time series of their own; the others share ``other``.
    """

    def __init__(self, most: int = 100) -> None:
        self._lock = threading.RLock()
        self._registry: CollectorRegistry | None = None
        self._gauges: dict[str, Gauge] = {}
        self._counters = {name: BoundedLabel[Any](self._counter(*text), most) for name, text in COUNTERS.items()}
        self._histograms = {name: BoundedLabel[Any](self._histogram(*text), most) for name, text in HISTOGRAMS.items()}
        self._messages = self._counters["messages"]
        self._commands = self._counters["commands"]

    @property
    def registry(self) -> CollectorRegistry:
        """The registry that holds these metrics, and no others."""
        with self._lock:
            if self._registry is None:
                from prometheus_client import CollectorRegistry  # noqa: PLC0415  not before it is needed

                self._registry = CollectorRegistry()
            return self._registry

    def increment(self, counter: str, label: str, amount: float = 1) -> None:
        """Add to a counter.

        Args:
            counter: one of `COUNTERS`.
            label: the value of its label.
            amount: what to add, zero or more.

        Raises:
            KeyError: there is no such counter.
            ValueError: the amount is negative.
        """
        self._counters[counter].get(label).inc(amount)

    def child(self, counter: str, label: str) -> Counter:
        """Return the counter of one label's value, for places that count often; errors are those of `increment`."""
        return cast("Counter", self._counters[counter].get(label))

    def increment_messages(self, kind: str = "guild") -> None:
        """Count a message, by kind (``guild``, ``direct``)."""
        self._messages.get(kind).inc()

    def increment_commands(self, command: str) -> None:
        """Count a command, by name."""
        self._commands.get(command).inc()

    def increment_errors(self, kind: str | BaseException) -> None:
        """Count an error, by type."""
        self.increment("errors", kind if isinstance(kind, str) else type(kind).__name__)

    def record_tokens(self, input_tokens: int, output_tokens: int) -> None:
        """Count the tokens of a request to a language model."""
        self.increment("ai_tokens", "input", input_tokens)
        self.increment("ai_tokens", "output", output_tokens)

    def record_cache(self, *, hit: bool) -> None:
        """Count a look-up in a cache."""
        self.increment("cache", "hit" if hit else "miss")

    def observe(self, histogram: str, label: str, seconds: float) -> None:
        """Add a duration to a histogram.

        Args:
            histogram: one of `HISTOGRAMS`.
            label: the value of its label.
            seconds: how long it took.

        Raises:
            KeyError: there is no such histogram.
        """
        self._histograms[histogram].get(label).observe(seconds)

    @contextmanager
    def time_command(self, command: str) -> Iterator[None]:
        """Count and time a command that runs in a ``with`` block; a failure is counted and goes on its way."""
        begin = time.perf_counter()
        self.increment_commands(command)
        try:
            yield
        except Exception as error:
            self.increment("command_errors", command)
            self.increment_errors(error)
            raise
        finally:
            self.observe("command_seconds", command, time.perf_counter() - begin)

    def set(self, gauge: str, value: float) -> None:
        """Set a gauge.

        Args:
            gauge: one of `GAUGES`.
            value: what holds from now on.

        Raises:
            KeyError: there is no such gauge.
        """
        with self._lock:
            known = self._gauges.get(gauge)
            if known is None:
                from prometheus_client import Gauge  # noqa: PLC0415  as above

                known = self._gauges[gauge] = Gauge(*GAUGES[gauge], registry=self.registry)
        known.set(value)

    def exposition(self) -> bytes:
        """Return all metrics in the Prometheus text format."""
        from prometheus_client import generate_latest  # noqa: PLC0415  as above

        for label in (*self._counters.values(), *self._histograms.values()):
            label.make()
        return generate_latest(self.registry)

    def _counter(self, name: str, text: str, label: str) -> Callable[[], Counter]:
        def make() -> Counter:
            from prometheus_client import Counter  # noqa: PLC0415  as above

            return Counter(name, text, [label], registry=self.registry)

        return make

    def _histogram(self, name: str, text: str, label: str) -> Callable[[], Histogram]:
        def make() -> Histogram:
            from prometheus_client import Histogram  # noqa: PLC0415  as above

            return Histogram(name, text, [label], registry=self.registry, buckets=SECONDS)

        return make


metrics = BotMetrics()
