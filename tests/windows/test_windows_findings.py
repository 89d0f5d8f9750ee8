"""The findings that are about Windows, on Windows: the reference is right, and each variant gets the verdict on record.

`nox -s prove` shows the same of all findings, and that no variant fails by another regression; this is its quick part.
"""

from __future__ import annotations

import dataclasses
import threading
from typing import TYPE_CHECKING

import pytest

from harness import evidence, runner, subject, variant
from harness import register as registers
from harness.judge import verdict_on
from harness.project import Project
from harness.status import Status

if TYPE_CHECKING:
    from pathlib import Path

    from harness.runner import Verdict

FINDINGS = ("F12", "F13", "F17")
"""Processes of the bot, signals, the console."""

TIMEOUT = 180.0
"""Seconds for each verdict; a machine that is busy starts processes slowly."""

PROJECT = Project()
REGISTER = registers.load(PROJECT.register)
VARIANTS = [file for finding in FINDINGS for file in variant.of(PROJECT.variants / finding)]
AUDITED = [file for file in VARIANTS if file.stem == "audited"]
OTHERS = [file for file in VARIANTS if file not in AUDITED]

pytestmark = pytest.mark.windows("proved on every platform by `nox -s prove`; here the quick part for Windows")


@pytest.fixture
def utils(tmp_path: Path) -> Path:
    """A tree that has nothing but the reference's utils."""
    subject.copy(PROJECT.reference / subject.PACKAGE, tmp_path / "tree" / subject.PACKAGE)
    return tmp_path / "tree"


def judged(finding: str, tree: Path) -> Verdict:
    """Judge a tree by one finding's regression, on this Python."""
    return verdict_on(PROJECT, REGISTER[finding], tree, runner.interpreter(), TIMEOUT, threading.Event())


@pytest.mark.parametrize("finding", FINDINGS)
def test_the_reference_passes(utils: Path, finding: str) -> None:
    """The reference has none of these faults on Windows."""
    verdict = judged(finding, utils)
    assert (verdict.status, verdict.reason) == (Status.PASS, "")


@pytest.mark.parametrize("file", AUDITED, ids=lambda file: file.parent.name)
def test_the_audited_defect_is_noticed(utils: Path, file: Path) -> None:
    """The defect of the audit, put back, fails for its reason on Windows too."""
    gets_its_verdict(utils, file)


@pytest.mark.parametrize("file", OTHERS, ids=lambda file: f"{file.parent.name}-{file.stem}")
def test_a_variant_gets_its_verdict(utils: Path, file: Path) -> None:
    """Any other defect is noticed for its reason, and another right implementation is not blamed."""
    gets_its_verdict(utils, file)


def gets_its_verdict(utils: Path, file: Path) -> None:
    """Apply a variant to a tree and hold the verdict of its own finding against what is recorded."""
    known = dataclasses.replace(variant.load(file), also={})
    known.patch.apply(utils)
    verdict = judged(known.finding, utils)
    weighed = evidence.weigh_variant(known, {known.finding: verdict}, {})
    assert not weighed.faults, verdict
