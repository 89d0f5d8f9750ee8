"""The workflow's last job, carried out here: artefacts laid as GitHub lays them, and the very command that it runs."""

from __future__ import annotations

import itertools
import re
import shlex
from fnmatch import fnmatch
from typing import TYPE_CHECKING, Any

import pytest

from harness import evidence, fingerprint, ledger, variant
from harness.__main__ import main
from harness.arguments import Exit
from harness.evidence import Evidence, FindingProof, VariantProof
from harness.status import Status
from tests.test_front_door import JOBS, SYSTEMS

if TYPE_CHECKING:
    from pathlib import Path

    from tests.harness.conftest import Miniature

COMMITTED = ("linux-3.11", "windows-3.11")
"""What the ledger of these tests claims; the workflow proves both."""


def step(job: str, part: str) -> dict[str, Any]:
    """Return the last step of a job that uses an action, or whose command has a word."""
    steps = JOBS[job]["steps"]
    return next(each for each in reversed(steps) if part in each.get("uses", "") or part in each.get("run", ""))


def artefacts() -> dict[str, str]:
    """Return what each machine that proves is named in evidence, by the name of its artefact."""
    matrix, name = JOBS["prove"]["strategy"]["matrix"], step("prove", "upload-artifact")["with"]["name"]
    return {
        _filled(name, os=system, python=python): f"{SYSTEMS[system.partition('-')[0]][0]}-{python}"
        for system, python in itertools.product(matrix["os"], matrix["python"])
    }


def _filled(name: str, **values: str) -> str:
    return re.sub(r"\$\{\{ matrix\.(\w+) \}\}", lambda hole: values[hole[1]], name)


def of(tag: str, proof: Evidence) -> Evidence:
    """Return a proof as if it had been made on another machine."""
    platform, _, python = tag.rpartition("-")
    return proof.model_copy(update={"platform": platform, "python": python})


@pytest.fixture
def proof(miniature: Miniature) -> Evidence:
    """What a proof of the miniature writes down; the miniature's ledger claims it on two platforms."""
    miniature.proved()
    findings = miniature.register()
    variants = {file.stem: variant.load(file) for file in variant.of(miniature.project.variants / "F01")}
    behaved = {
        name: VariantProof(kind=each.kind, title=each.title, expected=each.expected, status=each.expected)
        for name, each in variants.items()
    }
    mark = fingerprint.of_finding(miniature.project, findings["F01"])
    proved = FindingProof(fingerprint=mark, reference=Status.PASS, variants=behaved)
    proof = Evidence(platform="linux", python="3.11", findings={"F01": proved})
    for tag in COMMITTED:
        evidence.save(miniature.project.evidence, of(tag, proof))
    ledger.write(miniature.project, findings)
    return proof


def lay(folder: Path, proofs: dict[str, Evidence]) -> None:
    """Lay artefacts as the action that downloads them does: a folder each, with the paths that were uploaded."""
    for artefact, proof in proofs.items():
        evidence.save(folder / artefact / "evidence", proof)


def merging(miniature: Miniature, monkeypatch: pytest.MonkeyPatch) -> int:
    """Run the last job's commands on the miniature, from its root; return the exit code of the one that merges."""
    monkeypatch.chdir(miniature.project.root)
    project = ["--project", str(miniature.project.root)]
    assert main(["ledger", *project]) == Exit.HELD
    _, _, arguments = step("ledger", "--merge")["run"].partition(" -- ")
    return main(["ledger", *project, *shlex.split(arguments)])


def downloaded(miniature: Miniature) -> Path:
    """Return the folder into which the last job downloads the artefacts."""
    return miniature.project.root / str(step("ledger", "download-artifact")["with"]["path"])


def test_every_artefact_of_evidence_is_downloaded() -> None:
    """What the machines upload has a name each, and all match the pattern by which the last job downloads."""
    pattern = step("ledger", "download-artifact")["with"]["pattern"]
    machines = JOBS["prove"]["strategy"]["matrix"]
    assert len(artefacts()) == len(machines["os"]) * len(machines["python"])
    assert [name for name in artefacts() if not fnmatch(name, pattern)] == []
    assert "evidence/*.json" in step("prove", "upload-artifact")["with"]["path"].split()
    assert JOBS["ledger"]["needs"] == "prove"


def test_claims_that_all_machines_bear_out_hold(
    miniature: Miniature, proof: Evidence, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the evidence of every machine the job is green, and the ledger that it uploads names all of them."""
    lay(downloaded(miniature), {name: of(tag, proof) for name, tag in artefacts().items()})
    assert merging(miniature, monkeypatch) == Exit.HELD
    text = miniature.project.ledger.read_text(encoding="utf-8")
    assert "Linux 3.11, 3.12" in text
    assert "Windows 3.11, 3.12" in text


@pytest.mark.parametrize("tag", COMMITTED)
def test_a_claim_without_its_machine_is_red(
    tag: str,
    miniature: Miniature,
    proof: Evidence,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Where one machine's artefact is missing, the job is red and names the claim that hangs in the air."""
    lay(downloaded(miniature), {name: of(each, proof) for name, each in artefacts().items() if each != tag})
    assert merging(miniature, monkeypatch) == Exit.FAILED
    assert f"F01: is claimed to be proved on {tag}, and was not proved there" in capsys.readouterr().err


def test_a_machine_that_could_not_prove_is_red(
    miniature: Miniature, proof: Evidence, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Evidence with a fault is red even on a machine that the ledger claims nothing of."""
    failed = {name: item.model_copy(update={"faults": ("it was not caught",)}) for name, item in proof.findings.items()}
    proofs = {name: of(tag, proof) for name, tag in artefacts().items()}
    unclaimed = next(name for name, tag in artefacts().items() if tag not in COMMITTED)
    proofs[unclaimed] = proofs[unclaimed].model_copy(update={"findings": failed})
    lay(downloaded(miniature), proofs)
    assert merging(miniature, monkeypatch) == Exit.FAILED
    assert f"{artefacts()[unclaimed]}: it was not caught" in capsys.readouterr().err


def test_evidence_of_other_code_is_no_evidence(
    miniature: Miniature, proof: Evidence, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A proof whose fingerprint is not that of the code that stands here bears nothing out."""
    stale = {name: item.model_copy(update={"fingerprint": "0" * 64}) for name, item in proof.findings.items()}
    proofs = {name: of(tag, proof) for name, tag in artefacts().items()}
    lay(downloaded(miniature), {name: item.model_copy(update={"findings": stale}) for name, item in proofs.items()})
    assert merging(miniature, monkeypatch) == Exit.FAILED
    assert "F01: is claimed to be proved on windows-3.11" in capsys.readouterr().err


def test_what_no_machine_of_the_workflow_can_prove_is_left_out(
    miniature: Miniature, proof: Evidence, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A claim of Wine is another machine's to check: the job does not blame it, and keeps it."""
    evidence.save(miniature.project.evidence, of("windows-wine-3.11", proof))
    ledger.write(miniature.project, miniature.register())
    lay(downloaded(miniature), {name: of(tag, proof) for name, tag in artefacts().items()})
    assert merging(miniature, monkeypatch) == Exit.HELD
    assert "Windows CPython under Wine 3.11" in miniature.project.ledger.read_text(encoding="utf-8")


def test_no_artefact_at_all_is_red(miniature: Miniature, proof: Evidence, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nothing could be downloaded, nothing is borne out."""
    assert proof.findings
    downloaded(miniature).mkdir()
    assert merging(miniature, monkeypatch) == Exit.BROKEN
