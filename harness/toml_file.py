"""TOML files, read with errors for people."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path


def read(path: Path, kind: type[ValueError]) -> dict[str, Any]:
    """Read a TOML file.

    Args:
        path: the file.
        kind: the exception to raise where it cannot be read or is no TOML; its text is one sentence.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise kind(f"{path}: cannot be read: {error.strerror or error}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise kind(f"{path}: is not valid TOML: {error}") from error
