"""The mutants that no test notices and why that is right: ``mutants/survivors.toml``, held against what was found."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from harness import toml_file
from harness.mutants import Mutant, MutantsError, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


class Kind(StrEnum):
    """Why a survivor may live."""

    EQUIVALENT = "equivalent"
    """No test could tell it from the original; it is left out of the score."""

    ACCEPTED = "accepted"
    """A test could tell, but would hold how the code is spelled and not what it does; it counts as missed."""


class Named(BaseModel):
    """A survivor, or all survivors of one line, and why they may live.

    Attributes:
        file: the source, from the project's root.
        function: the function, with its class.
        before: the changed lines as they are, as the list of survivors shows them.
        after: the same as the mutants have them; with none, every mutant of the lines is meant.
        kind: whether a test could tell.
        reason: why, in a sentence.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    file: str
    function: str
    before: str
    after: list[str] = []
    kind: Kind
    reason: str = Field(min_length=10)

    def covers(self, mutant: Mutant) -> bool:
        """Tell whether a mutant is one of those meant."""
        place = (mutant.file, mutant.function, mutant.before)
        return place == (self.file, self.function, self.before) and (not self.after or mutant.after in self.after)


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid")

    survivor: list[Named] = []


def load(path: Path) -> list[Named]:
    """Read the named survivors; there are none where the file is missing.

    Raises:
        MutantsError: the file is not as it should be.
    """
    if not path.exists():
        return []
    try:
        return _Table.model_validate(toml_file.read(path, MutantsError)).survivor
    except ValidationError as error:
        raise MutantsError(f"{path.name}: {error}") from error


@dataclass
class Tally:
    """What came of the mutants of one area.

    Attributes:
        counts: how many there are of each outcome.
        named: how many survivors are named, of each kind.
        survivors: the mutants that no test noticed, each with its name where it has one.
        faults: a sentence for each named survivor that is none.
    """

    counts: dict[Outcome, int]
    named: dict[Kind, int]
    survivors: list[tuple[Mutant, Named | None]]
    faults: list[str] = field(default_factory=list)

    @property
    def tried(self) -> int:
        """How many mutants the tests were asked about."""
        return sum(self.counts.values()) - self.counts[Outcome.NOT_RUN]

    @property
    def score(self) -> float:
        """Percent of the mutants tried that were noticed, those left out that nobody could tell."""
        told = self.tried - self.named[Kind.EQUIVALENT]
        return 100 * sum(self.counts[outcome] for outcome in Outcome if outcome.is_noticed) / told if told else 0.0

    @property
    def unnamed(self) -> list[Mutant]:
        """The survivors that are not named."""
        return [mutant for mutant, named in self.survivors if named is None]


def tally(mutants: Iterable[Mutant], named: Iterable[Named]) -> Tally:
    """Count what came of an area's mutants, and hold the named survivors of its files against it."""
    found, known = list(mutants), list(named)
    missed = [mutant for mutant in found if mutant.outcome.is_missed]
    survivors = [(mutant, next((name for name in known if name.covers(mutant)), None)) for mutant in missed]
    files = {mutant.file for mutant in found}
    return Tally(
        counts={outcome: sum(mutant.outcome is outcome for mutant in found) for outcome in Outcome},
        named={kind: sum(name is not None and name.kind is kind for _, name in survivors) for kind in Kind},
        survivors=survivors,
        faults=[fault for name in known if name.file in files for fault in _faults(name, found)],
    )


def _faults(name: Named, found: list[Mutant]) -> list[str]:
    """Say what is wrong with a named survivor: its line is gone, or its mutants are noticed after all."""
    place = f"{name.file}, {name.function}: {name.before!r}"
    meant = [mutant for mutant in found if name.covers(mutant)]
    gone = [after for after in name.after if all(mutant.after != after for mutant in meant)]
    if not meant or gone:
        return [f"{place}: there is no such mutant{f', to {gone[0]!r}' if gone else ''}; take it out of the list"]
    if name.after:
        noticed = [mutant.after for mutant in meant if mutant.outcome.is_noticed]
        return [f"{place}, to {after!r}: is noticed by a test; take it out of the list" for after in noticed]
    if all(mutant.outcome.is_noticed for mutant in meant):
        return [f"{place}: each mutant is noticed by a test; take it out of the list"]
    return []
