"""The commands, their exit codes, and what they say when they are asked for what cannot be."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from harness.__main__ import main
from harness.arguments import Exit

if TYPE_CHECKING:
    from pathlib import Path

    from tests.harness.conftest import Miniature

RIGHT = "class Counter:\n    def down(self):\n        return 0\n"
WRONG = RIGHT.replace("0", "-1")


def call(miniature: Miniature, command: str, *arguments: str | Path) -> int:
    """Run a command on the miniature."""
    return main([command, "--project", str(miniature.project.root), *map(str, arguments)])


def test_judging_a_right_tree_exits_with_0(miniature: Miniature, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing failed: a line for the finding and the totals."""
    assert call(miniature, "judge", "--subject", miniature.project.reference) == Exit.HELD
    shown = capsys.readouterr().out
    assert "F01  pass            A counter goes below zero" in shown
    assert "1 pass" in shown


def test_judging_a_wrong_tree_exits_with_1(
    miniature: Miniature, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A finding failed: the line says why, and the JSON says the same."""
    tree = miniature.tree({"__init__.py": "", "counter.py": WRONG})
    out = tmp_path / "out.json"
    assert call(miniature, "judge", "--subject", tree, "--json", out) == Exit.FAILED
    assert "counting down from zero gave -1" in capsys.readouterr().out
    verdict = json.loads(out.read_text(encoding="utf-8"))["verdicts"]["F01"]
    assert (verdict["status"], verdict["reason"]) == ("fail", "counting down from zero gave -1")


def test_json_can_go_to_the_terminal(miniature: Miniature, capsys: pytest.CaptureFixture[str]) -> None:
    """With --json - standard output is JSON and nothing else."""
    assert call(miniature, "judge", "--subject", miniature.project.reference, "--json", "-") == Exit.HELD
    shown = capsys.readouterr()
    assert json.loads(shown.out)["totals"]["pass"] == 1
    assert "F01" in shown.err


def test_what_is_not_installed_is_told(miniature: Miniature, capsys: pytest.CaptureFixture[str]) -> None:
    """Where a tree needs what its interpreter lacks, the report says so, and how to name another interpreter."""
    tree = miniature.tree({"__init__.py": "", "counter.py": "import no_such_library\n"})
    assert call(miniature, "judge", "--subject", tree) == Exit.FAILED
    said = " ".join(capsys.readouterr().err.split())
    assert "--python names the tree's own: no_such_library" in said
    call(miniature, "judge", "--subject", tree, "--python", sys.executable)
    assert "that of --python: no_such_library" in " ".join(capsys.readouterr().err.split())


def test_judging_nothing_exits_with_4(miniature: Miniature) -> None:
    """A tree to which no regression applies is not green, nor is a choice of open findings."""
    assert call(miniature, "judge", "--subject", miniature.tree({"other.py": ""})) == Exit.NOTHING_RAN
    miniature.findings("F01", waiting=("F02",))
    chosen = ("--subject", miniature.project.reference, "--finding", "F02")
    assert call(miniature, "judge", *chosen) == Exit.NOTHING_RAN


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--subject", "{tmp}/nowhere"), "there is no such folder"),
        (("--subject", "{tmp}"), "holds no utils/"),
        (("--subject", "{reference}", "--finding", "F99"), "F99: the register has no such finding"),
        (("--subject", "{reference}", "--python", "no-such-python"), "there is no such Python"),
        (("--subject", "{reference}", "--json", "{tmp}/no/folder.json"), "cannot be written"),
        (("--subject", "{reference}", "--expect", "{tmp}/none.toml"), "cannot be read"),
    ],
)
def test_wrong_usage_exits_with_2(
    miniature: Miniature,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    says: str,
) -> None:
    """One sentence on standard error, and nothing written."""
    before = sorted(tmp_path.rglob("*"))
    filled = [argument.format(tmp=tmp_path, reference=miniature.project.reference) for argument in arguments]
    assert call(miniature, "judge", *filled) == Exit.USAGE
    shown = capsys.readouterr()
    assert (shown.out, says in shown.err, shown.err.count("\n")) == ("", True, 1), shown.err
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("arguments", [["judge"], ["nonsense"], [], ["judge", "--subject", ".", "--timeout", "-1"]])
def test_an_unknown_command_line_exits_with_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Argparse's own refusals use the same code."""
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == Exit.USAGE
    assert "usage:" in capsys.readouterr().err


def test_a_broken_register_exits_with_3(miniature: Miniature, capsys: pytest.CaptureFixture[str]) -> None:
    """The harness's own fault is told from the subject's."""
    miniature.write("regressions/findings.toml", "[F01]\ntitle = 3\n")
    assert call(miniature, "judge", "--subject", miniature.project.reference) == Exit.BROKEN
    assert "findings.toml: F01.title" in capsys.readouterr().err


def test_a_fault_of_the_harness_exits_with_3(
    miniature: Miniature, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """An exception that nobody foresaw is named as the harness's own."""
    monkeypatch.setattr("harness.runner.interpreter", lambda _name: 1 / 0)
    assert call(miniature, "judge", "--subject", miniature.project.reference) == Exit.BROKEN
    assert "ZeroDivisionError" in capsys.readouterr().err


def test_known_failures_are_written_and_held(miniature: Miniature, tmp_path: Path) -> None:
    """What --write-expect wrote, --expect accepts; without it the tree is red."""
    tree = miniature.tree({"__init__.py": "", "counter.py": WRONG})
    known = tmp_path / "known.toml"
    assert call(miniature, "judge", "--subject", tree, "--write-expect", known) == Exit.HELD
    assert "counting down from zero gave -1" in known.read_text(encoding="utf-8")
    assert call(miniature, "judge", "--subject", tree, "--expect", known) == Exit.HELD


@pytest.mark.parametrize(
    ("counter", "table", "says"),
    [
        (RIGHT, '[F01]\nstatus = "fail"\nreason = "known"\n', "F01: pass, but fail was expected"),
        (WRONG, '[F01]\nstatus = "crash"\nreason = "known"\n', "F01: fail, but crash was expected"),
        (WRONG, "", "F01: fail, which was not expected"),
    ],
)
def test_expectations_are_strict(
    miniature: Miniature, tmp_path: Path, capsys: pytest.CaptureFixture[str], counter: str, table: str, says: str
) -> None:
    """An unexpected pass is as red as an unexpected failure."""
    (tmp_path / "known.toml").write_text(table, encoding="utf-8")
    tree = miniature.tree({"__init__.py": "", "counter.py": counter})
    assert call(miniature, "judge", "--subject", tree, "--expect", tmp_path / "known.toml") == Exit.FAILED
    assert says in capsys.readouterr().err


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ('[F09]\nstatus = "fail"\nreason = "x"\n', "F09: the register has no such finding"),
        ('[F02]\nstatus = "fail"\nreason = "x"\n', "F02: is open"),
        ('[F01]\nstatus = "fail"\n', "F01.reason: say why"),
        ('[F01]\nstatus = "pass"\nreason = "x"\n', "F01.status: must be one of"),
        ('[F01]\nstatus = "green"\nreason = "x"\n', "F01.status: must be one of"),
        ("[F01\n", "is not valid TOML"),
    ],
)
def test_a_wrong_list_of_expectations_is_named(
    miniature: Miniature, tmp_path: Path, capsys: pytest.CaptureFixture[str], table: str, says: str
) -> None:
    """The file and the key are in the sentence."""
    miniature.findings("F01", waiting=("F02",))
    (tmp_path / "known.toml").write_text(table, encoding="utf-8")
    chosen = ("--subject", miniature.project.reference, "--expect", tmp_path / "known.toml")
    assert call(miniature, "judge", *chosen) == Exit.USAGE
    assert f"known.toml: {says}" in capsys.readouterr().err


