"""Failures, as they are kept, and the permanent cases that `python -m harness promote` makes of them.

A case names a fuzzer's test, its arguments as literals, and the schedule if there was one; `test_cases.py` runs them
all, always. A failure whose arguments are no literals cannot be promoted as it is and says so.
"""

from __future__ import annotations

import ast
import hashlib
import json
import re
import tomllib
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fuzz.explore import ScheduleError

if TYPE_CHECKING:
    from collections.abc import Mapping

TABLE = Path(__file__).with_name("cases.toml")
FIXTURES = frozenset({"subject", "replay", "data", "stage"})
"""Arguments that are made anew when a case is run."""


@dataclass(frozen=True)
class Failure:
    """What failed, and how it is run again.

    Attributes:
        file: name of the fuzzer's file.
        test: name of the test in it.
        message: what it said.
        schedule: the schedule, None where there was none.
        arguments: the example's arguments, as Python literals where they can be written so.
    """

    file: str
    test: str
    message: str
    schedule: str | None = None
    arguments: dict[str, str] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """Tell failures apart that are not the same: by test and message, numbers left out."""
        text = f"{self.file}::{self.test}: {re.sub(r'[0-9]+', '#', self.message)}"
        return f"{self.test.removeprefix('test_')}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def failure_of(file: str, test: str, arguments: Mapping[str, Any], error: BaseException) -> Failure:
    """Describe a failure."""
    schedule: str | None = None
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ScheduleError):
            schedule = cause.schedule
            break
        cause = cause.__cause__
    written = {name: repr(value) for name, value in arguments.items() if name not in FIXTURES}
    return Failure(file, test, str(error).partition("\n")[0], schedule, written)


def keep(folder: Path, failure: Failure) -> Path:
    """Write a failure to a file of its own; the same one again takes its place."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{failure.key}.json"
    path.write_text(json.dumps(asdict(failure), indent=2, ensure_ascii=False) + "\n", encoding="utf-8", newline="\n")
    return path


def load() -> dict[str, Failure]:
    """Return the permanent cases by name."""
    if not TABLE.exists():
        return {}
    entries = tomllib.loads(TABLE.read_text(encoding="utf-8"))
    return {name: Failure(**entry) for name, entry in entries.items()}


def values(failure: Failure) -> dict[str, Any]:
    """Return a case's arguments.

    Raises:
        ValueError: one is no literal.
    """
    return {name: ast.literal_eval(text) for name, text in failure.arguments.items()}
