"""Until when an application must be there, and be sent (rule EL2)."""

from datetime import date, timedelta
from typing import Literal

from services.claims.domain.findings import FORM_NOTE_7_TIME, PAGE_TWO_YEARS, Finding, day
from services.claims.domain.policy import Policy
from services.claims.domain.register.licence import Licence
from services.claims.domain.working_days import working_days_before

Channel = Literal["email", "post"]


def latest_receipt_on(licence: Licence, claim_years: int) -> date:
    """min(issue date, purchase date) + 2 calendar years - 1 day; 29 February counts as the 28th first.  The two documents
    count from different dates: the earlier wins."""
    first = min(licence.issued_on, licence.purchased_on)
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
    source = f"{PAGE_TWO_YEARS}; {FORM_NOTE_7_TIME}; Act s 35(2)"
    if today > latest_on:
        first = min(licence.issued_on, licence.purchased_on)
        reason = f"the application had to be received by {latest_on}: two years from {first} have passed"
        return Finding(rule="EL2", outcome="fail", reason=reason, source=source, inputs=inputs)
    if today > send["email"]:
        reason = f"it must be received by {latest_on}; not even e-mail is sure to be dealt with in time"
        return Finding(rule="EL2", outcome="warn", reason=reason, source=source, inputs=inputs)
    if today > send["post"]:
        reason = f"it must be received by {latest_on}: send it by e-mail by {send['email']}, post is too slow"
        return Finding(rule="EL2", outcome="warn", reason=reason, source=source, inputs=inputs)
    reason = f"it must be received by {latest_on}: post it by {send['post']} or e-mail it by {send['email']}"
    return Finding(rule="EL2", outcome="pass", reason=reason, source=source, inputs=inputs)
