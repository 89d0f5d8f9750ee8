"""What a verdict is made of: a worker's events and its end, what it read, what it may see, and what was expected."""

from __future__ import annotations

import json
import os
import signal
import site
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from harness import expectations, judge, register, runner
from harness.judge import Judgement
from harness.machine import is_wine
from harness.runner import Interpreter, Verdict
from harness.status import Status

if TYPE_CHECKING:
    from tests.harness.conftest import Miniature

Entry = dict[str, Any]


def start(test: str) -> Entry:
    """Return the event of a test that was begun."""
    return {"event": "start", "test": test}


def result(test: str, status: str, reason: str = "", event: str = "result") -> Entry:
    """Return the event of a test that was done."""
    return {"event": event, "test": test, "status": status, "reason": reason}


def end(fault: str = "", root: str | None = "/tree", notes: tuple[str, ...] = ()) -> Entry:
    """Return a worker's last event."""
    return {"event": "end", "root": root, "notes": [*notes], "fault": fault}


@pytest.mark.parametrize(
    ("entries", "timed_out", "code", "log", "status", "reason", "test"),
    [
        ([], 2.5, -9, "", "hang", "no answer within 2.5 s in the regression's start", ""),
        ([start("a"), start("b")], 60.0, None, "", "hang", "no answer within 60 s in b", "b"),
        ([], None, 1, "x\nBoom: y\n\n  \n", "error", "no test was begun: Boom: y", ""),
        ([], None, 1, "", "error", "no test was begun: the process printed nothing", ""),
        ([start("a")], None, 7, "", "crash", "the process ended with exit code 7 in a", "a"),
        ([start("a")], None, None, "", "crash", "the process ended with exit code None in a", "a"),
        ([start("a")], None, -99, "", "crash", "the process ended with exit code -99 in a", "a"),
        ([start("a"), result("a", "pass"), end()], None, 0, "", "pass", "", "a"),
        ([start("a"), result("a", "pass"), end()], 5.0, None, "", "pass", "", "a"),
        ([result("a", "pass"), result("b", "fail", "bad"), end()], None, 1, "", "fail", "bad", "b"),
        ([result("a", "fail", "1"), result("b", "fail", "2"), end()], None, 1, "", "fail", "1", "a"),
        ([result("a", "fail", "1"), result("b", "crash", "2"), end()], None, 1, "", "crash", "2", "b"),
        ([result("a", "error", "1"), result("b", "fail", "2"), end()], None, 1, "", "fail", "2", "b"),
        ([result("a", "not-applicable", "s", "skip"), result("b", "pass"), end()], None, 0, "", "pass", "", "b"),
        ([result("a", "not-applicable", "s", "skip"), end()], None, 0, "", "not-applicable", "s", "a"),
        ([end("No module named 'x'")], None, 2, "log", "error", "no test ran: No module named 'x'", ""),
        ([end()], None, 5, "first\nsecond\n last \n", "error", "no test ran: last", ""),
    ],
)
def test_events_and_end_make_the_verdict(
    entries: list[Entry], timed_out: float | None, code: int | None, log: str, status: str, reason: str, test: str
) -> None:
    """Without a last event it is a hang, an error or a crash; with one the gravest result, of equal ones the first."""
    verdict = runner.verdict_of(entries, timed_out, code, log)
    assert (verdict.status, verdict.reason, verdict.test) == (status, reason, test)


@pytest.mark.posix("Windows has exit codes in place of signals")
def test_a_signal_is_named() -> None:
    """A process that a signal ended says which."""
    verdict = runner.verdict_of([start("a")], None, -signal.SIGSEGV, "")
    assert verdict == Verdict(Status.CRASH, "the process ended with signal SIGSEGV in a", "a")


WHOLE = [start("a"), result("a", "pass"), result("a", "not-applicable", "r", "skip"), end("f", None, ("n",))]


