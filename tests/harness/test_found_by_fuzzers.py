"""What the fuzzers found in the harness's own parsers, each as a case of its own."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from harness import expectations, fuzzers, patch, promote, register, runner, teeth, variant
from harness.project import Project

if TYPE_CHECKING:
    from pathlib import Path

HEADER = "Title: t\nExpect: fail\nReason: r\n"
CHANGE = "@@ -1 +1 @@\n-a\n+b\n"


def test_brackets_without_end(tmp_path: Path) -> None:
    """Brackets nested too deeply are no TOML, and were a fault of the harness."""
    file = tmp_path / "fuzzers.toml"
    file.write_text("a = " + "[" * 5000, encoding="utf-8")
    with pytest.raises(register.RegisterError, match="not valid TOML"):
        register.load(file)
    with pytest.raises(expectations.ExpectationError, match="not valid TOML"):
        expectations.load(file, {})
    with pytest.raises(fuzzers.TeethError, match=r"fuzzers\.toml"):
        fuzzers.table(tmp_path)


def test_evidence_that_is_no_text(tmp_path: Path) -> None:
    """Teeth that are no UTF-8 are refused by name, and were a fault of the harness."""
    file = tmp_path / "linux-3.11.json"
    file.write_bytes(b"\x80")
    with pytest.raises(fuzzers.TeethError, match=r"linux-3\.11\.json"):
        teeth.load(file)


@pytest.mark.parametrize("path", ["", ".", "\x00"])
def test_a_patch_of_no_file(path: str) -> None:
    """A patch of the tree's own folder, or of a name that no file has, is refused when it is read."""
    with pytest.raises(patch.PatchError, match="stay inside the tree"):
        patch.parse(f"--- a/{path}\n+++ b/{path}\n{CHANGE}")


@pytest.mark.parametrize(("name", "content"), [("a", None), ("a", b"\xff"), ("a/b", b"text")])
def test_a_patch_that_meets_something_else(tmp_path: Path, name: str, content: bytes | None) -> None:
    """A patch of what is a folder, no text, or below a file is refused and leaves the tree as it was."""
    place = tmp_path / "a"
    place.mkdir() if content is None else place.write_bytes(content)
    change = patch.parse(f"--- a/{name}\n+++ b/{name}\n{CHANGE}")
    with pytest.raises(patch.PatchError):
        change.apply(tmp_path)
    new = patch.parse("--- /dev/null\n+++ b/a/new\n@@ -0,0 +1 @@\n+b\n")
    if content is not None:
        with pytest.raises(patch.PatchError, match="is a file"):
            new.apply(tmp_path)
    assert [place.is_dir(), *tmp_path.rglob("*")] == [content is None, place]


def test_line_numbers_without_end() -> None:
    """A line number of thousands of digits is no line number, and was a ValueError of Python's."""
    with pytest.raises(patch.PatchError, match="a hunk begins"):
        patch.parse(f"--- a/x\n+++ b/x\n@@ -{'1' * 5000} +1 @@\n+b\n")


@pytest.mark.parametrize("pattern", ["a{99999999999}", "(" * 5000])
def test_patterns_that_python_cannot_take(tmp_path: Path, pattern: str) -> None:
    """A reason that is too large for a pattern is refused with the variant's name, and was a fault of the harness."""
    file = tmp_path / "audited.patch"
    file.write_text(f"Title: t\nExpect: fail\nReason: {pattern}\n--- a/x\n+++ b/x\n{CHANGE}", encoding="utf-8")
    with pytest.raises(variant.VariantError, match=r"audited\.patch"):
        variant.load(file)


@pytest.mark.parametrize(
    "changes",
    [
        {"arguments": {"a": "{[]: 1}"}},
        {"arguments": {"a": 5}},
        {"arguments": [1]},
        {"arguments": {"a": "-" * 5000 + "1"}},
        {"message": 5},
        {"schedule": [1]},
        {"message": "\ud800"},
    ],
)
def test_failures_that_nobody_wrote(tmp_path: Path, changes: dict[str, object]) -> None:
    """A failure with other types, or an argument that no literal can be, is refused; no case is left half written."""
    project, failure = Project(tmp_path), tmp_path / "f.json"
    project.fuzz.mkdir()
    entry = {"file": "test_a.py", "test": "test_a", "message": "m"}
    failure.write_text(json.dumps(entry | changes), encoding="utf-8")
    with pytest.raises(promote.PromoteError):
        promote.promote(project, failure)
    assert list(project.fuzz.iterdir()) == []


def test_events_that_are_none(tmp_path: Path) -> None:
    """Lines that are no events, as a tree that is judged could write, are passed over, and were the judge's end."""
    events = tmp_path / "events"
    whole = {"event": "start", "test": "t"}
    lines = [b"{", b"5", b"[]", b'{"event": "end"}', b'{"event": "result", "status": "x"}', json.dumps(whole).encode()]
    events.write_bytes(b"\n".join([*lines, b""]))
    assert runner.read_events(events) == [whole]
