"""Folders that are there for a while."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextlib.contextmanager
def scratch_folder(prefix: str) -> Iterator[Path]:
    """Give a new folder and remove it afterwards, but for what a process still holds open (Windows)."""
    folder = Path(tempfile.mkdtemp(prefix=f"{prefix}-")).resolve()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
