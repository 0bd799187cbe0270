"""What is usual off road (rule EL7): shares of lodged lines, and who has looked at what is above them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from services.claims.repo.rows import all_of
from shared.db.pool import Connection

# In thousandths, rounded down, as services.claims.domain.statement.usual_share has them.
LODGED_SHARES: Final = """
select l.licence_id, l.off_road_mm * 1000 / l.share_mm as share
from claims.claim_line l
join claims.lodged_licence m on m.tenant_id = l.tenant_id and m.licence_id = l.licence_id and m.source_id = l.claim_id
    and m.released_at is null
where l.tenant_id = $1 and l.licence_id = any($2::uuid[]) and l.share_mm > 0"""
PEERS: Final = """
select c.reason_code, p.vehicle_id, p.share
from unnest($2::int[]) as c (reason_code)
cross join lateral (
    select v.vehicle_id, l.off_road_mm * 1000 / l.share_mm as share
    from claims.claim k
    join claims.claim_line l on l.tenant_id = k.tenant_id and l.claim_id = k.id
    join claims.lodged_licence m on m.tenant_id = l.tenant_id and m.licence_id = l.licence_id and m.source_id = l.claim_id
        and m.released_at is null
    join claims.licence v on v.tenant_id = l.tenant_id and v.id = l.licence_id
    where k.tenant_id = $1 and l.reason_code = c.reason_code and l.share_mm > 0
    order by k.lodged_at desc, l.licence_id limit $3
) p"""
DEFAULT_CODES: Final = """
select id, default_reason_code from claims.claimant
where tenant_id = $1 and id = any($2::uuid[]) and default_reason_code is not null"""
ACKNOWLEDGED: Final = """
select id, licence_id, rule, statement_hash, reason, actor, created_at
from claims.acknowledgement where tenant_id = $1 and licence_id = any($2::uuid[])"""
INSERT_ACKNOWLEDGEMENT: Final = """
insert into claims.acknowledgement (tenant_id, id, licence_id, rule, statement_hash, reason, actor, created_at)
values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict on constraint acknowledgement_once do nothing"""


@dataclass(frozen=True)
class Peer:
    """A lodged line of the fleet."""

    reason_code: int
    vehicle_id: UUID
    share: int


@dataclass(frozen=True)
class AcknowledgementRow:
    id: UUID
    licence_id: UUID
    rule: str
    statement_hash: bytes
    reason: str
    actor: str
    created_at: datetime


async def lodged_shares(conn: Connection, tenant: UUID, licence_ids: Sequence[UUID]) -> dict[UUID, int]:
    """licence → off-road share as claimed; those that are not lodged are left out."""
    return {r["licence_id"]: r["share"] for r in await conn.fetch(LODGED_SHARES, tenant, list(licence_ids))}


async def peers(conn: Connection, tenant: UUID, reason_codes: Sequence[int], limit: int) -> list[Peer]:
    """The newest `limit` lodged lines of each reason code."""
    return all_of(Peer, await conn.fetch(PEERS, tenant, list(reason_codes), limit))


async def default_codes(conn: Connection, tenant: UUID, claimant_ids: Sequence[UUID]) -> dict[UUID, int]:
    """claimant → the reason code its lines bear unless they say another."""
    found = await conn.fetch(DEFAULT_CODES, tenant, list(claimant_ids))
    return {r["id"]: r["default_reason_code"] for r in found}


async def acknowledgements(conn: Connection, tenant: UUID, licence_ids: Sequence[UUID]) -> list[AcknowledgementRow]:
    return all_of(AcknowledgementRow, await conn.fetch(ACKNOWLEDGED, tenant, list(licence_ids)))


async def insert_acknowledgement(conn: Connection, tenant: UUID, row: AcknowledgementRow) -> None:
    """A second one by the same person over the same statement changes nothing."""
    await conn.execute(
        INSERT_ACKNOWLEDGEMENT, tenant, row.id, row.licence_id, row.rule, row.statement_hash, row.reason, row.actor,
        row.created_at,
    )  # fmt: skip
