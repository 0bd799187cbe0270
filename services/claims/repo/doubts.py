"""What of a claim's licences may be in doubt besides its money: their last day, and whether a review is still to come; and
which lodged lines are known not to stand as they were lodged (rule CL7)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from services.claims.repo.rows import all_of
from shared.db.pool import Connection

LINES: Final = """
select l.licence_id, l.number, p.issued_at, p.purchased_at, exists (
    select from claims.review_due d where d.tenant_id = p.tenant_id and d.vehicle_id = p.vehicle_id) as awaits_review
from claims.claim_line l
join claims.licence p on p.tenant_id = l.tenant_id and p.id = l.licence_id
where l.tenant_id = $1 and l.claim_id = $2 order by l.line_no"""

OPEN: Final = """
select d.id, d.claim_id, c.number as claim, c.claimant_id, d.licence_id, l.number, p.vehicle_id, l.plate, d.cents, d.found_at
from claims.disclosure d
join claims.claim c on c.tenant_id = d.tenant_id and c.id = d.claim_id
join claims.claim_line l on l.tenant_id = d.tenant_id and l.claim_id = d.claim_id and l.licence_id = d.licence_id
join claims.licence p on p.tenant_id = d.tenant_id and p.id = d.licence_id
where d.tenant_id = $1 and d.closed_on is null order by d.found_at, d.id"""


@dataclass(frozen=True)
class OpenDisclosure:
    """One that nobody has settled."""

    id: UUID
    claim_id: UUID
    claim: str
    """Its number."""
    claimant_id: UUID
    licence_id: UUID
    number: str
    vehicle_id: UUID
    plate: str
    cents: int | None
    found_at: datetime


@dataclass(frozen=True)
class DoubtfulLine:
    licence_id: UUID
    number: str
    issued_at: datetime
    purchased_at: datetime
    awaits_review: bool
    """What its vehicle's statements stand on was changed, and the claim was not held against it yet (rule CL7)."""


async def lines(conn: Connection, tenant: UUID, claim_id: UUID) -> Sequence[DoubtfulLine]:
    return all_of(DoubtfulLine, await conn.fetch(LINES, tenant, claim_id))


async def open_disclosures(conn: Connection, tenant: UUID) -> list[OpenDisclosure]:
    """The oldest first."""
    return all_of(OpenDisclosure, await conn.fetch(OPEN, tenant))
