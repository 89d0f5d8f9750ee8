"""A finding is proved only if every variant does what is recorded; each way to fall short is named."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from harness import evidence, prove
from harness.cache import VerdictCache, tree_state
from harness.parallel import run_all
from harness.runner import Verdict
from harness.status import Status

if TYPE_CHECKING:
    import threading

    from harness.evidence import FindingProof
    from harness.runner import Interpreter
    from tests.harness.conftest import Miniature

DOWN = "max(0, self.value - 1)"
LOOKALIKE = "Title: another way\nExpect: pass\n"


def proof_of(
    miniature: Miniature, python: Interpreter, *, afresh: bool = False
) -> tuple[FindingProof, list[prove.Step]]:
    """Prove the miniature's finding; return the proof and the steps that were taken."""
    findings = miniature.register()
    steps: list[prove.Step] = []
    found = prove.prove(miniature.project, findings, findings.values(), python, afresh=afresh, on_step=steps.append)
    return found.findings["F01"], steps


def test_a_finding_is_proved(miniature: Miniature, python: Interpreter) -> None:
    """The defect is caught for the recorded reason and the lookalikes pass."""
    miniature.proved()
    proof, steps = proof_of(miniature, python)
    assert proof.is_proved, proof.all_faults
    assert {name: variant.status for name, variant in proof.variants.items()} == {
        "audited": Status.FAIL,
        "lookalike-if": Status.PASS,
        "lookalike-sorted": Status.PASS,
    }
    assert [step.done for step in steps] == [1, 2, 3, 4]
    assert {step.total for step in steps} == {4}


@pytest.mark.parametrize(
    ("name", "new", "header", "says"),
    [
        ("audited-x", "max(0, self.value - 0)", "", "F01/audited-x: pass, but fail is recorded"),
        (
            "audited-x",
            "self.value - 2",
            "Title: x\nExpect: fail\nReason: gave -1\n",
            "F01/audited-x: fails for another reason than recorded: counting down from zero gave -2",
        ),
        ("audited-x", "no_such_name", "", "F01/audited-x: error, but fail is recorded: NameError"),
        ("lookalike-x", "self.value - 1", LOOKALIKE, "F01/lookalike-x: fail, but pass is recorded"),
        ("audited-x", "-1", "Title: x\nExpect: crash\n", "F01/audited-x: fail, but crash is recorded"),
        (
            "audited-x",
            "-1",
            "Title: x\nExpect: fail\nReason: gave\nAlso: F02 = shares it\n",
            "F01/audited-x: was recorded to make F02 fail too, but does not",
        ),
        ("audited-x", "-1", "Title: x\n", "F01/audited-x.patch: the header needs one Expect line"),
    ],
)
def test_each_shortcoming_is_named(
    miniature: Miniature, python: Interpreter, name: str, new: str, header: str, says: str
) -> None:
    """A variant that behaves otherwise than recorded keeps its finding from being proved."""
    miniature.proved()
    miniature.variant(name, DOWN, new, header)
    proof, _ = proof_of(miniature, python)
    assert [says in fault for fault in proof.all_faults] == [True], proof.all_faults


def test_a_patch_for_another_version_is_named(miniature: Miniature, python: Interpreter) -> None:
    """A patch whose lines are not in the reference says where it does not fit."""
    miniature.proved()
    miniature.write("reference/utils/counter.py", "class Counter:\n    def down(self):\n        return 0  # F01\n")
    proof, _ = proof_of(miniature, python)
    assert len(proof.all_faults) == 3
    assert all("does not apply: utils/counter.py: hunk 1" in fault for fault in proof.all_faults)


