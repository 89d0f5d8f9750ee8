"""Lets the ``subject`` fixture meet mutants: a pytest plugin for mutmut's runs.

mutmut knows a function by its module, ``reference.utils.web.links`` for one; the judge imports the same file as
``utils.web.links``. Both are made to go by the first name, so that a regression runs the mutant, and counts as a test
that reaches it.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from mutmut.mutation import trampoline

from harness.project import Project
from harness.subject import PACKAGE

if TYPE_CHECKING:
    from collections.abc import Callable

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
