"""What a line claimed too much, what of it was settled before, and the letter that says so (rule CL7; Act s 34)."""

from dataclasses import dataclass

from services.claims.domain.claim.line_life import LineAccount
from services.claims.domain.findings import dollars


@dataclass(frozen=True, slots=True, kw_only=True)
class OverClaim:
    """What a line has beyond what its statement says now (rule CL7).  The lodged numbers never change."""

    claimed_km: int
    """What the Agency accepted; all that was claimed while it has not answered."""
    now_km: int
    settled_km: int
    """Of the difference, what was told and closed before, or taken back by the Agency."""
    cents: int | None
    """What the rest of the difference is worth at the line's rate, rounded up: what may have to be repaid."""

    @property
    def owed_km(self) -> int:
        return self.claimed_km - self.now_km - self.settled_km


def over_claim(line: LineAccount, now_km: int, closed_km: int, cents: int, units: int) -> OverClaim | None:
    """None where nothing is owed: the statement shows as much, the line was declined, or all of it was settled.

    `closed_km`: of disclosures of the line that a person closed.  A repayment may be on record there and as taken back by the
    Agency too, so the larger of the two is settled, not their sum.  The rate is `cents` for `units` of 1000 km; 0: unknown."""
    settled = max(closed_km, line.counted_km - line.standing_km)
    much = line.counted_km - now_km - settled
    if much <= 0:
        return None
    worth = -(-much * cents // (units * 1000)) if units else None
    return OverClaim(claimed_km=line.counted_km, now_km=now_km, settled_km=settled, cents=worth)


def letter(claim_number: str, licence_number: str, plate: str, found: OverClaim) -> str:
    """A draft of the letter that discloses it; a person sends it."""
    worth = "an amount we cannot state" if found.cents is None else dollars(found.cents)
    much = found.claimed_km - found.now_km
    before = f" {found.settled_km} km of them have been settled before." if found.settled_km else ""
    return (
        f"Claim {claim_number}, RUC licence {licence_number} ({plate}).\n\n"
        f"{found.claimed_km} km of off-road travel on this licence were claimed and not declined. Later evidence shows "
        f"{found.now_km} km: {much} km were claimed in error.{before} {found.owed_km} km, worth {worth}, are still owed. "
        "Please tell us how you would like this amount to be repaid or set off.\n"
    )
