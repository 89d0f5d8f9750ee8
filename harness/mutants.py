"""Automatic mutants: makes small changes to sources, runs the tests that reach them, and says which nobody noticed.

The changes and the runs are mutmut's, which forks and so needs Linux or another POSIX system. This module decides what
is mutated with which tests (``mutants/areas.toml``), what of an earlier run still holds, and reads what came of it.
An area is worked on in ``.mutants/AREA``, a folder that may be deleted at any time.
"""

from __future__ import annotations

import ast
import contextlib
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from enum import StrEnum
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tomli_w
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from harness import toml_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from harness.project import Project

SAMPLES = {1: "*", 2: "*[13579]", 5: "*[16]", 10: "*1"}
"""How every Nth mutant of a function is named: mutmut numbers them from 1."""

OPTIONS = ("-p", "no:cacheprovider", "-p", "no:rerunfailures", "-p", "no:xdist", "-p", "harness.mutants_plugin")
TEST_ENDS = ("--timeout=30", "-o", "timeout_func_only=false")
"""A test that a mutant keeps from ending is ended after so many seconds, by `mutants_plugin`."""

PROGRESS = re.compile(r"(\d+)/(\d+) ")
PHASES = {
    "Generating mutants": "making mutants",
    "Running stats": "noting which tests reach what",
    "Listing all tests": "looking for new tests",
    "Running clean tests": "running the tests without a mutant",
}
"""What mutmut says that it does before it tries the first mutant."""


class MutantsError(ValueError):
    """Mutants cannot be made or tried; the text says why, and what to do."""


class Outcome(StrEnum):
    """What became of a mutant."""

    KILLED = "killed"
    TIMED_OUT = "timed out"
    SURVIVED = "survived"
    UNCOVERED = "uncovered"
    NOT_RUN = "not run"

    @property
    def is_noticed(self) -> bool:
        """Whether the tests told the mutant from the original."""
        return self in {Outcome.KILLED, Outcome.TIMED_OUT}

    @property
    def is_missed(self) -> bool:
        """Whether the tests were asked and did not tell."""
        return self in {Outcome.SURVIVED, Outcome.UNCOVERED}


OUTCOMES = {
    None: Outcome.NOT_RUN,
    2: Outcome.NOT_RUN,  # interrupted
    0: Outcome.SURVIVED,
    5: Outcome.UNCOVERED,
    33: Outcome.UNCOVERED,
    24: Outcome.TIMED_OUT,
    -24: Outcome.TIMED_OUT,
    152: Outcome.TIMED_OUT,
    -9: Outcome.TIMED_OUT,
    -14: Outcome.TIMED_OUT,  # a single test, see `TEST_ENDS`
}
"""By the exit code that mutmut keeps; every other one says that the tests failed or that their process died."""


class Area(BaseModel):
    """A part of the sources and the tests that have to notice its mutants.

    Attributes:
        sources: folders and files that are mutated, from the project's root.
        tests: folders and files of tests, from the project's root.
        leaves_out: names of tests that are too slow to be run for each mutant, as pytest's `-k` understands them.
        floor: percent of the mutants that must be noticed.
        names_all: whether each survivor must be named in `survivors.toml`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    sources: list[str] = Field(min_length=1)
    tests: list[str] = Field(min_length=1)
    leaves_out: list[str] = []
    floor: float = Field(default=0, ge=0, le=100)
    names_all: bool = False


@dataclass(frozen=True)
class Mutant:
    """One change and what became of it.

    Attributes:
        file: the source, from the project's root, with slashes.
        line: where the change begins.
        function: the function that was changed, with its class.
        before: the changed lines as they are, without indentation, joined by spaces.
        after: the same as the mutant has them; empty where they were taken out.
    """

    file: str
    line: int
    function: str
    before: str
    after: str
    outcome: Outcome


def areas(project: Project) -> dict[str, Area]:
    """Read the areas.

    Raises:
        MutantsError: the file cannot be read or is not as it should be.
    """
    path = project.mutants / "areas.toml"
    try:
        found = {name: Area.model_validate(table) for name, table in toml_file.read(path, MutantsError).items()}
    except ValidationError as error:
        raise MutantsError(f"{path}: {error}") from error
    for name, area in found.items():
        for place in (*area.sources, *area.tests):
            if not (project.root / place).exists():
                raise MutantsError(f"{path.name}: {name}: there is no {place}")
    return found


def run(
    project: Project,
    name: str,
    area: Area,
    *,
    afresh: bool = False,
    every: int = 1,
    workers: int | None = None,
    on_step: Callable[[str, int, int], None] = lambda _phase, _done, _total: None,
) -> list[Mutant]:
    """Try the mutants of an area that were not tried yet, and return all of them.

    What an earlier run found is kept while it holds: a file that changed is tried anew, and where tests changed, what
    they did not notice before.

    Args:
        project: whose area.
        name: the area's name.
        area: what is mutated, and with which tests.
        afresh: try everything again.
        every: try every Nth mutant of each function; those of 1 are all.
        workers: how many are tried at once; by default as many as there are processors.
        on_step: told what is being done, and how many of how many mutants are; 0 of 0 before they are known.

    Raises:
        MutantsError: mutmut is not there, the tests fail without any mutant, or another run works on the area.
    """
    if os.name == "nt" or find_spec("mutmut") is None:
        raise MutantsError("mutants need mutmut, on Linux or another POSIX system: install the group `test` there")
    place = _place(project, name)
    with _alone(place):
        _prepare(project, place, area, afresh=afresh)
        _mutmut(place, [] if every == 1 else [SAMPLES[every]], workers or os.cpu_count() or 1, on_step)
    return read(project, area, name)


@contextlib.contextmanager
def _alone(place: Path) -> Iterator[None]:
    """Keep other runs out of an area's folder, which they would empty."""
    import fcntl  # noqa: PLC0415  not there on Windows

    place.parent.mkdir(exist_ok=True)
    with place.with_suffix(".lock").open("w", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise MutantsError(f"{place.name}: another run is at work on this area; wait for its end") from None
        yield


def _place(project: Project, name: str) -> Path:
    return project.root / ".mutants" / name


def _prepare(project: Project, place: Path, area: Area, *, afresh: bool) -> None:
    """Make the folder in which mutmut works: links to the project, its configuration, and what is known already."""
    if afresh:
        shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True, exist_ok=True)
    entries = [entry for entry in project.root.iterdir() if entry.name[0] != "." and entry.name != "mutants"]
    for link in [*place.iterdir()]:
        if link.is_symlink():
            link.unlink()
    for entry in entries:
        if entry.name != "pyproject.toml":
            (place / entry.name).symlink_to(entry)
    whole = toml_file.read(project.root / "pyproject.toml", MutantsError)
    copied = [name for entry in entries for name in _copied(entry, entry.name, area.sources)]
    whole.setdefault("tool", {})["mutmut"] = _configuration(area, copied)
    (place / "pyproject.toml").write_text(tomli_w.dumps(whole), encoding="utf-8", newline="\n")
    _forget(project, place, area)


