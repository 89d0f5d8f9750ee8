"""How a worker's process is started, waited for and ended."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from harness import judge, runner
from harness.runner import Mode, Verdict, end_tree
from harness.status import Status

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.runner import Interpreter
    from tests.harness.conftest import Miniature

FAR = 600.0
"""Seconds that no test takes."""

WAITS = "import sys; sys.stdin.read()"
END = json.dumps({"event": "end", "root": None, "notes": [], "fault": ""}) + "\n"


@pytest.fixture
def waiting() -> Iterator[subprocess.Popen[bytes]]:
    """A process that ends when it is ended."""
    with subprocess.Popen([sys.executable, "-c", WAITS], stdin=subprocess.PIPE) as process:
        yield process
        process.kill()


def test_a_process_that_ends_is_waited_for(tmp_path: Path) -> None:
    """Whoever ends by itself was in time, whatever it wrote."""
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        assert runner._wait(process, tmp_path / "events", time.monotonic() + FAR, threading.Event())
        assert process.returncode == 0


def test_a_process_is_not_waited_for_any_longer_than_told(tmp_path: Path, waiting: subprocess.Popen[bytes]) -> None:
    """The deadline ends the wait, and so does a stop before it."""
    stop = threading.Event()
    assert not runner._wait(waiting, tmp_path / "events", time.monotonic(), stop)
    stop.set()
    assert not runner._wait(waiting, tmp_path / "events", time.monotonic() + FAR, stop)
    assert waiting.poll() is None


def test_a_process_that_said_its_last_word_was_in_time(
    tmp_path: Path, waiting: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker whose events are whole has given its verdict, though a thread of the tree keeps it from ending."""
    monkeypatch.setattr(runner, "GRACE", 0.01)
    events = tmp_path / "events"
    events.write_text(END, encoding="utf-8", newline="\n")
    assert runner._wait(waiting, events, time.monotonic() + FAR, threading.Event())
    assert waiting.poll() is None


STARTS = (
    "import subprocess, sys\n"
    "options = {'start_new_session': True} if sys.platform != 'win32' else {}\n"
    f"child = subprocess.Popen([sys.executable, '-c', {WAITS!r}], stdin=subprocess.PIPE, **options)\n"
    "print(child.pid, flush=True)\n"
)


def child_of(code: str, environment: dict[str, str], mark: Path) -> int:
    """Run a program that starts another, end all of it, and return the other's number."""
    command = [sys.executable, "-c", STARTS + code]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment) as process:
        assert process.stdout is not None
        pid = int(process.stdout.readline())
        end_tree(process, mark)
        assert process.returncode is not None
    return pid


def test_what_a_process_started_is_ended_and_nothing_else(tmp_path: Path, waiting: subprocess.Popen[bytes]) -> None:
    """A child goes with its parent, even from a session of its own; a process of somebody else lives on."""
    assert not is_running(child_of(WAITS, dict(os.environ), tmp_path / "mark"))
    assert waiting.poll() is None


@pytest.mark.posix("a process without a parent is found by its environment there")
def test_what_a_process_left_behind_is_ended(tmp_path: Path, waiting: subprocess.Popen[bytes]) -> None:
    """A child whose parent is gone is known by the mark in its environment."""
    mark = tmp_path / "mark"
    assert not is_running(child_of("import os; os._exit(0)", os.environ | {"JUDGE_TOUCHES": str(mark)}, mark))
    assert waiting.poll() is None


def is_running(pid: int) -> bool:
    """Tell whether a process runs; a child of nobody here may stay as a zombie."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_what_is_lent_is_where_it_is_said_to_be() -> None:
    """Each module that is lent is found below the folder that a bare interpreter would look in."""
    lent = dict(runner._lendable())
    assert {"pytest", "_pytest", "pytest_asyncio", "pluggy", "iniconfig", "packaging"} <= set(lent)
    for name, place in lent.items():
        shelf = Path(place).parent
        assert (shelf / name / "__init__.py").is_file() or (shelf / f"{name}.py").is_file(), name


def test_a_run_is_told_with_all_that_is_known(miniature: Miniature, python: Interpreter) -> None:
    """Time, what was read, and the options and variables of a mode, which reach the run; it leaves nothing behind."""
    miniature.write(
        "regressions/test_f01_counter.py",
        '"""Sees."""\nimport os\n\ndef test_a(subject, request):\n'
        '    subject.counter\n    assert os.environ["SEEN"] == "yes"\n    assert request.config.option.maxfail == 7\n'
        "    assert os.getcwd() != os.environ['HOME']\n    assert not os.listdir('.')\n\n"
        "async def test_b(subject):\n    subject.counter\n",
    )
    regression = miniature.project.regression("F01")
    assert regression is not None
    mode = Mode(("--maxfail=7",), {"SEEN": "yes"})
    before = sorted(miniature.project.root.rglob("*"))
    begin = time.monotonic()
    verdict = runner.run(regression, miniature.project.reference, python, FAR, threading.Event(), mode)
    assert (verdict.status, verdict.reason, verdict.test) == (Status.PASS, "", "test_a")
    assert 0 < verdict.seconds <= round(time.monotonic() - begin, 3)
    assert "utils/counter.py" in verdict.touched
    assert sorted(miniature.project.root.rglob("*")) == before, "something was left beside the regressions"


def test_each_finding_gets_its_verdict_and_is_told(miniature: Miniature, python: Interpreter) -> None:
    """What is done is judged and told as it comes, what has no regression is an error, what is open is not run."""
    miniature.findings("F01", "F02", waiting=("F03",))
    told: dict[str, Verdict] = {}
    tree = miniature.project.reference
    findings = miniature.register().values()
    judgement = judge.judge(miniature.project, findings, tree, python, timeout=FAR, on_verdict=told.__setitem__)
    assert {name: (verdict.status, verdict.reason) for name, verdict in judgement.verdicts.items()} == {
        "F01": (Status.PASS, ""),
        "F02": (Status.ERROR, "there is no regressions/test_f02_*.py"),
        "F03": (Status.OPEN, "the finding has no regression yet"),
    }
    assert {name: judgement.verdicts[name] for name in ("F01", "F02")} == told
    assert (judgement.subject, judgement.python) == (tree, python)


def test_a_package_of_our_name_is_no_matter(
    miniature: Miniature, python: Interpreter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An environment may have a `harness` of its own: a worker uses the one that it belongs to."""
    (tmp_path / "harness.py").write_text("raise SystemExit(9)\n", encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    regression = miniature.project.regression("F01")
    assert regression is not None
    verdict = runner.run(regression, miniature.project.reference, python, FAR, threading.Event())
    assert verdict.status is Status.PASS, verdict.reason


def test_a_run_that_is_stopped_ends_at_once(miniature: Miniature, python: Interpreter) -> None:
    """Nobody waits for a regression whose verdict is not wanted any more."""
    miniature.write("regressions/test_f01_counter.py", f'"""Waits."""\nimport time\ntime.sleep({FAR})\n')
    regression = miniature.project.regression("F01")
    assert regression is not None
    stop = threading.Event()
    stop.set()
    begin = time.monotonic()
    runner.run(regression, miniature.project.reference, python, FAR, stop)
    assert time.monotonic() - begin < FAR / 2
