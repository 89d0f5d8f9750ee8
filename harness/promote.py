"""Turns a failure that a fuzzer kept into a named, permanent case."""

from __future__ import annotations

import ast
import json
import re
import tomllib
from typing import TYPE_CHECKING, Any

import tomli_w

if TYPE_CHECKING:
    from pathlib import Path

    from harness.project import Project

NAME = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
FIELDS = {"file", "test", "message", "schedule", "arguments"}


class PromoteError(ValueError):
    """The failure cannot be made a case; the text says why, and what to do."""


def failures(project: Project) -> list[Path]:
    """Return the failures that are kept, the newest last."""
    return sorted(project.found.glob("*.json"), key=lambda path: path.stat().st_mtime)


def promote(project: Project, failure: Path, name: str | None = None) -> str:
    """Add a failure to ``fuzz/cases.toml``; return the name of the case.

    Args:
        project: whose case it becomes.
        failure: a file that a fuzzer kept.
        name: of the case, words with hyphens; that of the file by default.

    Raises:
        PromoteError: it is no failure, is named wrongly or known already, or its arguments are no literals.
    """
    chosen = name or failure.stem.replace("_", "-")
    if not NAME.fullmatch(chosen):
        raise PromoteError(f"{chosen!r}: a case is named in lower-case words with hyphens, --name a-lost-slot for one")
    entry = _read(failure)
    table = project.fuzz / "cases.toml"
    known = tomllib.loads(table.read_text(encoding="utf-8")) if table.exists() else {}
    if chosen in known:
        raise PromoteError(f"{chosen}: there is a case of this name; give another with --name")
    table.write_text(tomli_w.dumps({**known, chosen: entry}), encoding="utf-8", newline="\n")
    return chosen


def _read(failure: Path) -> dict[str, Any]:
    try:
        entry = json.loads(failure.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise PromoteError(f"{failure}: is no failure that a fuzzer kept: {error}") from error
    if not _is_failure(entry):
        raise PromoteError(f"{failure}: is no failure that a fuzzer kept")
    for argument, text in entry.get("arguments", {}).items():
        try:
            ast.literal_eval(text)
        except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError) as error:
            raise PromoteError(
                f"{failure.name}: the argument {argument} is no literal ({text[:60]}); write it as a test by hand"
            ) from error
    return {key: value for key, value in entry.items() if value is not None}


def _is_failure(entry: object) -> bool:
    if not isinstance(entry, dict) or not {"file", "test", "message"} <= entry.keys() <= FIELDS:
        return False
    arguments, texts = entry.get("arguments", {}), [entry[name] for name in ("file", "test", "message")]
    if not isinstance(arguments, dict) or not isinstance(entry.get("schedule") or "", str):
        return False
    return all(isinstance(text, str) and _is_text(text) for text in [*texts, *arguments, *arguments.values()])


def _is_text(text: str) -> bool:
    """Whether it can be written as UTF-8, which half of a surrogate pair cannot."""
    return text.isascii() or not any("\ud800" <= sign <= "\udfff" for sign in text)
