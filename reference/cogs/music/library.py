"""The media folder: what may be played from this machine, and that nothing outside of it ever is."""

from __future__ import annotations

import os
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from reference.utils.reliability.memory_manager import TTLCache

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["MEDIA_SUFFIXES", "Library", "OutsideFolderError", "file_in", "title_of"]

MEDIA_SUFFIXES = frozenset(
    {".aac", ".aiff", ".flac", ".m4a", ".mka", ".mkv", ".mov", ".mp3", ".mp4", ".oga", ".ogg", ".opus", ".wav", ".webm"}
)
"""Names of files that the search shows."""

MOST_FILES = 20_000
"""Files that a scan looks at."""

SCAN_SECONDS = 30.0
"""How long the list of files is remembered."""


class OutsideFolderError(ValueError):
    """A path leads out of the folder, or to something that is no file."""


def file_in(folder: Path, location: str) -> Path:
    """Return the file that a relative path means, if it is inside of a folder.

    A path is refused as text where it is absolute, climbs, or means something of its own on Windows (drives, shares,
    streams, devices), on every platform alike; and as a file where a link leads out of the folder.

    Args:
        folder: which must not be left.
        location: the path below it, with `/` between its parts.

    Raises:
        OutsideFolderError: it is refused, or there is no such file.
    """
    parts = location.split("/")
    if any(_is_unsafe(part) for part in parts):
        raise OutsideFolderError("that path leads out of the media folder")
    try:
        root = folder.resolve(strict=True)
        path = root.joinpath(*parts).resolve(strict=True)
    except (OSError, ValueError, RuntimeError):
        raise OutsideFolderError("there is no such file") from None
    if not path.is_relative_to(root) or not path.is_file():
        raise OutsideFolderError("that path leads out of the media folder")
    return path


def _is_unsafe(part: str) -> bool:
    if part in {"", ".", "..", "~"} or any(ord(letter) < 32 for letter in part):
        return True
    return bool(set(part) & set('\\:*?"<>|')) or part[-1] in ". " or _is_device(part)


def _is_device(part: str) -> bool:
    """Tell whether Windows takes a name for a device, whatever follows its first point."""
    stem = part.partition(".")[0].rstrip().upper()
    digits = {*"123456789", "¹", "²", "³"}
    return stem in {"CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"} or (
        stem[:3] in {"COM", "LPT"} and stem[3:] in digits
    )


@dataclass(frozen=True, slots=True)
class _Entry:
    location: str
    words: str


class Library:
    """The files of the media folder.

    Args:
        folder: where they are; None for a bot without one.
    """

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder
        self._scans: TTLCache[str, tuple[_Entry, ...]] = TTLCache(max_size=1, ttl=SCAN_SECONDS)

    def path_of(self, location: str) -> Path:
        """Return the file of a location.

        Raises:
            OutsideFolderError: it is refused, or there is none.
        """
        if self.folder is None:
            raise OutsideFolderError("there is no media folder")
        return file_in(self.folder, location)

    def find(self, query: str, limit: int = 1) -> list[str]:
        """Return the locations whose path holds all words, those first whose name begins with them; it reads the disk.

        Args:
            query: words; none for everything.
            limit: how many.
        """
        words = _plain(query)
        wanted = words.split()
        hits = [entry for entry in self._entries() if all(word in entry.words for word in wanted)]
        hits.sort(
            key=lambda entry: (not entry.words.rpartition("/")[2].startswith(words), len(entry.words), entry.words)
        )
        return [entry.location for entry in hits[:limit]]

    def rescan(self) -> None:
        """Forget the list of files."""
        self._scans.clear()

    def _entries(self) -> tuple[_Entry, ...]:
        if self.folder is None:
            return ()
        known = self._scans.get("files")
        if known is None:
            known = tuple(_Entry(place, _plain(place)) for place in _media_below(self.folder))
            self._scans.set("files", known)
        return known


def title_of(location: str) -> str:
    """Make a title of a file's name."""
    return Path(location).stem.replace("_", " ").strip() or location


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold().strip()


def _media_below(folder: Path) -> Iterator[str]:
    """Yield the locations of media files, hidden ones left out, links that lead out left out."""
    seen = 0
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            seen += 1
            if seen > MOST_FILES:
                return
            if name.startswith(".") or Path(name).suffix.lower() not in MEDIA_SUFFIXES:
                continue
            location = Path(place, name).relative_to(folder).as_posix()
            try:
                file_in(folder, location)
            except OutsideFolderError:
                continue
            yield location
