"""The rules of the house that a machine can hold: which part may use which, and how large a file may be."""

from __future__ import annotations

import ast
import tomllib
from typing import TYPE_CHECKING

import pytest

from harness.project import HOME

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MAY_USE = {
    "harness": {"harness"},
    "regressions": {"harness"},
    "fuzz": {"fuzz", "harness", "localdiscord"},
    "reference": {"reference"},
    "localdiscord": {"localdiscord"},
    "benchmarks": {"benchmarks", "reference", "localdiscord"},
    "tests": {"harness", "reference", "localdiscord", "benchmarks", "fuzz", "tests"},
}
MAY_USE_AS_WELL = {"reference/local.py": {"localdiscord"}}
"""The start-up of the bot may run a local Discord; one module does so, and a bot with a token never loads it."""

LONGEST_FILE = 600
PARTS = sorted(MAY_USE)


def sources(part: str) -> list[Path]:
    """Return the Python files of a part."""
    return sorted((HOME / part).rglob("*.py"))


def imports(file: Path) -> Iterator[tuple[str, int]]:
    """Yield the dotted name and the relative level of each import, those for type checking included."""
    for node in ast.walk(ast.parse(file.read_bytes())):
        if isinstance(node, ast.Import):
            yield from ((alias.name, 0) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or "", node.level


@pytest.mark.parametrize("part", PARTS)
def test_arrows_run_one_way(part: str) -> None:
    """A part imports only the parts it may use; nobody imports regressions."""
    ours = set(MAY_USE)
    strays = [
        f"{file.relative_to(HOME)} imports {name}"
        for file in sources(part)
        for name, level in imports(file)
        if level == 0 and (first := name.split(".")[0]) in ours and first not in MAY_USE[part] | _extra(file)
    ]
    assert strays == []


def _extra(file: Path) -> set[str]:
    return MAY_USE_AS_WELL.get(file.relative_to(HOME).as_posix(), set())


def test_the_audited_package_stands_alone() -> None:
    """``reference/utils`` imports itself only relatively and nothing above it, so that it loads under any name."""
    root = HOME / "reference" / "utils"
    strays = []
    for file in sorted(root.rglob("*.py")):
        depth = len(file.relative_to(root).parts)
        strays += [
            f"{file.relative_to(HOME)} imports {'.' * level}{name}"
            for name, level in imports(file)
            if level > depth or (level == 0 and name.split(".")[0] in {"utils", "reference", "harness"})
        ]
    assert strays == []


def test_the_harness_knows_no_finding() -> None:
    """No source of the harness names a finding."""
    named = [
        f"{file.relative_to(HOME)}: F{number:02}"
        for file in sources("harness")
        for number in range(1, 22)
        if f"F{number:02}" in file.read_text(encoding="utf-8") and not _is_example(file, number)
    ]
    assert named == []


def _is_example(file: Path, number: int) -> bool:
    """Tell whether a mention only shows how an id is written."""
    text = file.read_text(encoding="utf-8")
    examples = ("F01 to F99", "F02 for one")
    for example in examples:
        text = text.replace(example, "")
    return f"F{number:02}" not in text


@pytest.mark.parametrize("part", PARTS)
def test_files_are_of_a_size_to_read(part: str) -> None:
    """No file is longer than 600 lines."""
    long = [
        f"{file.relative_to(HOME)}: {count}"
        for file in sources(part)
        if (count := len(file.read_text(encoding="utf-8").splitlines())) > LONGEST_FILE
    ]
    assert long == []


@pytest.mark.parametrize("part", ["tests", "regressions", "fuzz"])
def test_every_test_states_its_fact(part: str) -> None:
    """Each test has a docstring, and so has each file of tests."""
    silent = []
    for file in sources(part):
        tree = ast.parse(file.read_bytes())
        nodes = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
        silent += [
            f"{file.name}: {node.name}"
            for node in nodes
            if node.name.startswith("test_") and not ast.get_docstring(node)
        ]
        silent += [] if ast.get_docstring(tree) else [file.name]
    assert silent == []


def test_the_lock_names_every_dependency_and_no_place() -> None:
    """requirements.lock holds each declared dependency, by name and version alone."""
    project = tomllib.loads((HOME / "pyproject.toml").read_text(encoding="utf-8"))
    groups = [entry for group in project["dependency-groups"].values() for entry in group if isinstance(entry, str)]
    declared = {_name(requirement) for requirement in [*project["project"]["dependencies"], *groups]}
    lines = (HOME / "requirements.lock").read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if "==" not in line or "://" in line] == []
    assert declared - {_name(line) for line in lines} == set()


def _name(requirement: str) -> str:
    name = requirement
    for mark in ("=", ">", "<", ";", "[", "~", " "):
        name = name.partition(mark)[0]
    return name.strip().lower().replace(".", "-").replace("_", "-")
