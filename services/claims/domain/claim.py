"""A claim over licences of one claimant: what it must hold and its states (rules PA1, CL1, CL4-CL6, EL3, EL8)."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, Literal
from uuid import UUID

from services.claims.domain.bank import InvalidBankAccount, parse_account, same_name
from services.claims.domain.findings import (
    FORM_COMPLETE,
    FORM_NOTE_4,
    FORM_NOTE_6,
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
from services.claims.domain.sheets import ClaimLine, Sheet, pack

__all__ = [
    "TRANSITIONS",
    "Applicant",
    "ClaimDraft",
    "ClaimLine",
    "ClaimState",
    "IllegalTransition",
    "Sheet",
    "advance",
    "assess_claim",
    "pack",
]

ClaimState = Literal[
    "draft",
    "verified",
    "lodged",
    "sent",
    "received",
    "returned",
    "withdrawn",
    "accepted",
    "declined",
    "paid",
    "recovered",
]
TRANSITIONS: Final[frozenset[tuple[ClaimState, ClaimState]]] = frozenset(
    {
        ("draft", "verified"),
        ("verified", "draft"),  # CL2: any change of a statement drops it back
        ("draft", "lodged"),  # lodging by preview token; verification by a person comes before it once people sign in
        ("verified", "lodged"),
        ("lodged", "sent"),
        ("lodged", "withdrawn"),  # CL5: only while the form was never sent
        ("sent", "received"),
        ("received", "returned"),
        ("returned", "sent"),  # CL6: the same claim, corrected, resent
        ("received", "accepted"),
        ("received", "declined"),
        ("accepted", "paid"),
        ("paid", "recovered"),
    }
)
METHODS: Final = frozenset({"GPS", "Other"})
CUSTOMER_NUMBER: Final = re.compile(r"^[0-9]{9,10}$")
EMAIL: Final = re.compile(r"^[^@\s]+@[^@\s]+\.[^@\s]+$")
AREA_CODE: Final = re.compile(r"^(0|\+?64)")
PHONE_DIGITS_MIN: Final = 8


class IllegalTransition(ValueError):
    """The claim's state does not allow this step."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Applicant:
    """The claimant as the form prints it (rule PA1)."""

    claimant_id: UUID
    name: str
    customer_number: str = ""
    first_claim: bool = False
    bank_account: str = ""
    """Clear text, any usual writing."""
    bank_account_name: str = ""
    address: str = ""
    phone: str = ""
    email: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimDraft:
    applicant: Applicant
    lines: tuple[ClaimLine, ...]
    person_completing: str = ""
    travel_description: str = ""
    records_held: str = ""


def advance(state: ClaimState, to: ClaimState) -> ClaimState:
    """`to`, or IllegalTransition."""
    if (state, to) not in TRANSITIONS:
        raise IllegalTransition(f"a claim cannot go from {state} to {to}")
    return to


def assess_claim(draft: ClaimDraft, policy: Policy, today: date, waivers: Sequence[Waiver] = ()) -> tuple[Finding, ...]:
    """Rules of the claim as a whole: CL1 (each missing field named), PA1, EL2 over all lines (the earliest deadline is the
    claim's), EL3 on the claim and per sheet, EL8."""
    missing = [
        Finding(rule="CL1", outcome="fail", reason=reason, source=source, inputs=(("field", field),))
        for field, reason, source in (*_missing_fields(draft), *_missing_in_lines(draft.lines, policy))
    ]
    complete = Finding(rule="CL1", outcome="pass", reason="every field of the form is filled", source=FORM_COMPLETE)
    return (
        *(missing or [complete]),
        *_one_claimant(draft),
        *_deadline(draft.lines, today),
        _whole_claim(draft.lines, policy),
        *_poor_sheets(draft.lines, policy),
        _account(draft.applicant.bank_account),
        waived(_account_name(draft.applicant), waivers),
    )


