"""Rule EL7 over a licence: is its off-road share larger than expected?

What is usual comes from lodged lines, which are one query, and from statements of the vehicle's earlier licences where they are
not lodged: at most `Policy.usual_licences` a vehicle, and these are never asked what is usual for them in turn.  None of it is
part of `Facts`: a claim of another vehicle that is lodged meanwhile must not make a preview out of date."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

from services.claims.application.statement.assess import Assessed, judge
from services.claims.application.statement.facts import Facts, load_facts
from services.claims.domain.claim.eligibility import with_finding
from services.claims.domain.policy import Policy
from services.claims.domain.register.licence import ORDINARY
from services.claims.domain.statement.usual_share import as_usual, share_of
from services.claims.repo import expected
from services.claims.repo.expected import Peer
from services.claims.repo.licences import LicenceRow
from services.claims.repo.records import Register
from shared.db.pool import Connection

PEERS_MAX: Final = 50
"""Newest lodged lines of a reason code that speak for the fleet."""


@dataclass(frozen=True)
class Earlier:
    """What earlier licences came to, as far as it must be read."""

    shares: Mapping[UUID, int]
    """Of lodged ones."""
    rest: Facts | None
    """Of those that are neither lodged nor asked about."""
    codes: Mapping[UUID, int | None]
    """licence → its reason code."""
    peers: Sequence[Peer]


def earlier_ones(register: Register, row: LicenceRow, count: int) -> list[UUID]:
    """The vehicle's ordinary licences bought before this one, newest first."""
    before = [
        other
        for other in register.licences
        if other.vehicle_id == row.vehicle_id
        and other.kind in ORDINARY
        and (other.issued_at, other.start_reading) < (row.issued_at, row.start_reading)
    ]
    before.sort(key=lambda other: (other.issued_at, other.start_reading), reverse=True)
    return [other.id for other in before[:count]]


async def load_earlier(
    conn: Connection, tenant: UUID, facts: Facts, policy: Policy, now_ms: int,
    codes: Mapping[UUID, int | None] | None = None,
) -> Earlier:  # fmt: skip
    """As a rule in the transaction that read `facts`.  `codes`: of a claim's lines; else the claimant's default counts."""
    asked = {bound.row.id for bound in facts.bound}
    ids = {i for b in facts.bound for i in earlier_ones(facts.register, b.row, policy.usual_licences)}
    shares = await expected.lodged_shares(conn, tenant, sorted(ids))
    rest = sorted(ids - asked - shares.keys())
    known = dict(codes or {})
    if codes is None:
        default = await expected.default_codes(conn, tenant, sorted({b.row.claimant_id for b in facts.bound}))
        known = {b.row.id: default.get(b.row.claimant_id) for b in facts.bound}
    return Earlier(
        shares=shares,
        rest=await load_facts(conn, tenant, rest, policy, now_ms) if rest else None,
        codes=known,
        peers=await expected.peers(conn, tenant, sorted({c for c in known.values() if c is not None}), PEERS_MAX),
    )


def with_expected(facts: Facts, items: Sequence[Assessed], earlier: Earlier, policy: Policy) -> list[Assessed]:
    """Pure.  Each of `items`, which `facts` were assessed to, with the finding of rule EL7.  An earlier licence that cannot be
    worked out says nothing of what is usual: fewer of its own ask the fleet's."""
    shares: dict[UUID, int | None] = {item.row.id: share_of(item.statement.totals) for item in items}
    if earlier.rest is not None:
        shares |= {item.row.id: share_of(item.statement.totals) for item in judge(earlier.rest, policy).items}
    shares |= earlier.shares
    judged = []
    for item in items:
        before = earlier_ones(facts.register, item.row, policy.usual_licences)
        own = [share for share in (shares.get(licence_id) for licence_id in before) if share is not None]
        code = earlier.codes.get(item.row.id)
        fleet = [p.share for p in earlier.peers if p.reason_code == code and p.vehicle_id != item.row.vehicle_id]
        finding = as_usual(share_of(item.statement.totals), own, fleet, policy)
        judged.append(replace(item, assessment=with_finding(item.assessment, finding)))
    return judged
