"""The health pages: Jinja2 templates, compiled once, that escape every value they are given (audit finding F15).

Style and script stand inside the page as constants, so that one strict policy, made of their hashes, fits every page.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jinja2 import Environment

__all__ = ["content_security_policy", "duration", "health_page", "sparkline", "stats_page"]

TEMPLATES = Path(__file__).parent / "templates"
DASH = "\N{EN DASH}"
CHART_WIDTH = 240.0
CHART_HEIGHT = 48.0


@cache
def _asset(name: str) -> str:
    return (TEMPLATES / name).read_text(encoding="utf-8")


@cache
def _environment() -> Environment:
    """Make the template engine; F15: it escapes by itself, whatever a field is called and wherever it came from."""
    from jinja2 import ChainableUndefined, Environment, FileSystemLoader  # noqa: PLC0415  not before a page is asked for
    from markupsafe import Markup  # noqa: PLC0415

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=ChainableUndefined,
        auto_reload=False,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(number=number, duration=duration, plain=plain)
    environment.tests["group"] = lambda value: isinstance(value, Mapping)
    environment.tests["series"] = lambda value: isinstance(value, list | tuple)
    environment.globals.update(
        css=Markup(_asset("page.css")),  # noqa: S704  a constant of this package
        js=Markup(_asset("page.js")),  # noqa: S704  a constant of this package
        chart=_chart,
        is_up=_is_up,
    )
    return environment


def _is_up(value: object) -> bool:
    from .health_verdict import is_up  # noqa: PLC0415

    return is_up(value)


@cache
def content_security_policy() -> str:
    """Return the pages' policy: nothing from elsewhere, and of scripts and styles only the ones shipped here."""
    return "; ".join(
        [
            "default-src 'none'",
            f"script-src '{_digest('page.js')}'",
            f"style-src '{_digest('page.css')}'",
            "connect-src 'self'",
            "img-src data:",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        ]
    )


def _digest(name: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(_asset(name).encode("utf-8")).digest()).decode("ascii")


def health_page(data: Mapping[str, Any]) -> str:
    """Render the dashboard.

    Args:
        data: what ``BotHealthData.to_dict`` returns; a field that is missing shows as a dash.
    """
    return _environment().get_template("health.html").render(data=data)


def stats_page(data: Mapping[str, Any]) -> str:
    """Render the page of AI and traffic figures.

    Args:
        data: what ``BotHealthData.to_dict`` or ``BotHealthData.get_ai_performance_stats`` returns.
    """
    ai = data["ai"] if isinstance(data.get("ai"), Mapping) else data
    return _environment().get_template("stats.html").render(data=data, ai=ai)


def number(value: Any, unit: str = "") -> str:
    """Write a number for people: thousands apart, at most one decimal, a dash where there is none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value) if isinstance(value, str) else DASH
    text = f"{value:,.1f}" if isinstance(value, float) and not value.is_integer() else f"{value:,.0f}"
    return f"{text}{unit}".replace(",", "\N{THIN SPACE}")


def plain(value: object) -> str:
    """Write a value for people: yes or no, a whole number without its zero, a dash where there is nothing."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return DASH if value is None else str(value) or DASH


def duration(seconds: Any) -> str:
    """Write a duration for people, in its two largest units: ``3 d 4 h``, ``5 min 2 s``."""
    if not isinstance(seconds, int | float):
        return DASH
    rest = int(seconds)
    parts: list[str] = []
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60), ("s", 1)):
        amount, rest = divmod(rest, size)
        if amount or parts or unit == "s":
            parts.append(f"{amount} {unit}")
    return " ".join(parts[:2])


def sparkline(values: Sequence[float | None]) -> list[str]:
    """Turn a series into the points of polylines; a gap in the series ends one line and begins another.

    Returns:
        One ``"x,y x,y"`` string for each run of values, in a box of ``CHART_WIDTH`` by ``CHART_HEIGHT``.
    """
    known = [value for value in values if value is not None]
    if not known:
        return []
    low, high = min(known), max(known)
    spread, step = (high - low) or 1.0, CHART_WIDTH / max(len(values) - 1, 1)
    runs: list[list[str]] = [[]]
    for index, value in enumerate(values):
        if value is None:
            runs.append([])
            continue
        level = 0.5 if high == low else (value - low) / spread
        runs[-1].append(f"{index * step:.1f},{CHART_HEIGHT - 4 - level * (CHART_HEIGHT - 8):.1f}")
    return [" ".join(run) for run in runs if run]


def _rates(values: Sequence[Any], ages: Sequence[Any]) -> list[float | None]:
    """Turn a counter's readings into events per minute between readings; a restart shows as a gap."""
    rates: list[float | None] = []
    for place in range(1, len(values)):
        seconds = ages[place - 1] - ages[place]
        grown = values[place] - values[place - 1]
        rates.append(round(60 * grown / seconds, 1) if seconds > 0 and grown >= 0 else None)
    return rates


def _chart(history: Any, field: str, *, rate: bool = False) -> dict[str, Any]:
    """Prepare one chart: its lines, and in words what it shows to those who do not see it."""
    points = [point for point in history or () if isinstance(point, Mapping)]
    values: list[Any] = [point.get(field) for point in points]
    if not all(value is None or isinstance(value, int | float) for value in values):
        values = []
    if rate:
        pairs = [(v, p.get("age_seconds")) for v, p in zip(values, points, strict=False)]
        pairs = [(v, age) for v, age in pairs if v is not None and isinstance(age, int | float)]
        values = _rates([v for v, _ in pairs], [age for _, age in pairs])
    known = [value for value in values if value is not None]
    facts = {"low": min(known), "high": max(known), "last": known[-1]} if known else {}
    return {"lines": sparkline(values) if len(known) > 1 else [], **facts}
