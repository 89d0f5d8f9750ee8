"""Which platform something ran on, what did not run there, and what is claimed of each."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.metadata import version
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness import elsewhere, evidence, ledger, machine, merge, prove, runner
from harness.__main__ import main
from harness.arguments import Exit

if TYPE_CHECKING:
    from harness.evidence import Evidence
    from harness.runner import Interpreter
    from tests.harness.conftest import Miniature

pytest_plugins = ["pytester"]


def test_the_platform_is_named_as_evidence_names_it(python: Interpreter) -> None:
    """A Python asked from outside says the same as one asked from inside; Wine is no Windows."""
    assert python.platform == machine.platform_name()
    assert machine.is_wine() == (machine.platform_name() == "windows-wine")
    assert machine.platform_name() in {"linux", "windows", "windows-wine", "darwin"}


@pytest.mark.posix("an ntdll that is not there is asked")
@pytest.mark.parametrize(("exports", "name"), [([], "windows"), (["wine_get_version"], "windows-wine")])
def test_wine_is_told_by_what_its_ntdll_exports(monkeypatch: pytest.MonkeyPatch, exports: list[str], name: str) -> None:
    """A Windows whose ntdll has a function of Wine's is Wine."""
    library = type("Ntdll", (), dict.fromkeys(exports))
    monkeypatch.setattr("ctypes.WinDLL", lambda _: library, raising=False)
    monkeypatch.setattr(sys, "platform", "win32")
    assert machine.platform_name() == name


def marked(pytester: pytest.Pytester, marker: str) -> pytest.RunResult:
    """Run one test with a marker, in a process of its own."""
    pytester.makeini("[pytest]")
    pytester.makeconftest('pytest_plugins = ["harness.not_run"]')
    pytester.makepyfile(f"import pytest\n\n@pytest.mark.{marker}\ndef test_it():\n    pass\n")
    return pytester.runpytest_inprocess("-p", "no:cacheprovider", "-p", "no:asyncio", "-p", "no:rerunfailures")


@pytest.mark.parametrize("marker", ["posix", "windows", "wine_fault"])
def test_a_marker_keeps_a_test_off_where_it_cannot_run(pytester: pytest.Pytester, marker: str) -> None:
    """A marked test is skipped on the platforms that its marker names, and runs on the others."""
    here = machine.platform_name()
    skipped = {"posix": here.startswith("win"), "windows": not here.startswith("win"), "wine_fault": machine.is_wine()}
    marked(pytester, f'{marker}("why")').assert_outcomes(skipped=int(skipped[marker]), passed=1 - int(skipped[marker]))


def test_a_marker_needs_a_reason(pytester: pytest.Pytester) -> None:
    """A marker without a reason stops the run."""
    marked(pytester, "posix").stderr.fnmatch_lines(["*posix needs a reason*"])


def test_what_did_not_run_is_counted(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """Elsewhere than on Linux the report lists each reason, with the number of tests that it kept off."""
    monkeypatch.setattr("harness.not_run.platform_name", lambda: "windows-wine")
    monkeypatch.setattr("harness.not_run.MARKERS", {"wine_fault": ("", lambda: True)})
    done = marked(pytester, 'wine_fault("a folder with an open file can be renamed")')
    done.stdout.fnmatch_lines(["*not run on windows-wine: 1 tests, 1 reasons*", "   1  wine_fault: a folder with*"])


def test_an_interpreter_says_what_it_lacks() -> None:
    """Versions are held against what is installed, whatever the spelling of a name."""
    installed = version("pytest-asyncio")
    wanted = [f"pytest_asyncio=={installed}", "pytest==0.1", "no-such-thing==1"]
    assert elsewhere.lacking(wanted) == ["pytest==0.1", "no-such-thing==1"]


def test_an_interpreter_is_run_again_with_folders(tmp_path: Path) -> None:
    """Modules are found in the folders given, the bytecode goes to the last one, and the exit code comes back."""
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "lent.py").write_text(
        "import sys\nprint(sys.pycache_prefix)\nsys.exit(len(sys.argv))\n", encoding="utf-8"
    )
    places = "|".join([str(tmp_path / "here"), str(tmp_path / "cache")])
    script = elsewhere.__file__
    done = subprocess.run(
        [sys.executable, script, "run", places, "-c", "import lent", "a", "b"],
        capture_output=True,
        check=False,
        encoding="utf-8",
    )
    assert done.returncode == 3
    assert done.stdout.strip() == str((tmp_path / "cache").resolve())
    told = subprocess.run([sys.executable, script, "lacking", "none==1"], capture_output=True, check=True)
    assert json.loads(told.stdout) == ["none==1"]


