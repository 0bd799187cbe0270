"""Attacks on the papers: reasons, names, dates, late data, what is still there when an audit comes."""

from calendar import monthrange
from collections.abc import Iterator
from datetime import date
from typing import Final

from services.claims.domain.claim.deadlines import latest_receipt_on, send_days
from services.claims.domain.claim.second_application import left_km
from services.claims.domain.instants import add_months
from services.claims.domain.preflight import limits
from services.claims.domain.preflight.case import Case, Hit, Lodged, Probe, Subject, hit
from services.claims.domain.register.bank import InvalidBankAccount, parse_account, same_name
from shared.nz_days import from_ordinal


def is_thin(reason: str) -> bool:
    """Too short to convince anybody."""
    words = [word for word in reason.split() if any(letter.isalpha() for letter in word)]
    return len(words) < limits.REASON_WORDS_MIN or sum(map(str.isalpha, reason)) < limits.REASON_LETTERS_MIN


def _reasons(case: Case) -> Iterator[Hit]:
    for waiver in case.waivers:
        if is_thin(waiver.reason):
            yield Hit("weak", f"rule {waiver.rule} was waived by {waiver.actor} because: {waiver.reason!r}")
    for subject in case.subjects:
        for waiver in subject.waivers:
            if is_thin(waiver.reason):
                yield hit(
                    subject, "weak", f"rule {waiver.rule} was waived by {waiver.actor} because: {waiver.reason!r}"
                )
        for look in subject.looks:
            if is_thin(look.reason):
                yield hit(subject, "weak", f"{look.actor} explained the larger share by: {look.reason!r}")
        for one in subject.statement.log:
            if is_thin(one.entry.reason):
                yield hit(subject, "weak", f"the log of {one.entry.on} says only: {one.entry.reason!r}")


def _bank(case: Case) -> Iterator[Hit]:
    who = case.applicant
    try:
        parse_account(who.bank_account)
    except InvalidBankAccount as error:
        yield Hit(
            "fails", f"the bank account is not valid: {error}" if who.bank_account else "no bank account is given"
        )
    if not same_name(who.bank_account_name, who.name):
        inputs = (("account_name", who.bank_account_name), ("applicant", who.name))
        confirmed = next((one for one in case.waivers if one.rule == "EL8" and who.account_key in one.covers), None)
        if confirmed is None:
            yield Hit("fails", "the account's name is not the applicant's, and nobody has confirmed it", inputs)
        else:
            answer = f"the account's name is not the applicant's; {confirmed.actor} confirmed it: {confirmed.reason}"
            yield Hit("weak", answer, inputs)


def _receipt(case: Case) -> Iterator[Hit]:
    for subject in case.subjects:
        latest = latest_receipt_on(subject.licence, case.policy.claim_years)
        inputs = (("latest_receipt_on", str(latest)),)
        received = None if case.lodged is None else case.lodged.received_on
        if received is not None:
            if received > latest:
                yield hit(subject, "fails", f"the claim was received on {received}, after {latest}", *inputs)
        elif case.today > latest:
            yield hit(
                subject, "fails", f"the claim had to be received by {latest}, and no receipt is recorded", *inputs
            )
        elif case.today > send_days(subject.licence, case.policy)["post"]:
            yield hit(subject, "weak", f"the claim must be received by {latest}: post is too slow now", *inputs)


def _late_data(case: Case) -> Iterator[Hit]:
    for subject in case.subjects:
        now_km = left_km(subject.statement.claimable_km, subject.earlier)
        inputs = (("claimed_km", str(subject.distance_km)), ("now_km", str(now_km)))
        if now_km < subject.distance_km:
            yield hit(
                subject, "fails", f"{subject.distance_km} km are claimed, the evidence of today shows {now_km}", *inputs
            )
        elif subject.lodged_hash is not None and subject.lodged_hash != subject.statement.hash:
            yield hit(
                subject, "weak", "the statement is another one than the one lodged, though it shows no less", *inputs
            )
        if subject.holds:
            answer = f"{len(subject.holds)} device-days of its time are still being worked on"
            yield hit(subject, "weak", answer, ("open_holds", str(len(subject.holds))))
        if subject.statement.unsettled_days:
            yield hit(subject, "weak", f"{subject.statement.unsettled_days} device-days are not settled yet")


def evidence_until(day: date) -> date:
    """The last day on which the fixes of a day are surely there (rule RE1)."""
    last = day.replace(day=monthrange(day.year, day.month)[1])
    return add_months(last, 12 * limits.EVIDENCE_YEARS)


def _evidence(case: Case) -> Iterator[Hit]:
    """What claims holds longer than the classifier would by itself, it tells the classifier: the later of the two counts."""
    for subject in case.subjects:
        oldest = _oldest(subject)
        if oldest is None or subject.held_until is None:
            continue
        until = max(oldest, subject.held_until)
        if until < case.today:
            answer = f"the fixes of its first days were kept until {until} only"
            yield hit(subject, "fails", answer, ("kept_until", str(until)))
        elif case.lodged is not None and until < (window := _audit_until(case.lodged)):
            answer = f"fixes are kept until {until}, but it may be audited until {window}"
            yield hit(subject, "weak", answer, ("kept_until", str(until)), ("audit_until", str(window)))


def _audit_until(lodged: Lodged) -> date:
    return add_months(lodged.received_on or lodged.on, 12 * limits.AUDIT_YEARS)


def _oldest(subject: Subject) -> date | None:
    days = [standing.day for standing in subject.statement.stands_on]
    return evidence_until(from_ordinal(min(days))) if days else None


PROBES: Final = (
    Probe(
        id="thin_reasons",
        rule="EL4",
        question="Who decided to go on in spite of a finding, and why?",
        holds="no finding was waived, or each with a reason that can be followed",
        to_do="write down beside the claim what the person knew and on what paper it stands",
        find=_reasons,
    ),
    Probe(
        id="bank_account",
        rule="EL8",
        question="Is the money paid to the one who applies?",
        holds="the account is a valid New Zealand account in the applicant's name",
        to_do="correct the account or its name, or have a person confirm it with a reason",
        find=_bank,
    ),
    Probe(
        id="late_receipt",
        rule="EL2",
        question="Was the application received within two years of each licence's issue?",
        holds="every licence can be, or was, received in time",
        to_do="send it by e-mail today and record the receipt; after the last day only the Agency's discretion helps",
        find=_receipt,
    ),
    Probe(
        id="late_data",
        rule="CL7",
        question="Does the evidence still show what was claimed?",
        holds="today's evidence shows what is claimed, and nothing of its time is still being worked on",
        to_do="hold the claim against today's statements (review) and disclose what was claimed too much",
        find=_late_data,
    ),
    Probe(
        id="evidence_kept",
        rule="RE1",
        question="Will the fixes still be there when the audit comes?",
        holds="the fixes of every day are kept for longer than the claim can be audited",
        to_do="open an audit case with a legal hold, which keeps them",
        find=_evidence,
    ),
)
