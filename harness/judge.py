"""Judges a subject: runs the regressions on it, each in a process of its own, and collects the verdicts."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from harness import runner
from harness.parallel import run_all
from harness.runner import Interpreter, Verdict
from harness.status import Status

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from harness.project import Project
    from harness.register import Finding

TIMEOUT = 60.0
"""Seconds that the regression of one finding may take by default."""


@dataclass(frozen=True)
class Judgement:
    """The verdicts on one subject, one for each finding asked for."""

    subject: Path
    python: Interpreter
    verdicts: dict[str, Verdict]

    @property
    def totals(self) -> dict[Status, int]:
        """Count the verdicts by status; every status is there."""
        found = [verdict.status for verdict in self.verdicts.values()]
        return {status: found.count(status) for status in Status}

    @property
    def ran(self) -> bool:
        """Whether any regression gave a verdict on the subject's code."""
        return any(verdict.status not in {Status.OPEN, Status.NOT_APPLICABLE} for verdict in self.verdicts.values())

    @property
    def is_red(self) -> bool:
        """Whether any verdict is red."""
        return any(verdict.status.is_red for verdict in self.verdicts.values())

    def as_json(self) -> dict[str, Any]:
        """Return the judgement as ``harness/judge.schema.json`` describes it."""
        version = ".".join(map(str, self.python.version))
        return {
            "schema": 1,
            "subject": {"path": str(self.subject), "python": version, "platform": self.python.platform},
            "verdicts": {
                finding: {
                    "status": verdict.status,
                    "reason": verdict.reason,
                    "test": verdict.test,
                    "seconds": verdict.seconds,
                    "notes": list(verdict.notes),
                }
                for finding, verdict in self.verdicts.items()
            },
            "totals": dict(self.totals),
        }


def judge(
    project: Project,
    findings: Iterable[Finding],
    subject: Path,
    python: Interpreter,
    *,
    timeout: float = TIMEOUT,
    on_verdict: Callable[[str, Verdict], None] = lambda _finding, _verdict: None,
) -> Judgement:
    """Run the regressions of some findings on a subject.

    Args:
        project: where the regressions stand.
        findings: the findings to judge; open ones get the status ``open`` and nothing is run for them.
        subject: root of the tree.
        python: the interpreter that runs the subject.
        timeout: seconds for each finding.
        on_verdict: called with each verdict as it comes in.
    """
    chosen = {finding.id: finding for finding in findings}
    jobs = {
        identity: partial(verdict_on, project, finding, subject, python, timeout)
        for identity, finding in chosen.items()
        if not finding.is_open
    }
    judged = run_all(jobs, on_verdict)
    waiting = Verdict(Status.OPEN, "the finding has no regression yet")
    return Judgement(subject, python, {identity: judged.get(identity, waiting) for identity in chosen})


def verdict_on(
    project: Project,
    finding: Finding,
    subject: Path,
    python: Interpreter,
    timeout: float,
    stop: threading.Event,
) -> Verdict:
    """Run one finding's regression on a subject."""
    regression = project.regression(finding.id)
    if regression is None:
        return Verdict(Status.ERROR, f"there is no regressions/test_{finding.id.lower()}_*.py")
    return runner.run(regression, subject, python, timeout, stop)


def surprises(judgement: Judgement, expected: Mapping[str, Status]) -> list[str]:
    """Hold a judgement against the known failures, strictly; return a sentence for each difference."""
    found = []
    for finding, verdict in judgement.verdicts.items():
        known = expected.get(finding)
        if known is None and verdict.status.is_red:
            found.append(f"{finding}: {verdict.status}, which was not expected")
        elif known is not None and verdict.status is not known:
            found.append(f"{finding}: {verdict.status}, but {known} was expected; mend the list of expectations")
    return found
