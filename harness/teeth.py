"""Proves that the fuzzers have teeth: each is run on the variants it guards and must find every one of them.

A fuzzer is a file ``fuzz/test_<name>.py``; ``fuzz/fuzzers.toml`` says what it guards and how much it may try. It is
judged like a regression, in a process of its own and without being told what was changed, from an empty database of
examples. It must pass on the reference and on right implementations that look different.
"""

from __future__ import annotations

import ast
import os
import re
import tomllib
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from harness import fingerprint, runner, subject, variant
from harness.parallel import run_all
from harness.scratch import scratch_folder
from harness.status import Status

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

    from harness.project import Project
    from harness.runner import Interpreter, Verdict

TIMEOUT = 300.0
"""Seconds that a fuzzer may take on one tree; its budget is counted in examples."""

REFERENCE = "reference"
FOUND = re.compile(r"\[(?:found by example|schedule) (\d+)")
PROFILE = "FUZZ_PROFILE"


class TeethError(ValueError):
    """The table of fuzzers, or the evidence of their teeth, cannot be used; the text says why."""


@dataclass(frozen=True)
class Fuzzer:
    """A file of fuzzers, as the table describes it.

    Attributes:
        name: the file's name, without ``test_`` and ending.
        file: the file.
        budget: examples, or schedules, that each of its tests may try to find a defect it guards.
        guards: variants that it must find, such as ``<finding>/audited``.
        spares: right implementations that it must not blame.
    """

    name: str
    file: Path
    budget: int
    guards: tuple[str, ...] = field(default=())
    spares: tuple[str, ...] = field(default=())


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
    def tag(self) -> str:
        """Name the environment."""
        return f"{self.platform}-{self.python}"


def table(folder: Path) -> dict[str, Fuzzer]:
    """Read the table of a folder of fuzzers.

    Raises:
        TeethError: it is not as it must be.
    """
    place = folder / "fuzzers.toml"
    try:
        entries = tomllib.loads(place.read_text(encoding="utf-8"))
        return {
            name: Fuzzer(
                name,
                folder / f"test_{name}.py",
                int(entry["budget"]),
                tuple(entry.get("guards", ())),
                tuple(entry.get("spares", ())),
            )
            for name, entry in entries.items()
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise TeethError(f"{place.name}: {type(error).__name__}: {error}") from error


def try_all(
    project: Project,
    chosen: Iterable[Fuzzer],
    python: Interpreter,
    *,
    timeout: float = TIMEOUT,
    on_bite: Callable[[str, str, Bite], None] = lambda _fuzzer, _tree, _bite: None,
) -> Teeth:
    """Run fuzzers on the reference, on what they guard and on what they spare.

    Args:
        project: where everything stands.
        chosen: the fuzzers.
        python: the interpreter to prove on.
        timeout: seconds for each tree.
        on_bite: told each verdict as it comes in: fuzzer, tree, verdict.

    Raises:
        TeethError: a variant that is named cannot be read or applied.
    """
    fuzzers = list(chosen)
    with scratch_folder("teeth") as scratch, _profile("teeth"):
        trees = {label: _tree(project, label, scratch) for label in sorted({t for f in fuzzers for t in _trees(f)})}
        jobs = {
            (fuzzer.name, label): partial(_verdict, fuzzer.file, trees[label], python, timeout)
            for fuzzer in fuzzers
            for label in _trees(fuzzer)
        }
        guarded = {fuzzer.name: set(fuzzer.guards) for fuzzer in fuzzers}

        def take(key: tuple[str, str], verdict: Verdict) -> None:
            on_bite(*key, _bite(verdict, must_find=key[1] in guarded[key[0]]))

        verdicts = run_all(jobs, take)
    version = ".".join(map(str, python.version))
    return Teeth(
        platform=python.platform,
        python=version,
        fuzzers={fuzzer.name: _bites(project, fuzzer, verdicts) for fuzzer in fuzzers},
    )


def _trees(fuzzer: Fuzzer) -> tuple[str, ...]:
    return (REFERENCE, *fuzzer.guards, *fuzzer.spares)


@contextmanager
def _profile(name: str) -> Iterator[None]:
    """Let the workers, which inherit the environment, run fuzzers in a profile."""
    before = os.environ.get(PROFILE)
    os.environ[PROFILE] = name
    try:
        yield
    finally:
        if before is None:
            del os.environ[PROFILE]
        else:
            os.environ[PROFILE] = before


def _tree(project: Project, label: str, scratch: Path) -> Path:
    root = subject.copy(project.reference, scratch / label.replace("/", "-") / project.reference.name)
    if label != REFERENCE:
        try:
            variant.load(project.variants / f"{label}.patch").patch.apply(root)
        except ValueError as error:
            raise TeethError(f"{label}: {error}") from error
    return root


def _verdict(file: Path, tree: Path, python: Interpreter, timeout: float, stop: threading.Event) -> Verdict:
    return runner.run(file, tree, python, timeout, stop)


def _bite(verdict: Verdict, *, must_find: bool) -> Bite:
    found = FOUND.findall(verdict.reason)
    wanted = {Status.FAIL, Status.HANG, Status.CRASH} if must_find else {Status.PASS}
    return Bite(
        status=verdict.status,
        test=verdict.test,
        tried=int(found[-1]) if found and verdict.status is Status.FAIL else None,
        reason=verdict.reason[:200],
        is_right=verdict.status in wanted,
    )


def _bites(project: Project, fuzzer: Fuzzer, verdicts: Mapping[tuple[str, str], Verdict]) -> Bites:
    trees = {label: _bite(verdicts[fuzzer.name, label], must_find=label in fuzzer.guards) for label in _trees(fuzzer)}
    return Bites(budget=fuzzer.budget, fingerprint=fingerprint_of(project, fuzzer), trees=trees)


def fingerprint_of(project: Project, fuzzer: Fuzzer) -> str:
    """Hash what a fuzzer's evidence rests on: its source, what it imports, its row of the table, and its variants."""
    sources = _sources(project, fuzzer.file)
    variants = [project.variants / f"{label}.patch" for label in (*fuzzer.guards, *fuzzer.spares)]
    files = [path for path in (*sources, *variants) if path.is_file()]
    row = repr((fuzzer.budget, sorted(fuzzer.guards), sorted(fuzzer.spares))).encode()
    return fingerprint.digest([("row", row), ("files", fingerprint.of_files(project.root, files).encode())])


def _sources(project: Project, file: Path) -> list[Path]:
    """Return a fuzzer's file and those of its folder that it imports, directly or through each other."""
    found: list[Path] = []
    waiting = [file]
    while waiting:
        source = waiting.pop()
        if source not in found and source.is_file():
            found.append(source)
            nodes = ast.walk(ast.parse(source.read_bytes()))
            modules = [node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)]
            package = f"{project.fuzz.name}."
            own = [name.removeprefix(package) for name in modules if name.startswith(package)]
            waiting += [project.fuzz / f"{name}.py" for name in own]
    return sorted(found)


