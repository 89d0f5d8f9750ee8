"""A subject is located, copied and imported without harm to itself or to others."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from harness import subject as subjects
from harness.subject import NotApplicable, Subject, SubjectError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FILES = {
    "utils/__init__.py": "",
    "utils/area/__init__.py": "from .thing import thing\nlabel = 'area'\nThing = 'a class'\n",
    "utils/area/thing.py": "thing = 'a name that hides the module'\n",
    "utils/alone.py": "value = 1\n",
}


def write(root: Path, files: dict[str, str]) -> Path:
    """Write files below a root; return it resolved."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root.resolve()


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Subject]:
    """A subject with a package, a module and a name that hides a module."""
    before = {name: module for name, module in sys.modules.items() if name.split(".")[0] == "utils"}
    subject = Subject(write(tmp_path, FILES))
    subject.open()
    yield subject
    subject.close()
    sys.modules.update(before)


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("nowhere", "no such folder"),
        ("tree/utils/alone.py", "is a file"),
        ("empty", "holds no utils/ package"),
        ("tree/utils", "give its parent folder"),
    ],
)
def test_says_what_is_wrong_with_a_path(tmp_path: Path, path: str, says: str) -> None:
    """A path that is no tree is refused with one sentence."""
    write(tmp_path / "tree", FILES)
    (tmp_path / "empty").mkdir()
    with pytest.raises(SubjectError, match=says):
        subjects.locate(tmp_path / path)


def test_copies_what_can_matter(tmp_path: Path) -> None:
    """Version control, environments, caches and large files stay behind; everything else is copied."""
    source = write(
        tmp_path / "tree",
        {
            **FILES,
            "bot.py": "",
            "data/settings.json": "{}",
            ".git/config": "",
            "venv/pyvenv.cfg": "",
            "utils/__pycache__/x.pyc": "",
        },
    )
    (source / "movie.bin").write_bytes(b"\0" * (subjects.LARGEST_FILE + 1))
    copy = subjects.copy(source, tmp_path / "copy")
    found = {path.relative_to(copy).as_posix() for path in copy.rglob("*") if path.is_file()}
    assert found == {*FILES, "bot.py", "data/settings.json"}


def test_a_module_is_never_hidden_by_a_name(opened: Subject) -> None:
    """``utils.area.thing`` is the module, whatever the package binds to that name."""
    assert opened.area.thing.thing == "a name that hides the module"
    assert opened.area.label == "area"


def test_a_name_is_told_from_a_module_of_another_case(opened: Subject) -> None:
    """A class is found where a module is spelled like it but for the case, which counts for nothing on Windows."""
    assert opened.area.Thing == "a class"
    with pytest.raises(NotApplicable):
        _ = opened.Alone


def test_a_name_can_be_set_through_the_package(opened: Subject) -> None:
    """Setting a name on a package reaches the real package."""
    opened.area.label = "changed"
    assert sys.modules["utils.area"].label == "changed"


@pytest.mark.parametrize("path", ["nothing", "area.nothing"])
def test_what_is_not_there_is_not_applicable(opened: Subject, path: str) -> None:
    """A missing module or name says so, with its place."""
    with pytest.raises(NotApplicable, match="nothing"):
        eval(f"subject.{path}", {"subject": opened})  # noqa: S307  the expressions stand above


def test_a_package_that_asks_for_a_missing_module_can_still_be_used(tmp_path: Path) -> None:
    """An ``__init__`` with a missing import leaves the other modules to be judged, and a note."""
    files = {**FILES, "utils/area/__init__.py": "from .gone import x\n", "utils/area/other.py": "value = 2\n"}
    subject = Subject(write(tmp_path, files))
    subject.open()
    try:
        assert subject.area.other.value == 2
        assert subject.notes == ["utils.area was imported in part: No module named 'utils.area.gone'"]
    finally:
        subject.close()


@pytest.mark.parametrize(
    ("line", "note"),
    [("raise RuntimeError('no token')", "RuntimeError: no token"), ("raise SystemExit(1)", "SystemExit: 1")],
)
def test_a_package_that_fails_can_still_be_used(tmp_path: Path, line: str, note: str) -> None:
    """An ``__init__`` that raises, or wants to end the program, leaves the other modules to be judged, and a note."""
    files = {**FILES, "utils/area/__init__.py": f"{line}\n", "utils/area/other.py": "value = 2\n"}
    subject = Subject(write(tmp_path, files))
    subject.open()
    try:
        assert subject.area.other.value == 2
        assert subject.notes == [f"utils.area was imported in part: {note}"]
    finally:
        subject.close()


def test_closing_forgets_the_subject(tmp_path: Path) -> None:
    """After close, neither modules nor paths of the subject are left."""
    subject = Subject(write(tmp_path, FILES))
    subject.open()
    assert subject.alone.value == 1
    subject.close()
    assert "utils.alone" not in sys.modules
    assert str(subject.root) not in sys.path


def test_knows_its_own_files(opened: Subject, tmp_path: Path) -> None:
    """A file below the root is the subject's, another is not."""
    assert opened.owns(str(opened.root / "utils" / "alone.py"))
    assert not opened.owns(str(tmp_path.parent / "elsewhere.py"))
    assert not opened.owns("<frozen importlib._bootstrap>")
