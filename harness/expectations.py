"""The list of known failures of a subject: a TOML table for each finding, with its status and why it is known."""

from __future__ import annotations

from typing import TYPE_CHECKING

import tomli_w

from harness import toml_file
from harness.status import RED, Status

if TYPE_CHECKING:
    from pathlib import Path

    from harness.judge import Judgement
    from harness.register import Register


class ExpectationError(ValueError):
    """The list cannot be used; the text names the file and the key."""


def load(path: Path, register: Register) -> dict[str, Status]:
    """Read a list of known failures.

    Raises:
        ExpectationError: the file cannot be read, names an unknown or open finding, or lacks a status or a reason.
    """
    tables = toml_file.read(path, ExpectationError)
    return {finding: _status(f"{path}: {finding}", finding, table, register) for finding, table in tables.items()}


def _status(where: str, finding: str, table: object, register: Register) -> Status:
    if finding not in register:
        raise ExpectationError(f"{where}: the register has no such finding")
    if register[finding].is_open:
        raise ExpectationError(f"{where}: is open, so nothing can be expected of it")
    if not isinstance(table, dict) or not str(table.get("reason", "")).strip():
        raise ExpectationError(f"{where}.reason: say why the failure is known")
    status = str(table.get("status"))
    if status not in RED:
        raise ExpectationError(f"{where}.status: must be one of {', '.join(sorted(RED))}")
    return Status(status)


def write(path: Path, judgement: Judgement) -> int:
    """Write the red verdicts of a judgement as a list of known failures; return how many there are."""
    tables = {
        finding: {"status": str(verdict.status), "reason": f"as first judged: {verdict.reason or verdict.status}"}
        for finding, verdict in judgement.verdicts.items()
        if verdict.status.is_red
    }
    path.write_text(tomli_w.dumps(tables), encoding="utf-8", newline="\n")
    return len(tables)
