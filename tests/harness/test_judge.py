"""Whatever a subject does, its verdict is right and the others are not harmed."""

from __future__ import annotations

import json
import subprocess
import sys
import venv
from typing import TYPE_CHECKING

import jsonschema
import psutil
import pytest

from harness import judge, runner
from harness.project import HOME
from harness.status import Status

if TYPE_CHECKING:
    from pathlib import Path

    from harness.judge import Judgement
    from harness.runner import Interpreter
    from tests.harness.conftest import Miniature

RIGHT = "class Counter:\n    def down(self):\n        return 0\n"
WRONG = "class Counter:\n    def down(self):\n        return -1\n"
TIMEOUT = 60.0


def judged(miniature: Miniature, python: Interpreter, tree: Path, timeout: float = TIMEOUT) -> Judgement:
    """Judge a tree by all findings of the miniature."""
    return judge.judge(miniature.project, miniature.register().values(), tree, python, timeout=timeout)


@pytest.mark.parametrize(
    ("counter", "status", "reason"),
    [
        (RIGHT, Status.PASS, ""),
        (WRONG, Status.FAIL, "counting down from zero gave -1"),
        ("class Counter:\n    def down(self):\n        raise KeyError('lost')\n", Status.FAIL, "KeyError: 'lost'"),
        ("class Counter:\n    def down(self):\n        return x\n        x = 1\n", Status.FAIL, "UnboundLocalError"),
        ("import os\nos._exit(7)\n", Status.CRASH, "exit code 7 in test_stays_at_zero"),
        ("import os, signal\nos.kill(os.getpid(), signal.SIGTERM)\n", Status.CRASH, "test_stays_at_zero"),
        ("import sys\nsys.exit(3)\n", Status.FAIL, "SystemExit: 3"),
        ("import nothing_of_this_name\n", Status.ERROR, "No module named 'nothing_of_this_name'"),
        ("this is no Python\n", Status.ERROR, "SyntaxError"),
        ("class Other: pass\n", Status.NOT_APPLICABLE, "utils.counter has no Counter"),
        (RIGHT + "print('x' * 5_000_000, flush=True)\n", Status.PASS, ""),
        (RIGHT + "import sys; sys.stdout.buffer.write(b'\\xff\\0{' * 99); sys.stdout.close()\n", Status.PASS, ""),
        (RIGHT + "import sys\nfor name in ('json', 'traceback', 're'): sys.modules[name] = None\n", Status.PASS, ""),
    ],
)
def test_each_kind_of_subject_gets_its_verdict(
    miniature: Miniature, python: Interpreter, counter: str, status: Status, reason: str
) -> None:
    """Failing, raising, killing its process, exiting, broken, lacking, noisy, polluting: each is told apart."""
    tree = miniature.tree({"__init__.py": "", "counter.py": counter})
    verdict = judged(miniature, python, tree).verdicts["F01"]
    assert (verdict.status, reason in verdict.reason) == (status, True), verdict


def test_a_subject_that_hangs_at_import_is_a_hang(miniature: Miniature, python: Interpreter) -> None:
    """The time-out ends the process and names the test."""
    tree = miniature.tree({"__init__.py": "import threading\nthreading.Event().wait()\n", "counter.py": RIGHT})
    for enough_to_start in (2.0, 15.0, 60.0):  # on a busy machine the first may not do
        verdict = judged(miniature, python, tree, timeout=enough_to_start).verdicts["F01"]
        if verdict.test:
            break
    answer = f"no answer within {enough_to_start:g} s in test_stays_at_zero"
    assert (verdict.status, verdict.reason) == (Status.HANG, answer)


def test_a_subject_that_never_exits_keeps_its_verdict(miniature: Miniature, python: Interpreter) -> None:
    """A thread that outlives the regression delays nothing but the process's end."""
    lingering = RIGHT + "import threading\nthreading.Thread(target=threading.Event().wait).start()\n"
    tree = miniature.tree({"__init__.py": "", "counter.py": lingering})
    assert judged(miniature, python, tree).verdicts["F01"].status is Status.PASS


def test_a_missing_module_is_not_applicable(miniature: Miniature, python: Interpreter) -> None:
    """A tree without the module never passes, and a run without any verdict says so."""
    judgement = judged(miniature, python, miniature.tree({"__init__.py": ""}))
    assert judgement.verdicts["F01"].status is Status.NOT_APPLICABLE
    assert not judgement.ran


