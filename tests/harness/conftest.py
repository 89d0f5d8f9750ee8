"""A project in miniature: a register, a reference, regressions and variants that a test writes as it needs them."""

from __future__ import annotations

import difflib
import textwrap
from typing import TYPE_CHECKING

import pytest

from harness import register, runner
from harness.project import Project

if TYPE_CHECKING:
    from pathlib import Path

COUNTER = '''\
"""A counter that never goes below zero."""


class Counter:
    """Counts (F01)."""

    def __init__(self) -> None:
        self.value = 0

    def down(self) -> int:
        """Count down, not below zero."""
        self.value = max(0, self.value - 1)
        return self.value
'''

COUNTER_REGRESSION = '''\
"""A counter goes below zero.

Counting down from zero must stay at zero.
"""


def test_stays_at_zero(subject):
    """Counting down from zero gives zero."""
    value = subject.counter.Counter().down()
    assert value == 0, f"counting down from zero gave {value}"
'''

DONE = """
[{id}]
title = "A counter goes below zero"
severity = "low"
category = "bug"
cwe = [191]
audited = ["utils/counter.py:10"]
claim = "The counter goes below zero."
symptom = "A negative number."
verdict = "confirmed"
evidence = "Ran it."
fix = "right"
fix_evidence = "Ran it."
correction = "It stops at zero."
unit = ["utils/counter.py"]
symbols = ["utils/counter.py:Counter"]
state = "{state}"
"""


class Miniature:
    """A small project in a folder of its own."""

    def __init__(self, root: Path) -> None:
        """Write the register, the reference and one regression."""
        self.project = Project(root)
        self.findings("F01")
        self.write("reference/utils/__init__.py", "")
        self.write("reference/utils/counter.py", COUNTER)
        self.write("regressions/test_f01_counter.py", COUNTER_REGRESSION)

    def write(self, name: str, text: str) -> Path:
        """Write a file below the project's root."""
        path = self.project.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text), encoding="utf-8", newline="\n")
        return path

    def findings(self, *done: str, waiting: tuple[str, ...] = ()) -> None:
        """Write a register with some findings done and some open."""
        tables = [DONE.format(id=name, state="done") for name in done]
        tables += [DONE.format(id=name, state="open") for name in waiting]
        self.write("regressions/findings.toml", "".join(tables))

    def register(self) -> register.Register:
        """Read the register."""
        return register.load(self.project.register)

    def tree(self, files: dict[str, str], name: str = "tree") -> Path:
        """Write a tree to judge, beside the reference; return its root."""
        for file, text in files.items():
            self.write(f"{name}/utils/{file}", text)
        return self.project.root / name

    def variant(self, name: str, old: str, new: str, header: str = "", *, finding: str = "F01") -> Path:
        """Write a variant that replaces text in the counter."""
        changed = COUNTER.replace(old, new)
        lines = difflib.unified_diff(
            COUNTER.splitlines(keepends=True),
            changed.splitlines(keepends=True),
            "a/utils/counter.py",
            "b/utils/counter.py",
        )
        header = header or "Title: a variant\nExpect: fail\nReason: from zero gave\n"
        path = self.write(f"regressions/variants/{finding}/{name}.patch", "")
        path.write_text(header + "".join(lines), encoding="utf-8", newline="\n")
        return path

    def proved(self) -> None:
        """Write the variants that a proof of the counter needs."""
        lookalike = "Title: another way\nExpect: pass\n"
        self.variant("audited", "max(0, self.value - 1)", "self.value - 1")
        self.variant("lookalike-if", "max(0, self.value - 1)", "self.value - 1 if self.value else 0", lookalike)
        self.variant("lookalike-sorted", "max(0, self.value - 1)", "sorted((0, self.value - 1))[1]", lookalike)


@pytest.fixture
def miniature(tmp_path: Path) -> Miniature:
    """A project in miniature with one finding, done."""
    return Miniature(tmp_path / "project")


@pytest.fixture(scope="session")
def python() -> runner.Interpreter:
    """The interpreter that runs the tests."""
    return runner.interpreter()
