"""Where the parts of the project stand."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

HOME = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Project:
    """The folders and files that the harness reads, all below one root, and those that it writes.

    A checkout keeps what is written beside the code. Where the package is installed, its folder is not for results:
    they are written where the person stands.
    """

    root: Path = HOME

    @property
    def results(self) -> Path:
        """The folder below which everything is written."""
        is_installed = self.root == HOME and not (HOME / "pyproject.toml").is_file()
        return Path.cwd() if is_installed else self.root

    @property
    def register(self) -> Path:
        """The register of findings."""
        return self.regressions / "findings.toml"

    @property
    def regressions(self) -> Path:
        """The folder of the regressions."""
        return self.root / "regressions"

    @property
    def variants(self) -> Path:
        """The folder that holds a folder of patches for each finding."""
        return self.regressions / "variants"

    @property
    def reference(self) -> Path:
        """The tree that every variant is a variant of."""
        return self.root / "reference"

    @property
    def fuzz(self) -> Path:
        """The folder of the fuzzers."""
        return self.root / "fuzz"

    @property
    def mutants(self) -> Path:
        """The folder that says which sources are mutated and which mutants no test can notice."""
        return self.root / "mutants"

    @property
    def teeth(self) -> Path:
        """The folder of the evidence that the fuzzers find, one file for each platform and Python version."""
        return self.results / "fuzz" / "evidence"

    @property
    def evidence(self) -> Path:
        """The folder of the evidence files, one for each platform and Python version."""
        return self.results / "evidence"

    @property
    def ledger(self) -> Path:
        """The rendered ledger."""
        return self.results / "AUDIT.md"

    @property
    def cache(self) -> Path:
        """The folder of verdicts kept between runs; it may be deleted at any time."""
        return self.results / ".prove"

    @property
    def found(self) -> Path:
        """The folder of the failures that fuzzers found, and of the counts of their searches."""
        return self.results / ".fuzz"

    def regression(self, finding: str) -> Path | None:
        """Return the regression file of a finding, or None where there is none."""
        return next(iter(sorted(self.regressions.glob(f"test_{finding.lower()}_*.py"))), None)

    def part(self, name: str) -> Path:
        """Return the file of a tool that regressions share."""
        return self.root / "harness" / "parts" / f"{name}.py"
