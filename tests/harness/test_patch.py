"""Patches are read and applied strictly, in files with either line ending."""

from __future__ import annotations

import difflib
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness import patch

HEAD = "--- a/utils/x.py\n+++ b/utils/x.py\n"
ONE_TO_TWO = HEAD + "@@ -1,3 +1,3 @@\n a\n-one\n+two\n c\n"
LINES = st.lists(st.sampled_from(["a", "b", "", "  c", "\u2028", "é", "\x0c", "-x", "+y", "@@"]), max_size=12)


def tree(root: Path, content: bytes) -> Path:
    """Write one file of a tree."""
    file = root / "utils" / "x.py"
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(content)
    return file


def test_replaces_the_recorded_lines(tmp_path: Path) -> None:
    """A hunk whose lines stand where it says replaces them."""
    file = tree(tmp_path, b"a\none\nc\n")
    patch.parse(ONE_TO_TWO).apply(tmp_path)
    assert file.read_bytes() == b"a\ntwo\nc\n"


def test_keeps_the_line_ending_of_the_file(tmp_path: Path) -> None:
    """A patch with LF applies to a file with CRLF, which keeps its own."""
    file = tree(tmp_path, b"a\r\none\r\nc\r\n")
    patch.parse(ONE_TO_TWO).apply(tmp_path)
    assert file.read_bytes() == b"a\r\ntwo\r\nc\r\n"


def test_reads_a_patch_with_crlf(tmp_path: Path) -> None:
    """A patch that was checked out with CRLF applies as well."""
    file = tree(tmp_path, b"a\none\nc\n")
    patch.parse(ONE_TO_TWO.replace("\n", "\r\n")).apply(tmp_path)
    assert file.read_bytes() == b"a\ntwo\nc\n"


def test_follows_lines_that_moved(tmp_path: Path) -> None:
    """A hunk whose lines all stand elsewhere, once, applies there."""
    file = tree(tmp_path, b"new\nnew\na\none\nc\n")
    patch.parse(ONE_TO_TWO).apply(tmp_path)
    assert file.read_bytes() == b"new\nnew\na\ntwo\nc\n"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"a\nOne\nc\n", "line 2 should be 'one', the file has 'One'"),
        (b"a\n", "line 2 should be 'one', the file ends"),
        (b"x\na\none\nc\na\none\nc\n", "fits 2 places"),
    ],
)
def test_refuses_what_does_not_fit(tmp_path: Path, content: bytes, says: str) -> None:
    """Without every context line in one place, nothing is changed and the place is named."""
    file = tree(tmp_path, content)
    with pytest.raises(patch.PatchError, match=says):
        patch.parse(ONE_TO_TWO).apply(tmp_path)
    assert file.read_bytes() == content


def test_refuses_a_change_that_changes_nothing(tmp_path: Path) -> None:
    """A patch after which the file is the same is an error."""
    tree(tmp_path, b"a\none\nc\n")
    with pytest.raises(patch.PatchError, match="changes nothing"):
        patch.parse(HEAD + "@@ -1,2 +1,2 @@\n a\n-one\n+one\n").apply(tmp_path)


def test_writes_nothing_unless_every_file_fits(tmp_path: Path) -> None:
    """A patch whose second file is missing leaves the first as it was."""
    file = tree(tmp_path, b"a\none\nc\n")
    second = ONE_TO_TWO.replace("x.py", "y.py")
    with pytest.raises(patch.PatchError, match=r"utils/y\.py: the tree has no such file"):
        patch.parse(ONE_TO_TWO + second).apply(tmp_path)
    assert file.read_bytes() == b"a\none\nc\n"


def test_makes_and_deletes_files(tmp_path: Path) -> None:
    """/dev/null on one side makes or deletes the file."""
    tree(tmp_path, b"one\n")
    made = "--- /dev/null\n+++ b/utils/new/y.py\n@@ -0,0 +1,1 @@\n+made\n"
    gone = "--- a/utils/x.py\n+++ /dev/null\n@@ -1,1 +0,0 @@\n-one\n"
    patch.parse(made + gone).apply(tmp_path)
    assert (tmp_path / "utils/new/y.py").read_text() == "made\n"
    assert not (tmp_path / "utils/x.py").exists()