def test_one_bad_module_does_not_spoil_the_other_verdicts(miniature: Miniature, python: Interpreter) -> None:
    """A crash in one finding leaves the verdict of another alone."""
    miniature.findings("F01", "F02", waiting=("F03",))
    miniature.write(
        "regressions/test_f02_other.py",
        '"""Other."""\n\ndef test_it(subject):\n    assert subject.other.value == 2, "two"\n',
    )
    tree = miniature.tree({"__init__.py": "", "counter.py": "import os\nos.abort()\n", "other.py": "value = 2\n"})
    judgement = judged(miniature, python, tree)
    assert [verdict.status for verdict in judgement.verdicts.values()] == [Status.CRASH, Status.PASS, Status.OPEN]
    assert sum(judgement.totals.values()) == 3


def test_the_tree_itself_is_never_written_to(miniature: Miniature, python: Interpreter) -> None:
    """What a subject writes, beside itself or in its working directory, goes to a copy."""
    writes = RIGHT + "import pathlib\npathlib.Path('data').mkdir()\npathlib.Path(__file__).with_name('x').touch()\n"
    tree = miniature.tree({"__init__.py": "", "counter.py": writes})
    before = sorted(tree.rglob("*"))
    assert judged(miniature, python, tree).verdicts["F01"].status is Status.PASS
    assert sorted(tree.rglob("*")) == before


