"""Previews and claims (rules CL3, CL4)."""

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from datetime import date, datetime
from decimal import Decimal
from math import ceil
from typing import Final
from uuid import UUID

from services.claims.repo.rows import FIRST_ID, START, Page, all_of, one_of
from shared.db.pool import Connection

INSERT_PREVIEW: Final = """
insert into claims.claim_preview (tenant_id, id, claimant_id, body, created_at, expires_at) values ($1, $2, $3, $4, $5, $6)"""
PREVIEW: Final = """
select id, claimant_id, body, created_at, expires_at from claims.claim_preview where tenant_id = $1 and id = $2"""
NEXT_NUMBER: Final = "update claims.tenant set claim_seq = claim_seq + 1 where tenant_id = $1 returning claim_seq"
INSERT_CLAIM: Final = """
insert into claims.claim (tenant_id, id, number, state, claimant_id, preview_id, lodged_at, lodged_on, licences, claimable_km,
    off_road_mm, estimate_cents)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)"""
CLAIMS: Final = """
select id, number, state, claimant_id, preview_id, lodged_at, lodged_on, licences, claimable_km, off_road_mm, estimate_cents
from claims.claim
where tenant_id = $1 and id = coalesce($2, id) and (lodged_at, id) > ($3, $4) and state = coalesce($6, state)
    and claimant_id = coalesce($7, claimant_id) and number = coalesce($8, number)
    and lodged_on >= coalesce($9, lodged_on) and lodged_on <= coalesce($10, lodged_on)
    and ($11::uuid is null or exists (
        select 1 from claims.claim_line l
        where l.tenant_id = claim.tenant_id and l.claim_id = claim.id and l.licence_id = $11))
order by lodged_at, id limit $5"""
CLAIM_OF_PREVIEW: Final = "select id from claims.claim where tenant_id = $1 and preview_id = $2"
INSERT_LINES: Final = """
insert into claims.claim_line (tenant_id, claim_id, licence_id, line_no, number, plate, distance_km, off_road_mm, rate,
    estimate_cents, reason_code, method, specify_type, statement_hash, share_mm)
select $1, $2, * from unnest($3::uuid[], $4::int[], $5::text[], $6::text[], $7::bigint[], $8::bigint[], $9::text[],
    $10::bigint[], $11::int[], $12::text[], $13::text[], $14::bytea[], $15::bigint[])"""
LINES: Final = """
select l.licence_id, l.line_no, l.number, l.plate, l.distance_km, l.off_road_mm, l.rate, l.estimate_cents, l.reason_code,
    l.method, l.specify_type, l.statement_hash, l.share_mm
from claims.claim_line l where l.tenant_id = $1 and l.claim_id = $2 order by l.line_no"""
COUNT_REVISIONS: Final = """
select licence_id, count(*) as revisions from claims.claim_line_day
where tenant_id = $1 and claim_id = $2 group by licence_id"""
INSERT_LINE_DAYS: Final = """
insert into claims.claim_line_day (tenant_id, claim_id, licence_id, device, day, rev, hash)
select $1, $2, * from unnest($3::uuid[], $4::text[], $5::int[], $6::bigint[], $7::bytea[])"""
LICENCE_IDS: Final = """
select id from claims.licence
where tenant_id = $1 and claimant_id = $2 and vehicle_id = coalesce($3, vehicle_id) order by id"""


@dataclass(frozen=True)
class PreviewRow:
    id: UUID
    claimant_id: UUID
    body: bytes
    created_at: datetime
    expires_at: datetime


@dataclass(frozen=True)
class Wanted:
    """Which claims of a list; None: all."""

    state: str | None = None
    claimant_id: UUID | None = None
    number: str | None = None
    lodged_from: date | None = None
    lodged_to: date | None = None
    """Both days are included."""
    licence_id: UUID | None = None


@dataclass(frozen=True)
class ClaimRow:
    id: UUID
    number: str
    state: str
    claimant_id: UUID
    preview_id: UUID
    lodged_at: datetime
    lodged_on: date
    licences: int
    claimable_km: int
    off_road_mm: int
    estimate_cents: int | None


