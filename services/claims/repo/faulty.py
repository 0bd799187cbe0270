"""Marks of faulty data: their stretches in device space, the steps they took, the job that tells the classifier."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from services.claims.domain.statement.faulty import OPEN, OpenMark
from services.claims.repo.ledger import Window
from services.claims.repo.rows import Page, all_of, one_of
from shared.db.pool import Connection

INSERT_MARK: Final = """
insert into claims.faulty_mark (tenant_id, id, ref, licence_id, vehicle_id, device, from_at, to_at, reason, attachment_id,
    actor, state, created_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)"""
INSERT_STRETCHES: Final = """
insert into claims.faulty_stretch (tenant_id, mark_id, exclusion_id, device, from_ms, to_ms, first_day, last_day)
select $1, $2, * from unnest($3::uuid[], $4::text[], $5::bigint[], $6::bigint[], $7::int[], $8::int[])"""
SAME_MARK: Final = """
select id from claims.faulty_mark where tenant_id = $1 and ref = $8
union all
select id from claims.faulty_mark
where tenant_id = $1 and licence_id is not distinct from $2 and vehicle_id is not distinct from $3
    and device is not distinct from $4 and from_at = $5 and to_at = $6 and state = any($7::text[]) limit 1"""
LOCK_MARK: Final = "select state from claims.faulty_mark where tenant_id = $1 and id = $2 for update"
SET_STATE: Final = "update claims.faulty_mark set state = $3 where tenant_id = $1 and id = $2"
INSERT_STEP: Final = """
insert into claims.faulty_step (tenant_id, id, mark_id, seq, kind, reason, actor, created_at)
select $1, $2, $3, coalesce(max(s.seq), 0) + 1, $4, $5, $6, $7
from claims.faulty_step s where s.tenant_id = $1 and s.mark_id = $3"""
MARKS: Final = """
select m.tenant_id, m.id, m.ref, m.licence_id, m.vehicle_id, m.device, m.from_at, m.to_at, m.reason, m.attachment_id, m.actor,
    m.state, m.created_at
from claims.faulty_mark m
where m.tenant_id = coalesce($1, m.tenant_id) and m.id = coalesce($2, m.id) and ($3::text is null or m.state = $3)
    and ($4::text is null or m.ref = $4) and ($5::uuid is null or m.licence_id = $5) and (m.created_at, m.id) > ($6, $7)
order by m.created_at, m.id limit $8"""
STRETCHES: Final = """
select mark_id, exclusion_id, device, from_ms, to_ms, first_day, last_day from claims.faulty_stretch
where tenant_id = $1 and mark_id = $2 order by device, from_ms"""
STEPS: Final = """
select seq, kind, reason, actor, created_at from claims.faulty_step where tenant_id = $1 and mark_id = $2 order by seq"""
OPEN_MARKS: Final = """
select distinct s.mark_id, s.device, s.first_day, s.last_day, m.state
from unnest($2::text[], $3::int[], $4::int[]) as w (device, first_day, last_day)
join claims.faulty_stretch s
    on s.tenant_id = $1 and s.device = w.device and s.first_day <= w.last_day and s.last_day >= w.first_day
join claims.faulty_mark m on m.tenant_id = s.tenant_id and m.id = s.mark_id
where m.state = any($5::text[])
order by 1, 2, 3, 4"""
# Whose lines stand on a device-day of the mark; by the licence's own lines, which are few.
CLAIMS_ON: Final = """
select distinct l.claim_id
from claims.claim_line l
join claims.claim c on c.tenant_id = l.tenant_id and c.id = l.claim_id and c.state <> 'withdrawn'
join claims.claim_line_day d on d.tenant_id = l.tenant_id and d.claim_id = l.claim_id and d.licence_id = l.licence_id
join claims.faulty_stretch s
    on s.tenant_id = d.tenant_id and s.device = d.device and d.day between s.first_day and s.last_day
where l.tenant_id = $1 and l.licence_id = any($2::uuid[]) and s.mark_id = $3
order by 1"""
INSERT_REVIEW: Final = """
insert into claims.faulty_review (tenant_id, mark_id, claim_id, over_claimed, created_at) values ($1, $2, $3, $4, $5)
on conflict on constraint faulty_review_pk do nothing"""
REVIEWS: Final = """
select mark_id, claim_id, over_claimed, created_at from claims.faulty_review
where tenant_id = $1 and mark_id = coalesce($2, mark_id) and claim_id = coalesce($3, claim_id) order by created_at, claim_id"""


@dataclass(frozen=True, kw_only=True)
class MarkRow:
    """One of `licence_id`, `vehicle_id`, `device`; `from_at` and `to_at` are both included."""

    tenant_id: UUID
    id: UUID
    ref: str | None
    licence_id: UUID | None
    vehicle_id: UUID | None
    device: str | None
    from_at: datetime
    to_at: datetime
    reason: str
    attachment_id: UUID | None
    actor: str
    state: str
    created_at: datetime


@dataclass(frozen=True, kw_only=True)
class StretchRow:
    """A mark in device space."""

    mark_id: UUID
    exclusion_id: UUID
    device: str
    from_ms: int
    to_ms: int
    first_day: int
    last_day: int

    @property
    def window(self) -> Window:
        return Window(self.device, self.first_day, self.last_day)


@dataclass(frozen=True, kw_only=True)
class FaultyStep:
    seq: int = 0
    kind: str
    reason: str
    actor: str
    created_at: datetime


@dataclass(frozen=True)
class ReviewRow:
    """A claim that stood on a mark's stretch; `over_claimed` of its lines claim more than their statements show now."""

    mark_id: UUID
    claim_id: UUID
    over_claimed: int
    created_at: datetime