def test_prove_writes_evidence_and_ledger(miniature: Miniature, capsys: pytest.CaptureFixture[str]) -> None:
    """A proof that holds exits with 0, and the ledger made from it is up to date."""
    miniature.proved()
    assert call(miniature, "prove") == Exit.HELD
    assert "1 of 1 findings proved" in capsys.readouterr().out
    assert call(miniature, "ledger") == Exit.HELD
    miniature.project.ledger.write_text("edited", encoding="utf-8")
    assert call(miniature, "ledger") == Exit.FAILED
    assert call(miniature, "ledger", "--write") == Exit.HELD
    assert call(miniature, "ledger") == Exit.HELD


FUZZER = '''\
"""A counter."""


def test_never_below_zero(subject):
    """No value goes below zero."""
    value = subject.counter.Counter().down()
    assert value {}, f"{{value}} [found by example 1 of 1]"
'''


@pytest.mark.parametrize(
    ("check", "code", "says"),
    [
        (">= 0", Exit.HELD, "counter  proved      1 of 1 defects found, 2 of 2 others spared"),
        ("< 9", Exit.FAILED, "not proved  counter on F01/audited: pass, but there is a defect"),
        ("> 0", Exit.FAILED, "not proved  counter on reference: fail, but there is none: 0 [found by example 1 of 1]"),
    ],
)
def test_prove_holds_fuzzers_to_what_they_guard(
    miniature: Miniature, tmp_path: Path, capsys: pytest.CaptureFixture[str], check: str, code: Exit, says: str
) -> None:
    """The fuzzers that guard a chosen finding are proved too, and the exit code, the JSON and the ledger say how."""
    miniature.proved()
    miniature.write("fuzz/test_counter.py", FUZZER.format(check))
    miniature.write("fuzz/test_idle.py", FUZZER.format("== 5"))
    guarded = 'guards = ["F01/audited"]\nspares = ["F01/lookalike-if"]\n'
    miniature.write("fuzz/fuzzers.toml", f"[counter]\nbudget = 1\n{guarded}[idle]\nbudget = 1\n")
    out = tmp_path / "out.json"
    assert call(miniature, "prove", "--finding", "F01", "--json", out) == code
    assert says in capsys.readouterr().out
    assert list(json.loads(out.read_text(encoding="utf-8"))["fuzzers"]) == ["counter"]
    assert f"| {'proved' if code == Exit.HELD else 'not proved'} |" in miniature.project.ledger.read_text("utf-8")
    assert call(miniature, "prove", "--no-fuzz") == Exit.HELD
    assert "fuzzers proved" not in capsys.readouterr().out
    assert call(miniature, "ledger") == Exit.HELD


