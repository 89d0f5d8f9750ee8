"""The register of findings: ``regressions/findings.toml`` as typed, checked objects."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from harness import toml_file

if TYPE_CHECKING:
    from pathlib import Path

FINDING_ID = re.compile(r"F\d\d")
Text = Annotated[str, StringConstraints(strip_whitespace=True)]
Place = Annotated[str, StringConstraints(pattern=r"^utils/[\w/]+\.py(:[\d,-]+)?$")]
UnitFile = Annotated[str, StringConstraints(pattern=r"^utils/[\w./-]+\.\w+$")]
Symbol = Annotated[str, StringConstraints(pattern=r"^utils/[\w/]+\.py:[\w.]+$")]


class RegisterError(ValueError):
    """The register cannot be read or breaks its schema; the text names file, finding and key."""


class Severity(StrEnum):
    """How much harm the audit sees in a finding."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM_HIGH = "medium-high"
    MEDIUM = "medium"
    LOW_MEDIUM = "low-medium"
    LOW = "low"
    INFORMATION = "information"


class Category(StrEnum):
    """What kind of defect a finding claims."""

    ASYNC = "async"
    BUG = "bug"
    DEPENDENCY = "dependency"
    INFORMATION = "information"
    PERFORMANCE = "performance"
    PLATFORM = "platform"
    RACE_CONDITION = "race-condition"
    RESOURCE_LEAK = "resource-leak"
    SECURITY = "security"


class ClaimVerdict(StrEnum):
    """What was found when the claim was run."""

    CONFIRMED = "confirmed"
    OTHER_CAUSE = "confirmed, other cause"
    NOT_REPRODUCIBLE = "not reproducible"
    INFORMATION = "information"
    UNJUDGED = "unjudged"


class FixVerdict(StrEnum):
    """What was found when the audit's own fix was run."""

    RIGHT = "right"
    FALLS_SHORT = "falls short"
    WRONG = "wrong"
    NONE_GIVEN = "none given"
    UNJUDGED = "unjudged"


class State(StrEnum):
    """Whether a finding has its regression, its variants and its fix."""

    OPEN = "open"
    DONE = "done"


class Finding(BaseModel):
    """One row of the audit, and what became of it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: Annotated[str, StringConstraints(pattern=r"^F\d\d$")]
    title: Annotated[Text, Field(min_length=1)]
    severity: Severity
    category: Category
    cwe: tuple[int, ...] = ()
    audited: Annotated[tuple[Place, ...], Field(min_length=1)]
    claim: Text = ""
    symptom: Text = ""
    verdict: ClaimVerdict = ClaimVerdict.UNJUDGED
    evidence: Text = ""
    fix: FixVerdict = FixVerdict.UNJUDGED
    fix_evidence: Text = ""
    correction: Text = ""
    unit: Annotated[tuple[UnitFile, ...], Field(min_length=1)]
    symbols: tuple[Symbol, ...] = ()
    state: State

    @property
    def is_open(self) -> bool:
        """Whether the finding is still to be worked on, and must never look green."""
        return self.state is State.OPEN

    @property
    def fix_falls_short(self) -> bool:
        """Whether the audit's own fix must be refused by the regression."""
        return self.fix in {FixVerdict.FALLS_SHORT, FixVerdict.WRONG}

    @model_validator(mode="after")
    def _done_means_complete(self) -> Self:
        if self.is_open:
            return self
        texts = ("claim", "symptom", "evidence", "fix_evidence", "correction", "symbols")
        lacking = [key for key in texts if not getattr(self, key)]
        lacking += [key for key in ("verdict", "fix") if getattr(self, key) == "unjudged"]
        if lacking:
            raise ValueError(f"a finding that is done needs {', '.join(lacking)}")
        return self


Register = dict[str, Finding]


def load(path: Path) -> Register:
    """Read and check the register.

    Returns:
        The findings by id, in the order of their ids.

    Raises:
        RegisterError: the file cannot be read, is no TOML, or a finding breaks the schema; all faults are named.
    """
    tables = toml_file.read(path, RegisterError)
    faults: list[str] = []
    findings = [finding for key, table in sorted(tables.items()) if (finding := _finding(key, table, faults))]
    if not tables:
        faults.append("holds no finding")
    if faults:
        raise RegisterError("\n".join(f"{path.name}: {fault}" for fault in faults))
    return {finding.id: finding for finding in findings}


def _finding(key: str, table: object, faults: list[str]) -> Finding | None:
    if not FINDING_ID.fullmatch(key):
        faults.append(f"{key}: is no finding id; ids are F01 to F99")
    elif not isinstance(table, dict):
        faults.append(f"{key}: must be a table, [{key}]")
    elif "id" in table:
        faults.append(f"{key}.id: is given by the table's name; remove the key")
    else:
        try:
            return Finding(id=key, **table)
        except ValidationError as error:
            faults += [_sentence(key, fault["loc"], fault["msg"]) for fault in error.errors()]
    return None


def _sentence(key: str, location: tuple[int | str, ...], message: str) -> str:
    place = ".".join([key, *map(str, location)])
    return f"{place}: {message.removeprefix('Value error, ')}"
