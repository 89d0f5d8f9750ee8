"""The sound of a track: ffmpeg for real, and a count of the frames that were taken, which is the position.

This module imports discord.py. `open_file` and `probe` start programs and block: they run in threads of their own.
"""

from __future__ import annotations

import json
import subprocess
from threading import Event
from typing import TYPE_CHECKING, Any

import discord

from reference.utils.media.workers import Workers
from reference.utils.media.ytdl_player import YTDLSource, _FFmpeg
from reference.utils.media.ytdl_source import DEMUXERS, get_ffmpeg_options

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["FRAME_SECONDS", "NotSoundError", "Sound", "open_file", "probe", "workers"]

FRAME_SECONDS = 0.02
"""What one frame of Discord's voice lasts."""

PROBE_SECONDS = 10.0

workers = Workers("music")
"""The threads in which files are opened and looked at; they are shared by all guilds."""


class NotSoundError(ValueError):
    """A file holds no sound that ffmpeg can read, or is of a kind that is not played."""


class Sound(discord.AudioSource):
    """A source that counts: where it is follows from the frames that were taken, and not from a clock.

    Args:
        source: gives the sound.
        start: seconds that the source begins at.
        every: frames after which `tick` is called, again and again.
        tick: told in the player's thread; it must not block or raise.
    """

    def __init__(
        self, source: YTDLSource, *, start: float = 0.0, every: int = 250, tick: Callable[[], object] = lambda: None
    ) -> None:
        self.source = source
        self.frames = 0
        self._start = start
        self._every = every
        self._tick = tick
        self._closed = Event()

    @property
    def position(self) -> float:
        """Seconds of the track that were taken."""
        return self._start + self.frames * FRAME_SECONDS

    @property
    def is_closed(self) -> bool:
        """Whether ffmpeg has ended."""
        return self._closed.is_set()

    @property
    def pid(self) -> int | None:
        """The process id of ffmpeg; None when it has ended."""
        process = getattr(self.source.original, "_process", None)
        return process.pid if isinstance(process, subprocess.Popen) else None

    @property
    def volume(self) -> float:
        """How loud it is; 1.0 is as recorded."""
        return self.source.volume

    @volume.setter
    def volume(self, value: float) -> None:
        self.source.volume = value

    def read(self) -> bytes:
        """Return 20 ms of sound, or nothing at the end."""
        data = self.source.read()
        if data:
            self.frames += 1
            if self.frames % self._every == 0:
                self._tick()
        return data

    def cleanup(self) -> None:
        """End ffmpeg and wait for it."""
        if not self._closed.is_set():
            self.source.cleanup()
            self._closed.set()

    def __del__(self) -> None:
        """Nothing: the source inside of this one closes itself."""


def open_file(path: Path, *, start: float = 0.0, volume: float = 1.0) -> YTDLSource:
    """Have ffmpeg read a file, which opens no other file and no URL.

    Args:
        path: of the file, which was judged before.
        start: seconds to begin at.
        volume: 1.0 is as recorded.

    Raises:
        discord.ClientException: ffmpeg is not installed.
    """
    options = get_ffmpeg_options(stream=False, start_time=start)
    options["options"] += " -loglevel fatal"  # what is wrong with a track is told in its channel
    return YTDLSource(_FFmpeg(str(path), options), data={}, volume=volume)


def probe(path: Path) -> tuple[float | None, str | None]:
    """Ask ffprobe for the duration in seconds and the title of a file, each None where it does not say.

    Raises:
        NotSoundError: there is no sound in it.
    """
    command = ["ffprobe", "-v", "error", "-protocol_whitelist", "file", "-format_whitelist", DEMUXERS]
    command += ["-select_streams", "a:0", "-show_entries", "stream=codec_type:format=duration:format_tags=title"]
    try:
        done = subprocess.run(  # noqa: S603  the arguments are ours; the path is absolute
            [*command, "-of", "json", str(path)],
            capture_output=True,
            timeout=PROBE_SECONDS,
            check=True,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),  # of Windows
        )
        found: dict[str, Any] = json.loads(done.stdout)
    except FileNotFoundError:
        raise NotSoundError("ffprobe is not installed") from None
    except (subprocess.SubprocessError, ValueError) as error:
        raise NotSoundError(f"ffprobe cannot read it: {type(error).__name__}") from None
    if not found.get("streams"):
        raise NotSoundError("there is no sound in it")
    about = found.get("format", {})
    return _seconds(about.get("duration")), about.get("tags", {}).get("title") or None


def _seconds(text: object) -> float | None:
    try:
        return float(str(text))
    except ValueError:
        return None