def save(folder: Path, teeth: Teeth) -> Path:
    """Write the evidence; what other fuzzers showed in the same environment stays."""
    path = folder / f"{teeth.tag}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    known = _load(path).fuzzers if path.is_file() else {}
    whole = teeth.model_copy(update={"fuzzers": dict(sorted({**known, **teeth.fuzzers}.items()))})
    path.write_text(whole.model_dump_json(indent=2) + "\n", encoding="utf-8", newline="\n")
    return path


def _load(path: Path) -> Teeth:
    try:
        return Teeth.model_validate_json(path.read_text(encoding="utf-8"))
    except (OSError, ValidationError) as error:
        raise TeethError(f"{path.name}: {error}") from error


def guarding(project: Project, finding: str) -> tuple[str, ...]:
    """Return the names of the fuzzers that guard variants of a finding."""
    if not project.fuzz.is_dir():
        return ()
    known = table(project.fuzz).values()
    return tuple(fuzzer.name for fuzzer in known if any(label.startswith(f"{finding}/") for label in fuzzer.guards))


def section(project: Project) -> str:
    """Render the table of teeth for the ledger; empty where there is no evidence."""
    files = sorted(project.teeth.glob("*.json"))
    if not files or not project.fuzz.is_dir():
        return ""
    known = table(project.fuzz)
    lines = [
        "## The fuzzers' teeth",
        "",
        "Each fuzzer was run on the variants it guards, from an empty database of examples and without being told",
        "which one it was; `nox -s fuzz -- --teeth` repeats it. *Found* counts the defects it found within its budget,",
        "*spared* the right implementations it did not blame; the number behind a variant is the example, or",
        "schedule, that showed the defect, where it was counted.",
        "",
        "| fuzzer | budget | found | spared | by which example | environment | state |",
        "|---|---|---|---|---|---|---|",
    ]
    for path in files:
        teeth = _load(path)
        lines += [_row(project, teeth, known[name], bites) for name, bites in teeth.fuzzers.items() if name in known]
    return "\n".join([*lines, ""])


def _row(project: Project, teeth: Teeth, fuzzer: Fuzzer, bites: Bites) -> str:
    found = [label for label in fuzzer.guards if (bite := bites.trees.get(label)) and bite.is_right]
    spared = [label for label in (REFERENCE, *fuzzer.spares) if (bite := bites.trees.get(label)) and bite.is_right]
    tried = ", ".join(f"{label} {bites.trees[label].tried}" if bites.trees[label].tried else label for label in found)
    state = "proved" if bites.is_proved else "not proved"
    if bites.fingerprint != fingerprint_of(project, fuzzer):
        state = "re-verify"
    link = f"[{fuzzer.name}](fuzz/{fuzzer.file.name})"
    counts = f"{len(found)} of {len(fuzzer.guards)} | {len(spared)} of {len(fuzzer.spares) + 1}"
    return f"| {link} | {bites.budget} | {counts} | {tried} | {teeth.platform} {teeth.python} | {state} |"
