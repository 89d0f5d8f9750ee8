"""A variant: a patch of the reference (a defect, or another right implementation) and what is expected of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from harness import patch
from harness.status import Status

if TYPE_CHECKING:
    from pathlib import Path

    from harness.register import Finding


class VariantError(ValueError):
    """A variant file cannot be used; the text names the file and what is wrong with it."""


class Kind(StrEnum):
    """What a variant is, told by the beginning of its file name."""

    AUDITED = "audited"
    SUGGESTED = "suggested"
    LOOKALIKE = "lookalike"

    @property
    def is_defect(self) -> bool:
        """Whether the finding's regression must refuse the variant."""
        return self is not Kind.LOOKALIKE


DEFECT_STATUSES = frozenset({Status.FAIL, Status.HANG, Status.CRASH})
FILE_NAME = re.compile(r"(audited|suggested|lookalike)(-[a-z0-9-]+)?\.patch")
HEADER_KEYS = frozenset({"Title", "Expect", "Reason", "Also"})


@dataclass(frozen=True)
class Variant:
    """A patch of the reference with its expected outcome.

    Attributes:
        finding: id of the finding that the variant belongs to.
        name: the file's name without its ending.
        kind: audited, suggested or lookalike.
        title: one line that says what the variant does.
        expected: the status that the finding's own regression must give.
        reason: pattern searched in the failure's message; None where no message is expected.
        also: other findings whose regression the variant makes fail too, with why.
        patch: the change itself.
    """

    finding: str
    name: str
    kind: Kind
    title: str
    expected: Status
    reason: re.Pattern[str] | None
    also: dict[str, str]
    patch: patch.Patch

    @property
    def label(self) -> str:
        """Name the variant within the whole audit."""
        return f"{self.finding}/{self.name}"

    def strays(self, finding: Finding) -> list[str]:
        """Return the files that the patch touches outside the finding's unit."""
        return sorted({file.path for file in self.patch.files} - set(finding.unit))


def load(path: Path) -> Variant:
    """Read a variant file, ``<finding>/<kind>[-<what>].patch``.

    Raises:
        VariantError: the name, the header or the diff is not as it must be.
    """
    where = f"{path.parent.name}/{path.name}"
    match = FILE_NAME.fullmatch(path.name)
    if match is None:
        raise VariantError(f"{where}: name it audited.patch, suggested.patch or lookalike-<what>.patch")
    try:
        change = patch.parse(path.read_bytes().decode("utf-8"))
        return _variant(path, Kind(match[1]), change)
    except (OSError, ValueError, re.error, OverflowError, RecursionError) as error:
        raise VariantError(f"{where}: {error}") from error


def _variant(path: Path, kind: Kind, change: patch.Patch) -> Variant:
    header = change.header
    if unknown := sorted(header.keys() - HEADER_KEYS):
        raise ValueError(f"unknown header key {unknown[0]}; keys are {', '.join(sorted(HEADER_KEYS))}")
    expected = Status(_one(header, "Expect"))
    reason = header.get("Reason", [None])[0]
    if kind.is_defect and expected not in DEFECT_STATUSES:
        raise ValueError(f"a defect expects one of {', '.join(sorted(DEFECT_STATUSES))}, not {expected}")
    if not kind.is_defect and expected is not Status.PASS:
        raise ValueError(f"a lookalike expects pass, not {expected}")
    if expected is Status.FAIL and not reason:
        raise ValueError("a variant that fails needs a Reason, a pattern for the failure's message")
    also = dict(_other(entry) for entry in header.get("Also", []))
    pattern = re.compile(reason) if reason else None
    return Variant(path.parent.name, path.stem, kind, _one(header, "Title"), expected, pattern, also, change)


def _one(header: dict[str, list[str]], key: str) -> str:
    values = header.get(key, [])
    if len(values) != 1 or not values[0]:
        raise ValueError(f"the header needs one {key} line")
    return values[0]


def _other(entry: str) -> tuple[str, str]:
    finding, equals, why = entry.partition("=")
    if not equals or not why.strip():
        raise ValueError(f"an Also line reads 'Fnn = why', not {entry!r}")
    return finding.strip(), why.strip()


def of(folder: Path) -> list[Path]:
    """Return the variant files in a finding's folder, in the order of their names."""
    return sorted(folder.glob("*.patch"))
