"""A search: what it shows, keeps and exits with; on a project in miniature, and on the fuzzers of this one."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
from importlib.util import find_spec
from typing import TYPE_CHECKING

import pytest

from fuzz import guided as target_process
from fuzz.reach import name_of
from harness import fuzzers, guided, search
from harness.__main__ import main
from harness.arguments import Exit
from harness.project import HOME, Project
from tests.fuzz.made_up import FINDS, GOES_ON, OPTIONS

if TYPE_CHECKING:
    from pathlib import Path

QUIET = '''\
"""A fuzzer that tries and finds nothing."""

import os


def test_tries(tell):
    """."""
    tell("counts", {"counter": 3})
    tell("reach", {"harness/a.py": [1, 2], "utils/b.py": [int(os.environ["FUZZ_TIMES"])]})
'''


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project with one fuzzer that tries and finds nothing."""
    for name, text in {
        "fuzz/test_counter.py": QUIET,
        "fuzz/conftest.py": OPTIONS,
        "fuzz/fuzzers.toml": "[counter]\nbudget = 4\n",
        "regressions/findings.toml": "",
    }.items():
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return Project(tmp_path)


def test_a_quiet_search(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """A search of one round that finds nothing says how much it tried and reached, and exits with 0."""
    assert main(["fuzz", "--project", str(project.root), "--profile", "quick", "--time", "2m"]) == Exit.HELD
    said = capsys.readouterr().out
    assert "round 1  counter                3 examples" in said
    assert "3 lines (+3), 0 new" in said
    assert "3 lines of 2 files were reached: harness/a.py 2, utils/b.py 1" in said


def test_growth_is_told(project: Project) -> None:
    """Lines count once: what a second round reaches as the first one did is no growth."""
    growth: list[tuple[int, int]] = []

    def step(_name: str, found: search.Found) -> None:
        growth.append((found.growth, found.reached))
        if len(growth) == 3:
            raise KeyboardInterrupt

    found = search.search(project, fuzzers.table(project.fuzz).values(), 300.0, step)
    assert growth == [(3, 3), (1, 4), (1, 5)]
    assert (found.rounds, found.examples, found.is_interrupted) == (3, 9, True)


def test_time_that_is_up_at_once(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """A search in whose time no example was tried is red: nothing ran."""
    assert main(["fuzz", "--project", str(project.root), "--time", "0.01s"]) == Exit.NOTHING_RAN
    assert "give more with --time" in capsys.readouterr().err


def test_what_is_known_and_not_mended(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    """A failure that was known before and happens again is red as well, and is not called new."""
    (project.fuzz / "test_counter.py").write_text(FINDS, encoding="utf-8")
    at = ("--project", str(project.root), "--profile", "quick", "--time", "2m")
    assert main(["fuzz", *at]) == Exit.FAILED
    assert "new: .fuzz/finds-1.json; keep it with `python -m harness promote .fuzz" in capsys.readouterr().out
    assert main(["fuzz", *at]) == Exit.FAILED
    said = capsys.readouterr().out
    assert "known and not mended: .fuzz/finds-1.json" in said
    assert "new:" not in said


def test_a_fuzzer_that_does_not_end(project: Project) -> None:
    """A fuzzer that goes on is ended when its share of the time is up, which was looked at each second."""
    (project.fuzz / "test_counter.py").write_text(GOES_ON, encoding="utf-8")
    ticks: list[str] = []
    chosen = fuzzers.table(project.fuzz).values()
    found = search.search(project, chosen, 2.5, profile="quick", on_tick=lambda name, _found: ticks.append(name))
    assert set(ticks) == {"counter"}
    assert found.took < 50
    assert not found.is_interrupted


@pytest.mark.posix("Ctrl+C is a signal of POSIX; the consoles of Windows have another way")
def test_ctrl_c_at_a_real_search(project: Project) -> None:
    """Ctrl+C ends a search and its fuzzer; it has told what it found, keeps it, and exits with 130."""
    (project.fuzz / "test_counter.py").write_text(GOES_ON, encoding="utf-8")
    command = [sys.executable, "-m", "harness", "fuzz", "--project", str(project.root), "--time", "10m"]
    with subprocess.Popen(command, cwd=HOME, stdout=subprocess.PIPE, encoding="utf-8") as process:
        timer = threading.Timer(120, process.kill)
        timer.start()
        assert process.stdout is not None
        told = next(line for line in process.stdout if line.startswith("new: "))
        process.send_signal(signal.SIGINT)
        rest = process.stdout.read()
        assert process.wait() == Exit.INTERRUPTED
        timer.cancel()
    assert told.startswith("new: .fuzz/finds-1.json")
    assert "stopped; what was found is kept in .fuzz/" in rest
    assert (project.found / "finds-1.json").exists()


FAILING = '''\
"""A fuzzer whose examples fail."""

from hypothesis import given
from hypothesis import strategies as st

from fuzz.budget import Budget

FUZZ = Budget("counter", 80)


@FUZZ.tries
@given(number=st.integers(0, 1000))
def test_small(*, number):
    """Numbers are small."""
    if number > 40:
        raise KeyError(number)
'''


def test_what_fails_is_kept_at_once(project: Project) -> None:
    """An example that fails is kept with its arguments, whatever it raises, and before it is made smaller."""
    file = project.fuzz / "test_counter.py"
    file.write_text(FAILING, encoding="utf-8")
    (project.fuzz / "conftest.py").unlink()
    counts = project.root / "counts.json"
    process = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", str(file), "-q", "-p", "fuzz.conftest", "-p", "no:cacheprovider"),
            *("-c", str(HOME / "harness" / "judge.ini"), "--rootdir", str(project.root)),
            *("--fuzz-failures", str(project.found), "--fuzz-counts", str(counts)),
        ],
        cwd=HOME,
        capture_output=True,
        check=False,
    )
    assert process.returncode == 1, process.stdout
    (kept,) = project.found.glob("*.json")
    assert json.loads(kept.read_text(encoding="utf-8"))["arguments"] == {"number": "41"}
    assert json.loads(counts.read_text(encoding="utf-8"))["counter"] > 1


def test_lines_that_are_reached() -> None:
    """Lines of the project that run from the start on are told by file, on every Python."""
    code = (
        "from fuzz.reach import Reach; from harness import patch; reach = Reach(); reach.start()\n"
        "try: patch.parse('x')\nexcept patch.PatchError: pass\n"
        "lines = reach.stop(); print(list(lines), len(lines['harness/patch.py']) > 5)"
    )
    command = [sys.executable, "-c", code]
    said = subprocess.run(command, cwd=HOME, capture_output=True, check=True, encoding="utf-8").stdout
    assert said.split() == ["['harness/patch.py']", "True"]


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("/x/harness/a.py", "harness/a.py"),
        ("/tmp/subject-1/reference/utils/web/b.py", "reference/utils/web/b.py"),
        ("/tmp/subject-1/tree/utils/web/b.py", "utils/web/b.py"),
        ("/x/site-packages/harness/a.py", None),
        ("/x/other/a.py", None),
    ],
)
def test_names_of_what_is_reached(file: str, name: str | None) -> None:
    """Files count by their names from their part on; what is installed, or belongs to no part, does not count."""
    assert name_of(file) == name


