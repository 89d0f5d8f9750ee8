"""Unified diffs, read and applied strictly: every context line must match, in files with either line ending."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

HUNK = re.compile(r"@@ -([0-9]{1,9})(?:,([0-9]{1,9}))? \+([0-9]{1,9})(?:,([0-9]{1,9}))? @@")
NO_NEWLINE = "\\ No newline at end of file"
NOWHERE = "/dev/null"


class PatchError(ValueError):
    """A patch cannot be read or does not fit the tree; the text names the file and the place."""


@dataclass(frozen=True)
class Hunk:
    """One replacement: at about line ``start`` (1-based), the lines ``old`` become ``new``."""

    start: int
    old: tuple[str, ...]
    new: tuple[str, ...]


@dataclass(frozen=True)
class FilePatch:
    """What a patch does to one file; ``old`` or ``new`` is None where the file is made or deleted."""

    old: str | None
    new: str | None
    hunks: tuple[Hunk, ...]

    @property
    def path(self) -> str:
        """The file's path, relative to the tree, with forward slashes."""
        return self.new or self.old or ""


@dataclass(frozen=True)
class Patch:
    """A header of ``Key: value`` lines and the changes to some files."""

    header: dict[str, list[str]]
    files: tuple[FilePatch, ...]

    def apply(self, root: Path) -> None:
        """Change the tree at ``root``; nothing is written unless all of it fits.

        Raises:
            PatchError: a file is missing, a hunk's lines are not there, or nothing would change.
        """
        results = [(root / file.path, _changed(root, file)) for file in self.files]
        for path, content in results:
            if content is None:
                path.unlink()
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)


@dataclass
class _Reader:
    lines: list[str]
    place: int = 0
    header: dict[str, list[str]] = field(default_factory=dict)

    def peek(self) -> str | None:
        return self.lines[self.place] if self.place < len(self.lines) else None

    def take(self) -> str:
        self.place += 1
        return self.lines[self.place - 1]

    def fault(self, text: str) -> PatchError:
        return PatchError(f"line {self.place}: {text}")


def parse(text: str) -> Patch:
    """Read a patch: header lines up to the first ``---``, then one or more files of hunks.

    Raises:
        PatchError: the text is no unified diff with ``a/`` and ``b/`` paths inside the tree.
    """
    reader = _Reader(text.replace("\r\n", "\n").removesuffix("\n").split("\n"))
    _read_header(reader)
    files = []
    while reader.peek() is not None:
        files.append(_read_file(reader))
    if not files:
        raise PatchError("holds no change: there is no line that begins with '--- a/'")
    return Patch(reader.header, tuple(files))


def _read_header(reader: _Reader) -> None:
    while (line := reader.peek()) is not None and not line.startswith("--- "):
        key, colon, value = reader.take().partition(":")
        if colon:
            reader.header.setdefault(key.strip(), []).append(value.strip())
        elif line.strip():
            raise reader.fault(f"a header line reads 'Key: value', not {line!r}")


def _read_file(reader: _Reader) -> FilePatch:
    old = _read_path(reader, "--- ", "a/")
    new = _read_path(reader, "+++ ", "b/")
    if old is None and new is None:
        raise reader.fault("both sides are /dev/null")
    if old is not None and new is not None and old != new:
        raise reader.fault(f"a file cannot be renamed, {old} to {new}")
    hunks = []
    while (line := reader.peek()) is not None and line.startswith("@@"):
        hunks.append(_read_hunk(reader))
    if not hunks:
        raise reader.fault(f"{new or old} has no hunk")
    return FilePatch(old, new, tuple(hunks))


def _read_path(reader: _Reader, mark: str, prefix: str) -> str | None:
    line = reader.peek()
    if line is None or not line.startswith(mark):
        there = "the end" if line is None else repr(line)
        raise reader.fault(f"a line that begins with {mark.strip()!r} is due, not {there}")
    path = reader.take().removeprefix(mark).split("\t")[0].rstrip()
    if path == NOWHERE:
        return None
    inside = PurePosixPath(path.removeprefix(prefix))
    is_outside = inside.is_absolute() or ".." in inside.parts or not inside.parts
    if not path.startswith(prefix) or is_outside or any(sign in path for sign in "\\:\0"):
        raise reader.fault(f"the path must begin with {prefix} and stay inside the tree: {path}")
    return str(inside)


