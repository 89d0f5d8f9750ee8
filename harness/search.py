"""Searches for defects until the time is up: runs all fuzzers round after round, other examples each time."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, BinaryIO

from harness.project import HOME
from harness.scratch import scratch_folder

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from harness.fuzzers import Fuzzer
    from harness.project import Project

RAN = {0, 1}
"""Exit codes of pytest that mean: it ran, and found nothing or something."""

LINES_TOLD = 5
"""So many lines of what pytest said last are told where a fuzzer could not be run."""

DEEP = "deep"
PROFILES = ("quick", "teeth", DEEP)
"""How much each fuzzer tries: a share of its budget, all of it, or more each round."""

COUNTS, REACH = "counts.json", "reach.json"
SHORTEST = 10.0
"""Seconds that a fuzzer has at least, where there are as many; less is over before it began."""

GRACE = 3.0
"""Seconds that a fuzzer has to end by itself."""

UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "": 1.0}


class SearchError(RuntimeError):
    """A fuzzer could not be run; the text says which, and what pytest said."""


def seconds(text: str) -> float:
    """Read a time such as ``90``, ``90s``, ``10m`` or ``2h``.

    Raises:
        ValueError: it is none.
    """
    match = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)([smh]?)", text)
    if match is None or float(match[1]) <= 0:
        raise ValueError(f"{text!r} is no time; give 90s, 10m or 2h")
    return float(match[1]) * UNITS[match[2]]


@dataclass
class Found:
    """What a search came to so far.

    Attributes:
        examples: how many were tried.
        failures: files of the failures that were not known before.
        again: files of failures that were known before and happened again.
        lines: the lines of the project that were reached, by file.
        growth: how many lines the last step was the first to reach.
        rounds: rounds that were begun.
        took: seconds.
        is_interrupted: whether Ctrl+C ended it.
    """

    examples: int = 0
    failures: list[Path] = field(default_factory=list)
    again: list[Path] = field(default_factory=list)
    lines: dict[str, set[int]] = field(default_factory=dict)
    growth: int = 0
    rounds: int = 0
    took: float = 0.0
    is_interrupted: bool = False

    @property
    def rate(self) -> float:
        """Examples per second."""
        return self.examples / self.took if self.took else 0.0

    @property
    def reached(self) -> int:
        """How many lines were reached."""
        return sum(map(len, self.lines.values()))

    def reach(self, lines: dict[str, list[int]]) -> None:
        """Add lines that a step reached."""
        before = self.reached
        for name, numbers in lines.items():
            self.lines.setdefault(name, set()).update(numbers)
        self.growth = self.reached - before


Tell = Callable[[str, Found], None]


def _nothing(_name: str, _found: Found) -> None:
    """Tell nobody."""


def search(
    project: Project,
    fuzzers: Iterable[Fuzzer],
    limit: float,
    on_step: Tell = _nothing,
    *,
    profile: str = DEEP,
    on_tick: Tell = _nothing,
) -> Found:
    """Run fuzzers until the time is up: in rounds, each with twice the examples of the round before, where it is deep.

    The time that is left is shared out among the fuzzers of a round. What was found so far is kept in the folder
    ``.fuzz``, also of the example that is just being made smaller, so nothing is lost when the search is interrupted.

    Args:
        project: whose fuzzers.
        fuzzers: which of them.
        limit: seconds.
        on_step: told after each file: the fuzzer's name and what was found so far.
        profile: how much each may try; all but the deep one are a single round.
        on_tick: told likewise each second while a file runs.

    Raises:
        SearchError: a fuzzer could not be run, so nothing was searched.
    """
    found = Found()
    hunt = _Hunt(project, found, profile, time.monotonic(), limit, _states(project.found))
    try:
        hunt.run(list(fuzzers), on_step, on_tick)
    except KeyboardInterrupt:
        found.is_interrupted = True
    return found


def _states(folder: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in folder.glob("*.json")}


@dataclass
class _Hunt:
    """A search that is going on.

    Attributes:
        known: the failures that there were before, with the time of their last change.
    """

    project: Project
    found: Found
    profile: str
    begin: float
    limit: float
    known: dict[Path, int]

    @property
    def left(self) -> float:
        """Seconds."""
        return self.limit - (time.monotonic() - self.begin)

    def run(self, chosen: list[Fuzzer], on_step: Tell, on_tick: Tell) -> None:
        """Run the rounds."""
        while chosen and self.left > 0 and (self.profile == DEEP or not self.found.rounds):
            self.found.rounds += 1
            for number, fuzzer in enumerate(chosen):
                if self.left <= 0:
                    break
                share = max(self.left / (len(chosen) - number), min(SHORTEST, self.left))
                self._turn(fuzzer, share, on_tick)
                on_step(fuzzer.name, self.found)

    def _turn(self, fuzzer: Fuzzer, share: float, on_tick: Tell) -> None:
        """Run one file for its share of the time."""
        before = self.found.examples
        with scratch_folder("fuzz") as scratch, (scratch / "log.txt").open("wb") as output:
            process = _begin(self, fuzzer, share, scratch, output)
            try:
                code = self._wait(process, share, lambda: self._look(fuzzer, scratch, before, on_tick))
            finally:
                if process.poll() is None:
                    process.terminate()
                    process.wait()
                self._look(fuzzer, scratch, before, _nothing)
                self.found.reach(_read(scratch / REACH))
            if code not in RAN:
                said = (scratch / "log.txt").read_text(encoding="utf-8", errors="replace").strip().splitlines()
                raise SearchError("\n".join([f"the fuzzer {fuzzer.name} could not be run:", *said[-LINES_TOLD:]]))

    def _wait(self, process: subprocess.Popen[bytes], share: float, look: Callable[[], None]) -> int:
        """Wait for a process for its share of the time; return its exit code, 0 where it goes on after that."""
        end = time.monotonic() + share
        while (left := end - time.monotonic()) > 0:
            try:
                return process.wait(min(left, 1.0))
            except subprocess.TimeoutExpired:
                look()
        return 0

    def _look(self, fuzzer: Fuzzer, scratch: Path, before: int, on_tick: Tell) -> None:
        """See what was found up to now."""
        self.found.examples = before + int(_read(scratch / COUNTS).get(fuzzer.name, 0))
        states = _states(self.project.found)
        self.found.failures = sorted(states.keys() - self.known.keys())
        self.found.again = sorted(path for path, state in states.items() if self.known.get(path, state) != state)
        self.found.took = time.monotonic() - self.begin
        on_tick(fuzzer.name, self.found)


def _begin(hunt: _Hunt, fuzzer: Fuzzer, share: float, scratch: Path, output: BinaryIO) -> subprocess.Popen[bytes]:
    """Start a file; it ends itself a little before it would be ended."""
    turn = {
        "FUZZ_PROFILE": hunt.profile,
        "FUZZ_TIMES": str(2 ** (hunt.found.rounds - 1)),
        "FUZZ_SECONDS": str(share - min(GRACE, share / 5)),
    }
    return subprocess.Popen(  # noqa: S603  our own fuzzers
        [
            *(sys.executable, "-m", "pytest", str(fuzzer.file), "-q", "-p", "no:cacheprovider"),
            *("--fuzz-counts", str(scratch / COUNTS), "--fuzz-reach", str(scratch / REACH)),
            *("--fuzz-failures", str(hunt.project.found), "--fuzz-order", str(hunt.found.rounds)),
            *("--basetemp", str(scratch / "pytest"), *_configuration(hunt.project)),
        ],
        cwd=hunt.project.root,
        env=os.environ | turn,
        stdout=output,
        stderr=subprocess.STDOUT,
    )


def _read(file: Path) -> dict[str, Any]:
    return dict(json.loads(file.read_text(encoding="utf-8"))) if file.exists() else {}


def _configuration(project: Project) -> tuple[str, ...]:
    """Return what pytest is told where there is no pyproject.toml to tell it, as where the package is installed."""
    if (project.root / "pyproject.toml").is_file():
        return ()
    root = str(project.root)
    plugins = ("-p", "harness.plugin", "-p", "harness.not_run")
    return ("-c", str(HOME / "harness" / "judge.ini"), "--rootdir", root, "--confcutdir", root, *plugins)
