"""Facts about the health snapshot: what is read, what is judged, and what every form of it says."""

from __future__ import annotations

import asyncio
import json
import math
import threading
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.parts.bot import QuietBot, guild
from reference.utils.monitoring import health_data as module
from reference.utils.monitoring.health_data import BotHealthData, ServiceBoard
from reference.utils.monitoring.health_probe import plain, process_facts, read_bot
from reference.utils.monitoring.health_verdict import is_up, judge


class Clock:
    """A monotonic clock that the test turns."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        monkeypatch.setattr("time.monotonic", lambda: self.now)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock of the health data."""
    return Clock(monkeypatch)


def test_before_the_first_heartbeat_the_bot_is_starting() -> None:
    """Without a reading the status is "starting": alive, not ready, not healthy, and no figure is invented."""
    health = BotHealthData()
    data = health.to_dict()
    assert (data["status"], data["healthy"], data["ready"], data["alive"]) == ("starting", False, False, True)
    assert data["heartbeat"] == {"age_seconds": None, "limit_seconds": 60.0, "stale": False}
    assert health.get_ai_performance_stats()["available"] is False
    assert not health.is_healthy()


def test_a_reading_holds_what_the_bot_says() -> None:
    """A reading counts servers and members, names the cogs and measures latency in milliseconds."""
    health = BotHealthData()
    health.update_from_bot(QuietBot(guilds=[guild(3), guild(4)], cogs={"Music": 1, "AI": 2}, latency=0.0834))
    data = health.to_dict()
    bot = data["bot"]
    assert (bot["guilds"], bot["users"], bot["cogs"], bot["latency_ms"]) == (2, 7, ["Music", "AI"], 83.4)
    assert (data["status"], data["reasons"], health.is_healthy()) == ("healthy", [], True)


@pytest.mark.parametrize("latency", [math.nan, math.inf])
def test_no_latency_is_null(latency: float) -> None:
    """discord.py's NaN and infinity before the first heartbeat become null, so that the JSON is JSON."""
    health = BotHealthData()
    health.update_from_bot(QuietBot(latency=latency))
    assert json.loads(json.dumps(health.to_dict(), allow_nan=False))["bot"]["latency_ms"] is None


def test_a_bot_without_anything_is_read_all_the_same() -> None:
    """A bot that raises at every reading gives a heartbeat and a verdict, not an exception."""
    health = BotHealthData()
    health.update_from_bot(SimpleNamespace())
    assert health.to_dict()["status"] == "unhealthy"


def test_the_bot_is_not_kept() -> None:
    """Nothing that the health data hold refers to the bot or its cogs."""
    cog = SimpleNamespace(get_performance_stats=lambda: {"requests": 3})
    assert all(type(value).__module__ == "builtins" for value in read_bot(QuietBot(cogs={"AI": cog})).values())


def test_ai_figures_come_from_cogs_and_their_chat_managers() -> None:
    """Figures of a cog, or of its chat manager, are copied as plain data; a cog that fails costs only its own."""
    figures = {"requests": 3, "mean": math.nan, "tags": {1}}

    def broken() -> None:
        raise RuntimeError

    cogs = {
        "AI": SimpleNamespace(get_performance_stats=lambda: figures),
        "Chat": SimpleNamespace(chat_manager=SimpleNamespace(get_performance_stats=lambda: {"a": 1})),
        "Broken": SimpleNamespace(get_performance_stats=broken),
        "Music": SimpleNamespace(),
    }
    health = BotHealthData()
    health.update_from_bot(QuietBot(cogs=cogs))
    stats = health.get_ai_performance_stats()
    expected = {"AI": {"requests": 3, "mean": None, "tags": [1]}, "Chat": {"a": 1}, "Broken": {}}
    assert (stats["available"], stats["cogs"]) == (True, expected)


def test_without_figures_the_reason_is_told() -> None:
    """A bot whose cogs report nothing says so."""
    health = BotHealthData()
    health.update_from_bot(QuietBot())
    assert "no loaded cog" in health.get_ai_performance_stats()["reason"]


def test_counters_count_in_every_thread() -> None:
    """Each counter has its own method, and no increment of any thread is lost."""
    health = BotHealthData()
    methods = [getattr(health, f"increment_{name}") for name in module.COUNTERS]

    def count() -> None:
        for _ in range(500):
            for method in methods:
                method()

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert health.counters() == dict.fromkeys(module.COUNTERS, 2000)


def test_a_silent_loop_is_told(clock: Clock) -> None:
    """A heartbeat older than the limit makes the bot unhealthy and unready, and much older not worth keeping."""
    health = BotHealthData()
    health.update_from_bot(QuietBot())
    clock.now += 61
    late = health.to_dict()
    assert (late["status"], late["ready"], late["alive"], late["heartbeat"]["stale"]) == (
        "unhealthy",
        False,
        True,
        True,
    )
    assert "silent for 61 s" in late["reasons"][0]
    clock.now += 300
    assert health.verdict().alive is False