def _copied(entry: Path, name: str, sources: list[str]) -> Iterator[str]:
    """Name what of an entry is copied as it is: all but the sources, of which mutmut makes mutants if they changed."""
    if name in sources:
        return
    if any(source.startswith(f"{name}/") for source in sources):
        for part in sorted(entry.iterdir()):
            yield from _copied(part, f"{name}/{part.name}", sources)
    else:
        yield name


def _configuration(area: Area, copied: list[str]) -> dict[str, Any]:
    chosen = ["-k", " and ".join(f"not {test}" for test in area.leaves_out)] if area.leaves_out else []
    return {
        "source_paths": area.sources,
        "also_copy": copied,
        "pytest_add_cli_args": [*OPTIONS, *TEST_ENDS, *chosen],
        "pytest_add_cli_args_test_selection": area.tests,
        "process_isolation": "forkserver",  # one that ran no tests: a thread of theirs would be missing in the forks
        "use_git_change_detection": False,
        "track_dependencies": False,
        "timeout_multiplier": 8.0,
        "timeout_constant": 5.0,
    }


def _forget(project: Project, place: Path, area: Area) -> None:
    """Remove what no longer holds: all of a file that changed, and where tests changed, what they did not notice."""
    kept = place / "mutants"
    state: dict[str, Any] = {
        "sources": {file.relative_to(project.root).as_posix(): _hash([file]) for file in _sources(project, area)},
        "tests": _hash(sorted(file for test in area.tests for file in _python_files(project.root / test))),
        "leaves_out": area.leaves_out,
    }
    note = place / "state.json"
    before = json.loads(note.read_text(encoding="utf-8")) if note.exists() else {"sources": {}}
    same = [name for name, text in state["sources"].items() if before["sources"].get(name) == text]
    known = [kept / f"{name}{ending}" for name in same for ending in ("", ".meta", ".spans")]
    if state == before:
        known.append(kept / "mutmut-stats.json")  # which tests reach what, and how long they take
    contents = {path: path.read_bytes() for path in known if path.exists()}
    shutil.rmtree(kept, ignore_errors=True)
    for path, content in contents.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    if any(state[key] != before.get(key) for key in ("tests", "leaves_out")):
        for path in (path for path in contents if path.suffix == ".meta"):
            _forget_missed(path)
    note.write_text(json.dumps(state), encoding="utf-8")


def _forget_missed(path: Path) -> None:
    """Have the mutants of a file that no test noticed tried again."""
    result = json.loads(path.read_text(encoding="utf-8"))
    codes = result["exit_code_by_key"].items()
    result["exit_code_by_key"] = {key: code if _outcome(code).is_noticed else None for key, code in codes}
    path.write_text(json.dumps(result), encoding="utf-8")


def _python_files(path: Path) -> Iterator[Path]:
    yield from sorted(path.rglob("*.py")) if path.is_dir() else [path]