def _read_hunk(reader: _Reader) -> Hunk:
    match = HUNK.match(reader.take())
    if match is None:
        raise reader.fault("a hunk begins '@@ -start,count +start,count @@'")
    due = {"old": int(match[2] or 1), "new": int(match[4] or 1)}
    sides: dict[str, list[str]] = {"old": [], "new": []}
    last: tuple[str, ...] = ()
    while any(len(sides[side]) < due[side] for side in sides) or reader.peek() == NO_NEWLINE:
        line = reader.peek()
        if line == NO_NEWLINE:
            reader.take()
            for side in last:
                sides[side][-1] = sides[side][-1].removesuffix("\n")
            continue
        touched = {" ": ("old", "new"), "-": ("old",), "+": ("new",)}.get(line[:1] or " ") if line is not None else None
        if line is None or touched is None:
            raise reader.fault(
                f"the hunk is shorter than its first line says: {due['old']} old and {due['new']} new lines"
            )
        reader.take()
        for side in touched:
            sides[side].append(line[1:] + "\n")
        last = touched
    if any(len(sides[side]) != due[side] for side in sides):
        raise reader.fault("the hunk has other line counts than its first line says")
    return Hunk(int(match[1]), tuple(sides["old"]), tuple(sides["new"]))


def _changed(root: Path, file: FilePatch) -> bytes | None:
    path = root / file.path
    if file.old is None:
        if path.exists() or any(above.is_file() for above in path.parents):
            raise PatchError(f"{file.path}: is to be made but exists, or what is to be its folder is a file")
        lines: list[str] = []
        newline = "\n"
    else:
        lines, newline = _read(path, file.path)
    before = list(lines)
    shift = 0
    for number, hunk in enumerate(file.hunks, 1):
        at = _place(lines, hunk, shift, f"{file.path}: hunk {number} (line {hunk.start})")
        lines[at : at + len(hunk.old)] = hunk.new
        shift = at + len(hunk.new) - len(hunk.old) - (hunk.start - 1)
    if file.new is None:
        if lines:
            raise PatchError(f"{file.path}: is to be deleted, but the patch leaves lines in it")
        return None
    if lines == before:
        raise PatchError(f"{file.path}: the patch changes nothing")
    return "".join(lines).replace("\n", newline).encode("utf-8")


def _read(path: Path, name: str) -> tuple[list[str], str]:
    try:
        text = path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        raise PatchError(f"{name}: the tree has no such file") from None
    except (OSError, UnicodeError) as error:
        raise PatchError(f"{name}: is no text in UTF-8 that can be read: {error}") from error
    newline = "\r\n" if "\r\n" in text else "\n"
    *whole, last = text.replace("\r\n", "\n").split("\n")
    return [line + "\n" for line in whole] + ([last] if last else []), newline


def _place(lines: list[str], hunk: Hunk, shift: int, where: str) -> int:
    """Return where a hunk's old lines stand: at the recorded line, else at the only place where they all match."""
    size = len(hunk.old)
    recorded = hunk.start - 1 + shift if size else min(hunk.start + shift, len(lines))
    old = list(hunk.old)
    if recorded >= 0 and lines[recorded : recorded + size] == old:
        return recorded
    places = [at for at in range(len(lines) - size + 1) if lines[at : at + size] == old]
    if len(places) == 1:
        return places[0]
    if places:
        raise PatchError(f"{where} fits {len(places)} places; give it more context")
    raise PatchError(f"{where} does not fit: {_mismatch(lines, old, recorded)}")


def _mismatch(lines: list[str], old: list[str], at: int) -> str:
    """Say which of a hunk's lines is the first that is not where it should be; there is one."""
    there = [lines[place] if 0 <= place < len(lines) else None for place in range(at, at + len(old))]
    pairs = enumerate(zip(old, there, strict=True), at + 1)
    number, expected, found = next((number, *pair) for number, pair in pairs if pair[0] != pair[1])
    shown = "the file ends" if found is None else f"the file has {found.rstrip()!r}"
    return f"line {number} should be {expected.rstrip()!r}, {shown}"