# -- guided by coverage --------------------------------------------------------------------------------------------


def test_guided_targets_that_are_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    """A target of another name is refused, and those that there are are listed."""
    assert main(["fuzz", "--guided", "other"]) == Exit.USAGE
    assert "there are address, form" in capsys.readouterr().err
    assert len(guided.chosen(Project(HOME), ["all"])) > 5


def test_without_atheris(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Where atheris is not installed, a target says so, and where it could be, and searches nothing."""
    monkeypatch.setattr(target_process, "find_spec", lambda _name: None)
    assert target_process.main(["json", "--corpus", str(tmp_path)]) == guided.ABSENT == target_process.ABSENT
    assert "wheels for Linux on x86-64" in capsys.readouterr().err


TARGET = """\
import sys
print("#2\\tINITED cov: 14 ft: 14 corp: 1/1b exec/s: 0 rss: 53Mb", file=sys.stderr)
print("#8\\tpulse  cov: 20 ft: 21 corp: 3/9b lim: 4 exec/s: 4 rss: 53Mb", file=sys.stderr)
{more}
"""


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ("", Exit.HELD),
        ("open(sys.argv[sys.argv.index('--failures') + 1] + '/a.json', 'w').close(); sys.exit(77)", Exit.FAILED),
        ("sys.exit(64)", Exit.USAGE),
    ],
)
def test_progress_of_a_target(project: Project, capsys: pytest.CaptureFixture[str], more: str, code: Exit) -> None:
    """What a target says is read as progress; a failure that it leaves is red; one that cannot run is refused."""
    (project.fuzz / "corpora" / "one").mkdir(parents=True)
    (project.fuzz / "guided.py").write_text(TARGET.replace("{more}", more), encoding="utf-8")
    (project.fuzz / "__init__.py").touch()
    assert main(["fuzz", "--project", str(project.root), "--guided", "all", "--time", "5s"]) == code
    said = capsys.readouterr()
    assert "one        8 inputs, 4 a second, 20 branches (+6), 3 inputs kept" in said.out
    assert ("new: .fuzz/a.json" in said.out) is (code is Exit.FAILED)
    assert ("could not be searched" in said.err) is (code is Exit.USAGE)


@pytest.mark.skipif(find_spec("atheris") is None, reason="atheris has wheels for Linux on x86-64 alone")
def test_a_guided_search_finds(tmp_path: Path) -> None:
    """Atheris finds what breaks a parser of a tree, and keeps it, made smaller, as a failure to be promoted."""
    tree, failures, corpus = tmp_path / "tree", tmp_path / "failures", tmp_path / "corpus"
    (tree / "utils").mkdir(parents=True)
    corpus.mkdir()
    (tree / "utils" / "__init__.py").touch()
    (tree / "utils" / "fast_json.py").write_text(
        "def json_loads(data):\n    if data[:1] == b'\\x7b':\n        if data[1:2] == b'\\x7d':\n"
        "            raise KeyError(data)\n    raise ValueError\n",
        encoding="utf-8",
    )
    process = subprocess.run(
        [
            *(sys.executable, "-m", "fuzz.guided", "json", "--seconds", "60", "--subject", str(tree)),
            *("--corpus", str(corpus), "--failures", str(failures)),
        ],
        cwd=HOME,
        capture_output=True,
        check=False,
    )
    (kept,) = failures.glob("*.json")
    found = json.loads(kept.read_text(encoding="utf-8"))
    assert found["arguments"] == {"target": "'json'", "content": "b'{}'"}, process.stderr
    assert found["test"] == "test_any_bytes"
