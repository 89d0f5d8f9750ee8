"""Metrics with bounded labels in a registry of their own; durations with percentiles; counts of tokens."""

from __future__ import annotations

import threading

import pytest

from reference.utils.monitoring.metrics import COUNTERS, BotMetrics
from reference.utils.monitoring.performance_tracker import PerformanceTracker, perf_tracker, track_performance
from reference.utils.monitoring.token_tracker import TokenTracker, record_tokens, token_tracker


def value(metrics: BotMetrics, name: str, **labels: str) -> float | None:
    """Return a sample of the metrics' registry."""
    return metrics.registry.get_sample_value(name, labels)


def test_two_sets_of_metrics() -> None:
    """Metrics can be made twice in a process: each has a registry of its own."""
    first, second = BotMetrics(), BotMetrics()
    first.increment_commands("play")
    assert first.registry is not second.registry
    assert value(first, "bot_commands_total", command="play") == 1
    assert value(second, "bot_commands_total", command="play") is None


def test_labels_are_bounded() -> None:
    """Beyond the limit further values share one; long and odd values are made fit."""
    metrics = BotMetrics(most=2)
    for name in ("a", "b", "c", "d", "a", "x" * 1000):
        metrics.increment_commands(name)
    assert value(metrics, "bot_commands_total", command="a") == 2
    assert value(metrics, "bot_commands_total", command="other") == 3
    metrics = BotMetrics()
    metrics.increment_commands("x" * 1000)
    metrics.increment_commands("\ud800")
    assert value(metrics, "bot_commands_total", command="x" * 100) == 1
    assert value(metrics, "bot_commands_total", command="?") == 1


def test_counting() -> None:
    """Each way of counting counts what it says."""
    metrics = BotMetrics()
    metrics.increment_messages()
    metrics.increment_errors("Timeout")
    metrics.increment_errors(KeyError("x"))
    metrics.record_tokens(3, 4)
    metrics.record_cache(hit=True)
    metrics.record_cache(hit=False)
    metrics.child("rate_limited", "ai").inc(2)
    assert value(metrics, "bot_messages_total", kind="guild") == 1
    assert value(metrics, "bot_errors_total", type="KeyError") == 1
    assert value(metrics, "bot_errors_total", type="Timeout") == 1
    assert value(metrics, "bot_ai_tokens_total", direction="output") == 4
    assert value(metrics, "bot_cache_lookups_total", outcome="miss") == 1
    assert value(metrics, "bot_rate_limited_total", limit="ai") == 2
    with pytest.raises(KeyError):
        metrics.increment("nothing", "x")
    with pytest.raises(ValueError, match="non-negative"):
        metrics.increment("errors", "x", -1)


def test_gauges_and_commands() -> None:
    """Gauges hold what was set last; a timed command is counted, and so is its failure, which goes on its way."""
    metrics = BotMetrics()
    metrics.set("guilds", 3)
    metrics.set("guilds", 4)
    with metrics.time_command("play"):
        pass
    with pytest.raises(RuntimeError), metrics.time_command("play"):
        raise RuntimeError
    assert value(metrics, "bot_guilds") == 4
    assert value(metrics, "bot_commands_total", command="play") == 2
    assert value(metrics, "bot_command_errors_total", command="play") == 1
    assert value(metrics, "bot_command_seconds_count", command="play") == 2


def test_exposition() -> None:
    """All metrics are exposed, those that were never counted too."""
    text = BotMetrics().exposition().decode()
    assert all(f"# TYPE {name}_total counter" in text for name, _, _ in COUNTERS.values())


def test_threads_make_one_metric() -> None:
    """Threads that count the same thing for the first time at once share one metric."""
    metrics = BotMetrics()
    threads = [threading.Thread(target=metrics.increment_commands, args=("play",), daemon=True) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert value(metrics, "bot_commands_total", command="play") == 8


def test_percentiles() -> None:
    """Percentiles are those of the nearest rank, over the latest samples; count, mean and extremes over all."""
    tracker = PerformanceTracker(samples=100)
    for milliseconds in range(1, 201):
        tracker.record("x", milliseconds / 1000)
    stats = tracker.get_stats("x")
    assert stats == pytest.approx(
        {"count": 200, "failures": 0, "avg_ms": 100.5, "min_ms": 1, "max_ms": 200, "p50_ms": 150, "p95_ms": 195,
         "p99_ms": 199}
    )  # fmt: skip
    assert tracker.get_stats("unknown") == {}


@pytest.mark.parametrize("seconds", [-1.0, float("nan"), float("inf")])
def test_no_duration(seconds: float) -> None:
    """What is no duration is refused."""
    with pytest.raises(ValueError, match="no duration"):
        PerformanceTracker().record("x", seconds)


def test_operations_are_bounded() -> None:
    """The operation that was idle the longest goes; the slowest can be listed; all can be forgotten."""
    tracker = PerformanceTracker(most=2)
    tracker.record("a", 1)
    tracker.record("b", 3)
    tracker.record("a", 1)
    tracker.record("c", 2)
    assert [name for name, _ in tracker.get_slowest()] == ["c", "a"]
    tracker.reset("a")
    assert list(tracker.get_stats()) == ["c"]
    tracker.reset()
    tracker.reset("c")
    assert tracker.get_stats() == {}


async def test_measured_functions() -> None:
    """Functions and coroutine functions are measured, failures are counted, and results and names are kept."""
    tracker = PerformanceTracker()

    @track_performance("plain", tracker)
    def plain() -> int:
        with tracker.measure("inner"):
            raise ZeroDivisionError

    @track_performance(tracker=tracker)
    async def waiting() -> int:
        return 1

    @track_performance("bot's own")
    def own() -> None:
        return None

    with pytest.raises(ZeroDivisionError):
        plain()
    assert await waiting() == 1
    own()
    assert tracker.get_stats("plain")["failures"] == 1
    assert tracker.get_stats("inner")["failures"] == 1
    assert tracker.get_stats(waiting.__qualname__)["count"] == 1
    assert perf_tracker.get_stats("bot's own")["count"] == 1
    perf_tracker.reset()


def test_tokens() -> None:
    """What is refused is not counted; nothing is known of strangers; the tracker can forget everything."""
    tracker = TokenTracker()
    with pytest.raises(ValueError, match="-5 tokens"):
        tracker.record(1, -5, 1)
    assert tracker.get_user_stats(1) is None
    assert tracker.get_channel_stats(1) is None
    assert "last_used" not in tracker.get_global_stats()
    tracker.record(1, 2, 3)
    tracker.record(2, 20, 30, 9)
    assert [user["user_id"] for user in tracker.get_top_users(5)] == [2, 1]
    assert tracker.get_global_stats()["channels"] == 1
    assert tracker.get_global_stats()["total_tokens"] == 55
    tracker.reset()
    assert tracker.get_global_stats()["requests"] == 0
    token_tracker.reset()
    record_tokens(1, 1, 1)
    assert token_tracker.get_global_stats()["requests"] == 1
    token_tracker.reset()


def test_days_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the latest days are kept apart; the figures in all go on."""
    tracker = TokenTracker()
    for day in range(40):
        monkeypatch.setattr("time.time", lambda day=day: 1_700_000_000 + 86400 * day)
        tracker.record(1, 1, 1)
    stats = tracker.get_global_stats()
    assert len(stats["by_day"]) == 31
    assert stats["requests"] == 40
