"""The evidence: what was proved of each finding, on one platform and Python; every output is made from it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from harness.status import Status
from harness.variant import Kind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from harness.register import Finding
    from harness.runner import Verdict
    from harness.variant import Variant

LOOKALIKES_NEEDED = 2
Platform = Literal["linux", "windows", "windows-wine", "darwin"]
"""Where something can be proved; what a Windows Python did under Wine is never called Windows."""


class EvidenceError(ValueError):
    """An evidence file cannot be read; the text names the file."""


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class VariantProof(_Record):
    """What the regressions said of one variant; without faults it behaved as recorded."""

    kind: Kind
    title: str
    expected: Status
    status: Status
    others: dict[str, Status] = {}
    faults: tuple[str, ...] = ()


class FindingProof(_Record):
    """What was proved of one finding, and the fingerprint of all that the proof rests on."""

    fingerprint: str
    reference: Status
    variants: dict[str, VariantProof]
    faults: tuple[str, ...] = ()

    @property
    def all_faults(self) -> list[str]:
        """Every reason why the finding is not proved."""
        return [*self.faults, *(fault for proof in self.variants.values() for fault in proof.faults)]

    @property
    def is_proved(self) -> bool:
        """Whether the reference passes and every variant behaved as recorded."""
        return not self.all_faults


class Evidence(_Record):
    """The proofs of one environment."""

    schema_: Annotated[Literal[1], Field(alias="schema")] = 1
    platform: Platform
    python: Annotated[str, Field(pattern=r"^3\.\d+$")]
    findings: dict[str, FindingProof]

    @property
    def tag(self) -> str:
        """Name the environment, ``linux-3.11`` for one."""
        return f"{self.platform}-{self.python}"

    def updated(self, newer: Evidence) -> Evidence:
        """Return this evidence with the findings of a newer run in place of its own."""
        findings = {**self.findings, **newer.findings}
        return self.model_copy(update={"findings": dict(sorted(findings.items()))})


def weigh(
    finding: Finding,
    fingerprint: str,
    reference: Verdict,
    proofs: Mapping[str, VariantProof],
) -> FindingProof:
    """Decide what is proved of a finding from the reference's verdict and the proofs of its variants."""
    kinds = [proof.kind for proof in proofs.values()]
    faults = []
    if reference.status is not Status.PASS:
        faults.append(f"{finding.id}: the reference does not pass: {reference.status}: {reference.reason}")
    if Kind.AUDITED not in kinds:
        faults.append(f"{finding.id}: has no audited variant, so its regression is not proved able to fail")
    if kinds.count(Kind.LOOKALIKE) < LOOKALIKES_NEEDED:
        faults.append(f"{finding.id}: needs {LOOKALIKES_NEEDED} lookalikes, has {kinds.count(Kind.LOOKALIKE)}")
    if finding.fix_falls_short and Kind.SUGGESTED not in kinds:
        faults.append(f"{finding.id}: says that the audit's fix is {finding.fix}, but has no suggested variant")
    return FindingProof(
        fingerprint=fingerprint, reference=reference.status, variants=dict(sorted(proofs.items())), faults=tuple(faults)
    )


def weigh_variant(
    variant: Variant,
    verdicts: Mapping[str, Verdict],
    reference: Mapping[str, Verdict],
    faults: Sequence[str] = (),
) -> VariantProof:
    """Hold what the regressions said of a variant against what is recorded.

    Args:
        variant: the variant and its expectations.
        verdicts: the verdicts on the patched tree by finding; empty where it could not be made.
        reference: the verdicts on the unpatched reference.
        faults: why the patched tree could not be made or judged.
    """
    own = verdicts.get(variant.finding)
    others = {
        finding: verdict.status
        for finding, verdict in verdicts.items()
        if finding != variant.finding and verdict.status is not reference[finding].status
    }
    found = list(faults)
    if own is not None:
        found += _faults_of_own(variant, own)
        found += [
            _fault_of_other(f"{variant.label}: ", finding, verdicts[finding], reference[finding])
            for finding in others
            if finding not in variant.also
        ]
        found += [
            f"{variant.label}: was recorded to make {finding} fail too, but does not"
            for finding in variant.also
            if finding not in others
        ]
    return VariantProof(
        kind=variant.kind,
        title=variant.title,
        expected=variant.expected,
        status=own.status if own else Status.ERROR,
        others=others,
        faults=tuple(found),
    )


def _fault_of_other(label: str, finding: str, verdict: Verdict, reference: Verdict) -> str:
    if reference.status is not Status.PASS:
        return f"{label}{finding} is {verdict.status}, but {reference.status} on the reference: {reference.reason}"
    return f"{label}makes {finding} {verdict.status} too: {verdict.reason}"


def _faults_of_own(variant: Variant, own: Verdict) -> list[str]:
    if own.status is not variant.expected:
        return [f"{variant.label}: {own.status}, but {variant.expected} is recorded: {own.reason or 'no reason given'}"]
    if variant.reason is not None and not variant.reason.search(own.reason):
        return [f"{variant.label}: fails for another reason than recorded: {own.reason}"]
    return []


def load(path: Path) -> Evidence:
    """Read an evidence file.

    Raises:
        EvidenceError: the file is not one, or is named after another platform or Python than it speaks of.
    """
    try:
        found = Evidence.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise EvidenceError(f"{path.name}: cannot be used; run `nox -s prove -- --all` again: {error}") from error
    if path.stem != found.tag:
        raise EvidenceError(f"{path.name}: is evidence of {found.tag}, so its name must be {found.tag}.json")
    return found


def load_all(folder: Path) -> list[Evidence]:
    """Read every evidence file of a folder, in the order of their environments."""
    return sorted(map(load, folder.glob("*.json")), key=lambda evidence: (evidence.platform, _minor(evidence)))


def _minor(evidence: Evidence) -> int:
    return int(evidence.python.split(".")[1])


def save(folder: Path, evidence: Evidence) -> Path:
    """Write evidence into its environment's file, keeping the findings that it says nothing of; return the file."""
    path = folder / f"{evidence.tag}.json"
    merged = load(path).updated(evidence) if path.exists() else evidence
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text(merged.model_dump_json(by_alias=True, indent=2) + "\n", encoding="utf-8", newline="\n")
    return path
