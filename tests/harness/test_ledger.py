"""The ledger is rendered from register and evidence alone, and its links hold in both directions."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from harness import evidence, ledger, prove, register, trace
from harness.project import Project

if TYPE_CHECKING:
    from pathlib import Path

    from harness.runner import Interpreter
    from tests.harness.conftest import Miniature

LINK = re.compile(r"\]\((?!https?://)([^)#]*)(#[^)]*)?\)")


def prove_and_render(miniature: Miniature, python: Interpreter) -> str:
    """Prove the miniature, save the evidence, write the ledger; return its text."""
    findings = miniature.register()
    evidence.save(miniature.project.evidence, prove.prove(miniature.project, findings, findings.values(), python))
    ledger.write(miniature.project, findings)
    return miniature.project.ledger.read_text(encoding="utf-8")


def test_a_proved_finding_reads_so(miniature: Miniature, python: Interpreter) -> None:
    """State, verdicts, place of the fix, regression and what each variant did are there."""
    miniature.proved()
    text = prove_and_render(miniature, python)
    assert "1 findings: 1 proved, 0 to re-verify, 0 not proved, 0 open." in text
    assert "[`Counter`](reference/utils/counter.py#L4)" in text
    assert "[regressions/test_f01_counter.py](regressions/test_f01_counter.py): A counter goes below zero." in text
    assert "| [audited](regressions/variants/F01/audited.patch) | a variant | fail | caught (fail) |" in text
    assert "| another way | pass | passes all |" in text


def test_rendering_is_stable(miniature: Miniature, python: Interpreter) -> None:
    """Proving afresh gives the same bytes: no dates, no timings, no paths of the machine."""
    miniature.proved()
    first = prove_and_render(miniature, python)
    findings = miniature.register()
    again = prove.prove(miniature.project, findings, findings.values(), python, afresh=True)
    evidence.save(miniature.project.evidence, again)
    assert ledger.render(miniature.project, findings) == first
    assert str(miniature.project.root) not in first + "".join(
        file.read_text() for file in miniature.project.evidence.iterdir()
    )


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("regressions/findings.toml", "goes below", "falls below"),
        ("regressions/test_f01_counter.py", "zero gives zero", "zero is zero"),
        ("reference/utils/counter.py", "Count down", "Counts down"),
        ("regressions/variants/F01/audited.patch", "a variant", "another title"),
    ],
)
def test_a_changed_base_is_to_be_verified_again(
    miniature: Miniature, python: Interpreter, file: str, old: str, new: str
) -> None:
    """A change of text, regression, unit or variant makes the row read re-verify, and the check fail."""
    miniature.proved()
    prove_and_render(miniature, python)
    path = miniature.project.root / file
    path.write_text(path.read_text().replace(old, new))
    findings = miniature.register()
    assert "| re-verify |" in ledger.render(miniature.project, findings)
    assert any("is out of date" in fault for fault in ledger.check(miniature.project, findings))


def test_line_endings_are_no_change(miniature: Miniature, python: Interpreter) -> None:
    """A checkout with CRLF renders and checks the same."""
    miniature.proved()
    prove_and_render(miniature, python)
    for path in miniature.project.root.rglob("*"):
        if path.suffix in {".md", ".py", ".toml", ".patch"}:
            path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert ledger.check(miniature.project, miniature.register()) == []


def test_what_is_not_proved_never_looks_green(miniature: Miniature, python: Interpreter) -> None:
    """A fault shows in the row, in the matrix and beside the variant."""
    miniature.proved()
    miniature.variant("audited-x", "max(0, self.value - 1)", "0")
    text = prove_and_render(miniature, python)
    assert "| not proved | nowhere yet |" in text
    assert "| [F01](#f01) | ! |" in text
    assert "**not as recorded** (pass)" in text


def test_without_evidence_nothing_is_proved(miniature: Miniature) -> None:
    """A finding that is done but was never proved says so; an open one is open."""
    miniature.findings("F01", waiting=("F02",))
    text = ledger.render(miniature.project, miniature.register())
    assert "0 proved, 0 to re-verify, 1 not proved, 1 open" in text
    assert "Not worked on yet" in text


def test_a_byte_of_difference_fails(miniature: Miniature, python: Interpreter) -> None:
    """A ledger edited by hand is out of date, and the difference is shown."""
    miniature.proved()
    text = prove_and_render(miniature, python)
    miniature.project.ledger.write_text(text.replace("1 proved", "2 proved"), encoding="utf-8")
    (fault,) = ledger.check(miniature.project, miniature.register())
    assert "-1 findings: 2 proved" in fault
    miniature.project.ledger.unlink()
    assert ledger.check(miniature.project, miniature.register()) == ["AUDIT.md: is not there; run `nox -s prove`"]


@pytest.mark.parametrize(
    ("file", "text", "says"),
    [
        ("reference/utils/other.py", "# see F77\n", "reference/utils/other.py:1: names F77, which the register lacks"),
        ("reference/utils/counter.py", "class Other: ...\n", "the reference has no utils/counter.py:Counter"),
        (
            "reference/utils/counter.py",
            "class Counter: ...\n",
            "the source of utils/counter.py:Counter does not name F01",
        ),
        ("regressions/test_f55_x.py", "", "regressions/test_f55_x.py: belongs to no finding"),
        ("regressions/test_other.py", "", "regressions/test_other.py: belongs to no finding"),
        ("regressions/variants/F55/audited.patch", "", "regressions/variants/F55: belongs to no finding"),
    ],
)
def test_an_id_without_a_row_and_a_row_without_code_are_errors(
    miniature: Miniature, file: str, text: str, says: str
) -> None:
    """Findings and code name each other, or the check fails."""
    miniature.write(file, text)
    assert any(says in fault for fault in trace.faults(miniature.project, miniature.register()))


def test_a_missing_unit_and_a_missing_regression_are_errors(miniature: Miniature) -> None:
    """A finding that is done has its regression and its audited files."""
    (miniature.project.regressions / "test_f01_counter.py").unlink()
    (miniature.project.reference / "utils" / "counter.py").unlink()
    faults = trace.faults(miniature.project, miniature.register())
    assert [fault.split(": ", 1)[1] for fault in faults] == [
        "is done, but there is no regressions/test_f01_*.py",
        "the reference has no utils/counter.py",
        "the reference has no utils/counter.py:Counter",
    ]


def test_a_symbol_is_found_wherever_it_stands(miniature: Miniature) -> None:
    """Classes, methods, assignments and definitions under a condition are found, with decorators."""
    miniature.write(
        "reference/utils/counter.py",
        "import sys\nLIMIT: int = 3\nA = B = 1\nif sys:\n    def f(): ...\n"
        "class C:\n    @property\n    def p(self): ...\n",
    )
    lines = {
        name: place.line if (place := trace.definition(miniature.project, f"utils/counter.py:{name}")) else None
        for name in ("LIMIT", "B", "f", "C", "C.p", "C.q", "nothing")
    }
    assert lines == {"LIMIT": 2, "B": 3, "f": 5, "C": 6, "C.p": 7, "C.q": None, "nothing": None}


def _documents() -> list[Path]:
    return sorted(Project().root.glob("*.md"))


@pytest.mark.parametrize("document", _documents(), ids=lambda path: path.name)
def test_every_link_resolves(document: Path) -> None:
    """Files that a document links to are there, lines and anchors too."""
    text = document.read_text(encoding="utf-8")
    for target, anchor in LINK.findall(text):
        path = document.parent / target if target else document
        assert path.exists(), f"{document.name} links to {target}"
        if anchor.startswith("#L"):
            assert int(anchor[2:]) <= len(path.read_text(encoding="utf-8").splitlines())
        elif anchor:
            there = path.read_text(encoding="utf-8")
            assert f'id="{anchor[1:]}"' in there or anchor[1:] in _headings(there), f"{document.name} links to {anchor}"


def _headings(text: str) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-") for heading in headings}


def test_the_project_names_each_finding_where_its_fix_is() -> None:
    """In the project itself, findings, code, regressions and variants agree."""
    project = Project()
    assert trace.faults(project, register.load(project.register)) == []
