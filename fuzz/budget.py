"""How much each fuzzer may try: read from ``fuzzers.toml``, the one table of what guards which finding.

Three profiles, chosen by the environment variable ``FUZZ_PROFILE``:

- ``quick`` (the default, part of the tests): a share of the budget, the same examples each time;
- ``teeth``: the whole budget, the same examples each time, nothing remembered from earlier runs and nothing made
  smaller: so the proof that a fuzzer finds a defect can be repeated, and soon;
- ``deep``: as many times the budget as ``FUZZ_TIMES`` says, other examples each time, failures remembered.

In any of them the run ends after ``FUZZ_SECONDS``, where that is given.
"""

from __future__ import annotations

import functools
import os
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.errors import HypothesisException

from harness.fuzzers import table
from harness.plugin import BROKEN
from harness.subject import NotApplicable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

F = TypeVar("F", bound="Callable[..., Any]")

QUICK_SHARE = 8
"""The quick profile tries one example in so many of the budget, and ten at least."""

SLOW = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.data_too_large]
"""Examples open databases and run event loops; a fixture lends the tree, which no example changes."""

last: dict[str, Any] = {}
"""The arguments of the example that failed last, which is the smallest one once Hypothesis is done."""

failed: list[Callable[[Mapping[str, Any], BaseException], None]] = []
"""Told each example that fails, as soon as it does."""

is_over = threading.Event()
"""Set when the time of the run is up."""

counts: dict[str, int] = {}
"""Examples tried by this process, by fuzzer."""


@dataclass(frozen=True)
class Budget:
    """What one file of fuzzers may try, in the profile of this process.

    Attributes:
        name: the fuzzer's name in the table.
        budget: examples, or schedules, that each of its tests may try to find a defect it guards.
    """

    name: str
    budget: int

    @property
    def examples(self) -> int:
        """How many examples a test of it tries in the profile of this process."""
        if _profile() == "quick":
            return max(10, self.budget // QUICK_SHARE)
        return self.budget * int(os.environ.get("FUZZ_TIMES", "1")) if _profile() == "deep" else self.budget

    @property
    def settings(self) -> settings:
        """Hypothesis's settings in the profile of this process."""
        is_deep = _profile() == "deep"
        database = settings.get_profile("default").database if is_deep else None
        return settings(
            max_examples=self.examples,
            deadline=None,
            suppress_health_check=SLOW,
            report_multiple_bugs=False,
            print_blob=is_deep,
            phases=(Phase.generate,) if _profile() == "teeth" else tuple(set(Phase) - {Phase.explain}),
            database=database,
            derandomize=not is_deep,
        )

    def tries(self, test: F) -> F:
        """Give a test of Hypothesis its budget, and say in its failure how many examples that took.

        It stands above ``@given``.
        """
        handle: Any = test.hypothesis  # type: ignore[attr-defined]  # what @given leaves for other decorators
        inner = handle.inner_test
        first: list[int] = []

        @functools.wraps(inner)
        def counted(*args: Any, **kwargs: Any) -> Any:
            self.count()
            tried[0] += 1
            try:
                return inner(*args, **kwargs)
            except (NotApplicable, HypothesisException, *BROKEN):
                raise
            except Exception as error:
                first[:] = first or [tried[0]]
                last.clear()
                last.update(kwargs)
                for tell in failed:
                    tell(kwargs, error)
                raise

        tried = [0]
        handle.inner_test = counted
        limited: Any = self.settings(test)

        @functools.wraps(limited)
        def within_budget(*args: Any, **kwargs: Any) -> Any:
            tried[0] = 0
            first.clear()
            last.clear()
            try:
                return limited(*args, **kwargs)
            except AssertionError as failure:
                text, _, rest = str(failure).partition("\n")
                told = f"{text} [found by example {first[0] if first else tried[0]} of {self.examples}]"
                raise AssertionError(f"{told}\n{rest}".rstrip("\n")) from failure

        return within_budget  # type: ignore[return-value]  # a wrapper of the same signature

    def count(self, examples: int = 1) -> None:
        """Note that so many examples were tried, and end the run where its time is up."""
        counts[self.name] = counts.get(self.name, 0) + examples
        if is_over.is_set():
            pytest.exit("the time is up", returncode=0)


def _profile() -> str:
    return os.environ.get("FUZZ_PROFILE", "quick")


def fuzzer(file: str) -> Budget:
    """Return the budget of the fuzzer whose file this is.

    Raises:
        KeyError: the table has none of this name.
    """
    name = Path(file).stem.removeprefix("test_")
    return Budget(name, table(Path(__file__).parent)[name].budget)
