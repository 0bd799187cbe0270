"""Faulty data (how-to: "contact the service desk"): the life of a mark, and how an open one holds a claim back."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal
from uuid import UUID

from services.claims.domain.claim.claim_life import IllegalStep
from services.claims.domain.findings import Finding
from services.claims.domain.statement.statement_parts import Statement
from shared.nz_days import day_of, from_ordinal

SOURCE: Final = "smartrak-rucor-claim.txt line 32; Act s 35(3)"
FaultyState = Literal["marked", "accepted", "refused", "withdrawn", "excluded", "applied", "lifted"]
FAULTY_STEPS: Final[frozenset[tuple[FaultyState, FaultyState]]] = frozenset(
    {
        ("marked", "accepted"),
        ("marked", "refused"),
        ("marked", "withdrawn"),
        ("accepted", "excluded"),  # the classifier has it
        ("excluded", "applied"),  # every device-day that it touches heeds it
        ("excluded", "lifted"),  # the tenant lifted the exclusion before that
    }
)
OPEN: Final[tuple[FaultyState, ...]] = ("marked", "accepted", "excluded")
MARGIN_MS: Final = 600_000
"""The classifier looks so far over midnight at most (its gap limit is a quarter of that)."""
SHOWN_MAX: Final = 5


def advance_mark(state: FaultyState, to: FaultyState) -> FaultyState:
    """`to`.  Raises IllegalStep."""
    if (state, to) not in FAULTY_STEPS:
        raise IllegalStep("mark", state, to, (then for before, then in FAULTY_STEPS if before == state))
    return to


def days_touched(from_ms: int, to_ms: int) -> tuple[int, int]:
    """First and last NZ day whose revisions a stretch may change."""
    return day_of(from_ms - MARGIN_MS), day_of(to_ms + MARGIN_MS)


@dataclass(frozen=True, slots=True)
class OpenMark:
    """A stretch of a mark that is not settled yet."""

    mark_id: UUID
    device: str
    first_day: int
    last_day: int
    state: str


def held_by_marks(statement: Statement, marks: Sequence[OpenMark]) -> list[Finding]:
    """Rule EL4: an open mark inside the period blocks, since no late top-up and no second claim is possible.  No waiver of
    another hold lifts it: whoever made the mark can withdraw it with a reason."""
    periods = [(span.device, day_of(span.from_ms), day_of(span.until_ms - 1)) for span in statement.spans]
    blocking = sorted(
        {
            (mark.first_day, mark.device, mark.state, mark.mark_id)
            for mark in marks
            if any(
                mark.device == device and first <= mark.last_day and mark.first_day <= last
                for device, first, last in periods
            )
        }
    )
    if not blocking:
        return []
    shown = "; ".join(f"{device} from {from_ordinal(day)} ({state})" for day, device, state, _ in blocking[:SHOWN_MAX])
    more = f" and {len(blocking) - SHOWN_MAX} more" if len(blocking) > SHOWN_MAX else ""
    reason = f"data of the period are marked as faulty and that is not settled yet: {shown}{more}"
    withdrawable = dict.fromkeys(str(mark_id) for _, _, state, mark_id in blocking if state == "marked")
    inputs = (("open_marks", str(len(blocking))), ("not_decided", ", ".join(withdrawable)))
    return [Finding(rule="EL4", outcome="fail", reason=reason, source=SOURCE, inputs=inputs, waiting=True)]
