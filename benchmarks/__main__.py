"""``python -m benchmarks [--only NAME ...] [--rounds N] [--json FILE] [--strict]``.

Exit codes: 0 all went well, 1 a floor or one of ours failed (with ``--strict``: or missed its target), 2 wrong usage.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import pkgutil
import sys
from importlib import import_module
from pathlib import Path

from rich.console import Console

import benchmarks
from benchmarks import report
from benchmarks.contest import Contest, Outcome, hold


def main(arguments: list[str] | None = None) -> int:
    """Hold the chosen contests and show what came of them; return the exit code."""
    options = _options(arguments)
    console = Console()
    contests, broken = discover()
    chosen = {name: contest for name, contest in contests.items() if not options.only or _is_chosen(name, options.only)}
    unknown = [name for name in options.only if not any(_is_chosen(known, [name]) for known in (*contests, *broken))]
    if unknown:
        console.print(f"there is no benchmark {unknown[0]!r}; there are: {', '.join(contests)}", highlight=False)
        return 2
    outcomes = [_show(console, asyncio.run(hold(contest, options.rounds))) for contest in chosen.values()]
    for name, reason in broken.items():
        console.print(f"[bold red]{name}: error:[/] {reason}", highlight=False)
    if options.json:
        text = json.dumps(report.as_json(outcomes), indent=2) + "\n"
        options.json.write_text(text, encoding="utf-8", newline="\n")
    failed = bool(broken) or any(outcome.errors for outcome in outcomes)
    missed = options.strict and not all(outcome.is_met for outcome in outcomes)
    return 1 if failed or missed or not outcomes else 0


def discover() -> tuple[dict[str, Contest], dict[str, str]]:
    """Find the contests of all modules beside this one.

    Returns:
        The contests by name (``module`` or ``module.part``), and the modules that cannot be imported with why.
    """
    contests: dict[str, Contest] = {}
    broken: dict[str, str] = {}
    for module in pkgutil.iter_modules(benchmarks.__path__):
        if module.name.startswith("_"):
            continue
        try:
            found = getattr(import_module(f"benchmarks.{module.name}"), "CONTESTS", ())
        except Exception as error:  # noqa: BLE001  a broken benchmark is shown, the others are held
            broken[module.name] = f"{type(error).__name__}: {error}"
        else:
            contests |= {contest.name: contest for contest in found}
    return contests, broken


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Time components beside their peers.")
    parser.add_argument("--only", metavar="NAME", action="append", default=[], help="hold this contest (repeatable)")
    parser.add_argument("--rounds", metavar="N", type=int, default=25, help="turns of each contender (default: 25)")
    parser.add_argument("--json", metavar="FILE", type=Path, help="save the result")
    parser.add_argument("--strict", action="store_true", help="fail when a target is missed")
    options = parser.parse_args(arguments)
    if options.rounds < 1:
        parser.error("--rounds must be at least 1")
    return options


def _is_chosen(name: str, only: list[str]) -> bool:
    return any(name == wanted or name.startswith(f"{wanted}.") for wanted in only)


def _show(console: Console, outcome: Outcome) -> Outcome:
    console.print(report.table(outcome))
    console.print()
    return outcome


if __name__ == "__main__":
    sys.exit(main())
