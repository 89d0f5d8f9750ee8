"""Music from the web: how yt-dlp and ffmpeg are set up, and the audio source that the music commands play.

Nothing is imported from yt-dlp or discord.py before it is needed. Outgoing connections leave as the operating system
chooses, unless `YTDL_SOURCE_ADDRESS` says otherwise (audit finding F20); cookies come from the file that
`YTDL_COOKIES` names, downloads go to the folder of `YTDL_DOWNLOAD_DIR`.
"""

from __future__ import annotations

import math
import os
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .ytdl_network import GuardedYoutubeDL
    from .ytdl_player import YTDLError, YTDLSource, search_source

__all__ = [
    "YTDLError",
    "YTDLSource",
    "download_folder",
    "get_ffmpeg_options",
    "get_ytdl_fallback_opts",
    "get_ytdl_with_cookies",
    "search_source",
    "source_address",
    "ytdl_opts_hq",
]

LARGEST_DOWNLOAD = 200 * 1024 * 1024
"""Bytes."""

HTTP_FORMATS = "[protocol~='^https?$']"
"""Media in one piece over HTTP: playlists of fragments would name further URLs to ffmpeg."""

DEMUXERS = "aac,ac3,aiff,amr,asf,avi,caf,flac,flv,matroska,webm,mov,mp4,m4a,3gp,mp3,mpeg,mpegts,ogg,wav"
"""What ffmpeg may take an input for; of its playlists (HLS, DASH, concat) none, since they open further inputs."""

ytdl_opts_hq: dict[str, Any] = {
    "format": f"bestaudio{HTTP_FORMATS}/best{HTTP_FORMATS}",
    "outtmpl": {"default": "%(extractor_key).40B-%(id).80B-%(digest)s.%(ext)s"},
    "restrictfilenames": True,
    "windowsfilenames": True,
    "overwrites": False,
    "noplaylist": True,
    "playlist_items": "1",
    "ignoreerrors": False,
    "nocheckcertificate": False,
    "default_search": "ytsearch",
    "quiet": True,
    "noprogress": True,
    "no_warnings": True,
    "no_color": True,
    "fixup": "never",
    "cachedir": False,
    "max_filesize": LARGEST_DOWNLOAD,
    "socket_timeout": 15.0,
    "retries": 2,
    "extractor_retries": 1,
}
"""Options of yt-dlp for the best sound. There is no `source_address`: see `source_address()`."""

_FALLBACK: dict[str, Any] = {
    "format": f"bestaudio{HTTP_FORMATS}/worstaudio{HTTP_FORMATS}/best{HTTP_FORMATS}/worst{HTTP_FORMATS}",
    "extractor_args": {"youtube": {"player_client": ["default", "web_safari", "tv"]}},
}


def source_address() -> str | None:
    """Return the address that outgoing connections are bound to (audit finding F20).

    Without `YTDL_SOURCE_ADDRESS` there is none, and the operating system chooses interface and family. `0.0.0.0` binds
    to no interface either, and all it does is to rule IPv6 out; it is used where somebody asks for that.

    Raises:
        ValueError: the variable holds no IP address.
    """
    configured = os.environ.get("YTDL_SOURCE_ADDRESS", "").strip()
    if not configured:
        return None
    try:
        return str(ip_address(configured))
    except ValueError:
        raise ValueError(f"YTDL_SOURCE_ADDRESS is {configured!r}, which is no IP address") from None


def download_folder() -> Path:
    """Return the absolute folder that downloads stay in."""
    return Path(os.environ.get("YTDL_DOWNLOAD_DIR") or "temp/audio").resolve()


def _current_options() -> dict[str, Any]:
    folder = str(download_folder())
    address = source_address()
    network = {"source_address": address} if address else {}
    return {**ytdl_opts_hq, "paths": {"home": folder, "temp": folder}, **network}


def get_ytdl_with_cookies() -> GuardedYoutubeDL:
    """Make a yt-dlp for one extraction, with the cookies that `YTDL_COOKIES` names (`cookies.txt` without it).

    It obeys the address rules of the fetcher. It must not be used in two threads at once.

    Raises:
        ValueError: the configuration is wrong.
    """
    cookies = Path(os.environ.get("YTDL_COOKIES") or "cookies.txt")
    return make_ytdl({**_current_options(), **({"cookiefile": str(cookies)} if cookies.is_file() else {})})


def get_ytdl_fallback_opts() -> dict[str, Any]:
    """Return options for a second attempt: without cookies, other players of YouTube, any quality.

    Raises:
        ValueError: the configuration is wrong.
    """
    return {**_current_options(), **_FALLBACK}


def make_ytdl(options: dict[str, Any]) -> GuardedYoutubeDL:
    """Make a yt-dlp that obeys the address rules of the fetcher."""
    from .ytdl_network import GuardedYoutubeDL  # noqa: PLC0415  imports yt-dlp

    return GuardedYoutubeDL(options)


def get_ffmpeg_options(stream: bool = False, start_time: float = 0) -> dict[str, str]:
    """Return `before_options` and `options` for discord.py's `FFmpegPCMAudio`.

    ffmpeg opens no URL, whatever its input says: it reads what our own connection brings (`pipe=True`) or a file.

    Args:
        stream: the input is a pipe, fd to newer ffmpegs, in which only reading leads forward; else a file.
        start_time: seconds to begin at.

    Raises:
        ValueError: the time is negative or no number.
    """
    if not math.isfinite(start_time) or start_time < 0:
        raise ValueError("start_time is a number of seconds from 0 on")
    seek = f"-ss {start_time:.3f}" if start_time else ""
    before = f"-nostdin -protocol_whitelist {'pipe,fd' if stream else 'file'} -format_whitelist {DEMUXERS}"
    if stream:
        return {"before_options": before, "options": f"-vn {seek}".strip()}
    return {"before_options": f"{before} {seek}".strip(), "options": "-vn"}


def __getattr__(name: str) -> Any:
    """Import what needs discord.py when it is first asked for (PEP 562)."""
    if name not in {"YTDLError", "YTDLSource", "search_source"}:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}", name=name)
    from . import ytdl_player  # noqa: PLC0415  imports discord.py

    return getattr(ytdl_player, name)
