"""A song on the web, a player that plays nothing, and a folder that a download must not leave."""

from __future__ import annotations

import io
import os
import socket
import subprocess
import sys
import wave
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.parts.process import READS_NOTHING
from harness.parts.webserver import Reply

if TYPE_CHECKING:
    import pytest

PLAYER = "import sys\nwhile sys.stdin and sys.stdin.buffer.read(65536):\n    pass\n"
"""Stands in for ffmpeg: takes what it is given, and plays silence."""

PAGE = """<html><head><title>{title}</title><meta property="og:title" content="{title}">
<meta property="og:video" content="{media}"></head><body><video src="{media}"></video></body></html>"""


def sound(samples: bytes = bytes(8000)) -> bytes:
    """Make a sound file of 8,000 samples of two bytes in a second, half a second of silence unless told otherwise."""
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(samples)
    return buffer.getvalue()


SONG = Reply(sound(), headers={"Content-Type": "audio/x-wav", "Accept-Ranges": "bytes"})


def song_called(filename: str) -> Reply:
    """Answer with the song, and say what its file is to be called."""
    return Reply(SONG.body, headers={**SONG.headers, "Content-Disposition": f'attachment; filename="{filename}"'})


def page(title: str, media: str) -> Reply:
    """Answer with a page that has a title and embeds a medium."""
    text = PAGE.format(title=escape(title), media=escape(media))
    return Reply(text.encode("utf-8", "replace"), headers={"Content-Type": "text/html; charset=utf-8"})


def replace_ffmpeg(monkeypatch: pytest.MonkeyPatch, folder: Path) -> list[list[str]]:
    """Start the player in the place of ffmpeg from now on.

    Args:
        monkeypatch: undoes it.
        folder: where the player's file is put.

    Returns:
        The arguments of each start, a list that grows.
    """
    calls: list[list[str]] = []
    script = folder / "player.py"
    script.write_text(PLAYER, encoding="utf-8")

    class Popen(subprocess.Popen[Any]):
        def __init__(self, args: Any, *others: Any, **options: Any) -> None:
            if not isinstance(args, str) and Path(args[0]).stem.lower() == "ffmpeg":
                calls.append([str(argument) for argument in args])
                args = [sys.executable, "-S", "-E", str(script)]
                options["env"] = {**(options.get("env") or os.environ), **READS_NOTHING}
            super().__init__(args, *others, **options)

    monkeypatch.setattr(subprocess, "Popen", Popen)
    return calls


def note_bound_addresses(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Note in a list that grows which addresses sockets are bound to, but for those of this machine itself."""
    addresses: list[str] = []
    bind = socket.socket.bind

    def noting(sock: socket.socket, address: Any) -> None:
        if sock.family in {socket.AF_INET, socket.AF_INET6} and address[0] not in {"127.0.0.1", "::1"}:
            addresses.append(str(address[0]))
        bind(sock, address)

    monkeypatch.setattr(socket.socket, "bind", noting)
    return addresses


def enter_deep_folder(monkeypatch: pytest.MonkeyPatch, folder: Path) -> Path:
    """Work four folders below a folder, so that climbing out shows; return where that is."""
    deep = folder / "one" / "two" / "three" / "four"
    deep.mkdir(parents=True)
    monkeypatch.chdir(deep)
    return deep


def files(folder: Path) -> set[Path]:
    """Return all files below a folder."""
    return {file for file in folder.rglob("*") if file.is_file()}


def outside(written: set[Path], folder: Path, of: Path) -> list[str]:
    """Return the files that are not in a folder, by their names below another that holds them all."""
    return sorted(file.relative_to(of).as_posix() for file in written if not file.is_relative_to(folder))
