"""What becomes of a claim (rules CL4 to CL6): which step may follow which.

A claim as a whole is lodged, sent, received, perhaps returned and sent again, and in the end decided; what the Agency says of
a licence, and what is paid or taken back, belongs to the claim's line for it (line_life.py)."""

from collections.abc import Iterable
from datetime import date
from typing import Final, Literal

from services.claims.domain.policy import Policy
from services.claims.domain.working_days import working_days_after

ClaimState = Literal["draft", "verified", "lodged", "sent", "received", "returned", "withdrawn", "decided"]
CLAIM_STEPS: Final[frozenset[tuple[ClaimState, ClaimState]]] = frozenset(
    {
        ("draft", "verified"),
        ("verified", "draft"),  # CL2: any change of a statement drops it back
        ("draft", "lodged"),  # by preview token; the verification of each licence is a condition of the preview
        ("verified", "lodged"),
        ("lodged", "sent"),
        ("lodged", "withdrawn"),  # CL5: only while the form was never sent
        ("sent", "received"),
        ("received", "returned"),
        ("returned", "sent"),  # CL6: the same claim, corrected, resent
        ("received", "decided"),
    }
)


class IllegalStep(ValueError):
    """The state does not allow this step.  `allowed`: those it does."""

    def __init__(self, what: str, state: str, to: str, allowed: Iterable[str]) -> None:
        self.allowed = tuple(sorted(allowed))
        then = ", ".join(self.allowed) or "nothing"
        super().__init__(f"a {what} cannot go from {state} to {to}; from {state} it can go to: {then}")


def advance(state: ClaimState, to: ClaimState) -> ClaimState:
    """`to`.  Raises IllegalStep."""
    if (state, to) not in CLAIM_STEPS:
        raise IllegalStep("claim", state, to, (then for before, then in CLAIM_STEPS if before == state))
    return to


def answer_due_on(received_on: date, policy: Policy) -> date:
    """Ten NZ working days from receipt (rule CL6)."""
    return working_days_after(received_on, policy.agency_working_days)