def test_a_patch_that_strays_is_named(miniature: Miniature, python: Interpreter) -> None:
    """A change outside the finding's unit is refused before anything is judged."""
    miniature.proved()
    path = miniature.variant("audited", DOWN, "self.value - 1")
    stray = "--- a/utils/__init__.py\n+++ b/utils/__init__.py\n@@ -0,0 +1 @@\n+x = 1\n"
    path.write_text(path.read_text() + stray)
    proof, _ = proof_of(miniature, python)
    assert proof.all_faults == ["F01/audited: touches utils/__init__.py, outside the finding's unit"]


def test_a_variant_that_fails_another_regression_is_named(miniature: Miniature, python: Interpreter) -> None:
    """A defect that another regression catches too must be recorded, with why."""
    miniature.proved()
    miniature.findings("F01", "F02")
    same = (miniature.project.regressions / "test_f01_counter.py").read_text()
    miniature.write("regressions/test_f02_counter.py", same)
    proof, _ = proof_of(miniature, python)
    assert proof.all_faults == ["F01/audited: makes F02 fail too: counting down from zero gave -1"]
    miniature.variant("audited", DOWN, "-1", "Title: x\nExpect: fail\nReason: gave\nAlso: F02 = counts as well\n")
    proof, _ = proof_of(miniature, python)
    assert proof.is_proved
    assert proof.variants["audited"].others == {"F02": Status.FAIL}


def test_a_reference_that_another_regression_refuses_is_named(miniature: Miniature, python: Interpreter) -> None:
    """Where the reference fails a regression that a variant passes, the fault is told of the reference."""
    miniature.proved()
    miniature.findings("F01", "F02")
    same = (miniature.project.regressions / "test_f01_counter.py").read_text(encoding="utf-8")
    miniature.write("regressions/test_f02_counter.py", same.replace("== 0", "== -1"))
    proof, _ = proof_of(miniature, python)
    assert proof.all_faults == [
        "F01/audited: F02 is pass, but fail on the reference: counting down from zero gave 0",
    ]


@pytest.mark.parametrize(
    ("missing", "says"),
    [
        ("audited", "has no audited variant"),
        ("lookalike-if", "needs 2 lookalikes, has 1"),
    ],
)
def test_a_finding_needs_its_variants(miniature: Miniature, python: Interpreter, missing: str, says: str) -> None:
    """Without a defect, or without two other right ways, nothing is proved."""
    miniature.proved()
    (miniature.project.variants / "F01" / f"{missing}.patch").unlink()
    proof, _ = proof_of(miniature, python)
    assert [says in fault for fault in proof.all_faults] == [True]


def test_a_wrong_fix_needs_a_variant(miniature: Miniature, python: Interpreter) -> None:
    """A register that calls the audit's fix wrong must show it."""
    miniature.proved()
    text = miniature.project.register.read_text()
    miniature.project.register.write_text(text.replace('fix = "right"', 'fix = "falls short"'))
    proof, _ = proof_of(miniature, python)
    assert [fault.split(": ", 1)[1] for fault in proof.all_faults] == [
        "says that the audit's fix is falls short, but has no suggested variant"
    ]


def test_a_reference_that_fails_is_named(miniature: Miniature, python: Interpreter) -> None:
    """The first thing to prove is that the reference passes."""
    miniature.proved()
    path = miniature.project.reference / "utils" / "counter.py"
    path.write_text(path.read_text().replace("return self.value", "return 5"))
    proof, _ = proof_of(miniature, python)
    assert any("the reference does not pass: fail: counting down" in fault for fault in proof.all_faults)


def test_what_was_proved_is_not_judged_again(miniature: Miniature, python: Interpreter) -> None:
    """A second run takes every verdict from the first, unless it is to start afresh."""
    miniature.proved()
    first, _ = proof_of(miniature, python)
    second, steps = proof_of(miniature, python)
    assert second == first
    assert all(step.remembered for step in steps)
    _, steps = proof_of(miniature, python, afresh=True)
    assert not any(step.remembered for step in steps)