def test_only_whole_events_are_read(tmp_path: Path) -> None:
    """Lines that are cut, no JSON, of no known kind, or lack what one of their kind says are passed over."""
    broken = [
        [],
        {},
        {"event": "other", "test": "a"},
        {"event": ["start"], "test": "a"},
        {"event": "start"},
        {"event": "start", "test": None},
        {"event": "result", "test": "a", "status": "green", "reason": ""},
        {"event": "result", "test": "a", "status": "pass", "reason": 3},
        {"event": "skip", "test": "a", "reason": ""},
        {"event": "end", "root": 3, "notes": [], "fault": ""},
        {"event": "end", "root": None, "notes": {}, "fault": ""},
        {"event": "end", "root": None, "notes": []},
    ]
    lines = [json.dumps(entry) for pair in zip(WHOLE, broken[: len(WHOLE)], strict=True) for entry in pair]
    lines += ["nonsense", "[" * 100_000, *map(json.dumps, broken[len(WHOLE) :])]
    events = tmp_path / "events.jsonl"
    events.write_bytes("\n".join([*lines, json.dumps(start("cut"))]).encode() + b"\xff")
    assert runner.read_events(events) == WHOLE
    assert runner.read_events(tmp_path / "missing") == []


@pytest.mark.parametrize(
    ("content", "is_over"),
    [
        ([*WHOLE], True),
        ([*WHOLE, start("b")], False),
        ([*WHOLE[:-1]], False),
        ([], False),
    ],
)
def test_a_worker_is_over_with_its_last_event(tmp_path: Path, content: list[Entry], is_over: bool) -> None:
    """Its end is the last line, and whole; a file that is not there yet is no end."""
    events = tmp_path / "events.jsonl"
    assert not runner._has_ended(events)
    text = "".join(json.dumps(entry) + "\n" for entry in content)
    events.write_text(text, encoding="utf-8", newline="\n")
    assert runner._has_ended(events) is is_over
    events.write_text(text[:-1], encoding="utf-8", newline="\n")
    assert not runner._has_ended(events)


def test_what_was_read_is_told_below_the_root(tmp_path: Path) -> None:
    """Files and folders inside the tree, each once and sorted; what is outside is no matter."""
    notes, root = tmp_path / "touches.txt", tmp_path / "tree"
    lines = [root / "b.py", f"{root / 'a'}/", root / "b.py", tmp_path / "outside.py"]
    notes.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    assert runner._touched(notes, [start("a"), end(root=str(root))]) == ("a/", "b.py")
    assert runner._touched(notes, [end(root=None)]) == ("*",)
    assert runner._touched(notes, [start("a")]) == ("*",)
    assert runner._touched(tmp_path / "missing", [end(root=str(root))]) == ("*",)
    notes.write_bytes(f"{root / 'b.py'}\n*\n".encode() + b"\xff\n")
    assert runner._touched(notes, [end(root=str(root))]) == ("*",)


def test_only_the_end_of_a_long_log_is_kept(tmp_path: Path) -> None:
    """The last bytes are read, whatever they are."""
    log = tmp_path / "log.txt"
    log.write_bytes(b"x" * 30_000 + b"\xffend")
    kept = runner._tail(log)
    assert (len(kept), kept[-4:]) == (20_000, "\ufffdend")
    assert runner._tail(log, 3) == "end"