def test_secrets_of_the_environment_are_not_handed_on(
    miniature: Miniature, python: Interpreter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Code under judgement sees no token of the person who judges it."""
    monkeypatch.setenv("DISCORD_TOKEN", "real")
    sees = "import os\n" + RIGHT.replace("0", "-1 if 'DISCORD_TOKEN' in os.environ else 0")
    tree = miniature.tree({"__init__.py": "", "counter.py": sees})
    assert judged(miniature, python, tree).verdicts["F01"].status is Status.PASS


def test_a_regression_that_cannot_be_imported_is_an_error(miniature: Miniature, python: Interpreter) -> None:
    """The reason is the import's own message."""
    miniature.write("regressions/test_f01_counter.py", '"""Broken."""\nimport nothing_of_this_name\n')
    verdict = judged(miniature, python, miniature.project.reference).verdicts["F01"]
    assert verdict.status is Status.ERROR
    assert "nothing_of_this_name" in verdict.reason


def test_a_missing_regression_is_an_error(miniature: Miniature, python: Interpreter) -> None:
    """A finding that is done but has no regression is no pass."""
    (miniature.project.regressions / "test_f01_counter.py").unlink()
    verdict = judged(miniature, python, miniature.project.reference).verdicts["F01"]
    assert (verdict.status, "test_f01_*" in verdict.reason) == (Status.ERROR, True)


def test_a_regression_in_which_nothing_runs_is_no_pass(miniature: Miniature, python: Interpreter) -> None:
    """A file without tests is an error; one that skips everything is not applicable."""
    miniature.write("regressions/test_f01_counter.py", '"""Empty."""\n')
    assert judged(miniature, python, miniature.project.reference).verdicts["F01"].status is Status.ERROR
    skips = '"""Skips."""\nimport pytest\n\ndef test_it():\n    pytest.skip("not on this platform")\n'
    miniature.write("regressions/test_f01_counter.py", skips)
    verdict = judged(miniature, python, miniature.project.reference).verdicts["F01"]
    assert (verdict.status, verdict.reason) == (Status.NOT_APPLICABLE, "not on this platform")


def test_a_skipped_test_beside_a_passing_one_is_no_matter(miniature: Miniature, python: Interpreter) -> None:
    """A part that another platform judges does not hide the verdict of the rest."""
    skips = '"""Part."""\nimport pytest\n\ndef test_a():\n    pytest.skip("x")\n\n'
    text = skips + "def test_b(subject):\n    subject.counter\n"
    miniature.write("regressions/test_f01_counter.py", text)
    assert judged(miniature, python, miniature.project.reference).verdicts["F01"].status is Status.PASS


def test_an_interpreter_with_nothing_installed_can_judge(miniature: Miniature, tmp_path: Path) -> None:
    """Pytest is lent to the subject's own interpreter where it has none."""
    venv.create(tmp_path / "bare", with_pip=False)
    folder = "Scripts" if sys.platform == "win32" else "bin"
    bare = runner.interpreter(str(tmp_path / "bare" / folder / "python"))
    assert judged(miniature, bare, miniature.project.reference).verdicts["F01"].status is Status.PASS


@pytest.mark.parametrize(
    "name", ["no-such-python", str(HOME / "README.md"), "cmd" if sys.platform == "win32" else "true"]
)
def test_what_is_no_python_is_refused(name: str) -> None:
    """A missing program, a file that is none, and one that is not Python are told in a sentence."""
    with pytest.raises(runner.InterpreterError, match="Python"):
        runner.interpreter(name)


def test_the_json_is_as_described(miniature: Miniature, python: Interpreter) -> None:
    """A judgement's JSON holds against the schema in the package."""
    miniature.findings("F01", waiting=("F02",))
    content = judged(miniature, python, miniature.project.reference).as_json()
    schema = json.loads((HOME / "harness" / "judge.schema.json").read_text(encoding="utf-8"))
    jsonschema.validate(json.loads(json.dumps(content)), schema)
    assert content["totals"] == {**dict.fromkeys(content["totals"], 0), "pass": 1, "open": 1}


def test_children_of_a_subject_are_ended_with_it(miniature: Miniature, python: Interpreter, tmp_path: Path) -> None:
    """A process that the subject started does not outlive the judgement."""
    note = tmp_path / "pid"
    starts = (
        "import pathlib, subprocess, sys\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        f"pathlib.Path({str(note)!r}).write_text(str(child.pid))\n"
    )
    tree = miniature.tree({"__init__.py": "", "counter.py": starts + RIGHT})
    assert judged(miniature, python, tree).verdicts["F01"].status is Status.PASS
    pid = int(note.read_text())
    assert not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def test_the_worker_reports_what_was_read(miniature: Miniature, python: Interpreter) -> None:
    """The files that a verdict rests on are the module and its package, and no others of the tree."""
    tree = miniature.tree({"__init__.py": "", "counter.py": RIGHT, "other.py": ""})
    verdict = judged(miniature, python, tree).verdicts["F01"]
    assert {"utils/__init__.py", "utils/counter.py"} <= set(verdict.touched)
    assert "utils/other.py" not in verdict.touched


def test_a_verdict_that_read_nothing_rests_on_all(tmp_path: Path) -> None:
    """Where no note says what was read of the tree, the verdict stands for no other tree."""
    (tmp_path / "touches").write_text(f"{tmp_path.parent}\n", encoding="utf-8")
    assert runner._touched(tmp_path / "touches", [{"event": "end", "root": str(tmp_path)}]) == ("*",)


@pytest.mark.parametrize(
    ("start", "seen"),
    [
        ("subprocess.run([sys.executable, '-c', READ])", True),
        ("subprocess.run([sys.executable, '-c', READ], env=dict(os.environ))", True),
        ("subprocess.run([sys.executable, '-I', '-c', READ])", False),
        ("subprocess.run([sys.executable, '-c', READ], env={})", False),
        ("subprocess.run([sys.executable, '-c', READ], env={**os.environ, 'PYTHONPATH': ''})", False),
        ("subprocess.run(['git', '--version'], check=False)", False),
        ("subprocess.run(['git', '--version'], check=False, env={**os.environ, 'JUDGE_READS_NOTHING': '1'})", None),
        ("os.system('exit')", False),
    ],
)
def test_what_a_child_reads_is_noted_or_nothing_is_taken_for_unread(
    miniature: Miniature, python: Interpreter, start: str, seen: bool | None
) -> None:
    """A child Python takes notes of its own; a program that is not vouched for may have read the whole tree."""
    read = "READ = 'open(%r).close()' % str(pathlib.Path(__file__).with_name('other.py'))\n"
    spawns = RIGHT + "import os, pathlib, subprocess, sys\n" + read + start + "\n"
    tree = miniature.tree({"__init__.py": "", "counter.py": spawns, "other.py": "", "third.py": ""})
    touched = judged(miniature, python, tree).verdicts["F01"].touched
    assert ("*" in touched, "utils/other.py" in touched) == (seen is False, seen is True)
    assert "utils/third.py" not in touched


def test_the_stand_in_for_ffmpeg_leaves_the_rest_of_the_tree_unread(miniature: Miniature, python: Interpreter) -> None:
    """A verdict on what starts the player in ffmpeg's place stands for trees that differ elsewhere."""
    miniature.write(
        "regressions/test_f01_counter.py",
        """
        import subprocess
        from harness.parts.songs import replace_ffmpeg

        def test_plays(subject, monkeypatch, tmp_path):
            calls = replace_ffmpeg(monkeypatch, tmp_path)
            subprocess.run(["ffmpeg", "-i", subject.counter.__name__], input=b"sound", check=True)
            assert calls == [["ffmpeg", "-i", "utils.counter"]]
        """,
    )
    verdict = judged(miniature, python, miniature.project.reference).verdicts["F01"]
    assert verdict.status is Status.PASS, verdict.reason
    assert "utils/counter.py" in verdict.touched


def test_a_worker_can_be_run_from_anywhere(tmp_path: Path) -> None:
    """The command line works from a folder that is not the project's."""
    done = subprocess.run(
        [sys.executable, "-m", "harness", "judge", "--subject", str(tmp_path)],
        cwd=tmp_path,
        capture_output=True,
        check=False,
        timeout=60,
        encoding="utf-8",
    )
    assert (done.returncode, "holds no utils/" in done.stderr) == (2, True), done.stderr
