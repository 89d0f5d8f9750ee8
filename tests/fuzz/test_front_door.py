"""The commands around the fuzzers: teeth, search and promotion, on a project in miniature."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from harness import fuzzers, ledger, merge, promote, register, runner, search, teeth
from harness.__main__ import main
from harness.arguments import Exit
from harness.project import HOME, Project
from harness.status import Status
from tests.fuzz.made_up import FINDS, OPTIONS

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
    chosen = fuzzers.table(project.fuzz).values()
    found = teeth.try_all(project, chosen, runner.interpreter())
    bites = found.fuzzers["counter"]
    assert bites.is_proved, bites
    assert (bites.trees["F01/audited"].status, bites.trees["F01/audited"].tried) == (Status.FAIL, 4)
    teeth.save(project.teeth, found)
    teeth.save(project.teeth, found)
    assert "| 1 of 1 | 1 of 1 | F01/audited 4 |" in teeth.section(project)
    assert teeth.section(project).rstrip().endswith("proved |")
    assert [fuzzer.name for fuzzer in fuzzers.guarding(project, {"F01"})] == ["counter"]
    assert fuzzers.guarding(project, {"F02"}) == []
    (project.fuzz / "test_counter.py").write_text(FUZZER + "\n", encoding="utf-8")
    assert teeth.section(project).rstrip().endswith("re-verify |")


def test_a_fuzzer_without_teeth(project: Project) -> None:
    """A fuzzer that finds nothing is not proved, whatever else it says."""
    (project.fuzz / "test_counter.py").write_text(
        '"""."""\n\n\ndef test_nothing(subject):\n    """."""\n', encoding="utf-8"
    )
    assert teeth.section(project).rstrip().endswith("| 0 of 1 | 0 of 1 | | nowhere yet | not proved |")
    found = teeth.try_all(project, fuzzers.table(project.fuzz).values(), runner.interpreter())
    assert found.faults == ["counter on F01/audited: pass, but there is a defect"]
    assert not found.fuzzers["counter"].is_proved
    teeth.save(project.teeth, found)
    assert "not proved" in teeth.section(project)
    assert list(merge.toothless(project, [found], ())) == [f"{found.tag}: {found.faults[0]}"]


def test_tables_and_variants_that_are_not_there(project: Project) -> None:
    """A table without a budget, a variant that is not there and evidence that is none are named."""
    (project.fuzz / "fuzzers.toml").write_text("[counter]\n", encoding="utf-8")
    with pytest.raises(fuzzers.TeethError, match=r"fuzzers\.toml: KeyError"):
        fuzzers.table(project.fuzz)
    (project.fuzz / "fuzzers.toml").write_text('[counter]\nbudget = 1\nguards = ["F01/other"]\n', encoding="utf-8")
    found = teeth.try_all(project, fuzzers.table(project.fuzz).values(), runner.interpreter())
    assert found.faults[0].startswith("counter on F01/other: error, but there is a defect: F01/other: ")
    project.teeth.mkdir()
    (project.teeth / "linux-3.11.json").write_text("{}", encoding="utf-8")
    with pytest.raises(fuzzers.TeethError, match=r"linux-3\.11\.json"):
        teeth.section(project)
    assert teeth.section(Project(project.root / "nowhere")) == ""
    assert fuzzers.guarding(Project(project.root / "nowhere"), {"F01"}) == []


@pytest.mark.parametrize(("text", "expected"), [("90", 90), ("90s", 90), ("1.5m", 90), ("2h", 7200)])
def test_times(text: str, expected: float) -> None:
    """A time is a number of seconds, minutes or hours."""
    assert search.seconds(text) == expected


@pytest.mark.parametrize("text", ["", "0", "ten", "5d", "-3s"])
def test_no_times(text: str) -> None:
    """Anything else is no time."""
    with pytest.raises(ValueError, match="is no time"):
        search.seconds(text)


def test_a_search_keeps_what_it_finds(project: Project) -> None:
    """A search counts examples, tells each step and names each new failure once."""
    (project.fuzz / "test_counter.py").write_text(FINDS, encoding="utf-8")
    (project.fuzz / "conftest.py").write_text(OPTIONS, encoding="utf-8")
    steps: list[str] = []

    def step(name: str, _found: search.Found) -> None:
        steps.append(name)
        if len(steps) == 2:
            raise KeyboardInterrupt

    found = search.search(project, fuzzers.table(project.fuzz).values(), 120.0, step)
    assert steps == ["counter", "counter"]
    assert found.examples == 14
    assert [path.name for path in found.failures] == ["finds-1.json"]
    assert found.rate > 0
    assert promote.failures(project) == found.failures


@pytest.mark.parametrize(
    ("text", "told"),
    [("import no_such_module\n", "No module named 'no_such_module'"), ('"""Nothing."""\n', "no tests ran")],
)
def test_a_fuzzer_that_cannot_run_is_no_search(
    project: Project, capsys: pytest.CaptureFixture[str], text: str, told: str
) -> None:
    """A fuzzer that cannot be imported, or holds no test, ends the search in red and says why."""
    (project.fuzz / "test_counter.py").write_text(text, encoding="utf-8")
    (project.fuzz / "conftest.py").write_text(OPTIONS, encoding="utf-8")
    assert main(["fuzz", "--project", str(project.root), "--time", "60s"]) == Exit.BROKEN
    said = capsys.readouterr().err
    assert "the fuzzer counter could not be run" in said
    assert told in said


def test_ctrl_c_keeps_what_was_found(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """A search that is stopped says so and still tells what it found."""
    (project.fuzz / "test_counter.py").write_text(FINDS, encoding="utf-8")
    (project.fuzz / "conftest.py").write_text(OPTIONS, encoding="utf-8")

    def stop(_name: str, _found: search.Found) -> None:
        raise KeyboardInterrupt

    found = search.search(project, fuzzers.table(project.fuzz).values(), 30.0, stop)
    assert found.is_interrupted
    assert [path.name for path in found.failures] == ["finds-1.json"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(search, "search", lambda *_, **_options: found)
        assert main(["fuzz", "--project", str(project.root)]) == Exit.INTERRUPTED
    assert "new: .fuzz/finds-1.json; keep it" in capsys.readouterr().out


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
    monkeypatch.setattr(register, "load", lambda _path: {})
    assert main(["fuzz", *at, "--teeth"]) == Exit.HELD
    shown = capsys.readouterr()
    assert "counter  proved      1 of 1 defects found, 1 of 1 others spared" in shown.out
    assert "2 of 2 verdicts of fuzzers" in shown.err
    (project.fuzz / "fuzzers.toml").write_text("[counter]\nbudget = 1\n", encoding="utf-8")
    assert main(["fuzz", *at, "--teeth"]) == Exit.NOTHING_RAN


def test_the_table_names_what_is_there() -> None:
    """Each fuzzer of the table has its file, and each file its row; guards and spares are variants of their kind."""
    assert fuzzers.faults(Project(HOME)) == []


def test_a_table_of_what_is_not_there(project: Project) -> None:
    """Rows without a file, files without a row, and labels of no variant or of the wrong kind fail the ledger."""
    (project.fuzz / "test_other.py").touch()
    (project.variants / "F01" / "lookalike-x.patch").write_text("", encoding="utf-8")
    row = '[counter]\nbudget = 4\nguards = ["F01/lookalike-x", "F01/gone"]\nspares = ["F01/audited"]\n'
    (project.fuzz / "fuzzers.toml").write_text(f"{row}[lost]\nbudget = 1\n", encoding="utf-8")
    assert fuzzers.faults(project) == [
        "fuzz/test_other.py: has no row in fuzzers.toml",
        "fuzzers.toml: counter: F01/lookalike-x: a defect is guarded and a lookalike spared",
        "fuzzers.toml: counter: F01/gone: there is no such variant",
        "fuzzers.toml: counter: F01/audited: a defect is guarded and a lookalike spared",
        "fuzzers.toml: lost: there is no fuzz/test_lost.py",
    ]
    assert set(fuzzers.faults(project)) <= set(ledger.check(project, {}))


def test_what_was_found_is_not_searched_again(project: Project) -> None:
    """A second run takes every verdict from the first, unless it is to start afresh or what it rests on changed."""
    steps: list[teeth.Step] = []

    def remembered(*, afresh: bool = False) -> list[bool]:
        steps.clear()
        known = fuzzers.table(project.fuzz).values()
        teeth.try_all(project, known, runner.interpreter(), afresh=afresh, on_step=steps.append)
        assert [(step.done, step.total) for step in steps] == [(1, 2), (2, 2)]
        return [step.remembered for step in steps]

    assert [remembered(), remembered(), remembered(afresh=True)] == [[False] * 2, [True] * 2, [False] * 2]
    (project.reference / "utils" / "counter.py").write_text(f"{COUNTER}# changed\n", encoding="utf-8")
    assert remembered() == [False, False]
    (project.fuzz / "examples.toml").write_text("new = 1", encoding="utf-8")
    assert remembered() == [True, True]
    file = project.fuzz / "test_counter.py"
    file.write_text(file.read_text(encoding="utf-8") + '\nEXAMPLES = "examples.toml"\n', encoding="utf-8")
    assert remembered() == [False, False]
    (project.fuzz / "examples.toml").write_text("new = 2", encoding="utf-8")
    assert remembered() == [False, False]
    row = (project.fuzz / "fuzzers.toml").read_text(encoding="utf-8")
    (project.fuzz / "fuzzers.toml").write_text(row.replace("budget = 4", "budget = 5"), encoding="utf-8")
    assert remembered() == [False, False]


def test_evidence_rests_on_what_is_changed_and_used(project: Project) -> None:
    """The fingerprint follows the module that a variant changes, shared tools, and modules beside the fuzzer."""
    files = {
        "reference/utils/counter.py": COUNTER + "\n",
        "harness/parts/tool.py": "USED = 2\n",
        "fuzz/beside.py": "USED = 2\n",
        "fuzz/corpus/one.txt": "2\n",
    }
    for name in ("harness/parts/tool.py", "fuzz/beside.py", "fuzz/corpus/one.txt", "fuzz/corpus/unused.txt"):
        (project.root / name).parent.mkdir(parents=True, exist_ok=True)
        (project.root / name).write_text("USED = 1\n", encoding="utf-8")
    imports = 'from fuzz import beside\nfrom harness.parts.tool import USED\n\nCORPUS = "corpus"\n'
    (project.fuzz / "test_counter.py").write_text(imports, encoding="utf-8")
    fuzzer = fuzzers.table(project.fuzz)["counter"]
    seen = [fuzzers.fingerprint_of(project, fuzzer)]
    for name, text in files.items():
        (project.root / name).write_text(text, encoding="utf-8")
        seen.append(fuzzers.fingerprint_of(project, fuzzer))
    assert len(set(seen)) == 5


def test_claims_of_teeth_are_checked(project: Project, tmp_path: Path) -> None:
    """A fuzzer that committed evidence calls proved must be proved anew on the same platform, or the merge is red."""
    found = teeth.try_all(project, fuzzers.table(project.fuzz).values(), runner.interpreter())
    teeth.save(project.teeth, found)
    elsewhere = "windows" if found.platform == "windows-wine" else "windows-wine"
    teeth.save(project.teeth, found.model_copy(update={"platform": elsewhere}))
    teeth.save(tmp_path / "artefacts" / "fuzz" / "evidence", found)
    fresh = merge.gather_teeth([tmp_path / "artefacts"])
    assert fresh == [found]
    said = list(merge.toothless(project, fresh, ()))
    assert said == [f"fuzzer counter: is claimed to be proved on {elsewhere}-{found.python}, and was not proved there"]
    assert list(merge.toothless(project, fresh, (elsewhere,))) == []
    new = found.model_copy(update={"python": "9.9"})
    merge.take_in(project, [], [new])
    assert new in teeth.load_all(project.teeth)


def test_running_out_of_time_finds_nothing(project: Project) -> None:
    """A fuzzer that does not come to an end on what it guards has not found the defect."""
    endless = "def test_endless(subject):\n    while subject.counter.down(0) < 0:\n        pass\n"
    (project.fuzz / "test_counter.py").write_text(endless, encoding="utf-8")
    found = teeth.try_all(project, fuzzers.table(project.fuzz).values(), runner.interpreter(), timeout=5.0)
    bite = found.fuzzers["counter"].trees["F01/audited"]
    assert (bite.status, bite.is_right) == (Status.HANG, False)
