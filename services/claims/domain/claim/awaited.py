"""By when the Agency answers what it was sent (rules CL6, OT2 to OT4, EX1): not a deadline of the holder's, but the day after
which to ask.  Source: nzta-refunds.txt line 41; nzta-ruc-reduction-2022.txt line 151; rucex-application.txt line 93."""

from dataclasses import dataclass
from datetime import date
from typing import Literal
from uuid import UUID

from services.claims.domain.policy import Policy
from services.claims.domain.working_days import working_days_after

What = Literal["claim", "application", "exemption"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Awaited:
    """Something that is with the Agency and not answered."""

    what: What
    id: UUID
    name: str
    """A claim's number, an application's kind; of an exemption ""."""
    since: date
    """When the Agency had it; of an exemption when it was sent, which it tries to process on the same day."""
    claimant_id: UUID | None = None
    vehicle_id: UUID | None = None
    licence_id: UUID | None = None


def due_on(one: Awaited, policy: Policy) -> date:
    """Ten NZ working days from receipt; three of an exemption."""
    days = policy.exemption_working_days if one.what == "exemption" else policy.agency_working_days
    return working_days_after(one.since, days)


def is_overdue(one: Awaited, today: date, policy: Policy) -> bool:
    """From the day after: on the last day the answer may still come."""
    return today > due_on(one, policy)


def words(one: Awaited, today: date, policy: Policy) -> str:
    named = {
        "claim": f"claim {one.name}",
        "application": f"the application for unused distance ({one.name.replace('_', ' ')})",
        "exemption": "the application for an exemption",
    }[one.what]
    had = "was sent" if one.what == "exemption" else "has been with the Agency"
    if is_overdue(one, today, policy):
        return f"{named} {had} since {one.since}, and was to be answered by {due_on(one, policy)}: ask the Agency"
    return f"{named} {had} since {one.since}: the answer is to be expected by {due_on(one, policy)}"