def test_a_proof_of_fuzzers_needs_hypothesis(
    miniature: Miniature, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where the fuzzers cannot be run, the sentence says what to install or to leave out."""
    miniature.write("fuzz/fuzzers.toml", '[counter]\nbudget = 1\nguards = ["F01/audited"]\n')
    monkeypatch.setattr("harness.__main__.find_spec", lambda _name: None)
    assert call(miniature, "prove") == Exit.USAGE
    assert "install the group `test`, or leave them out with --no-fuzz" in capsys.readouterr().err


def test_a_proof_that_does_not_hold_exits_with_1(miniature: Miniature, capsys: pytest.CaptureFixture[str]) -> None:
    """Every fault is printed."""
    assert call(miniature, "prove") == Exit.FAILED
    shown = capsys.readouterr().out
    assert "F01: has no audited variant" in shown
    assert "0 of 1 findings proved" in shown


def test_proving_nothing_exits_with_4(miniature: Miniature) -> None:
    """Open findings alone prove nothing, and nothing is written."""
    miniature.findings(waiting=("F01",))
    assert call(miniature, "prove") == Exit.NOTHING_RAN
    assert not miniature.project.evidence.exists()
    assert not miniature.project.ledger.exists()


@pytest.mark.posix("Windows has no SIGINT for one process of a group")
@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_stops_cleanly(miniature: Miniature, tmp_path: Path, signum: int) -> None:
    """Ctrl+C, like SIGTERM, ends the judge and the subject's process, with one sentence and code 130."""
    note = tmp_path / "pid"
    hangs = f"import os, pathlib, threading\npathlib.Path({str(note)!r}).write_text(str(os.getpid()))\n"
    tree = miniature.tree({"__init__.py": "", "counter.py": hangs + "threading.Event().wait()\n"})
    command = [sys.executable, "-m", "harness", "judge", "--project", miniature.project.root, "--subject", tree]
    process = subprocess.Popen(list(map(str, command)), stderr=subprocess.PIPE, encoding="utf-8")
    deadline = time.monotonic() + 30
    while not (note.exists() and note.read_text()) and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signum)
    _, said = process.communicate(timeout=30)
    assert (process.returncode, said.strip()) == (Exit.INTERRUPTED, "stopped; nothing was written")
    with pytest.raises(ProcessLookupError):
        os.kill(int(note.read_text()), 0)


AS_SCRIPT = "import sys; from harness.__main__ import run; sys.argv[0] = '/somewhere/bin/executable-audit'; run()"


@pytest.mark.parametrize(
    ("command", "name"), [(["-m", "harness"], "python -m harness"), (["-c", AS_SCRIPT], "executable-audit")]
)
def test_the_program_goes_by_the_name_it_was_called_by(command: list[str], name: str) -> None:
    """The usage of a command names what was typed."""
    call = [sys.executable, *command, "judge", "--help"]
    told = subprocess.run(call, capture_output=True, text=True, encoding="utf-8", check=True)
    assert told.stdout.startswith(f"usage: {name} judge ")
