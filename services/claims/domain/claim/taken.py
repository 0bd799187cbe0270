"""No kilometre is claimed on two licences, nor claimed and refunded otherwise (rules LI4, EL4; Act s 35; guarantee G4).

The constraints of the database are the guarantee; this says the same before anything is lodged, with who holds what."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal
from uuid import UUID

from services.claims.domain.claim.second_application import SOURCE
from services.claims.domain.findings import Finding
from services.claims.domain.refunds.unused import ONCE
from services.claims.domain.statement.window import ClaimableRange

How = Literal["claim", "outside", "unused", "credit"]
RULE: Final = "LI4"


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """(start, upto] of a licence, on its own scale, belongs to a claim of another licence, or to another refund of its own."""

    how: How
    start: int
    upto: int
    reference: str
    source_id: UUID
    other_id: UUID | None = None
    """The licence that was claimed instead, and its number."""
    other: str = ""
    state: str = ""
    """Of the claim, or the application; "" outside this system."""


def claimed_upto(start: int, claimable_end: int, window: ClaimableRange) -> int:
    """Up to which reading a claim takes the licence: what lies beyond, after a recorder was changed, is not claimed and may be
    refunded as unused.  `start`, `claimable_end`: as registered."""
    return min(claimable_end, start + window.end - window.start)


def kilometres_free(start: int, upto: int, taken: Sequence[Taken]) -> Finding:
    """Whether a claim may take (start, upto]."""
    held = [one for one in taken if max(one.start, start) < min(one.upto, upto)]
    if not held:
        reason = "none of its kilometres is claimed on another licence, or refunded otherwise"
        return Finding(rule=RULE, outcome="pass", reason=reason, source=SOURCE)
    first = min(held, key=lambda one: (one.start, str(one.source_id)))
    low, high = max(first.start, start), min(first.upto, upto)
    inputs = (
        ("held_by", first.how),
        ("reference", first.reference),
        ("source_id", str(first.source_id)),
        ("from_reading", str(low)),
        ("to_reading", str(high)),
        *((("other", first.other), ("other_id", str(first.other_id))) if first.other_id else ()),
        *((("state", first.state),) if first.state else ()),
    )
    reason = f"{low} to {high} of its kilometres {_words(first)}"
    if more := len(held) - 1:
        reason += f", and {more} more such"
    source = ONCE if first.how in {"unused", "credit"} else SOURCE
    return Finding(rule=RULE, outcome="fail", reason=reason, source=source, inputs=inputs)


def _words(one: Taken) -> str:
    if one.how == "claim":
        return (
            f"are claimed on licence {one.other} in claim {one.reference}, which is {one.state}: they are claimed once"
        )
    if one.how == "outside":
        return f"were claimed on licence {one.other} outside this system ({one.reference}): they are claimed once"
    if one.how == "credit":
        return f"were credited when licence {one.reference} was bought to overlap it: they are refunded once"
    return f"are asked for as unused ({one.reference}, {one.state}), or were refunded so: they are refunded once"
