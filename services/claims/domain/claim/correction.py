"""A form that the Agency sent back, corrected (rule CL6): the same claim, the same plates, licences and kilometres.

What comes from the ledger is not here to be changed (rules CL7, FO2); who applies, how to reach them, where to pay, and how a
line is described may all be."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date
from typing import Any, Final
from uuid import UUID

from services.claims.domain.claim.claim import assess_claim
from services.claims.domain.claim.claim_fields import Applicant, ClaimDraft
from services.claims.domain.findings import Finding, Waiver
from services.claims.domain.policy import Policy

JUDGED: Final = frozenset({"CL1", "EL8"})
"""Rules that a correction can break; the others were settled when the claim was lodged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LineFix:
    """None: as it was."""

    reason_code: int | None = None
    method: str | None = None
    specify_type: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fix:
    """What changes on the form.  None: as it was."""

    name: str | None = None
    customer_number: str | None = None
    first_claim: bool | None = None
    bank_account: str | None = None
    bank_account_name: str | None = None
    address: str | None = None
    phone: str | None = None
    email: str | None = None
    person_completing: str | None = None
    travel_description: str | None = None
    records_held: str | None = None
    lines: Mapping[UUID, LineFix]


_OF_APPLICANT: Final = frozenset(field.name for field in fields(Applicant)) & frozenset(f.name for f in fields(Fix))
_OF_DRAFT: Final = frozenset(field.name for field in fields(ClaimDraft)) & frozenset(f.name for f in fields(Fix)) - {
    "lines"
}


def corrected(form: ClaimDraft, fix: Fix) -> ClaimDraft:
    """The form as it goes out again.  Lines keep their order and sheet, since none is added or taken away.

    Raises KeyError for a line that the claim does not have."""
    lines = {line.licence_id: line for line in form.lines}
    for licence_id, change in fix.lines.items():
        lines[licence_id] = replace(lines[licence_id], **_given(change, (f.name for f in fields(LineFix))))
    return replace(
        form,
        applicant=replace(form.applicant, **_given(fix, _OF_APPLICANT)),
        lines=tuple(lines[line.licence_id] for line in form.lines),
        **_given(fix, _OF_DRAFT),
    )


def faults(form: ClaimDraft, policy: Policy, today: date, waivers: Sequence[Waiver]) -> tuple[Finding, ...]:
    """Why the corrected form would come back again; empty where it would not (rules CL1, EL8)."""
    found = assess_claim(form, policy, today, waivers)
    return tuple(finding for finding in found if finding.rule in JUDGED and finding.outcome == "fail")


def changes(before: ClaimDraft, after: ClaimDraft) -> tuple[str, ...]:
    """The fields that differ, by name; a line's as `lines.<licence>.<name>`.  Never their values: an account is one of them."""
    own = [name for name in sorted(_OF_DRAFT) if getattr(before, name) != getattr(after, name)]
    applicant = [
        name for name in sorted(_OF_APPLICANT) if getattr(before.applicant, name) != getattr(after.applicant, name)
    ]
    lines = [
        f"lines.{one.licence_number}.{field.name}"
        for one, two in zip(before.lines, after.lines, strict=True)
        for field in fields(LineFix)
        if getattr(one, field.name) != getattr(two, field.name)
    ]
    return (*applicant, *own, *lines)


def _given(fix: Fix | LineFix, names: Iterable[str]) -> dict[str, Any]:
    return {name: value for name in names if (value := getattr(fix, name)) is not None}
