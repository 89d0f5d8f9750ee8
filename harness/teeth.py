"""Proves that the fuzzers have teeth: each is run on the variants it guards and must find every one of them.

A fuzzer is a file ``fuzz/test_<name>.py``; ``fuzz/fuzzers.toml`` says what it guards and how much it may try. It is
judged like a regression, in a process of its own and without being told what was changed, from an empty database of
examples, up to its first failure. It must pass on the reference and on right implementations that look different.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from harness import fuzzers, runner, subject, variant
from harness.cache import TreeState, VerdictCache, tree_state
from harness.fuzzers import REFERENCE, TeethError, is_defect
from harness.parallel import run_all
from harness.runner import Verdict
from harness.scratch import scratch_folder
from harness.status import Status

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from harness.fuzzers import Fuzzer
    from harness.project import Project
    from harness.runner import Interpreter

TIMEOUT = 600.0
"""Seconds that a fuzzer may take on one tree; its budget is counted in examples."""

FOUND = re.compile(r"\[(?:found by example|schedule) (\d+)")
MODE = runner.Mode(options=("-x", "-p", "harness.leaks"), variables={"FUZZ_PROFILE": "teeth"})
"""The first test that finds something decides; the examples are the same each time."""


class Bite(BaseModel):
    """What a fuzzer said of one tree.

    Attributes:
        status: its verdict.
        test: the test that decided.
        tried: examples or schedules until the defect was found; None where none was, or that was not counted.
        is_right: whether the verdict is the expected one.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    status: Status
    test: str = ""
    tried: int | None = None
    reason: str = ""
    is_right: bool


class Bites(BaseModel):
    """What a fuzzer said of all its trees, and what that rests on."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    budget: int
    fingerprint: str
    trees: dict[str, Bite]

    @property
    def is_proved(self) -> bool:
        """Whether every verdict is as expected."""
        return bool(self.trees) and all(bite.is_right for bite in self.trees.values())


class Teeth(BaseModel):
    """The evidence of one environment."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    schema_: Literal[1] = 1
    platform: str
    python: str
    fuzzers: dict[str, Bites]

    @property
    def is_proved(self) -> bool:
        """Whether every fuzzer said what it should of every tree."""
        return all(bites.is_proved for bites in self.fuzzers.values())

    @property
    def faults(self) -> list[str]:
        """Return a sentence for each verdict that is not as it should be."""
        return [
            f"{name} on {label}: {bite.status}, but there is {'a defect' if is_defect(label) else 'none'}"
            + (f": {bite.reason}" if bite.reason else "")
            for name, bites in self.fuzzers.items()
            for label, bite in bites.trees.items()
            if not bite.is_right
        ]

    @property
    def tag(self) -> str:
        """Name the environment."""
        return f"{self.platform}-{self.python}"


@dataclass(frozen=True)
class Tree:
    """A tree that fuzzers are run on, a hash of all that is in it, and why it could not be made where it could not."""

    root: Path
    state: TreeState
    fault: str = ""


@dataclass(frozen=True)
class Step:
    """One verdict of a run, for showing progress."""

    done: int
    total: int
    fuzzer: str
    tree: str
    bite: Bite
    remembered: bool


def try_all(
    project: Project,
    chosen: Iterable[Fuzzer],
    python: Interpreter,
    *,
    afresh: bool = False,
    timeout: float = TIMEOUT,
    on_step: Callable[[Step], None] = lambda _step: None,
) -> Teeth:
    """Run fuzzers on the reference, on what they guard and on what they spare.

    Args:
        project: where everything stands.
        chosen: the fuzzers.
        python: the interpreter to prove on.
        afresh: run everything again, whatever was found before.
        timeout: seconds for each tree.
        on_step: told each verdict as it comes in.
    """
    tried = {fuzzer.name: fuzzer for fuzzer in chosen}
    cache = VerdictCache(project, python, lambda name: fuzzers.hash_of(project, tried[name]), remembers=not afresh)
    verdicts: dict[tuple[str, str], Verdict] = {}
    with scratch_folder("teeth") as scratch:
        labels = sorted({label for fuzzer in tried.values() for label in fuzzer.trees})
        trees = {label: _tree(project, label, scratch) for label in labels}
        jobs = {
            (fuzzer.name, label): partial(_verdict, fuzzer, trees[label], python, cache, timeout)
            for fuzzer in tried.values()
            for label in fuzzer.trees
        }

        def take(key: tuple[str, str], judged: tuple[Verdict, bool]) -> None:
            verdicts[key] = judged[0]
            bite = _bite(judged[0], must_find=key[1] in tried[key[0]].guards)
            on_step(Step(len(verdicts), len(jobs), *key, bite, judged[1]))

        run_all(jobs, take)
    version = ".".join(map(str, python.version))
    bites = {name: _bites(project, fuzzer, verdicts) for name, fuzzer in tried.items()}
    return Teeth(platform=python.platform, python=version, fuzzers=bites)


def _tree(project: Project, label: str, scratch: Path) -> Tree:
    root = subject.copy(project.reference, scratch / label.replace("/", "-") / project.reference.name)
    if label != REFERENCE:
        try:
            variant.load(project.variants / f"{label}.patch").patch.apply(root)
        except ValueError as error:
            return Tree(root, {}, f"{label}: {error}")
    return Tree(root, tree_state(root))


