"""Facts about the health pages: what they show, what they survive, and how a browser takes them."""

from __future__ import annotations

import base64
import hashlib
import re
import shutil
import subprocess
import time
from typing import TYPE_CHECKING, Any

import pytest

from harness.parts.bot import QuietBot, guild
from harness.parts.markup import HOSTILE, taken_for_markup
from reference.utils.monitoring import health_pages
from reference.utils.monitoring.health_api import BotHealthData, HealthAPIServer
from reference.utils.monitoring.health_pages import (
    content_security_policy,
    duration,
    health_page,
    number,
    sparkline,
    stats_page,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)


@pytest.fixture
def health(monkeypatch: pytest.MonkeyPatch) -> BotHealthData:
    """Health data with some history."""
    health = BotHealthData()
    now = time.monotonic()
    for step in range(20):
        monkeypatch.setattr("time.monotonic", lambda step=step: now + 6 * step - 120)
        health.increment_messages(step % 5)
        cog = type("AI", (), {"get_performance_stats": lambda _: {"requests": 411}})()
        health.update_from_bot(
            QuietBot(user="Tarn", guilds=[guild(1234567)], latency=0.05 + step / 1000, cogs={"AI": cog})
        )
    monkeypatch.setattr("time.monotonic", lambda: now)
    return health


def test_the_dashboard_shows_the_figures(health: BotHealthData) -> None:
    """Status, latency, members with thousands apart, cogs and services are on the dashboard."""
    health.service_health["database"] = True
    page = health_page(health.to_dict())
    assert all(
        text in page
        for text in ("<h2>healthy</h2>", "69 ms", "1\N{THIN SPACE}234\N{THIN SPACE}567", "<li>AI</li>", "database")
    )
    assert page.count("<polyline") == 4


def test_values_are_told_in_words(health: BotHealthData) -> None:
    """A page says yes and no, names a field in words, shows a dash for nothing, and says "up" once."""
    health.service_health["cache"] = {"healthy": True, "stale": False, "retry_after": 2.0, "error": "", "host": None}
    health.service_health["model"] = "up"
    page = health_page(health.to_dict())
    shown = dict(re.findall(r"<dt>([^<]*)</dt><dd>\s*([^<]*?)\s*</dd>", page.partition("<b>cache</b>")[2]))
    assert {"healthy": "yes", "stale": "no", "retry after": "2", "error": "–", "host": "–"}.items() <= shown.items()  # noqa: RUF001
    assert re.search(r"<b>model</b>\s*<span>up</span>\s*</li>", page)
    assert not re.search(r">\s*(True|False|None)\s*<", page)


def test_the_statistics_show_counters_and_ai_figures(health: BotHealthData) -> None:
    """Counters and the figures of each cog are on the page of statistics."""
    page = stats_page(health.to_dict())
    assert ">ai requests<" in page
    assert "411" in page


def test_the_statistics_can_be_made_of_ai_figures_alone(health: BotHealthData) -> None:
    """What get_ai_performance_stats returns is enough for the page, with figures or without."""
    assert "411" in stats_page(health.get_ai_performance_stats())
    assert "the bot has not reported yet" in stats_page(BotHealthData().get_ai_performance_stats())
    assert "something" in stats_page({"api": {"something": 1}})


@pytest.mark.parametrize(
    "data", [{}, {"status": None}, {"bot": 3, "services": [1], "history": [1, {"latency_ms": "x"}]}]
)
@pytest.mark.parametrize("make", [health_page, stats_page])
def test_odd_data_make_a_page(make: Any, data: Mapping[str, Any]) -> None:
    """A page is made of whatever it is given; what is missing is a dash."""
    assert "</html>" in make(data)


def test_hostile_text_is_shown_as_text(health: BotHealthData) -> None:
    """Markup in a name is on the page, escaped, to be read by people."""
    health.service_health[HOSTILE] = {"error": HOSTILE}
    page = health_page(health.to_dict())
    assert "&lt;intruding-element&gt;" in page
    assert taken_for_markup(page) is None


def test_the_policy_names_what_the_page_holds(health: BotHealthData) -> None:
    """The policy allows the page's own style and script, by their hash, and nothing from elsewhere."""
    page, policy = health_page(health.to_dict()), content_security_policy()
    for element, directive in (("style", "style-src"), ("script", "script-src")):
        (text,) = re.findall(rf"<{element}>(.*?)</{element}>", page, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{directive} 'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy
    assert not re.findall(r"\s(style|on\w+)=", page)
    assert "http:" not in page
    assert "https:" not in page


@pytest.mark.parametrize(
    ("value", "text"),
    [(1234567, "1 234 567"), (0.5, "0.5"), (3.0, "3"), (None, "–"), (True, "–"), ("n/a", "n/a")],  # noqa: RUF001
)
def test_numbers_for_people(value: object, text: str) -> None:
    """Thousands stand apart, and what is no number is a dash or itself."""
    assert number(value).replace("\N{THIN SPACE}", " ") == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (62, "1 min 2 s"), (7200, "2 h 0 min"), (90061.5, "1 d 1 h"), (None, "–")],  # noqa: RUF001
)
def test_durations_for_people(seconds: object, text: str) -> None:
    """A duration is told in its two largest units."""
    assert duration(seconds) == text


def test_sparklines_keep_gaps() -> None:
    """A series becomes polylines inside the box, a gap ends one, and a level series runs through the middle."""
    assert sparkline([]) == sparkline([None]) == []
    assert len(sparkline([1, 2, None, 3])) == 2
    assert sparkline([5, 5]) == ["0.0,24.0 240.0,24.0"]
    ys = [float(point.split(",")[1]) for point in sparkline([1, 9, 4])[0].split()]
    assert ys[0] > ys[2] > ys[1]
    assert all(0 <= y <= health_pages.CHART_HEIGHT for y in ys)


def test_rates_do_not_fall_below_zero() -> None:
    """A counter that began anew is a gap in its chart, not a fall below zero."""
    history = [{"errors": count, "age_seconds": age} for count, age in ((5, 20), (8, 10), (0, 0))]
    page = health_page({"history": history})
    assert "Errors a minute</span> <b>18" in page


def chromium(tmp_path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run headless Chromium with a profile of its own."""
    if CHROMIUM is None:
        pytest.skip("no Chromium is installed here")
    fixed = "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
    fixed += " --disable-component-update --disable-sync --enable-logging=stderr"
    command = [CHROMIUM, *fixed.split(), f"--user-data-dir={tmp_path / 'profile'}", *arguments]
    return subprocess.run(command, capture_output=True, encoding="utf-8", errors="replace", timeout=60, check=False)


@pytest.mark.parametrize("path", ["/health", "/stats"])
@pytest.mark.posix("headless Chromium is driven on Linux")
def test_a_browser_runs_the_page(health: BotHealthData, tmp_path: Path, path: str) -> None:
    """In a browser the page's own script runs under its policy, nothing else does, and nothing is complained of."""
    health.service_health[HOSTILE] = False
    server = HealthAPIServer("127.0.0.1", 0, health)
    server.start()
    try:
        run = chromium(tmp_path, "--virtual-time-budget=2000", "--dump-dom", server.url + path)
    finally:
        server.stop()
    assert re.search(r'<button type="button" id="pause" aria-pressed="false">', run.stdout), run.stderr[-2000:]
    assert "CONSOLE" not in run.stderr, run.stderr
    assert "<intruding-element" not in run.stdout
