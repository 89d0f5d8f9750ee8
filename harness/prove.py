"""Proves that the regressions can fail: applies every variant to the reference and judges the result."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from harness import evidence, fingerprint, subject, variant
from harness.cache import TreeState, VerdictCache, tree_state
from harness.evidence import Evidence, FindingProof, VariantProof
from harness.judge import TIMEOUT, verdict_on
from harness.parallel import run_all
from harness.patch import PatchError
from harness.scratch import scratch_folder
from harness.variant import Variant, VariantError

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from harness.project import Project
    from harness.register import Finding, Register
    from harness.runner import Interpreter, Verdict

REFERENCE = "reference"
WORKERS = (os.cpu_count() or 1) + 1
"""Regressions judged at once: one more than processors, since they often wait."""


@dataclass(frozen=True)
class Tree:
    """A tree to judge: the reference, or the reference with a variant applied."""

    name: str
    root: Path
    state: TreeState


@dataclass(frozen=True)
class Candidate:
    """A variant file of a finding, read and applied as far as that went."""

    finding: str
    name: str
    variant: Variant | None = None
    tree: Tree | None = None
    faults: tuple[str, ...] = ()


@dataclass(frozen=True)
class Step:
    """One verdict of a run, for showing progress."""

    done: int
    total: int
    label: str
    verdict: Verdict
    remembered: bool


def prove(
    project: Project,
    register: Register,
    chosen: Iterable[Finding],
    python: Interpreter,
    *,
    afresh: bool = False,
    timeout: float = TIMEOUT,
    on_step: Callable[[Step], None] = lambda _step: None,
) -> Evidence:
    """Judge the reference and every variant of the chosen findings by all regressions.

    Args:
        project: where reference, regressions and variants stand.
        register: all findings; the done ones make the columns of the proof matrix.
        chosen: the findings whose variants are proved; open ones are passed over.
        python: the interpreter to prove on.
        afresh: judge everything again, whatever was judged before.
        timeout: seconds for each regression.
        on_step: called with each verdict as it comes in.
    """
    done = [finding for finding in register.values() if not finding.is_open]
    rows = [finding for finding in chosen if not finding.is_open]
    cache = VerdictCache(project, python, partial(fingerprint.of_regression, project), remembers=not afresh)
    with scratch_folder("prove") as scratch:
        reference = _reference(project, scratch)
        candidates = [_candidate(project, finding, file, scratch) for finding, file in _files(project, rows)]
        trees = [reference, *(candidate.tree for candidate in candidates if candidate.tree)]
        verdicts = _judge_all(project, done, trees, python, cache, timeout, on_step)
    return _weigh_all(project, rows, candidates, verdicts, python)


def _reference(project: Project, scratch: Path) -> Tree:
    root = subject.copy(project.reference, scratch / REFERENCE / project.reference.name)
    return Tree(REFERENCE, root, tree_state(root))


def _files(project: Project, findings: Iterable[Finding]) -> list[tuple[Finding, Path]]:
    return [(finding, file) for finding in findings for file in variant.of(project.variants / finding.id)]


def _candidate(project: Project, finding: Finding, file: Path, scratch: Path) -> Candidate:
    try:
        change = variant.load(file)
    except VariantError as error:
        return Candidate(finding.id, file.stem, faults=(str(error),))
    if strays := change.strays(finding):
        fault = f"{change.label}: touches {', '.join(strays)}, outside the finding's unit"
        return Candidate(finding.id, file.stem, change, faults=(fault,))
    root = subject.copy(project.reference, scratch / finding.id / file.stem / project.reference.name)
    try:
        change.patch.apply(root)
    except PatchError as error:
        return Candidate(finding.id, file.stem, change, faults=(f"{change.label}: does not apply: {error}",))
    return Candidate(finding.id, file.stem, change, Tree(change.label, root, tree_state(root)))


def _judge_all(
    project: Project,
    findings: list[Finding],
    trees: list[Tree],
    python: Interpreter,
    cache: VerdictCache,
    timeout: float,
    on_step: Callable[[Step], None],
) -> dict[tuple[str, str], Verdict]:
    """Return the verdict on every tree by every finding; the reference goes first, since others can rest on it."""
    total = len(trees) * len(findings)
    verdicts: dict[tuple[str, str], Verdict] = {}

    def take(key: tuple[str, str], judged: tuple[Verdict, bool]) -> None:
        verdicts[key] = judged[0]
        on_step(Step(len(verdicts), total, f"{key[0]} by {key[1]}", *judged))

    for wave in (trees[:1], trees[1:]):
        jobs = {
            (tree.name, finding.id): partial(_judge_one, project, finding, tree, python, cache, timeout)
            for tree in wave
            for finding in findings
        }
        run_all(jobs, take, WORKERS)
    return verdicts


def _judge_one(
    project: Project,
    finding: Finding,
    tree: Tree,
    python: Interpreter,
    cache: VerdictCache,
    timeout: float,
    stop: threading.Event,
) -> tuple[Verdict, bool]:
    """Return the verdict on a tree, and whether it is one on a tree that agrees in all that the regression read."""
    if known := cache.get(finding.id, tree.state):
        return known, True
    verdict = verdict_on(project, finding, tree.root, python, timeout, stop)
    if not stop.is_set():
        cache.put(finding.id, tree.state, verdict)
    return verdict, False


def _weigh_all(
    project: Project,
    rows: list[Finding],
    candidates: list[Candidate],
    verdicts: dict[tuple[str, str], Verdict],
    python: Interpreter,
) -> Evidence:
    by_tree: dict[str, dict[str, Verdict]] = {}
    for (tree, identity), verdict in verdicts.items():
        by_tree.setdefault(tree, {})[identity] = verdict
    reference = by_tree.get(REFERENCE, {})
    proofs: dict[str, FindingProof] = {}
    for finding in rows:
        own = [candidate for candidate in candidates if candidate.finding == finding.id]
        weighed = {
            candidate.name: _weigh_candidate(candidate, by_tree, reference) for candidate in own if candidate.variant
        }
        proof = evidence.weigh(finding, fingerprint.of_finding(project, finding), reference[finding.id], weighed)
        unreadable = tuple(fault for candidate in own if not candidate.variant for fault in candidate.faults)
        proofs[finding.id] = proof.model_copy(update={"faults": proof.faults + unreadable})
    version = ".".join(map(str, python.version))
    return Evidence.model_validate({"platform": python.platform, "python": version, "findings": proofs})


def _weigh_candidate(
    candidate: Candidate, by_tree: dict[str, dict[str, Verdict]], reference: dict[str, Verdict]
) -> VariantProof:
    assert candidate.variant is not None  # noqa: S101  the caller leaves unreadable ones out
    verdicts = by_tree.get(candidate.tree.name, {}) if candidate.tree else {}
    return evidence.weigh_variant(candidate.variant, verdicts, reference, candidate.faults)
