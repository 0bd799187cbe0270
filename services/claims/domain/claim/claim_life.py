"""What becomes of a claim and of its lines (rules CL4 to CL7): which step may follow which.

A claim as a whole is lodged, sent, received, perhaps returned and sent again, and in the end decided; what the Agency says of
a licence, and what is paid or taken back, belongs to the claim's line for it."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
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
LineState = Literal["pending", "accepted", "declined", "paid", "set_off", "recovered"]
LINE_STEPS: Final[frozenset[tuple[LineState, LineState]]] = frozenset(
    {
        ("pending", "accepted"),
        ("pending", "declined"),
        ("accepted", "paid"),
        ("accepted", "set_off"),  # Act s 35: against charges that are owed
        ("paid", "recovered"),  # CL6, form note 7: paid before it was validated
        ("set_off", "recovered"),
    }
)
DECIDED: Final[frozenset[LineState]] = frozenset({"accepted", "declined", "paid", "set_off", "recovered"})


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


def advance_line(state: LineState, to: LineState) -> LineState:
    """`to`.  Raises IllegalStep."""
    if (state, to) not in LINE_STEPS:
        raise IllegalStep("claim line", state, to, (then for before, then in LINE_STEPS if before == state))
    return to


def is_decided(lines: Collection[LineState]) -> bool:
    """Whether the Agency has answered for every line."""
    return bool(lines) and all(state in DECIDED for state in lines)


def answer_due_on(received_on: date, policy: Policy) -> date:
    """Ten NZ working days from receipt (rule CL6)."""
    return working_days_after(received_on, policy.agency_working_days)


@dataclass(frozen=True, slots=True, kw_only=True)
class OverClaim:
    """What a line claimed beyond what its statement says now (rule CL7).  The lodged numbers never change."""

    claimed_km: int
    now_km: int
    cents: int | None
    """What the difference was worth at the line's rate, rounded up: what may have to be repaid."""


def over_claim(claimed_km: int, now_km: int, cents: int, units: int) -> OverClaim | None:
    """None where the line claimed no more than its statement shows.  The rate is `cents` for `units` of 1000 km; 0: unknown."""
    if now_km >= claimed_km:
        return None
    much = claimed_km - now_km
    worth = -(-much * cents // (units * 1000)) if units else None
    return OverClaim(claimed_km=claimed_km, now_km=now_km, cents=worth)


def letter(claim_number: str, licence_number: str, plate: str, found: OverClaim) -> str:
    """A draft of the letter that discloses it; a person sends it."""
    worth = "an amount we cannot state" if found.cents is None else f"${found.cents // 100}.{found.cents % 100:02d}"
    return (
        f"Claim {claim_number}, RUC licence {licence_number} ({plate}).\n\n"
        f"We claimed {found.claimed_km} km of off-road travel on this licence. Later evidence shows {found.now_km} km: "
        f"{found.claimed_km - found.now_km} km, worth {worth}, were claimed in error. Please tell us how you would like this "
        "amount to be repaid or set off.\n"
    )
