"""A pytest plugin that says which tests failed and were run again, and why: one that is lucky is not a good one yet."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

LONGEST = 600
"""Characters that are told of a reason."""

NAMED = re.compile(r"\w(?:Error|Warning|Exception)\b: ")
"""What a line has that names one exception of a group."""


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """List the failures that another run of the same test made up for."""
    reports = terminalreporter.stats.get("rerun", [])
    if not reports:
        return
    terminalreporter.section(f"run again, since they failed: {len(reports)}")
    for report in reports:
        why = " ".join(_reason(report).split())
        terminalreporter.write_line(f"{report.nodeid} ({report.when}): {why[:LONGEST]}")


def _reason(report: pytest.TestReport) -> str:
    crash = getattr(report.longrepr, "reprcrash", None)
    if crash is None:
        return report.longreprtext
    message = str(crash.message)
    if "sub-exception" not in message:
        return message
    lines = dict.fromkeys(line.strip(" |E") for line in report.longreprtext.splitlines() if NAMED.search(line))
    return "; ".join([message, *(line for line in lines if line not in message)])
