"""Searches that are guided by coverage: each target in a process of its own, its progress read from what it says."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from harness.project import Project

PROGRESS = re.compile(r"#(\d+)\s+([A-Z]+|pulse)\s+cov: (\d+) ft: \d+ corp: (\d+)/\S+ .*?exec/s: (\d+)")
"""A line of libFuzzer: inputs tried, why it tells, branches reached, inputs kept, inputs a second."""

ABSENT = 64
"""Exit code of a target where atheris is not installed."""


class GuidedError(ValueError):
    """A guided search cannot be had; the text says why, and what to do."""


@dataclass
class Progress:
    """How far a target has come.

    Attributes:
        tried: inputs.
        branches: those that were reached.
        at_first: branches that the corpus reached already.
        kept: inputs that reach something of their own.
        rate: inputs a second.
    """

    target: str
    tried: int = 0
    branches: int = 0
    at_first: int = 0
    kept: int = 0
    rate: int = 0

    def __str__(self) -> str:
        """Say it in a line."""
        growth = f"{self.branches} branches (+{self.branches - self.at_first})"
        return f"{self.target:<10} {self.tried} inputs, {self.rate} a second, {growth}, {self.kept} inputs kept"


def chosen(project: Project, names: list[str]) -> list[str]:
    """Return the targets of some names, ``all`` for all.

    Raises:
        GuidedError: there is none of a name.
    """
    known = sorted(folder.name for folder in (project.fuzz / "corpora").glob("*/"))
    if unknown := [name for name in names if name not in {*known, "all"}]:
        raise GuidedError(f"{unknown[0]}: there is no such target; there are {', '.join(known)}, and all")
    return known if "all" in names else names


def run(project: Project, progress: Progress, limit: float, tell: Callable[[str], None]) -> list[Path]:
    """Search one target; return the inputs and failures that are new.

    What reaches something new is kept in ``.fuzz/corpora/``, and the next search begins with it.

    Args:
        project: whose target.
        progress: of the target; it goes on while the target tells.
        limit: seconds.
        tell: told in a line how far it is, each time twice as many inputs were tried.

    Raises:
        GuidedError: atheris is not installed, or the target could not be run, or nothing guided it.
    """
    target = progress.target
    own = project.found / "corpora" / target
    own.mkdir(parents=True, exist_ok=True)
    before, said = _kept(project), [""]
    process = subprocess.Popen(  # noqa: S603  our own fuzzers
        [
            *(sys.executable, "-m", f"{project.fuzz.name}.guided", target, "--seconds", str(max(1, round(limit)))),
            *("--subject", str(project.reference), "--failures", str(project.found)),
            *("--corpus", str(own), str(project.fuzz / "corpora" / target)),
        ],
        cwd=project.root,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        encoding="utf-8",
        errors="replace",
    )
    try:
        assert process.stderr is not None  # noqa: S101  it was asked for
        with process.stderr as lines:
            for line in lines:
                said = [*said[-4:], line.rstrip()]
                if _read(progress, line) in {"pulse", "DONE"}:
                    tell(str(progress))
        code = process.wait()
    finally:
        process.terminate()
        process.wait()
    new = sorted(_kept(project) - before)
    if code == ABSENT or not (new or progress.branches):
        raise GuidedError("\n".join([f"{target}: could not be searched:", *filter(None, said)]))
    return new


def _kept(project: Project) -> set[Path]:
    inputs = project.found / "inputs"
    return {*project.found.glob("*.json"), *inputs.glob("*-timeout-*"), *inputs.glob("*-oom-*")}


def _read(progress: Progress, line: str) -> str:
    """Take note of a line; return why it was told, nothing where it says no progress."""
    if (match := PROGRESS.match(line)) is None:
        return ""
    progress.tried, progress.branches, progress.kept, progress.rate = (int(match[n]) for n in (1, 3, 4, 5))
    progress.at_first = progress.at_first or progress.branches
    return match[2]
