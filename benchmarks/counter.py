"""A counter plus one: the child of a metric at hand, and found by the value of its label."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchmarks.contest import Bout, Contender, Contest, peer
from reference.utils.monitoring.metrics import BotMetrics

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

Count = tuple["Callable[[], object]", "Callable[[], float]"]


def _bout(make: Callable[[], Count]) -> Callable[[], Awaitable[Bout]]:
    """Make a contender of ``make()``, which returns what counts one, and what tells the count."""

    async def enter() -> Bout:
        async def prove() -> None:
            step, total = make()
            for _ in range(3):
                step()
            if total() != 3:
                raise ValueError(f"after 3 steps the count is {total()}")

        return Bout(make()[0], None, prove, awaits=False)

    return enter


def _counter() -> tuple[Any, Callable[[], float]]:
    module = peer("prometheus_client")
    registry = module.CollectorRegistry()
    counter = module.Counter("bench", "Bench", ["command"], registry=registry)
    return counter, lambda: registry.get_sample_value("bench_total", {"command": "play"}) or 0.0


def _child() -> Count:
    counter, total = _counter()
    return counter.labels("play").inc, total


def _labels() -> Count:
    counter, total = _counter()
    return lambda: counter.labels("play").inc(), total


def _ours() -> Count:
    metrics = BotMetrics()
    count = metrics.increment_commands

    def total() -> float:
        return metrics.registry.get_sample_value("bot_commands_total", {"command": "play"}) or 0.0

    return lambda: count("play"), total


def _ours_child() -> Count:
    metrics = BotMetrics()

    def total() -> float:
        return metrics.registry.get_sample_value("bot_commands_total", {"command": "play"}) or 0.0

    return metrics.child("commands", "play").inc, total


CONTESTS = [
    Contest(
        "counter",
        "Counter: plus one, the child at hand",
        1.5,
        [
            Contender("prometheus_client, child", _bout(_child)),
            Contender("BotMetrics.child", _bout(_ours_child), is_ours=True),
            Contender("prometheus_client, .labels()", _bout(_labels), "prometheus-client"),
        ],
    ),
    Contest(
        "counter.labelled",
        "Counter: plus one, the child found by its label",
        None,
        [
            Contender("prometheus_client, child", _bout(_child)),
            Contender("BotMetrics.increment_commands", _bout(_ours), is_ours=True, note="bounded labels"),
            Contender("prometheus_client, .labels()", _bout(_labels), "prometheus-client"),
        ],
    ),
]