def _verdict(
    fuzzer: Fuzzer, tree: Tree, python: Interpreter, cache: VerdictCache, timeout: float, stop: threading.Event
) -> tuple[Verdict, bool]:
    """Return what a fuzzer says of a tree, and whether it said so of one that agrees in all that it read."""
    if tree.fault:
        return Verdict(Status.ERROR, tree.fault), False
    if known := cache.get(fuzzer.name, tree.state):
        return known, True
    verdict = runner.run(fuzzer.file, tree.root, python, timeout, stop, MODE)
    if not stop.is_set():
        cache.put(fuzzer.name, tree.state, verdict)
    return verdict, False


def _bite(verdict: Verdict, *, must_find: bool) -> Bite:
    found = FOUND.findall(verdict.reason)
    wanted = Status.FAIL if must_find else Status.PASS
    return Bite(
        status=verdict.status,
        test=verdict.test,
        tried=int(found[-1]) if found and verdict.status is Status.FAIL else None,
        reason=verdict.reason[:200],
        is_right=verdict.status is wanted,
    )


def _bites(project: Project, fuzzer: Fuzzer, verdicts: Mapping[tuple[str, str], Verdict]) -> Bites:
    trees = {label: _bite(verdicts[fuzzer.name, label], must_find=label in fuzzer.guards) for label in fuzzer.trees}
    return Bites(budget=fuzzer.budget, fingerprint=fuzzers.fingerprint_of(project, fuzzer), trees=trees)


def save(folder: Path, teeth: Teeth) -> Path:
    """Write the evidence; what other fuzzers showed in the same environment stays."""
    path = folder / f"{teeth.tag}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    known = load(path).fuzzers if path.is_file() else {}
    whole = teeth.model_copy(update={"fuzzers": dict(sorted({**known, **teeth.fuzzers}.items()))})
    path.write_text(whole.model_dump_json(indent=2) + "\n", encoding="utf-8", newline="\n")
    return path


def load_all(folder: Path) -> list[Teeth]:
    """Read the evidence of every environment.

    Raises:
        TeethError: a file is none.
    """
    return [load(path) for path in sorted(folder.glob("*.json"))]


def load(path: Path) -> Teeth:
    """Read the evidence of one environment.

    Raises:
        TeethError: the file is none.
    """
    try:
        return Teeth.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise TeethError(f"{path.name}: {error}") from error


def section(project: Project) -> str:
    """Render the table of teeth for the ledger; empty where no fuzzer guards anything."""
    known = fuzzers.table(project.fuzz) if project.fuzz.is_dir() else {}
    guarding = {name: fuzzer for name, fuzzer in known.items() if fuzzer.guards}
    if not guarding:
        return ""
    environments = load_all(project.teeth)
    proved = {name for teeth in environments for name in teeth.fuzzers}
    lines = [
        "## The fuzzers' teeth",
        "",
        "Each fuzzer was run on the variants it guards, from an empty database of examples and without being told",
        "which one it was; `nox -s prove` repeats it. *Found* counts the defects it found within its budget, *spared*",
        "the right implementations it did not blame; the number behind a variant is the example, or schedule, that",
        "showed the defect, where it was counted.",
        "",
        "| fuzzer | budget | found | spared | by which example | environment | state |",
        "|---|---|---|---|---|---|---|",
    ]
    for teeth in environments:
        rows = teeth.fuzzers.items()
        lines += [_row(project, teeth, guarding[name], bites) for name, bites in rows if name in guarding]
    lines += [_row_of_none(fuzzer) for name, fuzzer in guarding.items() if name not in proved]
    return "\n".join([*lines, ""])


def _row(project: Project, teeth: Teeth, fuzzer: Fuzzer, bites: Bites) -> str:
    found = [label for label in fuzzer.guards if (bite := bites.trees.get(label)) and bite.is_right]
    spared = [label for label in (REFERENCE, *fuzzer.spares) if (bite := bites.trees.get(label)) and bite.is_right]
    tried = ", ".join(f"{label} {bites.trees[label].tried}" if bites.trees[label].tried else label for label in found)
    state = "proved" if bites.is_proved else "not proved"
    if bites.fingerprint != fuzzers.fingerprint_of(project, fuzzer):
        state = "re-verify"
    counts = f"{len(found)} of {len(fuzzer.guards)} | {len(spared)} of {len(fuzzer.spares) + 1}"
    return f"| {_link(fuzzer)} | {bites.budget} | {counts} | {tried} | {teeth.platform} {teeth.python} | {state} |"


def _row_of_none(fuzzer: Fuzzer) -> str:
    counts = f"0 of {len(fuzzer.guards)} | 0 of {len(fuzzer.spares) + 1}"
    return f"| {_link(fuzzer)} | {fuzzer.budget} | {counts} | | nowhere yet | not proved |"


def _link(fuzzer: Fuzzer) -> str:
    return f"[{fuzzer.name}](fuzz/{fuzzer.file.name})"