def _missing_fields(draft: ClaimDraft) -> list[tuple[str, str, str]]:
    """(field, reason, source) of every field that is missing or cannot be."""
    applicant = draft.applicant
    number = applicant.customer_number.strip()
    unnumbered = applicant.first_claim or not number
    checks: tuple[tuple[bool, str, str, str], ...] = (
        (bool(applicant.name.strip()), "applicant_name", "the applicant's name is missing", FORM_COMPLETE),
        (_is_email(applicant.email), "email", "an e-mail address is missing or incomplete", "rucor-form.md line 45"),
        (_is_phone(applicant.phone), "phone", "a phone number with its area code is missing", "rucor-form.md line 49"),
        (
            bool(draft.person_completing.strip()),
            "person_completing",
            "the name of the person who completes the form is missing",
            "rucor-form.md line 43",
        ),
        (
            bool(draft.travel_description.strip()),
            "travel_description",
            "a description of the off-road travel is missing",
            "rucor-form.md line 29",
        ),
        (
            bool(draft.records_held.strip()),
            "records_held",
            "the records that validate the claim are missing",
            "rucor-form.md line 31",
        ),
        (
            bool(applicant.bank_account_name.strip()),
            "bank_account_name",
            "the name of the bank account is missing",
            FORM_NOTE_8,
        ),
        (
            not number or bool(CUSTOMER_NUMBER.match(number)),
            "customer_number",
            "the off-road customer number has 9 or 10 digits",
            "facts.md section 2",
        ),
        (
            not (applicant.first_claim and number),
            "customer_number",
            "a first claim leaves the off-road customer number blank",
            "rucor-form.md line 93 (note 3)",
        ),
        (
            not unnumbered or bool(applicant.address.strip()),
            "address",
            "the full address is required for a first claim or without a customer number",
            "rucor-form.md line 47",
        ),
        (bool(draft.lines), "lines", "the claim holds no licence", FORM_COMPLETE),
    )
    return [(field, reason, source) for fine, field, reason, source in checks if not fine]


def _is_email(text: str) -> bool:
    return bool(EMAIL.match(text.strip()))


def _is_phone(text: str) -> bool:
    """An area code (0…, or 64…) and enough digits behind it."""
    plain = re.sub(r"[\s()-]", "", text)
    return bool(AREA_CODE.match(plain)) and len(re.sub(r"\D", "", plain)) >= PHONE_DIGITS_MIN


def _missing_in_lines(lines: Sequence[ClaimLine], policy: Policy) -> Iterator[tuple[str, str, str]]:
    for line in lines:
        of = f"licence {line.licence_number}" if line.licence_number else f"the licence {line.licence_id}"
        where = f"lines.{line.licence_id}"
        if not line.plate:
            yield f"{where}.plate", f"{of}: the registration plate is missing", FORM_COMPLETE
        if not line.licence_number:
            yield f"{where}.licence_number", f"{of}: the licence number is missing", FORM_COMPLETE
        if line.distance_km < 1:
            yield f"{where}.distance_km", f"{of}: the distance is less than one whole kilometre", FORM_NOTE_4
        if line.reason_code not in policy.reason_codes:
            yield (
                f"{where}.reason_code",
                f"{of}: a reason code from 1 to 18 is missing",
                "rucor-form.md line 99 (note 5)",
            )
        if line.method not in METHODS:
            yield f"{where}.method", f"{of}: the method is GPS or Other", FORM_NOTE_6
        if not line.specify_type.strip():
            what = "the type of GPS" if line.method == "GPS" else "the method used, in words,"
            yield f"{where}.specify_type", f"{of}: {what} is missing", FORM_NOTE_6


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


def _whole_claim(lines: Sequence[ClaimLine], policy: Policy) -> Finding:
    """Rule EL3.  An unknown rate leaves it unknown, unless the known part alone reaches the minimum."""
    known = sum(line.estimate_cents or 0 for line in lines)
    unpriced = sorted(line.licence_number for line in lines if line.estimate_cents is None)
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


def _account_name(applicant: Applicant) -> Finding:
    """Rule EL8: a mismatch needs a person's confirmation and reason (a Waiver)."""
    if same_name(applicant.bank_account_name, applicant.name):
        return Finding(rule="EL8", outcome="pass", reason="the account bears the applicant's name", source=FORM_NOTE_8)
    reason = f"the account of {applicant.bank_account_name!r} does not match the applicant {applicant.name!r}"
    return Finding(
        rule="EL8", outcome="fail", reason=reason, source=FORM_NOTE_8, inputs=(("field", "bank_account_name"),)
    )