async def insert_mark(conn: Connection, row: MarkRow, stretches: Sequence[StretchRow]) -> None:
    await conn.execute(
        INSERT_MARK, row.tenant_id, row.id, row.ref, row.licence_id, row.vehicle_id, row.device, row.from_at, row.to_at,
        row.reason, row.attachment_id, row.actor, row.state, row.created_at,
    )  # fmt: skip
    columns = [(s.exclusion_id, s.device, s.from_ms, s.to_ms, s.first_day, s.last_day) for s in stretches]
    await conn.execute(INSERT_STRETCHES, row.tenant_id, row.id, *(list(one) for one in zip(*columns, strict=True)))


async def same_mark(conn: Connection, row: MarkRow) -> UUID | None:
    """An open one of the same thing and time, or one that has the ref."""
    found: UUID | None = await conn.fetchval(
        SAME_MARK,
        row.tenant_id,
        row.licence_id,
        row.vehicle_id,
        row.device,
        row.from_at,
        row.to_at,
        list(OPEN),
        row.ref,
    )
    return found


async def lock_mark(conn: Connection, tenant: UUID, mark_id: UUID) -> str | None:
    """Its state, with the row locked until the transaction ends; None where there is none."""
    state: str | None = await conn.fetchval(LOCK_MARK, tenant, mark_id)
    return state


async def add_step(conn: Connection, tenant: UUID, mark_id: UUID, step_id: UUID, step: FaultyStep) -> None:
    """The mark's row is locked, so `seq` has no rival."""
    await conn.execute(INSERT_STEP, tenant, step_id, mark_id, step.kind, step.reason, step.actor, step.created_at)
    await conn.execute(SET_STATE, tenant, mark_id, step.kind)


async def marks(
    conn: Connection,
    tenant: UUID | None,
    page: Page,
    *,
    state: str | None = None,
    ref: str | None = None,
    licence_id: UUID | None = None,
) -> list[MarkRow]:
    """`tenant` None: of every tenant, with the role that may see them."""
    rows = await conn.fetch(MARKS, tenant, None, state, ref, licence_id, page.after_at, page.after_id, page.limit)
    return all_of(MarkRow, rows)


async def mark(conn: Connection, tenant: UUID | None, mark_id: UUID) -> MarkRow | None:
    page = Page(1)
    rows = await conn.fetch(MARKS, tenant, mark_id, None, None, None, page.after_at, page.after_id, page.limit)
    return one_of(MarkRow, rows[0] if rows else None)


async def stretches(conn: Connection, tenant: UUID, mark_id: UUID) -> list[StretchRow]:
    return all_of(StretchRow, await conn.fetch(STRETCHES, tenant, mark_id))


async def steps(conn: Connection, tenant: UUID, mark_id: UUID) -> list[FaultyStep]:
    return all_of(FaultyStep, await conn.fetch(STEPS, tenant, mark_id))


async def open_marks(conn: Connection, tenant: UUID, windows: Sequence[Window]) -> list[OpenMark]:
    """Stretches of marks that are not settled, in any of the windows."""
    devices, firsts, lasts = [w.device for w in windows], [w.first_day for w in windows], [w.last_day for w in windows]
    return all_of(OpenMark, await conn.fetch(OPEN_MARKS, tenant, devices, firsts, lasts, list(OPEN)))


async def claims_on(conn: Connection, tenant: UUID, mark_id: UUID, licence_ids: Sequence[UUID]) -> list[UUID]:
    """Claims, not withdrawn, with a line of these licences that stands on a device-day which the mark touches."""
    return [row["claim_id"] for row in await conn.fetch(CLAIMS_ON, tenant, list(licence_ids), mark_id)]


async def insert_review(conn: Connection, tenant: UUID, row: ReviewRow) -> None:
    await conn.execute(INSERT_REVIEW, tenant, row.mark_id, row.claim_id, row.over_claimed, row.created_at)


async def reviews(
    conn: Connection, tenant: UUID, *, mark_id: UUID | None = None, claim_id: UUID | None = None
) -> list[ReviewRow]:
    return all_of(ReviewRow, await conn.fetch(REVIEWS, tenant, mark_id, claim_id))
