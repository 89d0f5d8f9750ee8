"""What the terminal shows of a judgement or of evidence; every line is made from the one object."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from harness.fuzzers import is_defect
from harness.status import Status

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.evidence import Evidence, FindingProof
    from harness.judge import Judgement
    from harness.register import Register
    from harness.runner import Verdict
    from harness.teeth import Bites, Teeth

STYLES = {
    Status.PASS: "green",
    Status.FAIL: "bold red",
    Status.HANG: "bold red",
    Status.CRASH: "bold red",
    Status.ERROR: "bold yellow",
    Status.NOT_APPLICABLE: "dim",
    Status.OPEN: "dim",
}
WIDEST_STATUS = max(map(len, Status))
NOT_PROVED = "not proved"
WIDEST_STATE = len(NOT_PROVED)


def console(*, errors: bool = False) -> Console:
    """Return a console that never wraps lines, so that logs can be searched."""
    return Console(stderr=errors, soft_wrap=True, highlight=False)


def progress(screen: Console) -> Progress:
    """Return a progress bar that vanishes when it is done."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=screen, transient=True, disable=not screen.is_terminal)


def follower(bar: Progress, screen: Console, things: str) -> Callable[[int, int, str], None]:
    """Return a function that shows how much is done, of how many, and what was last; each tenth where a log is kept."""
    task = bar.add_task("", visible=False)

    def follow(done: int, total: int, label: str) -> None:
        bar.update(task, completed=done, total=total, description=label, visible=done < total)
        if not screen.is_terminal and done * 10 // total > (done - 1) * 10 // total:
            screen.print(f"{done} of {total} {things}")

    return follow


def verdict_line(finding: str, title: str, verdict: Verdict) -> str:
    """Render one finding's verdict, in one line."""
    status = f"[{STYLES[verdict.status]}]{verdict.status:<{WIDEST_STATUS}}[/]"
    reason = f"  [dim]{escape(verdict.reason)}[/]" if verdict.reason else ""
    return f"{finding}  {status}  {escape(title)}{reason}"


def show_judgement(screen: Console, judgement: Judgement, register: Register) -> None:
    """Print a judgement, a line for each finding, and the totals."""
    for finding, verdict in judgement.verdicts.items():
        screen.print(verdict_line(finding, register[finding].title, verdict))
        for note in verdict.notes:
            screen.print(f"     [dim]note: {escape(note)}[/]")
    counted = " · ".join(f"{count} {status}" for status, count in judgement.totals.items() if status is not Status.OPEN)
    waiting = judgement.totals[Status.OPEN]
    screen.print(f"\n{counted}" + (f"; {waiting} open, not judged" if waiting else ""))


def missing_modules(judgement: Judgement) -> list[str]:
    """Return the modules for want of which a regression could not be carried out."""
    reasons = [verdict.reason for verdict in judgement.verdicts.values() if verdict.status is Status.ERROR]
    return sorted({name for reason in reasons for name in re.findall(r"No module named '([^']+)'", reason)})


def show_evidence(screen: Console, evidence: Evidence, register: Register) -> None:
    """Print the scoreboard of a proof, a line for each finding, then every fault."""
    screen.print(f"Proof on {evidence.platform}, Python {evidence.python}")
    for identity, finding in register.items():
        proof = evidence.findings.get(identity)
        if finding.is_open:
            screen.print(f"{identity}  [dim]{'open':<{WIDEST_STATE}}[/]  {escape(finding.title)}")
        elif proof is not None:
            screen.print(f"{identity}  {_state(proof)}  {escape(finding.title)}  [dim]{_score(proof)}[/]")
    for proof in evidence.findings.values():
        for fault in proof.all_faults:
            screen.print(f"[bold red]{NOT_PROVED}[/]  {escape(fault)}")
    done = sum(proof.is_proved for proof in evidence.findings.values())
    waiting = sum(finding.is_open for finding in register.values())
    screen.print(f"\n{done} of {len(evidence.findings)} findings proved" + (f"; {waiting} open" if waiting else ""))


def _state(proof: FindingProof | Bites) -> str:
    if proof.is_proved:
        return f"[green]{'proved':<{WIDEST_STATE}}[/]"
    return f"[bold red]{NOT_PROVED}[/]"


def _score(proof: FindingProof) -> str:
    defects = [variant for variant in proof.variants.values() if variant.kind.is_defect]
    others = [variant for variant in proof.variants.values() if not variant.kind.is_defect]
    caught = sum(not variant.faults for variant in defects)
    passed = sum(not variant.faults for variant in others)
    return f"{caught} of {len(defects)} defects caught, {passed} of {len(others)} lookalikes pass"


def show_teeth(screen: Console, teeth: Teeth) -> None:
    """Print what the fuzzers found of what they guard, a line for each, then every verdict that is not as expected."""
    if not teeth.fuzzers:
        return
    widest = max(map(len, teeth.fuzzers))
    screen.print(f"\nFuzzers on {teeth.platform}, Python {teeth.python}")
    for name, bites in teeth.fuzzers.items():
        screen.print(f"{name:<{widest}}  {_state(bites)}  {_bitten(bites)}")
    for fault in teeth.faults:
        screen.print(f"[bold red]{NOT_PROVED}[/]  {escape(fault)}")
    done = sum(bites.is_proved for bites in teeth.fuzzers.values())
    screen.print(f"\n{done} of {len(teeth.fuzzers)} fuzzers proved")


def _bitten(bites: Bites) -> str:
    found = [bite.is_right for label, bite in bites.trees.items() if is_defect(label)]
    spared = [bite.is_right for label, bite in bites.trees.items() if not is_defect(label)]
    return f"{sum(found)} of {len(found)} defects found, {sum(spared)} of {len(spared)} others spared"
