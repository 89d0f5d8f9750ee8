"""Runs one finding's regression on one subject, in a process of its own: started as a script by ``harness.runner``.

It uses nothing but the standard library and pytest, since it runs under the subject's own interpreter.
"""

from __future__ import annotations

import json
import sys
from importlib.machinery import PathFinder
from importlib.metadata import DistributionFinder, MetadataPathFinder
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from importlib.machinery import ModuleSpec
    from importlib.metadata import Distribution
    from types import ModuleType

    import pytest


class Lender:
    """Finds named top-level modules in given folders, where the interpreter has none of its own."""

    def __init__(self, folders: dict[str, str]) -> None:
        self.folders = folders

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Find a lent module; submodules are found by their package."""
        folder = self.folders.get(fullname)
        return PathFinder.find_spec(fullname, [folder], target) if folder and path is None else None

    def find_distributions(self, context: DistributionFinder.Context) -> Iterable[Distribution]:
        """Find a lent module's metadata, which plugins ask for their version."""
        folder = self.folders.get((context.name or "").replace("-", "_"))
        if folder:
            yield from MetadataPathFinder.find_distributions(
                DistributionFinder.Context(name=context.name, path=[folder])
            )


class Witness:
    """Keeps the configuration of a pytest run, in which the opened subject is found afterwards, and what broke it."""

    config: pytest.Config | None = None
    fault = ""

    def pytest_configure(self, config: pytest.Config) -> None:
        """Take note of the configuration."""
        self.config = config

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Take note of why a regression could not be imported."""
        if report.failed:
            lines = [line[1:].strip() for line in report.longreprtext.splitlines() if line.startswith("E ")]
            self.fault = (lines or report.longreprtext.splitlines() or [""])[-1]


def main(order: dict[str, Any]) -> int:
    """Run the regression that ``order`` names; return pytest's exit code."""
    sys.path[:] = [entry for entry in sys.path if Path(entry or ".").resolve() != Path(__file__).resolve().parent]
    sys.meta_path.insert(0, Lender(order["home"]))
    sys.meta_path.append(Lender(order["lent"]))

    import pytest  # noqa: PLC0415  only importable now, where it is lent

    from harness import plugin  # noqa: PLC0415

    witness = Witness()
    code = pytest.main(
        [
            order["regression"],
            *("-c", order["configuration"]),
            *("--rootdir", order["rootdir"]),
            *("--confcutdir", order["rootdir"]),
            *("--basetemp", order["basetemp"]),
            *("-p", "no:cacheprovider"),
            *("-p", "no:terminal"),
            "--capture=no",
            *("-p", "pytest_asyncio.plugin"),
            *("--subject", order["subject"]),
            *("--events", order["events"]),
            *order["options"],
        ],
        plugins=[witness, plugin],
    )
    subject = witness.config.stash.get(plugin.SUBJECT, None) if witness.config else None
    root, notes = (str(subject.root), subject.notes) if subject else (None, [])
    plugin.record(order["events"], event="end", root=root, notes=notes, fault=witness.fault)
    return int(code)


if __name__ == "__main__":
    sys.exit(main(json.loads(sys.argv[1])))
