"""The commands around the fuzzers: teeth, search and promotion, on a project in miniature."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from harness import promote, register, runner, search, teeth
from harness.__main__ import Exit, main
from harness.project import HOME, Project
from harness.status import Status

if TYPE_CHECKING:
    from pathlib import Path

COUNTER = """\
def down(value):
    return max(0, value - 1)
"""
PATCH = """\
Title: it goes below zero
Expect: fail
Reason: below zero
--- a/utils/counter.py
+++ b/utils/counter.py
@@ -1,2 +1,2 @@
 def down(value):
-    return max(0, value - 1)
+    return value - 1
"""
FUZZER = '''\
"""A counter."""


def test_never_below_zero(subject):
    """No value goes below zero."""
    for example, value in enumerate(range(3, -1, -1), 1):
        assert subject.counter.down(value) >= 0, f"{value} went below zero [found by example {example} of 4]"
'''


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project with one module, one defect and one fuzzer that guards it."""
    for name, text in {
        "reference/utils/counter.py": COUNTER,
        "regressions/variants/F01/audited.patch": PATCH,
        "regressions/findings.toml": "",
        "fuzz/test_counter.py": FUZZER,
        "fuzz/fuzzers.toml": '[counter]\nbudget = 4\nguards = ["F01/audited"]\n',
    }.items():
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return Project(tmp_path)


def test_a_fuzzer_that_finds(project: Project) -> None:
    """A fuzzer passes on the reference, finds what it guards, and the ledger says with which example."""
    chosen = teeth.table(project.fuzz).values()
    found = teeth.try_all(project, chosen, runner.interpreter())
    bites = found.fuzzers["counter"]
    assert bites.is_proved, bites
    assert (bites.trees["F01/audited"].status, bites.trees["F01/audited"].tried) == (Status.FAIL, 4)
    teeth.save(project.teeth, found)
    teeth.save(project.teeth, found)
    assert "| 1 of 1 | 1 of 1 | F01/audited 4 |" in teeth.section(project)
    assert teeth.section(project).rstrip().endswith("proved |")
    assert teeth.guarding(project, "F01") == ("counter",)
    (project.fuzz / "test_counter.py").write_text(FUZZER + "\n", encoding="utf-8")
    assert teeth.section(project).rstrip().endswith("re-verify |")


def test_a_fuzzer_without_teeth(project: Project) -> None:
    """A fuzzer that finds nothing is not proved, whatever else it says."""
    (project.fuzz / "test_counter.py").write_text(
        '"""."""\n\n\ndef test_nothing(subject):\n    """."""\n', encoding="utf-8"
    )
    found = teeth.try_all(project, teeth.table(project.fuzz).values(), runner.interpreter())
    assert not found.fuzzers["counter"].is_proved
    teeth.save(project.teeth, found)
    assert "not proved" in teeth.section(project)


def test_tables_and_variants_that_are_not_there(project: Project) -> None:
    """A table without a budget, and a variant that is not there, are named."""
    (project.fuzz / "fuzzers.toml").write_text("[counter]\n", encoding="utf-8")
    with pytest.raises(teeth.TeethError, match=r"fuzzers\.toml: KeyError"):
        teeth.table(project.fuzz)
    (project.fuzz / "fuzzers.toml").write_text('[counter]\nbudget = 1\nguards = ["F01/other"]\n', encoding="utf-8")
    with pytest.raises(teeth.TeethError, match="F01/other"):
        teeth.try_all(project, teeth.table(project.fuzz).values(), runner.interpreter())
    project.teeth.mkdir()
    (project.teeth / "linux-3.11.json").write_text("{}", encoding="utf-8")
    with pytest.raises(teeth.TeethError, match=r"linux-3\.11\.json"):
        teeth.section(project)
    assert teeth.section(Project(project.root / "nowhere")) == ""
    assert teeth.guarding(Project(project.root / "nowhere"), "F01") == ()


@pytest.mark.parametrize(("text", "expected"), [("90", 90), ("90s", 90), ("1.5m", 90), ("2h", 7200)])
def test_times(text: str, expected: float) -> None:
    """A time is a number of seconds, minutes or hours."""
    assert search.seconds(text) == expected


@pytest.mark.parametrize("text", ["", "0", "ten", "5d", "-3s"])
def test_no_times(text: str) -> None:
    """Anything else is no time."""
    with pytest.raises(ValueError, match="is no time"):
        search.seconds(text)


SEARCHED = '''\
"""A fuzzer that always finds."""

from pathlib import Path
import json


def test_finds(request):
    """."""
    Path(request.config.getoption("--fuzz-counts")).write_text(json.dumps({"counter": 7}), encoding="utf-8")
    folder = Path(request.config.getoption("--fuzz-failures"))
    folder.mkdir(exist_ok=True)
    (folder / "finds-1.json").write_text("{}", encoding="utf-8")
'''
OPTIONS = '''\
"""Options."""


def pytest_addoption(parser):
    """."""
    parser.addoption("--fuzz-counts")
    parser.addoption("--fuzz-failures")
'''


