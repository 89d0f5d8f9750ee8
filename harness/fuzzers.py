"""The fuzzers, as the table ``fuzz/fuzzers.toml`` describes them, and what the evidence of their teeth rests on."""

from __future__ import annotations

import ast
import re
import tomllib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from harness import fingerprint, variant

if TYPE_CHECKING:
    from collections.abc import Container, Iterator
    from pathlib import Path

    from harness.project import Project

REFERENCE = "reference"
DATA = re.compile(r"(?!evidence$|fuzzers\.toml$|__pycache__$)\w[\w.-]*")
"""Names that a fuzzer's source may give to data: files and folders beside it."""


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

    @property
    def trees(self) -> tuple[str, ...]:
        """What it is run on; what it must pass comes first, since that takes the longest."""
        return (REFERENCE, *self.spares, *self.guards)


def is_defect(label: str) -> bool:
    """Whether a fuzzer must find what is wrong with the tree of this name."""
    return label != REFERENCE and "/lookalike" not in label


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
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise TeethError(f"{place.name}: {type(error).__name__}: {error}") from error


def guarding(project: Project, findings: Container[str]) -> list[Fuzzer]:
    """Return the fuzzers that guard variants of some findings."""
    known = table(project.fuzz) if project.fuzz.is_dir() else {}
    return [fuzzer for fuzzer in known.values() if any(label.split("/")[0] in findings for label in fuzzer.guards)]


def faults(project: Project) -> list[str]:
    """Return a sentence for each row of the table that names what is not there, or a variant of the wrong kind."""
    if not project.fuzz.is_dir():
        return []
    known = table(project.fuzz)
    unlisted = set(project.fuzz.glob("test_*.py")) - {fuzzer.file for fuzzer in known.values()}
    strays = [f"fuzz/{file.name}: has no row in fuzzers.toml" for file in sorted(unlisted)]
    rows = [f"fuzzers.toml: {row.name}: {fault}" for row in known.values() for fault in _faults_of(project, row)]
    return strays + rows


def _faults_of(project: Project, fuzzer: Fuzzer) -> Iterator[str]:
    if not fuzzer.file.is_file():
        yield f"there is no fuzz/{fuzzer.file.name}"
    for label in (*fuzzer.guards, *fuzzer.spares):
        if not (project.variants / f"{label}.patch").is_file():
            yield f"{label}: there is no such variant"
        elif is_defect(label) is not (label in fuzzer.guards):
            yield f"{label}: a defect is guarded and a lookalike spared"


def fingerprint_of(project: Project, fuzzer: Fuzzer) -> str:
    """Hash what a fuzzer's evidence rests on: itself, its row of the table, its variants and what they change."""
    row = repr((sorted(fuzzer.guards), sorted(fuzzer.spares))).encode()
    variants = [project.variants / f"{label}.patch" for label in (*fuzzer.guards, *fuzzer.spares)]
    changed = {project.reference / path for file in variants for path in _changed_by(file)}
    files = sorted(path for path in {*variants, *changed} if path.is_file())
    pieces = {"row": row, "files": fingerprint.of_files(project.root, files).encode()}
    return fingerprint.digest({**pieces, "fuzzer": hash_of(project, fuzzer).encode()}.items())


def _changed_by(file: Path) -> list[str]:
    try:
        return [change.path for change in variant.load(file).patch.files]
    except variant.VariantError:
        return []


def hash_of(project: Project, fuzzer: Fuzzer) -> str:
    """Hash a fuzzer, its budget, and the code and the data that it uses."""
    sources = fingerprint.of_files(project.root, _sources(project, fuzzer.file))
    return fingerprint.digest([("budget", str(fuzzer.budget).encode()), ("sources", sources.encode())])


def _sources(project: Project, file: Path) -> list[Path]:
    """Return a fuzzer's file and what it uses, directly or not: modules and data of its folder, shared tools."""
    found: set[Path] = set()
    waiting = [file]
    while waiting:
        source = waiting.pop()
        if source not in found and source.is_file():
            found.add(source)
            waiting += _used_by(project.fuzz, source) if source.suffix == ".py" else []
    modules = [path for path in found if path.suffix == ".py"]
    options = project.fuzz / "conftest.py"
    return sorted({*found, *fingerprint.with_parts(project, modules), *([options] if options.is_file() else [])})


def _used_by(folder: Path, source: Path) -> list[Path]:
    """Return the modules that a module of the fuzzers imports, and the data files that it names."""
    found: list[Path] = []
    for node in ast.walk(ast.parse(source.read_bytes())):
        if isinstance(node, ast.ImportFrom) and node.module == folder.name:
            found += [folder / f"{alias.name}.py" for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and node.module.startswith(f"{folder.name}."):
            found.append(folder / f"{node.module.removeprefix(folder.name + '.')}.py")
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and DATA.fullmatch(node.value):
            named = folder / node.value
            found += named.rglob("*") if named.is_dir() else [named]
    return found
