"""What a worker lends to an interpreter that lacks it, and what it remembers of a run."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import sys
from importlib.metadata import DistributionFinder
from pathlib import Path

import pytest

from harness.worker import Lender, Witness


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    """A folder with a package, a module in it, and the metadata of two distributions."""
    package = tmp_path / "lent_thing"
    package.mkdir()
    (package / "__init__.py").write_text("value = 3\n", encoding="utf-8")
    (package / "inner.py").write_text("value = 4\n", encoding="utf-8")
    for name, version in (("lent_thing", "1.5"), ("other", "2.0")):
        notes = tmp_path / f"{name}-{version}.dist-info"
        notes.mkdir()
        (notes / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n", encoding="utf-8")
    return tmp_path


def test_a_lent_module_is_found_in_its_folder_alone(shelf: Path) -> None:
    """The modules named are found, neither others of the folder nor those inside of a package."""
    lender = Lender({"lent_thing": str(shelf)})
    spec = lender.find_spec("lent_thing", None)
    assert spec is not None
    assert spec.origin is not None
    assert Path(spec.origin) == shelf / "lent_thing" / "__init__.py"
    (shelf / "other.py").touch()
    assert lender.find_spec("other", None) is None
    assert lender.find_spec("lent_thing", [str(shelf)]) is None
    assert Lender({"absent": str(shelf)}).find_spec("absent", None) is None


def test_a_lent_module_can_be_imported_and_asked_for_its_version(shelf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What an interpreter lacks is imported with what it holds, and plugins learn its version by either spelling."""
    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path, Lender({"lent_thing": str(shelf)})])
    try:
        assert importlib.import_module("lent_thing.inner").value == 4
        assert [importlib.metadata.version(name) for name in ("lent-thing", "lent_thing")] == ["1.5", "1.5"]
    finally:
        for name in ("lent_thing", "lent_thing.inner"):
            sys.modules.pop(name, None)


def test_metadata_of_what_is_not_lent_is_not_found(shelf: Path) -> None:
    """Whoever asks for another distribution, or for all that there are, gets none from the lender."""
    lender = Lender({"lent_thing": str(shelf)})
    assert [*lender.find_distributions(DistributionFinder.Context(name="other"))] == []
    assert [*lender.find_distributions(DistributionFinder.Context())] == []
    found = [*lender.find_distributions(DistributionFinder.Context(name="lent-thing"))]
    assert [each.version for each in found] == ["1.5"]


@pytest.mark.parametrize(
    ("outcome", "text", "fault"),
    [
        ("failed", "x.py:1: in <module>\n    import y\nE   first\nE   ImportError: no y\n", "ImportError: no y"),
        ("failed", "first\nlast\n", "last"),
        ("failed", "Error in the middle\nE is no mark at the end\n", "is no mark at the end"),
        ("failed", "", ""),
        ("passed", "E   ImportError: no y\n", ""),
    ],
)
def test_what_broke_a_regression_is_the_last_line_of_its_error(outcome: str, text: str, fault: str) -> None:
    """Of a report the last line that pytest marks is kept, or the last of all; of one that did not fail nothing."""
    witness = Witness()
    witness.pytest_collectreport(pytest.CollectReport("test_x.py", outcome, text, None))  # type: ignore[arg-type]
    assert witness.fault == fault


def test_the_configuration_of_a_run_is_kept(pytestconfig: pytest.Config) -> None:
    """The subject that a run opened is looked for there."""
    witness = Witness()
    assert witness.config is None
    witness.pytest_configure(pytestconfig)
    assert witness.config is pytestconfig
