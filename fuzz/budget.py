"""How much each fuzzer may try: read from ``fuzzers.toml``, the one table of what guards which finding.

Three profiles, chosen by the environment variable ``FUZZ_PROFILE``:

- ``quick`` (the default, part of the tests): a share of the budget, the same examples each time;
- ``teeth``: the whole budget, the same examples each time, and nothing remembered from earlier runs: so the proof that
  a fuzzer finds a defect can be repeated;
- ``deep``: as many times the budget as ``FUZZ_TIMES`` says, other examples each time, failures remembered.
"""

from __future__ import annotations

import functools
import os
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from hypothesis import HealthCheck, Phase, settings

from harness.plugin import BROKEN
from harness.subject import NotApplicable

if TYPE_CHECKING:
    from collections.abc import Callable

F = TypeVar("F", bound="Callable[..., Any]")

TABLE = Path(__file__).with_name("fuzzers.toml")
QUICK_SHARE = 8
"""The quick profile tries one example in so many of the budget, and ten at least."""

SLOW = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.data_too_large]
"""Examples open databases and run event loops; a fixture lends the tree, which no example changes."""

counts: dict[str, int] = {}
"""Examples tried by this process, by fuzzer."""


@dataclass(frozen=True)
class Fuzzer:
    """A file of fuzzers, as the table describes it.

    Attributes:
        name: the file's name, without ``test_`` and ending.
        budget: examples, or schedules, that each of its tests may try to find a defect it guards.
        guards: variants that it must find, such as ``F06/audited``.
        spares: right implementations that it must not blame.
    """

    name: str
    budget: int
    guards: tuple[str, ...] = field(default=())
    spares: tuple[str, ...] = field(default=())

    @property
    def file(self) -> Path:
        """The file."""
        return TABLE.with_name(f"test_{self.name}.py")

    @property
    def examples(self) -> int:
        """How many examples a test of it tries in the profile of this process."""
        profile = os.environ.get("FUZZ_PROFILE", "quick")
        if profile == "quick":
            return max(10, self.budget // QUICK_SHARE)
        return self.budget * int(os.environ.get("FUZZ_TIMES", "1")) if profile == "deep" else self.budget

    @property
    def settings(self) -> settings:
        """Hypothesis's settings in the profile of this process."""
        is_deep = os.environ.get("FUZZ_PROFILE") == "deep"
        options: dict[str, Any] = {} if is_deep else {"database": None, "derandomize": True}
        return settings(
            max_examples=self.examples,
            deadline=None,
            suppress_health_check=SLOW,
            report_multiple_bugs=False,
            print_blob=is_deep,
            phases=[phase for phase in Phase if phase is not Phase.explain],
            **options,
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
            except (NotApplicable, *BROKEN):
                raise
            except AssertionError:
                first[:] = first or [tried[0]]
                raise

        tried = [0]
        handle.inner_test = counted
        limited: Any = self.settings(test)

        @functools.wraps(limited)
        def within_budget(*args: Any, **kwargs: Any) -> Any:
            tried[0] = 0
            first.clear()
            try:
                return limited(*args, **kwargs)
            except AssertionError as failure:
                text, _, rest = str(failure).partition("\n")
                told = f"{text} [found by example {first[0] if first else tried[0]} of {self.examples}]"
                raise AssertionError(f"{told}\n{rest}".rstrip("\n")) from failure

        return within_budget  # type: ignore[return-value]  # a wrapper of the same signature

    def count(self, examples: int = 1) -> None:
        """Note that so many examples were tried."""
        counts[self.name] = counts.get(self.name, 0) + examples


def table() -> dict[str, Fuzzer]:
    """Return all fuzzers by name."""
    with TABLE.open("rb") as file:
        entries = tomllib.load(file)
    return {
        name: Fuzzer(name, entry["budget"], tuple(entry.get("guards", ())), tuple(entry.get("spares", ())))
        for name, entry in entries.items()
    }


def fuzzer(file: str) -> Fuzzer:
    """Return the fuzzer whose file this is.

    Raises:
        KeyError: the table has none of this name.
    """
    name = Path(file).stem.removeprefix("test_")
    return table()[name]
