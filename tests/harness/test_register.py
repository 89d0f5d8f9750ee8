"""The register is read strictly, and its faults are named by file, finding and key."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from harness import register
from harness.project import Project

if TYPE_CHECKING:
    from pathlib import Path

ENTRY = """
[F01]
title = "A title"
severity = "low"
category = "bug"
audited = ["utils/x.py:1-2,5"]
unit = ["utils/x.py"]
state = "open"
"""


def read(folder: Path, text: str) -> register.Register:
    """Write and read a register."""
    path = folder / "findings.toml"
    path.write_text(text, encoding="utf-8")
    return register.load(path)


def test_the_register_holds_every_finding_of_the_audit() -> None:
    """The project's own register has F01 to F21, in order."""
    assert list(register.load(Project().register)) == [f"F{number:02}" for number in range(1, 22)]


def test_an_open_finding_needs_no_verdict(tmp_path: Path) -> None:
    """A finding that is open may leave out what is not known yet."""
    finding = read(tmp_path, ENTRY)["F01"]
    assert finding.is_open
    assert finding.verdict == "unjudged"


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('severity = "low"', 'severity = "bad"', r"findings\.toml: F01\.severity: .*'critical'"),
        ('title = "A title"', "", r"findings\.toml: F01\.title: Field required"),
        ('title = "A title"', 'title = " "', r"F01\.title: "),
        ('title = "A title"', 'title = "A title"\ntitel = "x"', r"F01\.titel: Extra inputs"),
        ('title = "A title"', 'title = "A title"\nid = "F02"', r"F01\.id: is given by the table's name"),
        ('"utils/x.py:1-2,5"', '"x.py"', r"F01\.audited\.0: "),
        ('unit = ["utils/x.py"]', "unit = []", r"F01\.unit: "),
        ('unit = ["utils/x.py"]', 'unit = ["../x.py"]', r"F01\.unit\.0: "),
        ('state = "open"', 'state = "done"', r"F01: a finding that is done needs claim, symptom, .*verdict, fix"),
        ("[F01]", "[F1]", r"F1: is no finding id"),
        ("[F01]", "F02 = 3\n[F01]", r"F02: must be a table"),
        ("[F01]", "[F01", r"is not valid TOML"),
    ],
)
def test_names_file_finding_and_key(tmp_path: Path, old: str, new: str, says: str) -> None:
    """Every break of the schema is named with its place."""
    with pytest.raises(register.RegisterError, match=says):
        read(tmp_path, ENTRY.replace(old, new))


def test_names_every_fault_at_once(tmp_path: Path) -> None:
    """Two faults in two findings give two lines."""
    text = ENTRY.replace("low", "bad") + ENTRY.replace("F01", "F02").replace("bug", "worse")
    with pytest.raises(register.RegisterError) as caught:
        read(tmp_path, text)
    assert [line.split(":")[1].strip() for line in str(caught.value).splitlines()] == ["F01.severity", "F02.category"]


def test_an_empty_register_is_an_error(tmp_path: Path) -> None:
    """A register without findings cannot look green."""
    with pytest.raises(register.RegisterError, match="holds no finding"):
        read(tmp_path, "")


def test_a_missing_register_is_an_error(tmp_path: Path) -> None:
    """A register that is not there is named."""
    with pytest.raises(register.RegisterError, match=r"findings\.toml: cannot be read"):
        register.load(tmp_path / "findings.toml")
