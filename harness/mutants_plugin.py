"""Lets the ``subject`` fixture meet mutants: a pytest plugin for mutmut's runs.

mutmut knows a function by its module, ``reference.utils.web.links`` for one; the judge imports the same file as
``utils.web.links``. Both are made to go by the first name, so that a regression runs the mutant, and counts as a test
that reaches it.

A test that does not end tells a mutant from the original, too. The system ends its process, so nothing that the mutant
does can hold that up, and the exit code says that it was time and not a failure.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from mutmut.mutation import trampoline

from harness.project import Project
from harness.subject import PACKAGE

if TYPE_CHECKING:
    from collections.abc import Callable

NOTICED = "noticed.txt"
"""The file, in the area's folder, that says which test noticed which mutant, and with what words."""

_PLACE = Path.cwd().parent
_NAMES = vars(trampoline)
_wrap, _record = _NAMES["wrap_in_trampoline"], _NAMES["record_trampoline_hit"]


def known_as(module: str) -> str:
    """Return the name by which mutmut knows a module that was imported as part of a subject, or the same name."""
    return f"{Project().reference.name}.{module}" if module.partition(".")[0] == PACKAGE else module


def _wrap_in_trampoline(mutants: dict[str, Callable[..., Any]], *choices: bool, **named: bool) -> Callable[..., Any]:
    wrap: Callable[..., Any] = _wrap(mutants, *choices, **named)

    def wrapped(function: Callable[..., Any]) -> Callable[..., Any]:
        function.__module__ = known_as(function.__module__)
        trampolined: Callable[..., Any] = wrap(function)
        return trampolined

    return wrapped


def _record_trampoline_hit(name: str, caller: str | None = None) -> None:
    _record(known_as(name), caller)


def pytest_configure() -> None:
    """Put the names right before any test, and so any mutant, is imported.

    While mutmut notes which test reaches which function, processes that tests start are kept out of it: they have no
    notes to write to. mutmut itself knows its state without the variable.
    """
    if os.environ.get("MUTANT_UNDER_TEST") == "stats":
        trampoline.set_mutant_under_test("stats")
        del os.environ["MUTANT_UNDER_TEST"]
    _NAMES.update(wrap_in_trampoline=_wrap_in_trampoline, record_trampoline_hit=_record_trampoline_hit)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Say which test fails without any mutant, for mutmut loses what pytest says of it; write down what notices one."""
    mutant = trampoline.get_mutant_under_test()
    if mutant in {"", "stats"}:
        _tell(report)
    elif report.failed and "__mutmut_" in mutant:
        what = str(getattr(report.longrepr, "reprcrash", "")).replace("\n", " ")[:200]
        with (_PLACE / NOTICED).open("a", encoding="utf-8") as file:
            file.write(f"{mutant}\t{report.nodeid}\t{what}\n")


def pytest_collectreport(report: pytest.CollectReport) -> None:
    """Say which tests cannot be collected."""
    _tell(report)


def _tell(report: pytest.TestReport | pytest.CollectReport) -> None:
    if report.failed:
        print(f"\nFAILED {report.nodeid}\n{report.longreprtext}", file=sys.__stdout__, flush=True)


@pytest.hookimpl(tryfirst=True, optionalhook=True)
def pytest_timeout_set_timer(settings: Any) -> bool:
    """Have the system end this process unless the test is done in time."""
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, settings.timeout)
    return True


@pytest.hookimpl(tryfirst=True, optionalhook=True)
def pytest_timeout_cancel_timer() -> bool:
    """Let the process live: the test is done."""
    signal.setitimer(signal.ITIMER_REAL, 0)
    return True