def test_a_beat_renews_the_heartbeat(clock: Clock) -> None:
    """A beat says that the loop turns, without a new reading; before the first reading it says nothing."""
    health = BotHealthData()
    health.beat()
    assert health.to_dict()["status"] == "starting"
    health.update_from_bot(QuietBot())
    clock.now += 61
    health.beat()
    assert health.to_dict()["status"] == "healthy"


def test_history_keeps_one_sample_for_each_step(clock: Clock) -> None:
    """Charts get a sample at most every five seconds, and the last sixty of them."""
    health = BotHealthData()
    for _ in range(130):
        health.update_from_bot(QuietBot())
        clock.now += 2.5
    ages = [point["age_seconds"] for point in health.to_dict()["history"]]
    assert len(ages) == module.HISTORY
    assert ages[0] - ages[-1] == 5.0 * (module.HISTORY - 1)


def test_reset_forgets_everything() -> None:
    """After a reset the data are those of a process that has just begun."""
    health = BotHealthData()
    health.update_from_bot(QuietBot())
    health.increment_errors(3)
    health.service_health["db"] = True
    health.reset()
    data = health.to_dict()
    assert (data["status"], data["services"], data["counters"]["errors"]) == ("starting", {}, 0)


async def test_keep_published_beats_until_cancelled() -> None:
    """The publishing task makes a reading at once and ends when it is cancelled."""
    health = BotHealthData()
    task = asyncio.create_task(health.keep_published(QuietBot(), interval=60))
    await asyncio.sleep(0)
    assert health.is_healthy()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def test_services_degrade_the_bot() -> None:
    """A service that is down makes the bot degraded, which is still healthy, and is named."""
    health = BotHealthData()
    health.update_from_bot(QuietBot())
    health.service_health = {"db": True, "ai": {"healthy": False}}
    data = health.to_dict()
    assert (data["status"], data["healthy"], data["reasons"]) == ("degraded", True, ["service ai is down"])


def test_a_board_may_change_under_its_reader() -> None:
    """An iterator over the services keeps the ones it began with."""
    board = ServiceBoard({"a": 1})
    seen = []
    for name in board:
        seen.append(name)
        board[f"{name}+"] = True
    del board["a"]
    assert (seen, dict(board), len(board)) == (["a"], {"a+": True}, 1)
    assert "a+" in repr(board)


def test_a_full_board_refuses_more() -> None:
    """Services are bounded in number, so that labels and pages are."""
    board = ServiceBoard({str(n): True for n in range(module.LARGEST_BOARD)})
    board["0"] = False
    with pytest.raises(ValueError, match="one too many"):
        board["new"] = True


@pytest.mark.parametrize(
    ("value", "up"),
    [
        (True, True), (False, False), (None, False), ("Up", True), ("closed", False), ({"status": "ok"}, True),
        ({"healthy": False, "status": "ok"}, False), ({"other": 1}, False), ({"state": {"ok": True}}, True),
    ],
)  # fmt: skip
def test_what_counts_as_up(value: object, up: bool) -> None:
    """Booleans, words and mappings are understood; what says nothing is down."""
    assert is_up(value) is up


@given(
    age=st.none() | st.floats(0, 1e4),
    ready=st.booleans(),
    closed=st.booleans(),
    latency=st.none() | st.floats(0, 1e5),
    services=st.dictionaries(st.text(max_size=3), st.booleans(), max_size=3),
)
def test_every_form_of_a_verdict_agrees(
    age: float | None,
    ready: bool,
    closed: bool,
    latency: float | None,
    services: dict[str, bool],
) -> None:
    """Code, status and reasons never contradict each other, whatever was read."""
    verdict = judge(age=age, ready=ready, closed=closed, latency_ms=latency, services=services)
    assert (verdict.code == 200) is verdict.healthy
    assert (verdict.status == "healthy") is (not verdict.reasons)
    assert not verdict.healthy or verdict.ready
    assert not verdict.ready or (ready and not closed)


def test_plain_data_are_bounded() -> None:
    """Depth, width and length have limits, and whatever is not plain becomes text."""
    deep: Any = "bottom"
    for _ in range(20):
        deep = [deep]
    assert "…" in json.dumps(plain(deep), ensure_ascii=False)
    assert len(plain(range(1))) > 0
    assert len(plain(list(range(1000)))) == 200
    assert len(plain("x" * 10_000)) == 500
    assert plain(object).startswith("<class")


def test_a_process_that_cannot_be_measured_has_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the system refuses the figures, the process id is left."""
    import psutil  # noqa: PLC0415

    def denied(_process: object) -> int:
        raise psutil.AccessDenied

    process_facts()
    monkeypatch.setattr(psutil.Process, "num_threads", denied)
    assert set(process_facts()) == {"pid"}
