"""Brings the evidence of several machines together, and holds what the ledger claims against it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness import evidence, fingerprint, fuzzers, teeth

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator
    from pathlib import Path

    from harness.evidence import Evidence
    from harness.project import Project
    from harness.register import Register
    from harness.teeth import Teeth

Claim = tuple[str, str]
"""A finding or a fuzzer, and the platform and Python on which it is said to be proved: ``linux-3.11`` for one."""


def gather(folders: Iterable[Path]) -> list[Evidence]:
    """Read every evidence file below some folders, as a CI lays its artefacts there.

    Raises:
        EvidenceError: a file is none, or there is none at all.
    """
    found = [evidence.load(file) for file in _files(folders) if not _is_of_fuzzers(file)]
    if not found:
        raise evidence.EvidenceError("there is no evidence file in the folders given, so nothing can be merged")
    return found


def gather_teeth(folders: Iterable[Path]) -> list[Teeth]:
    """Read the evidence of the fuzzers' teeth below some folders; it stands in ``fuzz/evidence``.

    Raises:
        TeethError: a file is none.
    """
    return [teeth.load(file) for file in _files(folders) if _is_of_fuzzers(file)]


def _files(folders: Iterable[Path]) -> list[Path]:
    return [file for folder in folders for file in sorted(folder.rglob("*.json"))]


def _is_of_fuzzers(file: Path) -> bool:
    return file.parent.parent.name == "fuzz"


def claims(project: Project, register: Register, environments: Iterable[Evidence]) -> set[Claim]:
    """Return what evidence claims of the project as it is now; what is stale or failed claims nothing."""
    return {
        (identity, environment.tag)
        for environment in environments
        for identity, proof in environment.findings.items()
        if identity in register
        and proof.is_proved
        and proof.fingerprint == fingerprint.of_finding(project, register[identity])
    }


def unproved(
    project: Project, register: Register, fresh: Collection[Evidence], unchecked: Collection[str]
) -> Iterator[str]:
    """Yield a sentence for each claim of the committed evidence that fresh evidence does not bear out.

    Args:
        project: where the committed evidence stands.
        register: all findings.
        fresh: what has just been proved.
        unchecked: platforms whose claims are another machine's to check.
    """
    committed = [item for item in evidence.load_all(project.evidence) if item.platform not in unchecked]
    borne_out = claims(project, register, fresh)
    for identity, tag in sorted(claims(project, register, committed) - borne_out):
        yield f"{identity}: is claimed to be proved on {tag}, and was not proved there"
    for item in fresh:
        for identity, proof in sorted(item.findings.items()):
            yield from (f"{item.tag}: {fault}" for fault in proof.all_faults if identity in register)


def claims_of_teeth(project: Project, environments: Iterable[Teeth]) -> set[Claim]:
    """Return what evidence claims of the fuzzers as they are now; what is stale or failed claims nothing."""
    known = fuzzers.table(project.fuzz) if project.fuzz.is_dir() else {}
    current = {name: fuzzers.fingerprint_of(project, fuzzer) for name, fuzzer in known.items()}
    return {
        (name, environment.tag)
        for environment in environments
        for name, bites in environment.fuzzers.items()
        if bites.is_proved and bites.fingerprint == current.get(name)
    }


def toothless(project: Project, fresh: Collection[Teeth], unchecked: Collection[str]) -> Iterator[str]:
    """Yield a sentence for each claim of the committed evidence of teeth that fresh evidence does not bear out.

    Args:
        project: where the committed evidence stands.
        fresh: what has just been proved.
        unchecked: platforms whose claims are another machine's to check.
    """
    committed = [item for item in teeth.load_all(project.teeth) if item.platform not in unchecked]
    borne_out = claims_of_teeth(project, fresh)
    for name, tag in sorted(claims_of_teeth(project, committed) - borne_out):
        yield f"fuzzer {name}: is claimed to be proved on {tag}, and was not proved there"
    for item in fresh:
        yield from (f"{item.tag}: {fault}" for fault in item.faults)


def take_in(project: Project, fresh: Iterable[Evidence], fresh_teeth: Iterable[Teeth] = ()) -> None:
    """Put fresh evidence in the place of the committed, finding by finding and fuzzer by fuzzer."""
    for item in fresh:
        evidence.save(project.evidence, item)
    for found in fresh_teeth:
        teeth.save(project.teeth, found)