def test_a_worker_gets_folders_of_its_own_and_no_secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Names that sound like secrets or that steer pytest are kept back, others are handed on."""
    secret = ("MY_TOKEN", "db_password", "Api_Key", "APIKEY", "SENTRY_DSN", "A_WEBHOOK_URL", "PASSWD", "CREDENTIALS")
    steering = ("PYTEST_ADDOPTS", "PYTEST_PLUGINS", "PYTHONSTARTUP", "PYTHONWARNINGS")
    for name in (*secret, *steering, "HARMLESS"):
        monkeypatch.setenv(name, "x")
    monkeypatch.setenv("PYTHONPATH", "mine")
    for name in ("PYTHONDONTWRITEBYTECODE", "PYTHONUSERBASE"):
        monkeypatch.delenv(name, raising=False)
    given = runner._environment(tmp_path)
    assert {name.upper() for name in (*secret, *steering)} & {name.upper() for name in given} == set()
    assert given["HARMLESS"] == "x"
    first, rest = given["PYTHONPATH"].split(os.pathsep)
    assert (Path(first).name, rest) == ("touches", "mine")
    assert (Path(first) / "sitecustomize.py").exists()
    assert {given[name] for name in ("TEMP", "TMP", "TMPDIR", "JUDGE_TOUCHES_BELOW")} == {str(tmp_path / "tmp")}
    assert {given[name] for name in ("HOME", "USERPROFILE")} == {str(tmp_path / "home")}
    assert given["JUDGE_TOUCHES"] == str(tmp_path / "touches.txt")
    assert [given[name] for name in ("PYTHONDONTWRITEBYTECODE", "PYTEST_DISABLE_PLUGIN_AUTOLOAD")] == ["1", "1"]
    assert given["PYTHONUSERBASE"] == site.getuserbase()
    assert given["PYTHONIOENCODING"] == "utf-8:backslashreplace"
    monkeypatch.delenv("PYTHONPATH")
    assert runner._environment(tmp_path)["PYTHONPATH"] == first


def test_an_interpreter_is_asked_what_it_is() -> None:
    """The Python of the tests is the one that is taken where none is named, and its tag says platform and version."""
    found = runner.interpreter()
    assert found.version == sys.version_info[:2]
    assert Path(found.path).resolve() == Path(sys.executable).resolve()
    assert found.tag == f"{found.platform}-{sys.version_info[0]}.{sys.version_info[1]}"
    assert found.platform == ("windows-wine" if is_wine() else {"win32": "windows"}.get(sys.platform, sys.platform))
    with pytest.raises(runner.InterpreterError) as caught:
        runner.interpreter("no-such-python")
    assert str(caught.value) == "no-such-python: there is no such Python; give its path, or leave --python out"


@pytest.mark.posix("a script is a program")
@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ('["/p", [3, 10], "linux"]', "is Python 3.10; the regressions need 3.11 or newer"),
        ("nonsense", "does not answer as a Python does (JSONDecodeError)"),
        ('["/p", [3, 12], "linux"]\'; exit 3; \'', "does not answer as a Python does (CalledProcessError)"),
    ],
)
def test_what_answers_amiss_is_refused(tmp_path: Path, answer: str, says: str) -> None:
    """The sentence names the program and what it is."""
    program = tmp_path / "python"
    program.write_text(f"#!/bin/sh\necho '{answer}'\n", encoding="utf-8")
    program.chmod(0o755)
    with pytest.raises(runner.InterpreterError) as caught:
        runner.interpreter(str(program))
    assert str(caught.value) == f"{program}: {says}"


def judgement(**verdicts: Verdict) -> Judgement:
    """Return a judgement of these verdicts."""
    return Judgement(Path("tree"), Interpreter("python", (3, 12), "linux"), verdicts)


RED = Verdict(Status.FAIL, "it failed", "test_a", 1.5, notes=("odd",))
GREEN = Verdict(Status.PASS, "", "test_b")


def test_a_judgement_is_counted_and_told() -> None:
    """Each status is counted, open and not-applicable ones are no verdicts, and the JSON says all that is known."""
    mixed = judgement(F01=RED, F02=GREEN, F03=Verdict(Status.OPEN))
    assert {status for status, count in mixed.totals.items() if count} == {"fail", "pass", "open"}
    assert (len(mixed.totals), sum(mixed.totals.values())) == (len(Status), 3)
    assert (mixed.ran, mixed.is_red) == (True, True)
    assert (judgement(F02=GREEN).ran, judgement(F02=GREEN).is_red) == (True, False)
    nothing = judgement(F01=Verdict(Status.OPEN), F02=Verdict(Status.NOT_APPLICABLE))
    assert (nothing.ran, nothing.is_red) == (False, False)
    assert judgement(F01=RED).as_json() == {
        "schema": 1,
        "subject": {"path": "tree", "python": "3.12", "platform": "linux"},
        "verdicts": {
            "F01": {"status": "fail", "reason": "it failed", "test": "test_a", "seconds": 1.5, "notes": ["odd"]}
        },
        "totals": {status: int(status is Status.FAIL) for status in Status},
    }


def test_what_was_not_expected_is_a_sentence() -> None:
    """A failure that is not known, and a known one that is gone or has become another."""
    found = judgement(F01=RED, F02=GREEN, F03=RED, F04=RED, F05=GREEN)
    expected = {"F02": Status.FAIL, "F03": Status.HANG, "F04": Status.FAIL}
    assert judge.surprises(found, expected) == [
        "F01: fail, which was not expected",
        "F02: pass, but fail was expected; mend the list of expectations",
        "F03: fail, but hang was expected; mend the list of expectations",
    ]


def test_known_failures_are_written_as_they_were_judged(tmp_path: Path, miniature: Miniature) -> None:
    """The list names the red verdicts alone, each with its reason, or its status where it gave none; it can be read."""
    miniature.findings("F01", "F02", "F03")
    path = tmp_path / "known.toml"
    odd = Verdict(Status.ERROR, "")
    assert expectations.write(path, judgement(F01=Verdict(Status.FAIL, "é"), F02=GREEN, F03=odd)) == 2
    assert path.read_bytes().decode() == (
        '[F01]\nstatus = "fail"\nreason = "as first judged: é"\n\n'
        '[F03]\nstatus = "error"\nreason = "as first judged: error"\n'
    )
    assert expectations.load(path, miniature.register()) == {"F01": Status.FAIL, "F03": Status.ERROR}


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ('[F09]\nstatus = "fail"\nreason = "x"\n', "F09: the register has no such finding"),
        ('[F02]\nstatus = "fail"\nreason = "x"\n', "F02: is open, so nothing can be expected of it"),
        ('[F01]\nstatus = "fail"\nreason = " "\n', "F01.reason: say why the failure is known"),
        ('[F01]\nstatus = "fail"\n', "F01.reason: say why the failure is known"),
        ('F01 = "fail"\n', "F01.reason: say why the failure is known"),
        ('[F01]\nreason = "x"\n', "F01.status: must be one of crash, error, fail, hang"),
        ('[F01]\nstatus = "green"\nreason = "x"\n', "F01.status: must be one of crash, error, fail, hang"),
        ('[F01]\nstatus = ["fail"]\nreason = "x"\n', "F01.status: must be one of crash, error, fail, hang"),
        ('[F01]\nstatus = "open"\nreason = "x"\n', "F01.status: must be one of crash, error, fail, hang"),
    ],
)
def test_what_cannot_be_expected_is_told_with_its_key(
    tmp_path: Path, miniature: Miniature, table: str, says: str
) -> None:
    """The file, the key, and what is wrong with it."""
    miniature.findings("F01", waiting=("F02",))
    path = tmp_path / "known.toml"
    path.write_text(table, encoding="utf-8")
    with pytest.raises(expectations.ExpectationError) as caught:
        expectations.load(path, miniature.register())
    assert str(caught.value) == f"{path}: {says}"


def test_a_list_that_cannot_be_read_is_told(tmp_path: Path, miniature: Miniature) -> None:
    """A list that is missing, and one that is no TOML, are named with the reason."""
    path = tmp_path / "known.toml"
    with pytest.raises(expectations.ExpectationError, match=r"known\.toml: cannot be read: "):
        expectations.load(path, miniature.register())
    path.write_text("[F01\n", encoding="utf-8")
    with pytest.raises(expectations.ExpectationError, match=r"known\.toml: is not valid TOML: "):
        expectations.load(path, miniature.register())


def test_a_fault_of_the_register_is_a_sentence(tmp_path: Path) -> None:
    """File, finding, key, and what is wrong; a finding that is done says all that it lacks."""
    path = tmp_path / "findings.toml"
    texts = {
        "[F1]\n": "F1: is no finding id; ids are F01 to F99",
        "F02 = 3\n": "F02: must be a table, [F02]",
        '[F03]\nid = "F03"\n': "F03.id: is given by the table's name; remove the key",
        "": "holds no finding",
    }
    for text, says in texts.items():
        path.write_text(text, encoding="utf-8")
        with pytest.raises(register.RegisterError) as caught:
            register.load(path)
        assert str(caught.value) == f"findings.toml: {says}"
    path.write_text("F02 = 3\n[F1]\n", encoding="utf-8")
    with pytest.raises(register.RegisterError) as caught:
        register.load(path)
    assert str(caught.value).splitlines() == [f"findings.toml: {texts[text]}" for text in ("F02 = 3\n", "[F1]\n")]
    table = 'title = "t"\nseverity = "low"\ncategory = "bug"\naudited = ["utils/x.py"]\nunit = ["utils/x.py"]\n'
    path.write_text(f'[F01]\n{table}state = "done"\n[F02]\n{table}state = "open"\n', encoding="utf-8")
    with pytest.raises(register.RegisterError) as caught:
        register.load(path)
    lacking = "claim, symptom, evidence, fix_evidence, correction, symbols, verdict, fix"
    assert str(caught.value) == f"findings.toml: F01: a finding that is done needs {lacking}"