def test_a_search_keeps_what_it_finds(project: Project) -> None:
    """A search counts examples, tells each step and names each new failure once."""
    (project.fuzz / "test_counter.py").write_text(SEARCHED, encoding="utf-8")
    (project.fuzz / "conftest.py").write_text(OPTIONS, encoding="utf-8")
    steps: list[str] = []
    found = search.search(project, teeth.table(project.fuzz).values(), 3.0, lambda name, _: steps.append(name))
    assert steps
    assert set(steps) == {"counter"}
    assert found.examples >= 7
    assert [path.name for path in found.failures] == ["finds-1.json"]
    assert found.rate > 0
    assert promote.failures(project) == found.failures


def test_ctrl_c_keeps_what_was_found(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """A search that is stopped says so and still tells what it found."""
    (project.fuzz / "test_counter.py").write_text(SEARCHED, encoding="utf-8")
    (project.fuzz / "conftest.py").write_text(OPTIONS, encoding="utf-8")

    def stop(_name: str, _found: search.Found) -> None:
        raise KeyboardInterrupt

    found = search.search(project, teeth.table(project.fuzz).values(), 30.0, stop)
    assert found.is_interrupted
    assert [path.name for path in found.failures] == ["finds-1.json"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(search, "search", lambda *_: found)
        assert main(["fuzz", "--project", str(project.root)]) == Exit.INTERRUPTED
    assert "new: .fuzz/finds-1.json" in capsys.readouterr().out


def failure(project: Project, **changes: object) -> Path:
    """Write a failure as a fuzzer keeps it."""
    entry = {
        "file": "test_counter.py",
        "test": "test_never_below_zero",
        "message": "0 went below zero",
        "schedule": None,
        "arguments": {"value": "0"},
    }
    path = project.root / "below_zero-1.json"
    path.write_text(json.dumps(entry | changes), encoding="utf-8")
    return path


def test_promotion(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """A failure becomes a case under its own or a given name, once."""
    path = failure(project)
    assert main(["promote", "--project", str(project.root), str(path)]) == Exit.HELD
    assert promote.promote(project, path, "another-name") == "another-name"
    assert main(["promote", "--project", str(project.root), str(path)]) == Exit.USAGE
    text = (project.fuzz / "cases.toml").read_text(encoding="utf-8")
    assert "[below-zero-1]" in text
    assert "[another-name.arguments]" in text
    assert "there is a case of this name" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("changes", "name", "message"),
    [
        ({}, "Not a name", "named in lower-case words"),
        ({"arguments": {"value": "partial(f)"}}, None, "is no literal"),
        ({"surplus": 1}, None, "is no failure"),
    ],
)
def test_what_cannot_be_promoted(project: Project, changes: dict[str, object], name: str | None, message: str) -> None:
    """A bad name, arguments that are no literals and files of another kind are refused with the reason."""
    with pytest.raises(promote.PromoteError, match=message):
        promote.promote(project, failure(project, **changes), name)


def test_a_file_that_is_no_failure(project: Project) -> None:
    """A file that is not there, or no JSON, is refused."""
    with pytest.raises(promote.PromoteError, match="is no failure"):
        promote.promote(project, project.root / "nothing-1.json")


def test_command_line(project: Project, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """The command refuses unknown fuzzers and times, proves teeth, and searches."""
    at = ("--project", str(project.root))
    assert main(["fuzz", *at, "--only", "other"]) == Exit.USAGE
    assert main(["fuzz", *at, "--time", "soon"]) == Exit.USAGE
    assert main(["fuzz", *at, "--time", "1s"]) == Exit.HELD
    monkeypatch.setattr(register, "load", lambda _path: {})
    assert main(["fuzz", *at, "--teeth"]) == Exit.HELD
    assert "counter on F01/audited: fail at example 4, as it should" in capsys.readouterr().out
    (project.fuzz / "fuzzers.toml").write_text("[counter]\nbudget = 1\n", encoding="utf-8")
    assert main(["fuzz", *at, "--teeth"]) == Exit.NOTHING_RAN


def test_the_table_names_what_is_there() -> None:
    """Each fuzzer of the table has its file, and each file its row; guards and spares are variants of their kind."""
    project = Project(HOME)
    known = teeth.table(project.fuzz)
    assert sorted(known) == sorted(path.stem.removeprefix("test_") for path in project.fuzz.glob("test_*.py"))
    named = [(label, "lookalike" in label) for fuzzer in known.values() for label in fuzzer.guards]
    named += [(label, "lookalike" not in label) for fuzzer in known.values() for label in fuzzer.spares]
    wrong = [label for label, is_wrong in named if is_wrong or not (project.variants / f"{label}.patch").is_file()]
    assert wrong == []
