"""Searches for defects until the time is up: runs all fuzzers round after round, other examples each time."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from harness.project import HOME
from harness.scratch import scratch_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from harness.fuzzers import Fuzzer
    from harness.project import Project

RAN = {0, 1}
"""Exit codes of pytest that mean: it ran, and found nothing or something."""

LINES_TOLD = 5
"""So many lines of what pytest said last are told where a fuzzer could not be run."""

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
        rounds: rounds that were begun.
        took: seconds.
        is_interrupted: whether Ctrl+C ended it.
    """

    examples: int = 0
    failures: list[Path] = field(default_factory=list)
    rounds: int = 0
    took: float = 0.0
    is_interrupted: bool = False

    @property
    def rate(self) -> float:
        """Examples per second."""
        return self.examples / self.took if self.took else 0.0


def search(
    project: Project,
    fuzzers: Iterable[Fuzzer],
    limit: float,
    on_step: Callable[[str, Found], None] = lambda _name, _found: None,
) -> Found:
    """Run fuzzers in rounds, each with twice the examples of the round before, until the time is up.

    What was found so far is kept in the folder ``.fuzz``, so nothing is lost when the search is interrupted.

    Args:
        project: whose fuzzers.
        fuzzers: which of them.
        limit: seconds.
        on_step: told after each file: the fuzzer's name and what was found so far.

    Raises:
        SearchError: a fuzzer could not be run, so nothing was searched.
    """
    found = Found()
    try:
        _search(project, list(fuzzers), limit, found, on_step)
    except KeyboardInterrupt:
        found.is_interrupted = True
    return found


def _search(
    project: Project,
    chosen: list[Fuzzer],
    limit: float,
    found: Found,
    on_step: Callable[[str, Found], None],
) -> None:
    begin, folder = time.monotonic(), project.found
    while chosen and time.monotonic() - begin < limit:
        found.rounds += 1
        for fuzzer in chosen:
            left = limit - (time.monotonic() - begin)
            if left <= 0:
                break
            known = set(folder.glob("*.json"))
            try:
                found.examples += _run(project, fuzzer, 2 ** (found.rounds - 1), left, folder)
            finally:
                found.failures += sorted(set(folder.glob("*.json")) - known)
                found.took = time.monotonic() - begin
            on_step(fuzzer.name, found)


def _run(project: Project, fuzzer: Fuzzer, times: int, limit: float, folder: Path) -> int:
    """Run one file; return how many examples it tried."""
    with scratch_folder("fuzz") as scratch:
        counts, log = scratch / "counts.json", scratch / "log.txt"
        with log.open("wb") as output:
            process = subprocess.Popen(  # noqa: S603  our own fuzzers
                [
                    *(sys.executable, "-m", "pytest", str(fuzzer.file), "-q", "-p", "no:cacheprovider"),
                    *("--fuzz-counts", str(counts), "--fuzz-failures", str(folder)),
                    *("--basetemp", str(scratch / "pytest"), *_configuration(project)),
                ],
                cwd=project.root,
                env=os.environ | {"FUZZ_PROFILE": "deep", "FUZZ_TIMES": str(times)},
                stdout=output,
                stderr=subprocess.STDOUT,
            )
            try:
                code = process.wait(limit)
            except subprocess.TimeoutExpired:
                code = 0
            finally:
                if process.poll() is None:
                    process.terminate()
                    process.wait()
        if code not in RAN:
            said = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
            raise SearchError("\n".join([f"the fuzzer {fuzzer.name} could not be run:", *said[-LINES_TOLD:]]))
        return int(json.loads(counts.read_text(encoding="utf-8")).get(fuzzer.name, 0)) if counts.exists() else 0


def _configuration(project: Project) -> tuple[str, ...]:
    """Return what pytest is told where there is no pyproject.toml to tell it, as where the package is installed."""
    if (project.root / "pyproject.toml").is_file():
        return ()
    root = str(project.root)
    plugins = ("-p", "harness.plugin", "-p", "harness.not_run")
    return ("-c", str(HOME / "harness" / "judge.ini"), "--rootdir", root, "--confcutdir", root, *plugins)
