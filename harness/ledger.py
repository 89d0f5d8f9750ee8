"""Renders the ledger, AUDIT.md, from the register and the evidence, and checks that the committed one is up to date."""

from __future__ import annotations

import ast
import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness import evidence, fingerprint, fuzzers, teeth, trace, variant
from harness.project import HOME
from harness.status import Status

if TYPE_CHECKING:
    from harness.evidence import Evidence, FindingProof
    from harness.project import Project
    from harness.register import Finding, Register
    from harness.trace import Definition

TEMPLATE = HOME / "harness" / "templates" / "AUDIT.md.j2"
PLATFORMS = {"linux": "Linux", "windows": "Windows", "windows-wine": "Windows CPython under Wine", "darwin": "macOS"}
PROVED, RE_VERIFY, NOT_PROVED, OPEN = "proved", "re-verify", "not proved", "open"


@dataclass(frozen=True)
class VariantRow:
    """A variant and what it did in each environment."""

    name: str
    path: str
    title: str
    expected: str
    outcome: str


@dataclass(frozen=True)
class Entry:
    """Everything the ledger says of one finding."""

    finding: Finding
    state: str
    proved_on: str
    places: tuple[Definition, ...]
    regression: str
    summary: str
    variants: tuple[VariantRow, ...]
    cells: tuple[str, ...]
    lookalikes: int
    fuzzers: tuple[str, ...]


@dataclass(frozen=True)
class _Proof:
    """A finding's proof in one environment."""

    environment: Evidence
    proof: FindingProof
    is_current: bool


def render(project: Project, register: Register) -> str:
    """Render the ledger; the same register and evidence give the same bytes everywhere."""
    from jinja2 import Environment, StrictUndefined  # noqa: PLC0415  only the ledger needs the template engine

    environments = evidence.load_all(project.evidence)
    entries = [_entry(project, register, finding, environments) for finding in register.values()]
    template = Environment(  # noqa: S701  Markdown, not HTML; its texts are the register's own
        trim_blocks=True, lstrip_blocks=True, undefined=StrictUndefined, keep_trailing_newline=True
    ).from_string(TEMPLATE.read_text(encoding="utf-8"))
    counts = {state: sum(entry.state == state for entry in entries) for state in (PROVED, RE_VERIFY, NOT_PROVED, OPEN)}
    names = [_name(item) for item in environments]
    section = teeth.section(project)
    return template.render(entries=entries, counts=counts, environments=names, fuzzers=section)


def check(project: Project, register: Register) -> list[str]:
    """Return a sentence for each way in which the committed ledger is not what the project is."""
    found = [*trace.faults(project, register), *fuzzers.faults(project)]
    due = render(project, register)
    try:
        committed = project.ledger.read_bytes().decode("utf-8").replace("\r\n", "\n")
    except FileNotFoundError:
        return [*found, f"{project.ledger.name}: is not there; run `nox -s prove`"]
    if committed != due:
        lines = difflib.unified_diff(committed.splitlines(), due.splitlines(), "committed", "due", lineterm="", n=0)
        found.append("\n".join([f"{project.ledger.name}: is out of date; run `nox -s prove`", *list(lines)[:20]]))
    return found


def write(project: Project, register: Register) -> None:
    """Render the ledger into its file."""
    project.ledger.write_text(render(project, register), encoding="utf-8", newline="\n")


def _entry(project: Project, register: Register, finding: Finding, environments: list[Evidence]) -> Entry:
    current = None if finding.is_open else fingerprint.of_finding(project, finding)
    proofs = [
        _Proof(item, proof, proof.fingerprint == current)
        for item in environments
        if (proof := item.findings.get(finding.id)) and not finding.is_open
    ]
    regression = project.regression(finding.id)
    return Entry(
        finding=finding,
        state=_state(finding, proofs),
        proved_on=_proved_on(proofs),
        places=tuple(place for symbol in finding.symbols if (place := trace.definition(project, symbol))),
        regression=f"regressions/{regression.name}" if regression and not finding.is_open else "",
        summary=_first_line_of_docstring(project, finding),
        variants=() if finding.is_open else tuple(_variant_rows(project, finding, proofs)),
        cells=tuple(_cell(finding, other, proofs) for other in register.values()),
        lookalikes=_lookalikes(proofs),
        fuzzers=tuple(fuzzer.name for fuzzer in fuzzers.guarding(project, {finding.id})),
    )


def _state(finding: Finding, proofs: list[_Proof]) -> str:
    if finding.is_open:
        return OPEN
    if any(item.is_current and not item.proof.is_proved for item in proofs) or not proofs:
        return NOT_PROVED
    return PROVED if any(item.is_current for item in proofs) else RE_VERIFY


def _proved_on(proofs: list[_Proof]) -> str:
    versions: dict[str, list[str]] = {}
    for item in proofs:
        if item.is_current and item.proof.is_proved:
            versions.setdefault(item.environment.platform, []).append(item.environment.python)
    return "; ".join(f"{PLATFORMS[platform]} {', '.join(found)}" for platform, found in versions.items())


def _name(environment: Evidence) -> str:
    return f"{PLATFORMS[environment.platform]} {environment.python}"


def _first_line_of_docstring(project: Project, finding: Finding) -> str:
    regression = project.regression(finding.id)
    if regression is None or finding.is_open:
        return ""
    docstring = ast.get_docstring(ast.parse(regression.read_bytes())) or ""
    return docstring.partition("\n")[0]


def _variant_rows(project: Project, finding: Finding, proofs: list[_Proof]) -> list[VariantRow]:
    rows = []
    for file in variant.of(project.variants / finding.id):
        try:
            change = variant.load(file)
        except variant.VariantError as error:
            rows.append(VariantRow(file.stem, file.relative_to(project.root).as_posix(), str(error), "", "unusable"))
            continue
        outcomes = {_outcome(item.proof, change.name, change.also) for item in proofs if item.is_current}
        outcome = "; ".join(sorted(outcomes)) or "not run yet"
        path = file.relative_to(project.root).as_posix()
        rows.append(VariantRow(change.name, path, change.title, str(change.expected), outcome))
    return rows


def _outcome(proof: FindingProof, name: str, also: dict[str, str]) -> str:
    ran = proof.variants.get(name)
    if ran is None:
        return "not run"
    if ran.faults:
        return f"**not as recorded** ({ran.status})"
    if not ran.kind.is_defect:
        return "passes all"
    too = ", ".join(f"{finding} ({why})" for finding, why in also.items())
    return f"caught ({ran.status})" + (f"; also by {too}" if too else "")


def _cell(finding: Finding, other: Finding, proofs: list[_Proof]) -> str:
    if finding.is_open or other.is_open:
        return " "
    defects = [
        variant_proof
        for item in proofs
        if item.is_current
        for variant_proof in item.proof.variants.values()
        if variant_proof.kind.is_defect
    ]
    if not defects:
        return "?"
    if any(proof.faults for proof in defects):
        return "!"
    if finding.id == other.id:
        return "●"
    return "○" if any(proof.others.get(other.id, Status.PASS) is not Status.PASS for proof in defects) else "·"


def _lookalikes(proofs: list[_Proof]) -> int:
    counts = [
        sum(
            not variant_proof.kind.is_defect and not variant_proof.faults
            for variant_proof in item.proof.variants.values()
        )
        for item in proofs
        if item.is_current
    ]
    return min(counts, default=0)
