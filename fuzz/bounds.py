"""To what bound schedules were explored: noted by the fuzzers, told at the end of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fuzz.budget import Budget
    from fuzz.explore import Explored

known: dict[tuple[str, str], Explored] = {}
"""What each exploration of this process came to, by fuzzer and scenario."""


def note(fuzzer: Budget, scenario: str, explored: Explored) -> None:
    """Note what an exploration came to, and count its schedules."""
    fuzzer.count(explored.schedules)
    known[fuzzer.name, scenario] = explored


def lines() -> list[str]:
    """Return a line for each exploration."""
    return [f"{name}, {scenario}: {explored}" for (name, scenario), explored in sorted(known.items())]
