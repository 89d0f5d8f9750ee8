"""Media that somebody attached in Discord: fetched through the bot's own session, kept while a queue refers to it.

Only attachments that Discord itself delivered to the bot are fetched, by the object that discord.py made of them. No
URL that a person wrote is ever opened here, so the address rules of the fetcher need no exemption.
"""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from yarl import URL

from .errors import MusicError
from .library import MEDIA_SUFFIXES, OutsideFolderError, file_in, title_of
from .sound import NotSoundError, probe, workers
from .track import LONGEST_TITLE, Kind, Track

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Attachment", "Delivered", "Uploads", "is_media"]

LARGEST_UPLOAD = 25 * 1024 * 1024
"""Bytes."""

LARGEST_FOLDER = 500 * 1024 * 1024
"""Bytes of all uploads together."""

FETCH_SECONDS = 60.0
MOST_DELIVERED = 200
"""Attachments of a guild that are remembered by their URLs."""


class Attachment(Protocol):
    """What is used of `discord.Attachment`."""

    id: int
    filename: str
    size: int
    url: str
    content_type: str | None

    async def read(self) -> bytes:
        """Fetch it."""


def is_media(attachment: Attachment) -> bool:
    """Tell whether an attachment calls itself sound or film."""
    kind = (attachment.content_type or "").partition("/")[0]
    return kind in {"audio", "video"} or Path(attachment.filename).suffix.lower() in MEDIA_SUFFIXES


class Delivered:
    """The attachments that Discord delivered, by guild, so that a link to one of them can be played.

    Only those of the guild itself are found, and only where the asker may read the channel.
    """

    def __init__(self) -> None:
        self._guilds: dict[int, OrderedDict[str, tuple[int, Attachment]]] = {}

    def note(self, guild_id: int, channel_id: int, attachments: Iterable[Attachment]) -> None:
        """Remember the attachments of a message."""
        for attachment in filter(is_media, attachments):
            known = self._guilds.setdefault(guild_id, OrderedDict())
            known[_place(attachment.url)] = (channel_id, attachment)
            while len(known) > MOST_DELIVERED:
                known.popitem(last=False)

    def find(self, guild_id: int, url: str) -> tuple[int, Attachment] | None:
        """Return the channel and the attachment of a link; its query, which only signs it, is not compared."""
        known = self._guilds.get(guild_id)
        return known.get(_place(url)) if known else None

    def forget_guild(self, guild_id: int) -> None:
        """Forget what was delivered in a guild."""
        self._guilds.pop(guild_id, None)


def _place(url: str) -> str:
    try:
        return str(URL(url).with_query(None).with_fragment(None))
    except ValueError:
        return url


class Uploads:
    """Files that were attached, in a folder of their own.

    Args:
        folder: where they are kept; made when it is needed.
        largest: bytes of one.
        largest_folder: bytes of all.
    """

    def __init__(self, folder: Path, *, largest: int = LARGEST_UPLOAD, largest_folder: int = LARGEST_FOLDER) -> None:
        self.folder = folder
        self._largest = largest
        self._largest_folder = largest_folder
        self._fetched: set[str] = set()

    async def keep(self, attachment: Attachment, requester_id: int) -> Track:
        """Fetch an attachment and make a track of it.

        Raises:
            MusicError: it is too large, cannot be fetched, or holds no sound.
        """
        if attachment.size > self._largest:
            raise MusicError("music.upload_large", megabytes=self._largest // 2**20)
        try:
            data = await attachment.read()
        except Exception as error:
            raise MusicError("music.upload_lost", name=attachment.filename) from error
        if len(data) > self._largest:
            raise MusicError("music.upload_large", megabytes=self._largest // 2**20)
        name = f"{int(attachment.id)}{_suffix(attachment.filename)}"
        self._fetched.add(name)
        duration, title = await self._written(name, data, attachment.filename)
        shown = title or title_of(attachment.filename)
        return Track(Kind.UPLOAD, name, shown[:LONGEST_TITLE], requester_id, duration)

    def path_of(self, name: str) -> Path:
        """Return the file of an upload.

        Raises:
            OutsideFolderError: there is none.
        """
        if "/" in name:
            raise OutsideFolderError("that is no upload")
        return file_in(self.folder, name)

    def drop(self, names: Iterable[str]) -> None:
        """Delete uploads that no queue refers to any more."""
        for name in names:
            self._fetched.discard(name)
            try:
                self.path_of(name).unlink()
            except (OSError, OutsideFolderError):
                continue

    def sweep(self, kept: set[str]) -> None:
        """Delete what a crash has left behind: all uploads but those that some queue refers to, or that came since."""
        if self.folder.is_dir():
            self.drop({file.name for file in self.folder.iterdir()} - kept - self._fetched)

    async def _written(self, name: str, data: bytes, filename: str) -> tuple[float | None, str | None]:
        try:
            return await workers.run(self._write, name, data, deadline=FETCH_SECONDS)
        except NotSoundError:
            raise MusicError("music.no_sound", name=filename) from None
        except (OSError, RuntimeError) as error:
            raise MusicError("music.upload_lost", name=filename) from error

    def _write(self, name: str, data: bytes) -> tuple[float | None, str | None]:
        self.folder.mkdir(parents=True, exist_ok=True)
        if sum(file.stat().st_size for file in self.folder.iterdir()) + len(data) > self._largest_folder:
            raise OSError("the folder of uploads is full")
        path = self.folder / name
        part = path.with_suffix(".part")
        try:
            part.write_bytes(data)
            about = probe(part)
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
        return about


def _suffix(filename: str) -> str:
    suffix = Path(filename).suffix.lower()
    return suffix if suffix in MEDIA_SUFFIXES else ".media"
