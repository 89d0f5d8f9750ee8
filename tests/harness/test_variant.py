"""A variant's name and header say what is expected of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from harness import variant
from harness.status import Status
from harness.variant import Kind, VariantError

if TYPE_CHECKING:
    from pathlib import Path

    from tests.harness.conftest import Miniature

DEFECT = "Title: goes below zero\nExpect: fail\nReason: gave -1\nAlso: F02 = counts with it\n"


def test_reads_what_is_expected(miniature: Miniature) -> None:
    """Kind, status, reason and recorded others are read."""
    read = variant.load(miniature.variant("audited-below", "max(0, self.value - 1)", "-1", DEFECT))
    assert (read.kind, read.expected, read.also) == (Kind.AUDITED, Status.FAIL, {"F02": "counts with it"})
    assert read.reason is not None
    assert read.reason.search("from zero gave -1")
    assert read.label == "F01/audited-below"


@pytest.mark.parametrize(
    ("header", "says"),
    [
        ("Expect: fail\nReason: x\n", "one Title line"),
        ("Title: x\nReason: x\n", "one Expect line"),
        ("Title: x\nExpect: fail\n", "needs a Reason"),
        ("Title: x\nExpect: pass\n", "a defect expects one of"),
        ("Title: x\nExpect: green\n", "green"),
        ("Title: x\nExpect: fail\nReason: (\n", "unterminated|missing"),
        ("Title: x\nExpect: fail\nReason: x\nAlso: F02\n", "Fnn = why"),
        ("Title: x\nExpect: fail\nReason: x\nMood: good\n", "unknown header key Mood"),
    ],
)
def test_names_what_is_wrong_with_a_header(miniature: Miniature, header: str, says: str) -> None:
    """A header that leaves the expectation open is refused, with the file's name."""
    path = miniature.variant("audited", "max(0, self.value - 1)", "-1", header)
    with pytest.raises(VariantError, match=f"(?s)F01/audited.patch: .*({says})"):
        variant.load(path)


def test_a_lookalike_must_pass(miniature: Miniature) -> None:
    """Another right implementation cannot be expected to fail."""
    path = miniature.variant("lookalike-x", "max(0, self.value - 1)", "-1", DEFECT)
    with pytest.raises(VariantError, match="a lookalike expects pass"):
        variant.load(path)


def test_the_name_says_what_it_is(miniature: Miniature) -> None:
    """A file that is named otherwise is refused."""
    path = miniature.variant("other", "max(0, self.value - 1)", "-1", DEFECT)
    with pytest.raises(VariantError, match=r"name it audited\.patch"):
        variant.load(path)


def test_names_files_outside_the_unit(miniature: Miniature) -> None:
    """A file that the finding's unit does not list is a stray."""
    read = variant.load(miniature.variant("audited", "max(0, self.value - 1)", "-1", DEFECT))
    finding = miniature.register()["F01"]
    assert read.strays(finding) == []
    assert read.strays(finding.model_copy(update={"unit": ("utils/other.py",)})) == ["utils/counter.py"]


def test_a_file_that_is_no_patch_is_named(tmp_path: Path) -> None:
    """Text without a diff is refused with the file's name."""
    path = tmp_path / "F01" / "audited.patch"
    path.parent.mkdir()
    path.write_text("Title: x\n", encoding="utf-8")
    with pytest.raises(VariantError, match=r"F01/audited\.patch: holds no change"):
        variant.load(path)