def test_the_exit_code_is_told_in_a_last_line(tmp_path: Path) -> None:
    """Who cannot wait for the end of a pipe reads it after all that was printed, whether a line was ended or not."""
    command = [sys.executable, elsewhere.__file__, "tell", str(tmp_path), "-c", "print('said', end=''); exit(3)"]
    done = subprocess.run(command, capture_output=True, check=False, encoding="utf-8")
    assert done.returncode == 3
    assert done.stdout.splitlines() == ["said", "ended with exit code 3"]


@pytest.mark.parametrize(
    ("command", "silent"),
    [(r'C:\windows\system32\cmd.exe /c "ver"', True), (r"C:\windows\system32\cmd.exe /c type x.py", False)],
)
def test_asking_windows_for_its_version_reads_nothing(command: str, silent: bool) -> None:
    """`platform.uname` starts a command on Windows, which is known to read nothing of a tree; others may read all."""
    place = Path(elsewhere.__file__).with_name("touches") / "sitecustomize.py"
    spec = spec_from_file_location("touches", place)
    assert spec is not None
    assert spec.loader is not None
    touches = module_from_spec(spec)
    spec.loader.exec_module(touches)
    assert touches._takes_notes(command, {}) is silent


def proved(miniature: Miniature, python: Interpreter) -> Evidence:
    """Prove the miniature, commit the evidence and the ledger; return the evidence."""
    miniature.proved()
    findings = miniature.register()
    proof = on("linux", prove.prove(miniature.project, findings, findings.values(), python))
    evidence.save(miniature.project.evidence, proof)
    ledger.write(miniature.project, findings)
    return proof


def on(platform: str, proof: Evidence) -> Evidence:
    """Return a proof as if it had been made on another platform."""
    return proof.model_copy(update={"platform": platform})


def merged(miniature: Miniature, folder: Path, *arguments: str) -> int:
    """Run the command that merges."""
    return main(["ledger", "--project", str(miniature.project.root), "--merge", str(folder), *arguments])


def test_a_claim_that_was_not_proved_is_red(
    miniature: Miniature, python: Interpreter, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A platform that is claimed and was not proved fails the merge, unless it is left to other machines."""
    proof = proved(miniature, python)
    evidence.save(miniature.project.evidence, on("windows-wine", proof))
    other = on("windows", proof)
    evidence.save(tmp_path / "proved" / "a", proof)
    evidence.save(tmp_path / "proved" / "b", other)
    assert merged(miniature, tmp_path / "proved") == Exit.FAILED
    assert f"F01: is claimed to be proved on windows-wine-{proof.python}" in capsys.readouterr().err
    assert merged(miniature, tmp_path / "proved", "--unchecked", "windows-wine") == Exit.HELD
    text = miniature.project.ledger.read_text(encoding="utf-8")
    assert f"Windows {proof.python}; Windows CPython under Wine {proof.python}" in text
    assert "was not proved on Windows" in text


def test_a_proof_that_failed_elsewhere_is_red(miniature: Miniature, python: Interpreter, tmp_path: Path) -> None:
    """A finding that another platform could not prove fails the merge, whoever claims it."""
    proof = proved(miniature, python)
    failed = {name: item.model_copy(update={"faults": ("no",)}) for name, item in proof.findings.items()}
    evidence.save(tmp_path / "proved", proof)
    evidence.save(tmp_path / "proved", on("windows", proof).model_copy(update={"findings": failed}))
    assert merged(miniature, tmp_path / "proved") == Exit.FAILED


def test_nothing_to_merge_is_red(miniature: Miniature, python: Interpreter, tmp_path: Path) -> None:
    """An empty folder of artefacts is no proof."""
    proved(miniature, python)
    assert merged(miniature, tmp_path / "proved") == Exit.BROKEN
    with pytest.raises(evidence.EvidenceError, match="nothing can be merged"):
        merge.gather([tmp_path / "proved"])


def test_evidence_is_named_after_what_it_speaks_of(miniature: Miniature, python: Interpreter) -> None:
    """A file of one platform's evidence cannot be passed off as another's."""
    proof = proved(miniature, python)
    file = miniature.project.evidence / f"{proof.tag}.json"
    file.rename(file.with_name("windows-3.11.json"))
    with pytest.raises(evidence.EvidenceError, match="is evidence of"):
        evidence.load_all(miniature.project.evidence)


def test_a_python_that_is_no_python_is_named() -> None:
    """What cannot answer is refused with its name."""
    with pytest.raises(runner.InterpreterError, match="there is no such Python"):
        runner.interpreter("no-such-python")
