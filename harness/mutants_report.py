"""What a run over mutants shows: a table and the survivors, in the terminal and in Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.markup import escape

from harness.mutants import Outcome
from harness.survivors import Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rich.console import Console
    from rich.progress import Progress

    from harness.mutants import Area, Mutant
    from harness.survivors import Tally

COLUMNS = ("mutants", *(outcome.value for outcome in Outcome), *(kind.value for kind in Kind), "score", "floor")


def is_held(area: Area, tally: Tally) -> bool:
    """Tell whether an area is as it promises to be."""
    return not tally.faults and tally.score >= area.floor and not (area.names_all and tally.unnamed)


def follower(bar: Progress, screen: Console, area: str) -> Callable[[str, int, int], None]:
    """Return a function that shows what is done and how far it is; where a log is kept, in a line for each tenth."""
    task = bar.add_task(area, total=None)
    said: list[str] = []

    def follow(phase: str, done: int, total: int) -> None:
        bar.update(task, completed=done, total=total or None, description=f"{area}: {phase}")
        line = f"{area}: {phase}" + (f", {done * 10 // total * 10} % of {total}" if total else "")
        if not screen.is_terminal and line not in said[-1:]:
            screen.print(line, markup=False)
            said.append(line)

    return follow


def _row(area: Area, tally: Tally) -> list[str]:
    counts = [sum(tally.counts.values()), *tally.counts.values(), *tally.named.values()]
    return [*map(str, counts), f"{tally.score:.1f} %" if tally.tried else "-", f"{area.floor:g} %"]


def show(screen: Console, areas: Mapping[str, Area], tallies: Mapping[str, Tally]) -> None:
    """Print the survivors that are not named, what is wrong with named ones, and the table."""
    for tally in tallies.values():
        for mutant in tally.unnamed:
            screen.print(f"[bold]{mutant.file}:{mutant.line}[/] {escape(mutant.function)} [dim]{mutant.outcome}[/]")
            screen.print(f"    [red]- {escape(mutant.before)}[/]\n    [green]+ {escape(mutant.after)}[/]")
        for fault in tally.faults:
            screen.print(fault, style="bold red", markup=False)
    widths = [max(len(name) for name in tallies), *(max(9, len(column)) for column in COLUMNS)]
    rows = [["", *COLUMNS], *([name, *_row(areas[name], tally)] for name, tally in tallies.items())]
    for row in rows:
        first, *rest = (
            cell.ljust(width) if not at else cell.rjust(width) for at, (cell, width) in _numbered(row, widths)
        )
        screen.print("  ".join([first, *rest]), markup=False)


def _numbered(row: list[str], widths: list[int]) -> list[tuple[int, tuple[str, int]]]:
    return list(enumerate(zip(row, widths, strict=True)))


def markdown(areas: Mapping[str, Area], tallies: Mapping[str, Tally]) -> str:
    """Render the table and every survivor, named or not."""
    lines = [
        "# Mutants",
        "",
        "What `nox -s mutants` found when it last ran. The score is the part of the mutants tried that tests noticed,",
        "by failing or by taking too long; *equivalent* ones, which no test could tell, are left out of it. Where many",
        "were not run, it is the score of a sample, for mutants are tried in an order drawn by lot over all files;",
        "tests written against its survivors make it better than the rest.",
        "",
        f"| area | {' | '.join(COLUMNS)} |",
        f"|---|{'---:|' * len(COLUMNS)}",
        *(f"| {name} | {' | '.join(_row(areas[name], tally))} |" for name, tally in tallies.items()),
    ]
    for name, tally in tallies.items():
        lines += ["", f"## Survivors of {name}", ""]
        lines += [_line(mutant, named.reason if named else "") for mutant, named in tally.survivors] or ["None."]
    return "\n".join([*lines, ""])


def _line(mutant: Mutant, reason: str) -> str:
    change = f"`{mutant.before}` → `{mutant.after}`" if mutant.after else f"`{mutant.before}` taken out"
    state = f"named: {reason}" if reason else str(mutant.outcome)
    return f"- {mutant.file}:{mutant.line} {mutant.function}: {change}; {state}"
