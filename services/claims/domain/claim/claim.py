"""A claim over licences of one claimant: what it must hold to be lodged (rules PA1, CL1, EL3, EL8)."""

from collections.abc import Iterator, Sequence
from datetime import date

from services.claims.domain.claim.claim_fields import Applicant, ClaimDraft, missing_fields, missing_in_lines
from services.claims.domain.claim.sheets import ClaimLine, Sheet, pack
from services.claims.domain.findings import (
    FORM_COMPLETE,
    FORM_NOTE_8,
    PAGE_MINIMUM,
    PAGE_TWO_YEARS,
    Finding,
    Outcome,
    Waiver,
    dollars,
    waived,
)
from services.claims.domain.policy import Policy
from services.claims.domain.register.bank import InvalidBankAccount, parse_account, same_name

__all__ = [
    "Applicant",
    "ClaimDraft",
    "ClaimLine",
    "Sheet",
    "assess_claim",
    "pack",
]


def assess_claim(draft: ClaimDraft, policy: Policy, today: date, waivers: Sequence[Waiver] = ()) -> tuple[Finding, ...]:
    """Rules of the claim as a whole: CL1 (each missing field named), PA1, EL2 over all lines (the earliest deadline is the
    claim's), EL3 on the claim and per sheet, EL8."""
    applicant = draft.applicant
    missing = [
        Finding(rule="CL1", outcome="fail", reason=reason, source=source, inputs=(("field", field),))
        for field, reason, source in (*missing_fields(draft), *missing_in_lines(draft.lines, policy))
    ]
    complete = Finding(rule="CL1", outcome="pass", reason="every field of the form is filled", source=FORM_COMPLETE)
    return (
        *(missing or [complete]),
        *_one_claimant(draft),
        *_deadline(draft.lines, today),
        whole_claim([(line.licence_number, line.estimate_cents) for line in draft.lines], policy),
        *_poor_sheets(draft.lines, policy),
        _account(applicant.bank_account),
        waived(name_of_account(applicant.name, applicant.bank_account_name, applicant.account_key), waivers),
    )


def _one_claimant(draft: ClaimDraft) -> Iterator[Finding]:
    strangers = sorted(line.licence_number for line in draft.lines if line.claimant_id != draft.applicant.claimant_id)
    if strangers:
        reason = f"paid for by another claimant: {', '.join(strangers)}; a claim holds one claimant's licences"
        yield Finding(rule="PA1", outcome="fail", reason=reason, source="Act s 30 (charges paid by the person)")


def _deadline(lines: Sequence[ClaimLine], today: date) -> Iterator[Finding]:
    known = [(line.latest_receipt_on, line.licence_number) for line in lines if line.latest_receipt_on is not None]
    if known:
        latest_on, number = min(known)
        outcome: Outcome = "fail" if today > latest_on else "pass"
        reason = f"the claim must be received by {latest_on}, the deadline of licence {number}"
        yield Finding(rule="EL2", outcome=outcome, reason=reason, source=PAGE_TWO_YEARS)


def whole_claim(lines: Sequence[tuple[str, int | None]], policy: Policy) -> Finding:
    """Rule EL3.  `lines`: licence numbers with the cents that they come to.  An unknown rate leaves it unknown, unless the
    known part alone reaches the minimum."""
    known = sum(cents or 0 for _, cents in lines)
    unpriced = sorted(number for number, cents in lines if cents is None)
    minimum = dollars(policy.minimum_claim_cents)
    inputs = (("estimate_cents", str(known)), ("without_rate", ", ".join(unpriced) or "none"))
    source = f"{PAGE_MINIMUM}; Act s 35(1)(a)"
    if known >= policy.minimum_claim_cents:
        beside = f", beside {len(unpriced)} licences whose rate is not known" if unpriced else ""
        reason = f"the claim comes to {dollars(known)}{beside}: at least {minimum}"
        return Finding(rule="EL3", outcome="pass", reason=reason, source=source, inputs=inputs)
    if unpriced:
        reason = (
            f"the rate of {', '.join(unpriced)} is not known, so nobody can say whether the claim reaches {minimum}"
        )
        return Finding(rule="EL3", outcome="unknown", reason=reason, source=source, inputs=inputs)
    reason = f"the claim comes to {dollars(known)}: a claim under {minimum} is not paid"
    return Finding(rule="EL3", outcome="fail", reason=reason, source=source, inputs=inputs)


def _poor_sheets(lines: Sequence[ClaimLine], policy: Policy) -> Iterator[Finding]:
    sheets = pack(lines, policy.form_rows, policy.minimum_claim_cents)
    if len(sheets) < 2:
        return
    for number, sheet in enumerate(sheets, start=1):
        cents = sheet.estimate_cents
        if cents is not None and cents < policy.minimum_claim_cents:
            reason = f"sheet {number} of {len(sheets)} alone comes to {dollars(cents)}: send the sheets together"
            yield Finding(
                rule="EL3", outcome="warn", reason=reason, source=PAGE_MINIMUM, inputs=(("sheet", str(number)),)
            )


def _account(text: str) -> Finding:
    """Rule EL8."""
    if not text.strip():
        reason = "no bank account is given: the form would be returned"
        return Finding(
            rule="EL8", outcome="fail", reason=reason, source=FORM_NOTE_8, inputs=(("field", "bank_account"),)
        )
    try:
        account = parse_account(text)
    except InvalidBankAccount as error:
        reason = f"the bank account is not valid: {error}"
        return Finding(
            rule="EL8", outcome="fail", reason=reason, source=FORM_NOTE_8, inputs=(("field", "bank_account"),)
        )
    if not account.known_branch:
        reason = f"{account.masked}: the check digit fits, but no branch {account.digits[:6]} is known; check it"
        return Finding(rule="EL8", outcome="warn", reason=reason, source=FORM_NOTE_8)
    return Finding(rule="EL8", outcome="pass", reason=f"{account.masked} is a valid account", source=FORM_NOTE_8)


def name_of_account(applicant: str, account_name: str, account_key: str = "") -> Finding:
    """Rule EL8: a mismatch needs a person's confirmation and reason (a Waiver): of this account, in this name, for this
    applicant."""
    if same_name(account_name, applicant):
        return Finding(rule="EL8", outcome="pass", reason="the account bears the applicant's name", source=FORM_NOTE_8)
    reason = f"the account of {account_name!r} does not match the applicant {applicant!r}"
    return Finding(
        rule="EL8", outcome="fail", reason=reason, source=FORM_NOTE_8, inputs=(("field", "bank_account_name"),),
        waivable=(account_key,) if account_key else (),
    )  # fmt: skip
