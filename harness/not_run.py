"""Tests that cannot run everywhere: three markers, each with a reason, and a count of them in the report.

``posix`` and ``windows`` mark tests of what only one kind of platform has. ``wine_fault`` marks what a Windows Python
could do and Wine gets wrong; its reason names the smallest case, so that nobody takes the fault for the project's.
"""

from __future__ import annotations

import sys
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from harness.machine import is_wine, platform_name

if TYPE_CHECKING:
    from collections.abc import Callable

MARKERS: dict[str, tuple[str, Callable[[], bool]]] = {
    "posix": ("tests what Windows does not have", lambda: sys.platform == "win32"),
    "windows": ("tests what only Windows has", lambda: sys.platform != "win32"),
    "wine_fault": ("is stopped by a fault of Wine's own", is_wine),
}
"""What each marker says of a test, and when a test with it does not run."""


def pytest_configure(config: pytest.Config) -> None:
    """Register the markers, so that strict markers hold in every configuration."""
    for name, (meaning, _) in MARKERS.items():
        config.addinivalue_line("markers", f"{name}(reason): {meaning}")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what cannot run on this platform.

    Raises:
        pytest.UsageError: a marker gives no reason.
    """
    for name, (_, keeps_off) in MARKERS.items():
        stays_out = keeps_off()
        for item in items:
            for mark in item.iter_markers(name):
                if len(mark.args) != 1 or not isinstance(mark.args[0], str):
                    raise pytest.UsageError(f"{item.nodeid}: {name} needs a reason: @pytest.mark.{name}('why')")
                if stays_out:
                    item.add_marker(pytest.mark.skip(reason=f"{name}: {mark.args[0]}"))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """List what was not run on a platform other than Linux, with the reason and the number of tests for each."""
    reasons = Counter(_reason(report) for report in terminalreporter.stats.get("skipped", []))
    if platform_name() == "linux" or not reasons:
        return
    terminalreporter.section(f"not run on {platform_name()}: {reasons.total()} tests, {len(reasons)} reasons")
    for reason, count in sorted(reasons.items()):
        terminalreporter.write_line(f"{count:4}  {reason}")


def _reason(report: pytest.TestReport) -> str:
    text = report.longrepr[2] if isinstance(report.longrepr, tuple | list) else str(report.longrepr)
    return text.removeprefix("Skipped: ")
