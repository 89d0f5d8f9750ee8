"""The audio source that the music commands play. This module imports discord.py."""

from __future__ import annotations

import hashlib
import logging
import subprocess
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar

import discord

from ..web.errors import BlockedError  # noqa: TID252  the package is loaded under two names
from ..web.targets import target  # noqa: TID252
from . import ytdl_source as setup
from .media_stream import MediaStream
from .workers import BusyError, Workers

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from .ytdl_network import GuardedYoutubeDL

__all__ = ["YTDLError", "YTDLSource", "search_source"]

logger = logging.getLogger(__name__)

T = TypeVar("T")

EXTRACTION_SECONDS = 45.0
DOWNLOAD_SECONDS = 300.0
WRITER_SECONDS = 1.0

_workers = Workers("ytdl")


class YTDLError(RuntimeError):
    """A track cannot be had; the text is a sentence for the user."""


class YTDLSource(discord.PCMVolumeTransformer["discord.FFmpegPCMAudio"]):
    """A track that is being played, and what is known about it.

    Args:
        original: gives the sound.
        data: what yt-dlp found out.
        volume: 1.0 is as recorded.
        stream: where the sound comes from, if not from a file.

    Attributes:
        data: what yt-dlp found out.
        title: of the track.
        url: the page that it is from.
        duration: seconds; None where it is unknown.
        thumbnail: URL of a picture.
        filename: the file that it was downloaded to.
    """

    def __init__(
        self,
        original: discord.FFmpegPCMAudio,
        *,
        data: dict[str, Any],
        volume: float = 0.5,
        stream: MediaStream | None = None,
    ) -> None:
        super().__init__(original, volume)
        self.data = data
        self.title = str(data.get("title") or "?")
        self.url = data.get("webpage_url") or data.get("original_url")
        self.duration: float | None = data.get("duration")
        self.thumbnail: str | None = data.get("thumbnail")
        self.filename: str | None = data.get("filepath")
        self._stream = stream

    @classmethod
    async def from_url(
        cls,
        url: str,
        *,
        loop: asyncio.AbstractEventLoop | None = None,  # noqa: ARG003  asked for by callers of old; the running one is used
        stream: bool = False,
        start_time: float = 0,
        volume: float = 0.5,
    ) -> Self:
        """Open a track.

        The URL, what it redirects to and the media behind it obey the address rules of the fetcher, for yt-dlp and for
        ffmpeg alike, and a server that never answers costs no thread of the event loop's executor (audit finding F20).

        Args:
            url: a page or a media file, or words to search for.
            loop: not needed.
            stream: play while it is being read; else it is downloaded first.
            start_time: seconds to begin at.
            volume: 1.0 is as recorded.

        Raises:
            YTDLError: it cannot be had; it is refused; the deadline passed.
            ValueError: `start_time` is negative, or the configuration is wrong.
        """
        options = setup.get_ffmpeg_options(stream, start_time)
        open_track = cls._streaming if stream else cls._downloaded
        deadline = EXTRACTION_SECONDS if stream else DOWNLOAD_SECONDS
        return await _in_worker(lambda: open_track(_checked(url), options, volume), deadline)

    @classmethod
    def _streaming(cls, url: str, options: dict[str, str], volume: float) -> Self:
        ytdl, info = _found(url)
        stream = MediaStream(partial(_opened_at, ytdl, info))
        try:
            audio = _FFmpeg(stream, options)
        except BaseException:
            stream.close()
            raise
        return cls(audio, data=info, volume=volume, stream=stream)

    @classmethod
    def _downloaded(cls, url: str, options: dict[str, str], volume: float) -> Self:
        ytdl, info = _found(url)
        info["digest"] = hashlib.sha256(str(info.get("webpage_url") or url).encode("utf-8", "replace")).hexdigest()[:12]
        path = _inside(setup.download_folder(), ytdl.prepare_filename(info))
        done = _downloaded_by(ytdl, info)
        if not path.is_file():
            raise YTDLError("nothing was downloaded: it is larger than allowed")
        return cls(_FFmpeg(str(path), options), data={**done, "filepath": str(path)}, volume=volume)

    @classmethod
    async def search_source(cls, query: str) -> dict[str, Any]:
        """Find a track; see the function `search_source`."""
        return await search_source(query)

    def cleanup(self) -> None:
        """End ffmpeg and the connection."""
        if self._stream is not None:
            self._stream.close()
        super().cleanup()


async def search_source(query: str) -> dict[str, Any]:
    """Find the first track for words, or what is known about the one behind a URL; nothing is downloaded.

    Args:
        query: words or a URL.

    Returns:
        What yt-dlp found out: `title`, `webpage_url`, `duration`, `thumbnail` and more.

    Raises:
        YTDLError: there is none, it is refused, or the deadline passed.
    """
    return await _in_worker(lambda: _found(_checked(query))[1], EXTRACTION_SECONDS)


