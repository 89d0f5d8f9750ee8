"""Where a patch's faults are said to be, where its hunks go, and what it reads besides hunks."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from harness import patch

if TYPE_CHECKING:
    from pathlib import Path

HEAD = "--- a/utils/x.py\n+++ b/utils/x.py\n"
HUNK = "@@ -1,3 +1,3 @@\n a\n-one\n+two\n c\n"
OUTSIDE = "the path must begin with {0} and stay inside the tree: {1}"


def diff(old: str, new: str, hunk: str = HUNK) -> str:
    """Return a patch from one path to another."""
    return f"--- {old}\n+++ {new}\n{hunk}"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "holds no change: there is no line that begins with '--- a/'"),
        ("Title: x\n\nnonsense\n" + HEAD + HUNK, "line 3: a header line reads 'Key: value', not 'nonsense'"),
        ("--- a/x\n", "line 1: a line that begins with '+++' is due, not the end"),
        ("--- a/x\n--- b/x\n", "line 1: a line that begins with '+++' is due, not '--- b/x'"),
        (diff("a/x", "b/y"), "line 2: a file cannot be renamed, x to y"),
        (diff("/dev/null", "/dev/null"), "line 2: both sides are /dev/null"),
        (HEAD, "line 2: utils/x.py has no hunk"),
        (diff("a/x", "/dev/null", ""), "line 2: x has no hunk"),
        (HEAD + "@@ nonsense\n", "line 3: a hunk begins '@@ -start,count +start,count @@'"),
        (
            HEAD + "@@ -1,2 +1,3 @@\n a\n",
            "line 4: the hunk is shorter than its first line says: 2 old and 3 new lines",
        ),
        (HEAD + "@@ -1 +1 @@\n?a\n", "line 3: the hunk is shorter than its first line says: 1 old and 1 new lines"),
        (HEAD + "@@ -1 +1 @@\n a\n b\n", "line 4: a line that begins with '---' is due, not ' b'"),
        (HEAD + "@@ -1 +1 @@\n+a\n+b\n-c\n", "line 6: the hunk has other line counts than its first line says"),
        (diff("a/../x", "b/x"), "line 1: " + OUTSIDE.format("a/", "a/../x")),
        (diff("a//x", "b/x"), "line 1: " + OUTSIDE.format("a/", "a//x")),
        (diff("a/C:/x", "b/x"), "line 1: " + OUTSIDE.format("a/", "a/C:/x")),
        (diff("a/u\\x", "b/x"), "line 1: " + OUTSIDE.format("a/", "a/u\\x")),
        (diff("a/", "b/x"), "line 1: " + OUTSIDE.format("a/", "a/")),
        (diff("x", "b/x"), "line 1: " + OUTSIDE.format("a/", "x")),
        (diff("a/x", "a/x"), "line 2: " + OUTSIDE.format("b/", "a/x")),
    ],
)
def test_a_fault_is_told_with_its_line(text: str, says: str) -> None:
    """The line, what is wrong there, and what should be."""
    with pytest.raises(patch.PatchError) as caught:
        patch.parse(text)
    assert str(caught.value) == says


@pytest.mark.parametrize(
    ("text", "path", "hunk"),
    [
        (HEAD + HUNK, "utils/x.py", patch.Hunk(1, ("a\n", "one\n", "c\n"), ("a\n", "two\n", "c\n"))),
        (diff("a/x  ", "b/x\t2026-01-01"), "x", patch.Hunk(1, ("a\n", "one\n", "c\n"), ("a\n", "two\n", "c\n"))),
        (diff("a/My X.py", "b/My X.py"), "My X.py", patch.Hunk(1, ("a\n", "one\n", "c\n"), ("a\n", "two\n", "c\n"))),
        (
            HEAD + "@@ -1 +1 @@\n\\ No newline at end of file\n-a\n+b\n",
            "utils/x.py",
            patch.Hunk(1, ("a\n",), ("b\n",)),
        ),
        (diff("/dev/null", "b/x", "@@ -0,0 +1,2 @@\n+a\n+b\n"), "x", patch.Hunk(0, (), ("a\n", "b\n"))),
        (diff("a/x", "/dev/null", "@@ -1 +0,0 @@\n-a\n"), "x", patch.Hunk(1, ("a\n",), ())),
        (HEAD + "@@ -7,2 +9 @@ def f():\n\n-x\n", "utils/x.py", patch.Hunk(7, ("\n", "x\n"), ("\n",))),
        (
            HEAD + "@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+b\n",
            "utils/x.py",
            patch.Hunk(1, ("a",), ("b\n",)),
        ),
        (
            HEAD + "@@ -1,2 +1,2 @@\n-x\n+y\n a\n\\ No newline at end of file\n",
            "utils/x.py",
            patch.Hunk(1, ("x\n", "a"), ("y\n", "a")),
        ),
    ],
)
def test_a_hunk_is_read_to_the_letter(text: str, path: str, hunk: patch.Hunk) -> None:
    """Path, place and lines are as they were written, with or without a last line end."""
    (file,) = patch.parse(text).files
    assert (file.path, file.hunks) == (path, (hunk,))


def test_two_hunks_and_two_files_are_told_apart() -> None:
    """A file's hunks end where the next file begins; which side is missing is kept."""
    made = diff("/dev/null", "b/y", "@@ -0,0 +1 @@\n+q\n")
    files = patch.parse("Title: a\n" + HEAD + HUNK + "@@ -9 +9 @@\n-k\n+l\n" + made).files
    assert [(file.old, file.new, len(file.hunks)) for file in files] == [
        ("utils/x.py", "utils/x.py", 2),
        (None, "y", 1),
    ]


