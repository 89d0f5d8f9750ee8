"""What the fuzzers found once, run again each time: the cases of ``cases.toml``."""

from __future__ import annotations

import importlib
import inspect
from typing import TYPE_CHECKING, Any

import pytest

from fuzz import cases
from fuzz.budget import fuzzer

if TYPE_CHECKING:
    from harness.subject import Subject

FUZZ = fuzzer(__file__)
CASES = cases.load()


@pytest.mark.skipif(not CASES, reason="no failure was promoted yet")
@pytest.mark.parametrize("name", CASES or ["none"])
def test_found_once(subject: Subject, name: str) -> None:
    """A failure that was found and mended stays mended."""
    case = CASES[name]
    module = importlib.import_module(f"fuzz.{case.file.removesuffix('.py')}")
    test: Any = getattr(module, case.test)
    inner = inspect.unwrap(test)
    run: Any = getattr(getattr(inner, "hypothesis", None), "inner_test", inner)
    wanted = inspect.signature(run).parameters
    offered = {"subject": subject, "replay": case.schedule, "data": None}
    run(**{key: value for key, value in offered.items() if key in wanted}, **cases.values(case))
    FUZZ.count()
