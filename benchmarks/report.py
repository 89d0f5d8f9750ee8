"""What a run of benchmarks shows: a table for people and JSON for programs, made from the same outcomes."""

from __future__ import annotations

import platform
from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text

from benchmarks.contest import Status

if TYPE_CHECKING:
    from benchmarks.contest import Outcome, Score

SCHEMA = 1
BAR = 20
"""Characters of the longest bar."""


def table(outcome: Outcome) -> Table:
    """Draw a contest: its contenders by rank, with bars for the times."""
    contest = outcome.contest
    target = f"target {contest.target:g}x the floor" if contest.target else ""
    view = Table(title=contest.title, caption=_verdict(outcome, target), title_justify="left", caption_justify="left")
    for heading, justify in (
        ("", "left"),
        ("version", "left"),
        ("best ns", "right"),
        ("x floor", "right"),
        ("", "left"),
    ):
        view.add_column(heading, justify="right" if justify == "right" else "left")
    longest = max((score.ratio or 0.0 for score in outcome.scores), default=1.0)
    for score in sorted(outcome.scores, key=lambda score: (score.ratio is None, score.ratio or 0.0)):
        style = "bold green" if score.contender.is_ours else "cyan" if score is outcome.scores[0] else ""
        remarks = [score.contender.note, f"{score.memory / 2**20:.0f} MiB" if score.memory else ""]
        note = f" ({', '.join(filter(None, remarks))})" if any(remarks) else ""
        view.add_row(Text(score.contender.name + note, style), score.version, *_numbers(score, longest))
    return view


def _numbers(score: Score, longest: float) -> tuple[str, str, Text]:
    if score.ratio is None or score.nanoseconds is None:
        plain = score.status is Status.NOT_INSTALLED
        return "", "", Text(f"{score.status}: {score.reason}", "dim" if plain else "bold red")
    bar = "#" * max(1, round(BAR * score.ratio / longest))
    return f"{score.nanoseconds:,.0f}", f"{score.ratio:.2f}", Text(bar, "green" if score.contender.is_ours else "")


def _verdict(outcome: Outcome, target: str) -> Text:
    if outcome.errors:
        return Text("no result: " + ", ".join(score.contender.name for score in outcome.errors), "bold red")
    verdict = "met, ahead of every peer that was timed" if outcome.is_met else "MISSED, or behind a peer"
    if outcome.unknown:
        verdict += f" ({len(outcome.unknown)} could not be timed)"
    return Text(": ".join(part for part in (target, verdict) if part), "green" if outcome.is_met else "bold yellow")


def as_json(outcomes: list[Outcome]) -> dict[str, Any]:
    """Return the outcomes as plain data, with nothing in it that tells where they were made."""
    return {
        "schema": SCHEMA,
        "python": platform.python_version(),
        "implementation": platform.python_implementation(),
        "system": platform.system(),
        "contests": {outcome.contest.name: _contest(outcome) for outcome in outcomes},
    }


def _contest(outcome: Outcome) -> dict[str, Any]:
    return {
        "title": outcome.contest.title,
        "target": outcome.contest.target,
        "met": outcome.is_met,
        "contenders": {score.contender.name: _score(score) for score in outcome.scores},
    }


def _score(score: Score) -> dict[str, Any]:
    return {
        "status": score.status.value,
        "reason": score.reason,
        "ours": score.contender.is_ours,
        "version": score.version,
        "ratio": None if score.ratio is None else round(score.ratio, 3),
        "nanoseconds": None if score.nanoseconds is None else round(score.nanoseconds, 1),
        "memory_bytes": score.memory,
    }
