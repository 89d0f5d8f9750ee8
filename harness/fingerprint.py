"""Hashes of what evidence rests on, the same on every platform: line endings do not count."""

from __future__ import annotations

import ast
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from harness.project import Project
    from harness.register import Finding

PARTS = "harness.parts"
MACHINERY = (
    "judge.ini",
    "machine.py",
    "plugin.py",
    "runner.py",
    "scratch.py",
    "status.py",
    "subject.py",
    "touches/sitecustomize.py",
    "worker.py",
)


def digest(pieces: Iterable[tuple[str, bytes]]) -> str:
    """Hash named pieces of content, in the order of their names."""
    total = hashlib.sha256()
    for name, content in sorted(pieces):
        piece = hashlib.sha256(content.replace(b"\r\n", b"\n")).hexdigest()
        total.update(f"{name}\0{piece}\n".encode())
    return total.hexdigest()


def of_files(root: Path, files: Iterable[Path]) -> str:
    """Hash files under their paths relative to ``root``."""
    return digest((file.relative_to(root).as_posix(), file.read_bytes()) for file in files)


def of_finding(project: Project, finding: Finding) -> str:
    """Hash what a finding's evidence rests on: its text, regression, tools, variants and the audited unit."""
    text = finding.model_dump_json(exclude={"state"}).encode()
    unit = [project.reference / file for file in finding.unit]
    variants = sorted((project.variants / finding.id).glob("*.patch"))
    files = [*regression_files(project, finding.id), *variants, *unit]
    return digest([("register", text), ("files", of_files(project.root, [f for f in files if f.is_file()]).encode())])


def of_run(judge: str, environment: str) -> str:
    """Hash what a verdict rests on besides the subject.

    Args:
        judge: hash of the regression, or of the fuzzer, and its tools.
        environment: the interpreter and all that is installed.
    """
    machinery = [Path(__file__).parent / name for name in MACHINERY]
    return digest(
        [
            ("environment", environment.encode()),
            ("judge", judge.encode()),
            ("machinery", of_files(Path(__file__).parent, machinery).encode()),
        ]
    )


def of_regression(project: Project, finding: str) -> str:
    """Hash a finding's regression and the tools that it shares with others."""
    return of_files(project.root, regression_files(project, finding))


def regression_files(project: Project, finding: str) -> list[Path]:
    """Return a finding's regression and the shared tools that it imports, directly or through each other."""
    regression = project.regression(finding)
    return with_parts(project, [regression] if regression else [])


def with_parts(project: Project, files: Iterable[Path]) -> list[Path]:
    """Return files and the shared tools that they import, directly or through each other."""
    waiting = list(files)
    found: list[Path] = []
    while waiting:
        file = waiting.pop()
        if file not in found:
            found.append(file)
            waiting += [part for part in map(project.part, _parts_imported_by(file)) if part.is_file()]
    return sorted(found)


def _parts_imported_by(file: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_bytes())):
        if isinstance(node, ast.ImportFrom) and node.module == PARTS:
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.module.startswith(PARTS + "."):
            names.add(node.module.removeprefix(PARTS + "."))
        elif isinstance(node, ast.Import):
            names |= {
                alias.name.removeprefix(PARTS + ".") for alias in node.names if alias.name.startswith(PARTS + ".")
            }
    return names
