"""The media folder: what it shows, and that nothing outside of it is ever reached."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from reference.cogs.music import library as module
from reference.cogs.music.library import Library, OutsideFolderError, file_in, title_of

if TYPE_CHECKING:
    from pathlib import Path

SECOND = "Bands/The Waves/second tone.wav"


def test_files_are_found_by_their_words(media: Path) -> None:
    """All words have to be in the path, in any order and case; texts and hidden files are not shown."""
    library = Library(media)
    assert library.find("", 10) == ["first_tone.wav", SECOND]
    assert library.find("WAVES tone") == [SECOND]
    assert library.find("second") == [SECOND]
    assert library.find("third") == []
    assert library.find("notes") == library.find("hidden") == []


def test_a_name_that_begins_with_the_words_comes_first(media: Path, tone: Path) -> None:
    """Of several files, those whose name begins with the words come first, the shorter path before the longer."""
    shutil.copy(tone, media / "a tone of the second kind.wav")
    assert Library(media).find("second", 10) == [SECOND, "a tone of the second kind.wav"]


def test_the_list_is_remembered_until_it_is_made_anew(media: Path, tone: Path) -> None:
    """A scan is used again for a while; a new one shows what has come."""
    library = Library(media)
    assert library.find("third") == []
    shutil.copy(tone, media / "third.wav")
    assert library.find("third") == []
    library.rescan()
    assert library.find("third") == ["third.wav"]


def test_a_scan_is_bounded(media: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder with too many files is looked at in part."""
    monkeypatch.setattr(module, "MOST_FILES", 1)
    assert len(Library(media).find("", 10)) <= 1


def test_without_a_folder_there_is_nothing() -> None:
    """A bot without a media folder finds nothing and opens nothing."""
    library = Library(None)
    assert library.find("", 10) == []
    with pytest.raises(OutsideFolderError, match="no media folder"):
        library.path_of("first_tone.wav")


def test_a_file_of_the_folder_is_reached(media: Path) -> None:
    """A relative path leads to its file."""
    assert Library(media).path_of(SECOND) == (media / SECOND).resolve()
    assert title_of(SECOND) == "second tone"


@pytest.mark.parametrize(
    "location",
    [
        "",
        ".",
        "..",
        "../secret.wav",
        "Bands/../../secret.wav",
        "Bands/./../first_tone.wav",
        "/etc/passwd",
        "//server/share/x.wav",
        "\\\\server\\share\\x.wav",
        "C:\\x.wav",
        "C:x.wav",
        "first_tone.wav:stream",
        "Bands\\..\\..\\secret.wav",
        "~/secret.wav",
        "Bands//The Waves",
        "first_tone.wav/",
        "first_tone.wav.",
        "first_tone.wav ",
        "first_tone.wav\0.txt",
        "first\ntone.wav",
        "NUL",
        "con.wav",
        "COM1.wav",
        "lpt².wav",
        "CONIN$",
        "file:first_tone.wav",
        "Bands",
        "missing.wav",
        "first_tone.wav/x",
    ],
)
def test_the_folder_is_not_left(media: Path, location: str) -> None:
    """Climbing, absolute, drive, share, stream and device paths are refused, and so is what is no file."""
    (media.parent / "secret.wav").write_bytes(b"secret")
    with pytest.raises(OutsideFolderError):
        file_in(media, location)


def test_a_link_out_of_the_folder_is_refused_and_not_shown(media: Path) -> None:
    """A link to a file or a folder elsewhere is neither opened nor listed; one within the folder is fine."""
    secret = media.parent / "secret"
    secret.mkdir()
    (secret / "secret.wav").write_bytes(b"secret")
    try:
        (media / "link.wav").symlink_to(secret / "secret.wav")
        (media / "linked").symlink_to(secret)
        (media / "again.wav").symlink_to(media / "first_tone.wav")
    except OSError:
        pytest.skip("this system makes no links for this user")
    for location in ("link.wav", "linked/secret.wav"):
        with pytest.raises(OutsideFolderError, match="out of the media folder"):
            file_in(media, location)
    assert file_in(media, "again.wav") == (media / "first_tone.wav").resolve()
    assert Library(media).find("", 10) == ["again.wav", "first_tone.wav", SECOND]
