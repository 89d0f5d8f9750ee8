"""A pytest plugin that says which tests failed and were run again, and why: one that is lucky is not a good one yet."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """List the failures that another run of the same test made up for."""
    reports = terminalreporter.stats.get("rerun", [])
    if not reports:
        return
    terminalreporter.section(f"run again, since they failed: {len(reports)}")
    for report in reports:
        crash = getattr(report.longrepr, "reprcrash", None)
        why = crash.message if crash else report.longreprtext.strip()
        terminalreporter.write_line(f"{report.nodeid} ({report.when}): {' '.join(why.split())[:400]}")
