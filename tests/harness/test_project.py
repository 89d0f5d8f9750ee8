"""Where the harness reads, and where it writes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from harness import project
from harness.project import Project

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that the package stands in, as it is where the package is installed; the person stands elsewhere."""
    home, elsewhere = tmp_path / "site-packages", tmp_path / "elsewhere"
    home.mkdir()
    elsewhere.mkdir()
    monkeypatch.setattr(project, "HOME", home)
    monkeypatch.chdir(elsewhere)
    return home


def written(root: Path) -> set[Path]:
    """Return the folders below which a project writes."""
    ours = Project(root)
    return {ours.ledger.parent, ours.evidence.parent, ours.cache.parent, ours.found.parent, ours.teeth.parent.parent}


def test_an_installed_package_writes_where_the_person_stands(home: Path) -> None:
    """Evidence, ledger, teeth and caches are not put beside installed code, which is read from there all the same."""
    assert written(home) == {home.parent / "elsewhere"}
    assert Project(home).register == home / "regressions" / "findings.toml"


def test_a_checkout_keeps_what_is_written_beside_the_code(home: Path) -> None:
    """A folder with a pyproject.toml is a checkout, wherever the person stands; so is any folder that is named."""
    (home / "pyproject.toml").touch()
    assert written(home) == {home}
    assert written(home.parent / "named") == {home.parent / "named"}
