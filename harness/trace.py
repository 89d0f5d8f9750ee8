"""Traces findings to code and back: where a finding's fix stands, and which finding a mention in code belongs to."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from harness.project import Project
    from harness.register import Finding, Register

MENTION = re.compile(r"\bF\d\d\b")
TEXT_FILES = frozenset({".py", ".sql", ".j2", ".html", ".js", ".css"})
REGRESSION = re.compile(r"test_(f\d\d)_\w+\.py")


@dataclass(frozen=True)
class Definition:
    """Where a symbol is defined: its file below the reference, its first line, and its source text."""

    file: str
    name: str
    line: int
    source: str


def definition(project: Project, symbol: str) -> Definition | None:
    """Find ``utils/x.py:Class.method`` in the reference; None where it is not there."""
    file, _, name = symbol.partition(":")
    path = project.reference / file
    if not path.is_file():
        return None
    text = path.read_text(encoding="utf-8")
    node: ast.AST = ast.parse(text)
    for part in name.split("."):
        found = next((child for child in _body(node) if part in _names(child)), None)
        if found is None:
            return None
        node = found
    first = min([node.lineno, *(decorator.lineno for decorator in getattr(node, "decorator_list", []))])  # type: ignore[attr-defined]
    return Definition(file, name, first, ast.get_source_segment(text, node) or "")


def _body(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the statements of a scope, those under ``if`` and ``try`` included."""
    for child in ast.iter_child_nodes(node):
        yield child
        if isinstance(child, ast.If | ast.Try | ast.With):
            yield from _body(child)


def _names(node: ast.AST) -> set[str]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {node.name}
    if isinstance(node, ast.Assign):
        return {target.id for target in node.targets if isinstance(target, ast.Name)}
    if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
        return {node.target.id}
    return set()


def faults(project: Project, register: Register) -> list[str]:
    """Return a sentence for each finding without code, and each id in the project without a finding."""
    done = [finding for finding in register.values() if not finding.is_open]
    found = [fault for finding in done for fault in _faults_of(project, finding)]
    for path, line, mention in _mentions(project.reference):
        if mention not in register:
            found.append(
                f"{path.relative_to(project.root).as_posix()}:{line}: names {mention}, which the register lacks"
            )
    for path in sorted(project.regressions.glob("test_*.py")):
        match = REGRESSION.fullmatch(path.name)
        if match is None or match[1].upper() not in register:
            found.append(f"regressions/{path.name}: belongs to no finding of the register")
    strangers = sorted(folder.name for folder in project.variants.glob("*") if folder.name not in register)
    return found + [f"regressions/variants/{name}: belongs to no finding of the register" for name in strangers]


def _faults_of(project: Project, finding: Finding) -> Iterator[str]:
    if project.regression(finding.id) is None:
        yield f"{finding.id}: is done, but there is no regressions/test_{finding.id.lower()}_*.py"
    for file in finding.unit:
        if not (project.reference / file).is_file():
            yield f"{finding.id}.unit: the reference has no {file}"
    for symbol in finding.symbols:
        place = definition(project, symbol)
        if place is None:
            yield f"{finding.id}.symbols: the reference has no {symbol}"
        elif finding.id not in place.source:
            yield f"{finding.id}.symbols: the source of {symbol} does not name {finding.id}"


def _mentions(root: Path) -> Iterator[tuple[Path, int, str]]:
    for path in sorted(root.rglob("*")):
        if path.suffix in TEXT_FILES and path.is_file():
            for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
                for mention in MENTION.findall(line):
                    yield path, number, mention