@dataclass(frozen=True)
class LineRow:
    licence_id: UUID
    line_no: int
    number: str
    plate: str
    distance_km: int
    off_road_mm: int
    rate: str | None
    estimate_cents: int | None
    reason_code: int
    method: str
    specify_type: str
    statement_hash: bytes
    share_mm: int | None
    """What `off_road_mm` is a part of (rule EL7); None on lines lodged before it was kept."""

    @property
    def rate_cents(self) -> int | None:
        """Cents for 1000 km, rounded up."""
        return None if self.rate is None else ceil(Decimal(self.rate) * 100)


@dataclass(frozen=True)
class LineDay:
    """A revision that a line stands on."""

    licence_id: UUID
    device: str
    day: int
    rev: int
    content_hash: bytes


async def insert_preview(conn: Connection, tenant: UUID, row: PreviewRow) -> None:
    await conn.execute(INSERT_PREVIEW, tenant, row.id, row.claimant_id, row.body, row.created_at, row.expires_at)


async def preview(conn: Connection, tenant: UUID, preview_id: UUID) -> PreviewRow | None:
    return one_of(PreviewRow, await conn.fetchrow(PREVIEW, tenant, preview_id))


async def next_number(conn: Connection, tenant: UUID) -> int:
    """1, 2, 3 … without a hole: the row stays locked until the claim is committed or never was."""
    number: int = await conn.fetchval(NEXT_NUMBER, tenant)
    return number


async def insert_claim(
    conn: Connection, tenant: UUID, row: ClaimRow, lines: Sequence[LineRow], days: Sequence[LineDay]
) -> None:
    """Raises a violation of `claim_preview_once` when this preview was lodged."""
    await conn.execute(
        INSERT_CLAIM, tenant, row.id, row.number, row.state, row.claimant_id, row.preview_id, row.lodged_at, row.lodged_on,
        row.licences, row.claimable_km, row.off_road_mm, row.estimate_cents,
    )  # fmt: skip
    await conn.execute(INSERT_LINES, tenant, row.id, *_columns(lines, 13))
    await conn.execute(INSERT_LINE_DAYS, tenant, row.id, *_columns(days, 5))


def _columns(rows: Sequence[LineRow] | Sequence[LineDay], width: int) -> list[list[object]]:
    values = [astuple(row) for row in rows]
    return [[row[i] for row in values] for i in range(width)]


async def claim(conn: Connection, tenant: UUID, claim_id: UUID) -> ClaimRow | None:
    return one_of(ClaimRow, await conn.fetchrow(CLAIMS, tenant, claim_id, START, FIRST_ID, 1, *[None] * 6))


async def claims(conn: Connection, tenant: UUID, page: Page, wanted: Wanted) -> list[ClaimRow]:
    records = await conn.fetch(CLAIMS, tenant, None, page.after_at, page.after_id, page.limit, *astuple(wanted))
    return all_of(ClaimRow, records)


async def claim_of_preview(conn: Connection, tenant: UUID, preview_id: UUID) -> UUID | None:
    found: UUID | None = await conn.fetchval(CLAIM_OF_PREVIEW, tenant, preview_id)
    return found


async def lines(conn: Connection, tenant: UUID, claim_id: UUID) -> list[LineRow]:
    return all_of(LineRow, await conn.fetch(LINES, tenant, claim_id))


async def revisions_of(conn: Connection, tenant: UUID, claim_id: UUID) -> dict[UUID, int]:
    """licence → how many device-day revisions its line stands on."""
    return {r["licence_id"]: r["revisions"] for r in await conn.fetch(COUNT_REVISIONS, tenant, claim_id)}


async def licence_ids(conn: Connection, tenant: UUID, claimant_id: UUID, vehicle_id: UUID | None) -> list[UUID]:
    """Every licence of a claimant, of one vehicle or all."""
    return [r["id"] for r in await conn.fetch(LICENCE_IDS, tenant, claimant_id, vehicle_id)]