def _sources(project: Project, area: Area) -> list[Path]:
    return [file for source in area.sources for file in _python_files(project.root / source)]


def _hash(files: Iterable[Path]) -> str:
    return hashlib.sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest()


def _outcome(code: int | None) -> Outcome:
    return OUTCOMES.get(code, Outcome.KILLED)


def _mutmut(place: Path, names: list[str], workers: int, on_step: Callable[[str, int, int], None]) -> None:
    """Run mutmut and follow what it says; Ctrl+C reaches it as well, and it keeps what it has."""
    engine = Path(__file__).with_name("mutants_engine.py")
    command = [sys.executable, "-P", str(engine), "run", "--max-children", str(workers)]
    with (place / "log.txt").open("wb", buffering=0) as log:
        process = subprocess.Popen(  # noqa: S603  our own interpreter
            [*command, *names],
            cwd=place,
            env=os.environ | {"PYTHONUNBUFFERED": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        assert process.stdout is not None  # noqa: S101  it is a pipe
        try:
            while chunk := process.stdout.read1():  # type: ignore[attr-defined]  # a buffered reader
                log.write(chunk)
                if step := _step(chunk.decode("utf-8", "replace")):
                    on_step(*step)
        finally:
            process.stdout.close()
            process.wait()
    if process.returncode != 0:
        failed = re.findall(r"^FAILED (\S+)", (place / "log.txt").read_text("utf-8", "replace"), re.MULTILINE)
        what = f": {failed[0]} failed" if failed else ""
        raise MutantsError(
            f"the tests have to pass before there are mutants{what}; what went wrong is in {place / 'log.txt'}"
        )


def _step(said: str) -> tuple[str, int, int] | None:
    """Read from what mutmut says what it is doing, and how many of how many mutants are done."""
    if counts := PROGRESS.findall(said):
        done, total = map(int, counts[-1])
        return "trying mutants", done, total
    begun = [phase for title, phase in PHASES.items() if title in said]
    return (begun[-1], 0, 0) if begun else None


def read(project: Project, area: Area, name: str) -> list[Mutant]:
    """Return the mutants of an area and what became of each, by file and line; none where it was never run."""
    place = _place(project, name)
    found = [mutant for source in _sources(project, area) for mutant in _mutants_of(project.root, source, place)]
    return sorted(found, key=lambda mutant: (mutant.file, mutant.line, mutant.after))


def _mutants_of(root: Path, source: Path, place: Path) -> Iterator[Mutant]:
    file = source.relative_to(root).as_posix()
    mutated = place / "mutants" / file
    results = mutated.with_name(f"{mutated.name}.meta")
    if not results.exists():
        return
    codes = json.loads(results.read_text(encoding="utf-8"))["exit_code_by_key"]
    spans = json.loads(mutated.with_name(f"{mutated.name}.spans").read_text(encoding="utf-8"))["spans"]
    lines, begins = mutated.read_text(encoding="utf-8").splitlines(), _functions(source)
    for key, code in codes.items():
        name = key.rpartition(".")[2]
        mangled = name.rpartition("__mutmut_")[0]
        function = _function_name(mangled)
        original = _body(lines, spans[f"{mangled}__mutmut_orig"], f"{mangled}__mutmut_orig")
        offset, before, after = _change(original, _body(lines, spans[name], name))
        yield Mutant(file, begins[function] + offset, function, before, after, _outcome(code))


def _function_name(mangled: str) -> str:
    """Return the name of a function from mutmut's: ``x_run`` is ``run``, ``xǁCacheǁget`` is ``Cache.get``."""
    return mangled[2:].replace("ǁ", ".")


def _functions(source: Path) -> dict[str, int]:
    """Return the line of each function of a module and of its classes, by name."""
    tree = ast.parse(source.read_bytes())
    places: list[tuple[str, ast.Module | ast.ClassDef]] = [("", tree)]
    places += [(f"{node.name}.", node) for node in tree.body if isinstance(node, ast.ClassDef)]
    return {
        f"{prefix}{node.name}": node.lineno
        for prefix, parent in places
        for node in parent.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


def _body(lines: list[str], span: list[int], name: str) -> list[str]:
    """Return the lines of a function from its ``def`` on, without mutmut's name for it."""
    body = lines[span[0] - 1 : span[1]]
    while not re.match(r"\s*(async )?def ", body[0]):
        body = body[1:]
    return [body[0].replace(name, "", 1), *body[1:]]


def _change(original: list[str], changed: list[str]) -> tuple[int, str, str]:
    """Return where two versions of a function begin to differ, and how each reads there."""
    begin = _common(original, changed)
    end = min(_common(original[::-1], changed[::-1]), min(len(original), len(changed)) - begin)
    parts = (original[begin : len(original) - end], changed[begin : len(changed) - end])
    before, after = (" ".join(line.strip() for line in part) for part in parts)
    return begin, before, after


def _common(left: list[str], right: list[str]) -> int:
    count = 0
    while count < min(len(left), len(right)) and left[count] == right[count]:
        count += 1
    return count
