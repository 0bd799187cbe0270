"""What is claimed (design G4): the one door into `claims.lodged_licence`, in and out, and what was claimed elsewhere."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final
from uuid import UUID

from services.claims.repo.licences import LicenceRow
from services.claims.repo.rows import all_of
from shared.db.pool import Connection

CLAIMED: Final = """
select m.licence_id, m.kind, m.source_id, upper(m.claimed) - 1 as until_reading, exists (
    select from claims.lodged_licence g
    join claims.claim_step a on a.tenant_id = g.tenant_id and a.id = g.released_by and a.kind = 'consent'
    where g.tenant_id = m.tenant_id and g.licence_id = m.licence_id and g.source_id = m.source_id
) as consented
from claims.lodged_licence m where m.tenant_id = $1 and m.licence_id = any($2::uuid[]) and m.released_at is null"""
CUT_WHEN_CLAIMED: Final = """
select m.licence_id from claims.lodged_licence m
join claims.licence l on l.tenant_id = $1 and l.id = m.licence_id
where m.tenant_id = $1 and m.licence_id = any($2::uuid[]) and m.released_at is null
    and upper(m.claimed) - 1 > l.claimable_end_reading"""
LODGE_LICENCE: Final = "select claims.lodge_licence($1, $2, $3, $4, int8range($5, $6, '(]'), $7, $8, $9, $10)"
INSERT_OUTSIDE: Final = """
insert into claims.claimed_outside (tenant_id, id, licence_id, claimed_on, reference, actor, reason)
values ($1, $2, $3, $4, $5, $6, $7)"""
# Of this claim alone: another may hold the licence since, by the Agency's consent.
RELEASE: Final = """
select claims.release_licence($1, $2, $3) from claims.lodged_licence
where tenant_id = $1 and licence_id = $2 and source_id = $4 and kind = 'claim' and released_at is null"""
# What was released by a consent, or by the application that followed it, is the claim's again (rule CL5).
MARK_AGAIN: Final = """
select claims.lodge_licence(m.tenant_id, $4, m.licence_id, m.recorder_id, m.claimed, m.licence_hash, m.plate_licence_hash,
    m.kind, m.source_id)
from claims.lodged_licence m where m.tenant_id = $1 and m.licence_id = $2 and m.released_by = $3"""


@dataclass(frozen=True)
class ClaimedBy:
    """What already took a licence: `kind` "claim" or "outside", `source_id` that claim's or entry's id."""

    licence_id: UUID
    kind: str
    source_id: UUID
    until_reading: int
    """How far it reaches, on the licence's own scale."""
    consented: bool
    """The Agency agreed to another application, which has not been lodged yet (rule CL5)."""


async def claimed(conn: Connection, tenant: UUID, licence_ids: Sequence[UUID]) -> list[ClaimedBy]:
    return all_of(ClaimedBy, await conn.fetch(CLAIMED, tenant, list(licence_ids)))


async def cut_when_claimed(conn: Connection, tenant: UUID, licence_ids: Sequence[UUID]) -> set[UUID]:
    """Those whose range was ended inside what a claim holds of them: by an overlap that was entered after it."""
    return {record["licence_id"] for record in await conn.fetch(CUT_WHEN_CLAIMED, tenant, list(licence_ids))}


async def lodge_licence(
    conn: Connection, tenant: UUID, lodged_id: UUID, row: LicenceRow, hashes: tuple[bytes, bytes], kind: str, source_id: UUID
) -> None:  # fmt: skip
    """Raises a violation of `lodged_licence_once`, `lodged_number_once`, `lodged_range_once` or `refunded_range_once` where
    something else claimed the licence or its kilometres (`refusals.claimed_once`)."""
    await conn.execute(
        LODGE_LICENCE, tenant, lodged_id, row.id, row.recorder_id, row.start_reading, row.claimable_end_reading, hashes[0],
        hashes[1], kind, source_id,
    )  # fmt: skip


async def insert_outside(
    conn: Connection, tenant: UUID, outside_id: UUID, licence_id: UUID, claimed_on: date, reference: str, actor: str,
    reason: str,
) -> None:  # fmt: skip
    """Raises a violation of `claimed_outside_once`."""
    await conn.execute(INSERT_OUTSIDE, tenant, outside_id, licence_id, claimed_on, reference, actor, reason)


async def release(conn: Connection, tenant: UUID, claim_id: UUID, licence_id: UUID, step_id: UUID) -> bool:
    """Free a licence that this claim holds for another claim, once; False where it does not hold it."""
    return bool(await conn.fetchval(RELEASE, tenant, licence_id, step_id, claim_id))


async def mark_again(conn: Connection, tenant: UUID, licence_id: UUID, released_by: UUID, mark_id: UUID) -> None:
    """The mark that `released_by` released stands again, as a new row; nothing happens where it released none.  Raises what
    `lodge_licence` raises."""
    await conn.execute(MARK_AGAIN, tenant, licence_id, released_by, mark_id)