NUMBERS = [f"{number}\n" for number in range(1, 31)]


def changed(root: Path, text: str, before: list[str]) -> list[str]:
    """Apply a patch to a file of these lines; return the lines it has then."""
    file = root / "utils" / "x.py"
    file.parent.mkdir(exist_ok=True)
    file.write_text("".join(before), encoding="utf-8", newline="\n")
    patch.parse(HEAD + text).apply(root)
    return file.read_text(encoding="utf-8").splitlines(keepends=True)


def test_a_later_hunk_moves_as_the_one_before(tmp_path: Path) -> None:
    """Of lines that stand in several places those are meant that moved as far as the lines of the hunk before."""
    before = ["new\n"] * 3 + ["k\n", "a\n", "x\n", "b\n"] + ["x\n"] * 6
    text = "@@ -2 +2,2 @@\n-a\n+A\n+A\n@@ -6 +7 @@\n-x\n+X\n"
    after = changed(tmp_path, text, before)
    assert after == ["new\n"] * 3 + ["k\n", "A\n", "A\n", "x\n", "b\n", "x\n", "X\n"] + ["x\n"] * 4


def test_lines_that_are_only_added_go_where_they_say(tmp_path: Path) -> None:
    """Without a line of context the place is behind the line recorded, moved as the hunk before, at most the end."""
    assert changed(tmp_path, "@@ -2,0 +3 @@\n+new\n", NUMBERS[:4]) == ["1\n", "2\n", "new\n", "3\n", "4\n"]
    assert changed(tmp_path, "@@ -0,0 +1 @@\n+new\n", NUMBERS[:2]) == ["new\n", "1\n", "2\n"]
    assert changed(tmp_path, "@@ -9,0 +9 @@\n+new\n", NUMBERS[:2]) == ["1\n", "2\n", "new\n"]
    text = "@@ -1 +1,3 @@\n-1\n+a\n+b\n+c\n@@ -2,0 +5 @@\n+new\n"
    assert changed(tmp_path, text, NUMBERS[:3]) == ["a\n", "b\n", "c\n", "2\n", "new\n", "3\n"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("@@ -2 +2 @@\n-x\n+y\n", "hunk 1 (line 2) does not fit: line 2 should be 'x', the file has '2'"),
        ("@@ -3,2 +3 @@\n 3\n-x\n", "hunk 1 (line 3) does not fit: line 4 should be 'x', the file ends"),
        ("@@ -1 +1 @@\n-1\n+y\n@@ -2 +2 @@\n-x\n+y\n", "hunk 2 (line 2) does not fit: line 2 should be 'x', the fi"),
        ("@@ -1 +1 @@\n-1\n+1\n", "the patch changes nothing"),
        ("@@ -0 +0 @@\n-x\n+y\n", "hunk 1 (line 0) does not fit: line 0 should be 'x', the file ends"),
    ],
)
def test_what_does_not_fit_is_told_with_its_hunk(tmp_path: Path, text: str, says: str) -> None:
    """The file, the hunk's number and line, the first line that differs and what stands there."""
    with pytest.raises(patch.PatchError, match=f"^{re.escape(f'utils/x.py: {says}')}"):
        changed(tmp_path, text, NUMBERS[:3])


def test_a_hunk_that_fits_twice_is_not_guessed(tmp_path: Path) -> None:
    """Where the lines stand in two places, and in neither of them as recorded, the patch is refused."""
    with pytest.raises(patch.PatchError, match=r"^utils/x\.py: hunk 1 \(line 9\) fits 2 places; give it more context$"):
        changed(tmp_path, "@@ -9 +9 @@\n-1\n+x\n", NUMBERS[:2] * 2)
    assert changed(tmp_path, "@@ -3 +3 @@\n-1\n+x\n", NUMBERS[:2] * 2) == ["1\n", "2\n", "x\n", "2\n"]


@pytest.mark.parametrize(
    ("files", "text", "says"),
    [
        ({"x": ""}, diff("/dev/null", "b/x", "@@ -0,0 +1 @@\n+a\n"), "x: is to be made but exists, or what is to be"),
        ({"x": ""}, diff("/dev/null", "b/x/y", "@@ -0,0 +1 @@\n+a\n"), "x/y: is to be made but exists, or what is "),
        ({"x": "a\nb\n"}, diff("a/x", "/dev/null", "@@ -1 +0,0 @@\n-a\n"), "x: is to be deleted, but the patch leav"),
        ({}, diff("a/x", "b/x"), "x: the tree has no such file"),
        ({"x": b"\xff"}, diff("a/x", "b/x"), "x: is no text in UTF-8 that can be read: 'utf-8' codec can't decode"),
        ({"x/y": ""}, diff("a/x", "b/x"), "x: is no text in UTF-8 that can be read: "),
    ],
)
def test_a_tree_that_is_not_meant_is_told(tmp_path: Path, files: dict[str, str | bytes], text: str, says: str) -> None:
    """A file that is there, is not there, holds more, or is no text: the sentence says which."""
    for name, content in files.items():
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(patch.PatchError, match=f"^{re.escape(says)}"):
        patch.parse(text).apply(tmp_path)


def test_a_made_file_ends_its_lines_as_posix_does(tmp_path: Path) -> None:
    """A new file has LF, its folders are made with it, and characters beyond ASCII are in UTF-8."""
    patch.parse(diff("/dev/null", "b/a/b/x", "@@ -0,0 +1,2 @@\n+é\n+b\n")).apply(tmp_path)
    assert (tmp_path / "a" / "b" / "x").read_bytes() == "é\nb\n".encode()