@pytest.mark.parametrize("changed", ["reference/utils/counter.py", "regressions/test_f01_counter.py"])
def test_a_change_is_judged_again(miniature: Miniature, python: Interpreter, changed: str) -> None:
    """A changed unit or a changed regression makes every verdict that rests on it void."""
    miniature.proved()
    before, _ = proof_of(miniature, python)
    path = miniature.project.root / changed
    path.write_text(path.read_text() + "\n# changed\n")
    after, steps = proof_of(miniature, python)
    assert not any(step.remembered for step in steps)
    assert after.fingerprint != before.fingerprint


def test_a_file_that_no_regression_reads_changes_nothing(miniature: Miniature, python: Interpreter) -> None:
    """A verdict stands for every tree that agrees in what was read."""
    miniature.proved()
    miniature.write("reference/utils/unread.py", "x = 1\n")
    proof_of(miniature, python)
    miniature.write("reference/utils/unread.py", "x = 2\n")
    _, steps = proof_of(miniature, python)
    assert all(step.remembered for step in steps)


def test_only_what_another_run_would_repeat_is_remembered(miniature: Miniature, python: Interpreter) -> None:
    """A hang may be the machine's: it is judged again."""
    cache = VerdictCache(miniature.project, python, str)
    state = tree_state(miniature.project.reference)
    cache.put("F01", state, Verdict(Status.HANG, "slow"))
    assert cache.get("F01", state) is None
    cache.put("F01", state, Verdict(Status.FAIL, "wrong", touched=("utils/counter.py", "utils/", "gone")))
    assert cache.get("F01", state) == Verdict(Status.FAIL, "wrong")
    assert VerdictCache(miniature.project, python, str).get("F01", state) == Verdict(Status.FAIL, "wrong")
    assert VerdictCache(miniature.project, python, str, remembers=False).get("F01", state) is None
    assert VerdictCache(miniature.project, python, str.lower).get("F01", state) is None
    assert cache.get("F01", {**state, "gone": "here now"}) is None


def test_a_spoiled_cache_is_no_cache(miniature: Miniature, python: Interpreter) -> None:
    """A cache file that cannot be read is as good as none."""
    miniature.proved()
    proof_of(miniature, python)
    for file in miniature.project.cache.rglob("*.json"):
        file.write_text("[{]", encoding="utf-8")
    proof, steps = proof_of(miniature, python)
    assert proof.is_proved
    assert not any(step.remembered for step in steps)


def test_evidence_is_kept_by_environment(miniature: Miniature) -> None:
    """Saving replaces the findings that were proved and keeps the others."""
    folder = miniature.project.evidence
    one = evidence.FindingProof(fingerprint="1", reference=Status.PASS, variants={})
    two = one.model_copy(update={"fingerprint": "2"})
    evidence.save(folder, evidence.Evidence(platform="linux", python="3.11", findings={"F01": one, "F02": one}))
    evidence.save(folder, evidence.Evidence(platform="linux", python="3.11", findings={"F02": two}))
    evidence.save(folder, evidence.Evidence(platform="linux", python="3.9", findings={}))
    assert [item.tag for item in evidence.load_all(folder)] == ["linux-3.9", "linux-3.11"]
    assert evidence.load_all(folder)[1].findings == {"F01": one, "F02": two}


def test_spoiled_evidence_is_named(miniature: Miniature) -> None:
    """An evidence file that cannot be read is an error with its name."""
    path = miniature.write("evidence/linux-3.11.json", "{}")
    with pytest.raises(evidence.EvidenceError, match=r"linux-3\.11\.json: cannot be used"):
        evidence.load(path)


def test_a_job_that_fails_stops_the_others() -> None:
    """The first exception stops what still runs and comes out."""

    def fails(_stop: threading.Event) -> None:
        raise LookupError("lost")

    def waits(stop: threading.Event) -> None:
        assert stop.wait(10), "was not told to stop"

    with pytest.raises(LookupError, match="lost"):
        run_all({"a": waits, "b": fails}, workers=2)
