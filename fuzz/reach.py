"""Which lines of the project a run of fuzzers reaches, found cheaply, so that a search can tell whether it still grows.

From Python 3.12 on the interpreter tells each line once and is then asked not to tell it again; before that coverage.py
does it. A process that is measured by somebody else as well goes on being measured.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.subject import PACKAGE

if TYPE_CHECKING:
    from types import CodeType

PARTS = ("harness", "localdiscord", "reference", PACKAGE)
"""Folders of code whose lines count; a tree under judgement is a copy in another place, and counts by its own names."""

TOOL = 4
"""The number of the tool before the interpreter; coverage.py, debuggers and profilers have others."""


class Reach:
    """The lines that are reached from `start` on, by file."""

    def __init__(self) -> None:
        self._lines: dict[str, set[int]] = {}
        self._coverage: Any = None

    def start(self) -> None:
        """Begin."""
        if sys.version_info >= (3, 12):
            sys.monitoring.use_tool_id(TOOL, "reach of fuzzers")
            sys.monitoring.register_callback(TOOL, sys.monitoring.events.LINE, self._hear)
            sys.monitoring.set_events(TOOL, sys.monitoring.events.LINE)
        else:
            import coverage  # noqa: PLC0415  older Pythons alone need it

            self._coverage = coverage.Coverage(
                data_file=None, config_file=False, include=[f"*/{part}/*" for part in PARTS]
            )
            self._coverage.start()

    def stop(self) -> dict[str, list[int]]:
        """End, and return the lines by file, as named from the part on."""
        if sys.version_info >= (3, 12):
            sys.monitoring.set_events(TOOL, 0)
            sys.monitoring.free_tool_id(TOOL)
        else:
            self._coverage.stop()
            data = self._coverage.get_data()
            for file in data.measured_files():
                if (name := name_of(file)) is not None:
                    self._lines.setdefault(name, set()).update(data.lines(file) or ())
        return {name: sorted(lines) for name, lines in sorted(self._lines.items())}

    def _hear(self, code: CodeType, line: int) -> Any:
        if (name := name_of(code.co_filename)) is not None:
            self._lines.setdefault(name, set()).add(line)
        if sys.version_info >= (3, 12):
            return sys.monitoring.DISABLE
        return None


def name_of(file: str) -> str | None:
    """Return the name of a file from its part on, None where it belongs to none; a part in another is not its own."""
    places = Path(file).parts
    if "site-packages" in places:
        return None
    at = next((number for number, place in enumerate(places) if place in PARTS[:-1]), None)
    at = at if at is not None else next((number for number, place in enumerate(places) if place == PACKAGE), None)
    return None if at is None else "/".join(places[at:])