def test_refuses_to_make_a_file_that_exists(tmp_path: Path) -> None:
    """A file that is to be made must not be there."""
    tree(tmp_path, b"one\n")
    with pytest.raises(patch.PatchError, match="exists"):
        patch.parse("--- /dev/null\n+++ b/utils/x.py\n@@ -0,0 +1 @@\n+made\n").apply(tmp_path)


def test_refuses_to_delete_what_differs(tmp_path: Path) -> None:
    """A file that is to be deleted must hold just the lines that the patch takes away."""
    tree(tmp_path, b"one\ntwo\n")
    with pytest.raises(patch.PatchError, match="leaves lines"):
        patch.parse("--- a/utils/x.py\n+++ /dev/null\n@@ -1 +0,0 @@\n-one\n").apply(tmp_path)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "holds no change"),
        ("Title: x\n", "holds no change"),
        ("no header\n" + ONE_TO_TWO, "header line"),
        ("--- a/x\n", r"begins with '\+\+\+'"),
        ("--- a/x\n+++ b/y\n@@ -1 +1 @@\n-a\n+b\n", "renamed"),
        (HEAD, "has no hunk"),
        (HEAD + "@@ nonsense\n", "a hunk begins"),
        (HEAD + "@@ -1,2 +1,2 @@\n a\n", "shorter"),
        (HEAD + "@@ -1,1 +1,1 @@\n a\n b\n", "begins with '---'"),
        (HEAD + "@@ -1,1 +1,1 @@\n+a\n+b\n-c\n", "other line counts"),
        ("--- /dev/null\n+++ /dev/null\n@@ -1 +1 @@\n-a\n+b\n", "both sides"),
        (ONE_TO_TWO.replace("a/utils", "a/../utils"), "inside the tree"),
        (ONE_TO_TWO.replace("a/utils", "a//utils"), "inside the tree"),
        (ONE_TO_TWO.replace("a/utils", "a/C:"), "inside the tree"),
        (ONE_TO_TWO.replace("a/utils", "utils"), "must begin with a/"),
    ],
)
def test_names_what_is_wrong_with_a_patch(text: str, says: str) -> None:
    """A text that is no patch inside the tree is refused with the reason."""
    with pytest.raises(patch.PatchError, match=says):
        patch.parse(text)


def test_reads_the_header() -> None:
    """Lines before the diff are keys with values, and a key may come again."""
    read = patch.parse("Title: a: b\nAlso: F01 = x\nAlso: F02 = y\n\n" + ONE_TO_TWO)
    assert read.header == {"Title": ["a: b"], "Also": ["F01 = x", "F02 = y"]}


@given(old=LINES, new=LINES, ends=st.booleans(), newline=st.sampled_from(["\n", "\r\n"]))
def test_applies_every_diff_that_difflib_makes(old: list[str], new: list[str], ends: bool, newline: str) -> None:
    """Whatever two texts are, the diff from one to the other leads from one to the other."""
    texts = ["\n".join(lines) + ("\n" if ends and lines else "") for lines in (old, new)]
    if texts[0] == texts[1] or not all(texts):
        return
    diff = difflib.unified_diff(_lines(texts[0]), _lines(texts[1]), "a/utils/x.py", "b/utils/x.py")
    pieces = [line if line.endswith("\n") else f"{line}\n{patch.NO_NEWLINE}\n" for line in diff]
    with tempfile.TemporaryDirectory() as folder:
        file = tree(Path(folder), texts[0].replace("\n", newline).encode())
        patch.parse("".join(pieces)).apply(Path(folder))
        has_crlf = newline == "\r\n" and "\n" in texts[0]
        assert file.read_bytes().decode() == (texts[1].replace("\n", "\r\n") if has_crlf else texts[1])


def _lines(text: str) -> list[str]:
    *whole, last = text.split("\n")
    return [line + "\n" for line in whole] + ([last] if last else [])