class _FFmpeg(discord.FFmpegPCMAudio):
    """ffmpeg that leaves neither a process nor a thread nor an open pipe behind."""

    def __init__(self, source: str | MediaStream, options: dict[str, str]) -> None:
        sound: Any = source
        is_pipe = isinstance(source, MediaStream)
        super().__init__(sound, pipe=is_pipe, before_options=options["before_options"], options=options["options"])

    def _pipe_writer(self, source: Any) -> None:
        """Feed ffmpeg; that it is ended while the last bytes wait for it is no error."""
        with suppress(OSError, ValueError):
            super()._pipe_writer(source)

    def cleanup(self) -> None:
        """End the process and wait for it, then for the thread that feeds it."""
        process = getattr(self, "_process", None)
        if isinstance(process, subprocess.Popen):
            process.kill()
            process.wait()
            if (writer := self._pipe_writer_thread) is not None:
                writer.join(WRITER_SECONDS)
        super().cleanup()
        if isinstance(process, subprocess.Popen):
            for pipe in filter(None, (process.stdin, process.stdout)):
                with suppress(OSError):
                    pipe.close()


async def _in_worker(work: Callable[[], T], deadline: float) -> T:
    try:
        return await _workers.run(work, deadline=deadline)
    except TimeoutError:
        raise YTDLError(f"the server did not answer within {deadline:g} seconds") from None
    except BusyError as error:
        raise YTDLError(str(error)) from None


def _checked(query: str) -> str:
    """Judge a URL by the rules of the fetcher; turn words into a search."""
    query = query.strip()
    if not query:
        raise YTDLError("there is nothing to search for")
    if "://" not in query:
        return f"ytsearch1:{query}"
    try:
        return str(target(query))
    except BlockedError as error:
        raise YTDLError(f"that address is refused: {error}") from None


def _found(url: str) -> tuple[GuardedYoutubeDL, dict[str, Any]]:
    """Ask yt-dlp, and once more with the options for a second attempt where the first fails."""
    from yt_dlp.utils import YoutubeDLError  # type: ignore[import-untyped]  # noqa: PLC0415  imports yt-dlp

    first: Exception | None = None
    for make in (setup.get_ytdl_with_cookies, lambda: setup.make_ytdl(setup.get_ytdl_fallback_opts())):
        ytdl = make()
        try:
            return ytdl, _track(ytdl.extract_info(url, download=False))
        except YoutubeDLError as error:
            first = first or error
            _close_answers(error)
            logger.info("yt-dlp could not open %s: %s", url, error)
    raise YTDLError(f"that cannot be played: {str(first).removeprefix('ERROR: ')}") from first


def _downloaded_by(ytdl: GuardedYoutubeDL, info: dict[str, Any]) -> dict[str, Any]:
    from yt_dlp.utils import YoutubeDLError  # noqa: PLC0415  imports yt-dlp

    try:
        done: dict[str, Any] = ytdl.process_ie_result(info, download=True)
    except YoutubeDLError as error:
        _close_answers(error)
        raise YTDLError(f"that cannot be downloaded: {str(error).removeprefix('ERROR: ')}") from error
    return done


def _close_answers(error: BaseException | None) -> None:
    """Close the answers of sites that a chain of exceptions would keep open for as long as somebody holds it."""
    while error is not None:
        if (answer := getattr(error, "response", None)) is not None:
            answer.close()
        error = getattr(error, "cause", None) or error.__cause__ or error.__context__


def _track(info: dict[str, Any] | None) -> dict[str, Any]:
    while info and info.get("entries") is not None:
        info = next(iter(info["entries"]), None)
    if not info:
        raise YTDLError("nothing was found")
    return info


def _opened_at(ytdl: GuardedYoutubeDL, info: dict[str, Any], position: int) -> Any:
    """Ask for the media from a position in bytes on, over a guarded connection."""
    from yt_dlp.networking import Request  # type: ignore[import-untyped]  # noqa: PLC0415  imports yt-dlp

    headers = {**(info.get("http_headers") or {}), "Range": f"bytes={position}-", "Accept-Encoding": "identity"}
    return ytdl.urlopen(Request(info["url"], headers=headers))


def _inside(folder: Path, filename: str) -> Path:
    """Return the path of a download, which is in its folder, whatever the title or id of the track is.

    Raises:
        YTDLError: it would leave the folder.
    """
    path = Path(filename).resolve()
    if path.parent != folder:
        raise YTDLError("the download would leave its folder")
    return path
