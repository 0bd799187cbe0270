"""The fields that the form must hold before a claim may be lodged, each named when missing (rules CL1, FO1)."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple
from uuid import UUID

from services.claims.domain.claim.sheets import ClaimLine
from services.claims.domain.findings import FORM_COMPLETE, FORM_NOTE_4, FORM_NOTE_6, FORM_NOTE_8
from services.claims.domain.policy import Policy

METHODS: Final = frozenset({"GPS", "Other"})
CUSTOMER_NUMBER: Final = re.compile(r"^[0-9]{9,10}$")
EMAIL: Final = re.compile(r"^[^@\s]+@[^@\s]+\.[^@\s]+$")
AREA_CODE: Final = re.compile(r"^(0|\+?64)")
PHONE_DIGITS_MIN: Final = 8


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
    account_key: str = ""
    """Names this account, its name and the applicant's, all three, and tells none of them (rules EL8, RE3)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimDraft:
    applicant: Applicant
    lines: tuple[ClaimLine, ...]
    person_completing: str = ""
    travel_description: str = ""
    records_held: str = ""
    notes: tuple[str, ...] = ()
    """What the form must print beside its fields (rule SU7)."""


class Missing(NamedTuple):
    """A field that is missing, or cannot be what it says."""

    field: str
    reason: str
    source: str


def missing_fields(draft: ClaimDraft) -> list[Missing]:
    """Of the claim as a whole."""
    applicant = draft.applicant
    number = applicant.customer_number.strip()
    unnumbered = applicant.first_claim or not number
    checks: tuple[tuple[bool, str, str, str], ...] = (
        (bool(applicant.name.strip()), "applicant_name", "the applicant's name is missing", FORM_COMPLETE),
        (is_email(applicant.email), "email", "an e-mail address is missing or incomplete", "rucor-form.md line 45"),
        (is_phone(applicant.phone), "phone", "a phone number with its area code is missing", "rucor-form.md line 49"),
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
    return [Missing(field, reason, source) for fine, field, reason, source in checks if not fine]


def is_email(text: str) -> bool:
    return bool(EMAIL.match(text.strip()))


def is_phone(text: str) -> bool:
    """An area code (0…, or 64…) and enough digits behind it."""
    plain = re.sub(r"[\s()-]", "", text)
    return bool(AREA_CODE.match(plain)) and len(re.sub(r"\D", "", plain)) >= PHONE_DIGITS_MIN


def missing_in_lines(lines: Sequence[ClaimLine], policy: Policy) -> Iterator[Missing]:
    """Of each line; `field` is "lines.<licence id>.<name>"."""
    for line in lines:
        of = f"licence {line.licence_number}" if line.licence_number else f"the licence {line.licence_id}"
        where = f"lines.{line.licence_id}"
        if not line.plate:
            yield Missing(f"{where}.plate", f"{of}: the registration plate is missing", FORM_COMPLETE)
        if not line.licence_number:
            yield Missing(f"{where}.licence_number", f"{of}: the licence number is missing", FORM_COMPLETE)
        if line.distance_km < 1:
            yield Missing(f"{where}.distance_km", f"{of}: the distance is less than one whole kilometre", FORM_NOTE_4)
        if line.reason_code not in policy.reason_codes:
            yield Missing(
                f"{where}.reason_code",
                f"{of}: a reason code from 1 to 18 is missing",
                "rucor-form.md line 99 (note 5)",
            )
        if line.method not in METHODS:
            yield Missing(f"{where}.method", f"{of}: the method is GPS or Other", FORM_NOTE_6)
        elif line.logged_mm and line.method != "Other":
            reason = f"{of}: manual log entries are part of its distance, so the method is Other (rule LI8)"
            yield Missing(f"{where}.method", reason, FORM_NOTE_6)
        if not line.specify_type.strip():
            what = "the type of GPS" if line.method == "GPS" else "the method used, in words,"
            yield Missing(f"{where}.specify_type", f"{of}: {what} is missing", FORM_NOTE_6)
