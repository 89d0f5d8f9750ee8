"""Attachments: which are found by a link, and what is kept of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from reference.cogs.music.errors import MusicError
from reference.cogs.music.library import OutsideFolderError
from reference.cogs.music.track import Kind
from reference.cogs.music.uploads import MOST_DELIVERED, Delivered, Uploads, is_media

if TYPE_CHECKING:
    from pathlib import Path

HOST = "http://127.0.0.1:4321/attachments"


@dataclass
class Attached:
    """An attachment as discord.py hands it out; reading it gives what was posted."""

    data: bytes = b""
    filename: str = "song.wav"
    id: int = 7
    size: int = 0
    content_type: str | None = None
    url: str = f"{HOST}/1/7/song.wav?ex=1&is=2"
    reads: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Tell the true size where none is told."""
        self.size = self.size or len(self.data)

    async def read(self) -> bytes:
        """Hand out the data, and note that it was asked for."""
        self.reads.append(self.data)
        if not self.data:
            raise OSError("404 Not Found")
        return self.data


def files_in(folder: Path) -> list[str]:
    """Return the names of the files below a folder."""
    return sorted(file.name for file in folder.rglob("*.*"))


@pytest.fixture
def uploads(tmp_path: Path) -> Uploads:
    """A folder of uploads that is not there yet."""
    return Uploads(tmp_path / "uploads", largest=200_000, largest_folder=250_000)


async def test_an_attachment_becomes_a_track(uploads: Uploads, tone_bytes: bytes) -> None:
    """It is kept under its id, with its duration, and can be opened; its name becomes the title."""
    track = await uploads.keep(Attached(tone_bytes, "My_first.WAV"), 3)
    assert (track.kind, track.location, track.title, track.requester_id) == (Kind.UPLOAD, "7.wav", "My first", 3)
    assert track.duration == pytest.approx(1.0, abs=0.01)
    assert uploads.path_of("7.wav").read_bytes() == tone_bytes


async def test_the_name_of_an_attachment_leads_nowhere(uploads: Uploads, tone_bytes: bytes, tmp_path: Path) -> None:
    """Whatever it is called, it is kept under its id in the folder."""
    track = await uploads.keep(Attached(tone_bytes, "../../evil.sh"), 3)
    assert track.location == "7.media"
    assert files_in(tmp_path) == ["7.media"]


@pytest.mark.parametrize("said", [10**9, 1])
async def test_an_attachment_that_is_too_large_is_refused(uploads: Uploads, said: int) -> None:
    """A size above the limit is refused before anything is fetched, and a size that was a lie afterwards."""
    attached = Attached(b"x" * 300_000, size=said)
    with pytest.raises(MusicError, match=r"music\.upload_large"):
        await uploads.keep(attached, 3)
    assert bool(attached.reads) is (said == 1)
    assert not uploads.folder.exists()


async def test_a_full_folder_takes_no_more(uploads: Uploads, tone_bytes: bytes) -> None:
    """All uploads together have a limit; dropping one makes room."""
    data = tone_bytes
    first = await uploads.keep(Attached(data, id=1), 3)
    second = await uploads.keep(Attached(data, id=2), 3)
    with pytest.raises(MusicError, match=r"music\.upload_lost"):
        await uploads.keep(Attached(data, id=3), 3)
    uploads.drop([first.location, "missing.wav", "../x"])
    await uploads.keep(Attached(data, id=3), 3)
    assert files_in(uploads.folder) == [second.location, "3.wav"]


async def test_what_is_no_sound_is_refused_and_not_kept(uploads: Uploads) -> None:
    """A file without sound, and a playlist that would open other files, leave nothing behind."""
    for data in (b"#EXTM3U\nhttp://127.0.0.1/\n", b"no music at all"):
        with pytest.raises(MusicError, match=r"music\.no_sound"):
            await uploads.keep(Attached(data), 3)
    assert files_in(uploads.folder) == []


async def test_an_attachment_that_cannot_be_fetched(uploads: Uploads) -> None:
    """It is a sentence for the person who asked."""
    with pytest.raises(MusicError, match=r"music\.upload_lost name='song.wav'"):
        await uploads.keep(Attached(b""), 3)


async def test_what_no_queue_needs_is_swept(uploads: Uploads, tone_bytes: bytes) -> None:
    """Uploads that are left over from a crash are deleted; those that are needed, or came since, stay."""
    uploads.sweep(set())
    for number in (1, 2):
        await uploads.keep(Attached(tone_bytes, id=number), 3)
    (uploads.folder / "3.part").write_bytes(b"")
    uploads.sweep({"2.wav"})
    assert files_in(uploads.folder) == ["1.wav", "2.wav"]
    Uploads(uploads.folder).sweep({"2.wav"})
    assert files_in(uploads.folder) == ["2.wav"]
    with pytest.raises(OutsideFolderError):
        uploads.path_of("sub/2.wav")


def test_a_link_is_found_in_its_guild_alone() -> None:
    """A link to what Discord delivered in the guild is found, whatever signs it; any other is not."""
    delivered = Delivered()
    attached = Attached()
    delivered.note(1, 10, [attached, Attached(filename="notes.txt", url=f"{HOST}/1/8/notes.txt")])
    assert delivered.find(1, f"{HOST}/1/7/song.wav?ex=other#x") == (10, attached)
    assert delivered.find(1, f"{HOST}/1/8/notes.txt") is None
    assert delivered.find(2, attached.url) is None
    assert delivered.find(1, "http://127.0.0.1:4321/admin") is None
    assert delivered.find(1, "http://[broken") is None
    delivered.forget_guild(1)
    assert delivered.find(1, attached.url) is None


def test_the_memory_of_links_is_bounded() -> None:
    """The oldest links of a guild are forgotten."""
    delivered = Delivered()
    for number in range(MOST_DELIVERED + 1):
        delivered.note(1, 10, [Attached(url=f"{HOST}/1/{number}/song.wav")])
    assert delivered.find(1, f"{HOST}/1/0/song.wav") is None
    assert delivered.find(1, f"{HOST}/1/1/song.wav") is not None


@pytest.mark.parametrize(
    ("filename", "kind", "expected"),
    [("a.bin", "audio/ogg", True), ("a.mp4", None, True), ("a.txt", "text/plain", False), ("a", None, False)],
)
def test_media_is_told_by_type_or_name(filename: str, kind: str | None, expected: bool) -> None:
    """Discord's type, or else the name, tells what may be sound."""
    assert is_media(Attached(filename=filename, content_type=kind)) is expected
