"""Until when an application must be there, and be sent (rule EL2)."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Final, Literal, NamedTuple

from services.claims.domain.findings import FORM_NOTE_7_TIME, PAGE_TWO_YEARS, Finding, Outcome, day
from services.claims.domain.policy import Policy
from services.claims.domain.register.licence import Licence
from services.claims.domain.working_days import working_days_before

Channel = Literal["email", "post"]
SOURCE: Final = f"{PAGE_TWO_YEARS}; {FORM_NOTE_7_TIME}; Act s 35(2)"


def latest_receipt_on(licence: Licence, claim_years: int) -> date:
    return two_years_from(licence.issued_on, licence.purchased_on, claim_years)


def two_years_from(issued_on: date, purchased_on: date, claim_years: int) -> date:
    """min(issue date, purchase date) + 2 calendar years - 1 day; 29 February counts as the 28th first.  The two documents
    count from different dates: the earlier wins."""
    first = min(issued_on, purchased_on)
    if (first.month, first.day) == (2, 29):
        first = first.replace(day=28)
    return first.replace(year=first.year + claim_years) - timedelta(days=1)


def safe_send_on(latest_on: date, working_days: int) -> date:
    """The last day on which something that travels for so many NZ working days still arrives in time."""
    return working_days_before(latest_on, working_days)


def send_days(licence: Licence, policy: Policy) -> dict[Channel, date]:
    latest_on = latest_receipt_on(licence, policy.claim_years)
    return {
        "email": safe_send_on(latest_on, policy.send_email_working_days),
        "post": safe_send_on(latest_on, policy.send_post_working_days),
    }


def in_time(licence: Licence, today: date, policy: Policy) -> Finding:
    """Rule EL2."""
    latest_on = latest_receipt_on(licence, policy.claim_years)
    send = send_days(licence, policy)
    inputs = (
        ("issued_on", day(licence.issued_on)),
        ("purchased_on", day(licence.purchased_on)),
        ("latest_receipt_on", day(latest_on)),
        ("safe_by_email", day(send["email"])),
        ("safe_by_post", day(send["post"])),
    )
    if today > latest_on:
        first = min(licence.issued_on, licence.purchased_on)
        reason = f"the application had to be received by {latest_on}: two years from {first} have passed"
        return Finding(rule="EL2", outcome="fail", reason=reason, source=SOURCE, inputs=inputs)
    if today > send["email"]:
        reason = f"it must be received by {latest_on}; not even e-mail is sure to be dealt with in time"
        return Finding(rule="EL2", outcome="warn", reason=reason, source=SOURCE, inputs=inputs)
    if today > send["post"]:
        reason = f"it must be received by {latest_on}: send it by e-mail by {send['email']}, post is too slow"
        return Finding(rule="EL2", outcome="warn", reason=reason, source=SOURCE, inputs=inputs)
    reason = f"it must be received by {latest_on}: post it by {send['post']} or e-mail it by {send['email']}"
    return Finding(rule="EL2", outcome="pass", reason=reason, source=SOURCE, inputs=inputs)


class Receipt(NamedTuple):
    """How far a claim came."""

    claim: str
    """Its number."""
    state: str
    on: date | None
    """Of the step that led to that state; None where it was only lodged."""


def late_receipt(number: str, latest_on: date, receipt: Receipt, today: date) -> Iterator[Finding]:
    """Rule EL2 of a lodged line that the Agency has not answered.  A recorded day behind the last one fails; where the last one
    passed and no receipt is recorded, it warns: the day may only be missing here."""
    claim, state, on = receipt
    if state in {"sent", "received"} and on is not None and on > latest_on:
        late = f"claim {claim} was {state} on {on}, after {latest_on}, the last day of licence {number}"
        reason = f"{late}: the line is lost, unless the Agency accepts it all the same"
        outcome: Outcome = "fail"
    elif state in {"lodged", "sent", "returned"} and today > latest_on:
        late = f"claim {claim} had to be received by {latest_on}, the last day of licence {number}, and no receipt is recorded"
        reason = f"{late}: record the day on which the Agency had it, or the line is lost"
        outcome = "warn"
    else:
        return
    inputs = (
        ("number", number),
        ("latest_receipt_on", day(latest_on)),
        ("state", state),
        ("on", day(on) if on else "none"),
    )
    yield Finding(rule="EL2", outcome=outcome, reason=reason, source=SOURCE, inputs=inputs)
