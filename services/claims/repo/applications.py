"""Applications other than off-road claims, their steps, and the parts of licences that were refunded (rules OT2, OT3, OT4)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from uuid import UUID

from services.claims.repo.rows import FIRST_ID, START, Page, all_of, one_of
from shared.db.pool import Connection

INSERT_APPLICATION: Final = """
insert into claims.application (tenant_id, id, ref, kind, state, vehicle_id, licence_id, claimant_id, details, created_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"""
APPLICATIONS: Final = """
select id, ref, kind, state, vehicle_id, licence_id, claimant_id, details, amount_cents, from_reading, effective_at,
    inputs_sha256, created_at
from claims.application
where tenant_id = $1 and id = coalesce($2, id) and ($3::text is null or kind = $3) and ($4::text is null or state = $4)
    and ($5::uuid is null or licence_id = $5) and vehicle_id = coalesce($6, vehicle_id) and ($7::text is null or ref = $7)
    and (created_at, id) > ($8, $9)
order by created_at, id limit $10"""
LOCK_APPLICATION: Final = """
select id, ref, kind, state, vehicle_id, licence_id, claimant_id, details, amount_cents, from_reading, effective_at,
    inputs_sha256, created_at
from claims.application where tenant_id = $1 and id = $2 for update"""
SAME_APPLICATION: Final = """
select id from claims.application where tenant_id = $1 and licence_id = $2 and state not in ('declined', 'withdrawn')
union all
select id from claims.application where tenant_id = $1 and ref = $3 limit 1"""
SET_STATE: Final = "update claims.application set state = $3 where tenant_id = $1 and id = $2"
FREEZE: Final = """
update claims.application
set state = 'ready', amount_cents = $3, from_reading = $4, effective_at = $5, inputs_sha256 = $6
where tenant_id = $1 and id = $2"""
REDRAFT: Final = """
update claims.application
set state = 'draft', details = $3, amount_cents = null, from_reading = null, effective_at = null, inputs_sha256 = null
where tenant_id = $1 and id = $2"""
INSERT_STEP: Final = """
insert into claims.application_step (tenant_id, id, application_id, seq, kind, state, on_day, channel, reference, reason, cents,
    code, shows, attachment_id, inputs, actor, created_at)
select $1, $2, $3, coalesce(max(s.seq), 0) + 1, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16
from claims.application_step s where s.tenant_id = $1 and s.application_id = $3"""
STEPS: Final = """
select id, seq, kind, state, on_day, channel, reference, reason, cents, code, shows, attachment_id, actor, created_at
from claims.application_step where tenant_id = $1 and application_id = $2 order by seq"""
INPUTS: Final = """
select inputs from claims.application_step
where tenant_id = $1 and application_id = $2 and kind = 'ready' order by seq desc limit 1"""
STANDING: Final = """
select a.id, a.kind, a.state, a.licence_id, l.recorder_id, a.from_reading, a.effective_at
from claims.licence l join claims.application a on a.tenant_id = l.tenant_id and a.licence_id = l.id
where l.tenant_id = $1 and l.vehicle_id = any($2::uuid[]) and a.state in ('ready', 'sent', 'received', 'granted')
order by a.created_at, a.id"""
TAKE: Final = "select claims.take_range($1, $2, $3, int8range($4, $5, '(]'), $6, $7)"
RELEASE: Final = "select claims.release_range($1, $2)"
REFUNDED: Final = """
select r.licence_id, r.kind, lower(r.refunded) - 1 as from_reading, upper(r.refunded) - 1 as to_reading,
    coalesce(l.source_id, r.source_id) as source_id,
    coalesce(c.number, o.reference, w.number, a.kind, '') as reference
from claims.refunded_range r
left join claims.lodged_licence l on l.tenant_id = r.tenant_id and l.id = r.source_id and r.kind = 'off_road'
left join claims.claim c on c.tenant_id = l.tenant_id and c.id = l.source_id and l.kind = 'claim'
left join claims.claimed_outside o on o.tenant_id = l.tenant_id and o.id = l.source_id and l.kind = 'outside'
left join claims.licence w on w.tenant_id = r.tenant_id and w.id = r.source_id and r.kind = 'credit'
left join claims.application a on a.tenant_id = r.tenant_id and a.id = r.source_id and r.kind = 'unused'
where r.tenant_id = $1 and r.licence_id = any($2::uuid[]) and r.released_at is null
order by r.licence_id, lower(r.refunded)"""


@dataclass(frozen=True, kw_only=True)
class ApplicationRow:
    id: UUID
    ref: str | None
    kind: str
    state: str
    vehicle_id: UUID
    licence_id: UUID | None
    claimant_id: UUID | None
    details: bytes
    """JSON of what its kind asks."""
    amount_cents: int | None = None
    """Frozen when ready, as the next three; None: not ready, or the rate is not known."""
    from_reading: int | None = None
    effective_at: datetime | None = None
    inputs_sha256: bytes | None = None
    created_at: datetime


@dataclass(frozen=True, kw_only=True)
class ApplicationStep:
    """Something that happened to an application on an NZ day."""

    id: UUID
    seq: int = 0
    kind: str
    state: str
    """After it."""
    on_day: date
    channel: str | None = None
    reference: str = ""
    reason: str = ""
    cents: int | None = None
    code: str = ""
    shows: Sequence[str] = ()
    attachment_id: UUID | None = None
    actor: str
    created_at: datetime


@dataclass(frozen=True)
class StandingRow:
    """An application that a licence's range ends at, from `ready` on until it is declined or withdrawn."""

    id: UUID
    kind: str
    state: str
    licence_id: UUID
    recorder_id: UUID
    from_reading: int
    effective_at: datetime


@dataclass(frozen=True, kw_only=True)
class RefundedRow:
    """A part (from, to] of a licence that was refunded or is asked for."""

    licence_id: UUID
    kind: str
    from_reading: int
    to_reading: int
    source_id: UUID
    """Claim, entry of claimed outside, overlapping licence, application."""
    reference: str


async def insert_application(conn: Connection, tenant: UUID, row: ApplicationRow) -> None:
    """Raises a violation of `application_standing_once`."""
    await conn.execute(
        INSERT_APPLICATION, tenant, row.id, row.ref, row.kind, row.state, row.vehicle_id, row.licence_id, row.claimant_id,
        row.details, row.created_at,
    )  # fmt: skip


async def application(conn: Connection, tenant: UUID, application_id: UUID) -> ApplicationRow | None:
    record = await conn.fetchrow(APPLICATIONS, tenant, application_id, None, None, None, None, None, START, FIRST_ID, 1)
    return one_of(ApplicationRow, record)


async def applications(
    conn: Connection, tenant: UUID, page: Page, *, kind: str | None = None, state: str | None = None,
    licence_id: UUID | None = None, vehicle_id: UUID | None = None, ref: str | None = None,
) -> list[ApplicationRow]:  # fmt: skip
    records = await conn.fetch(
        APPLICATIONS, tenant, None, kind, state, licence_id, vehicle_id, ref, page.after_at, page.after_id, page.limit
    )
    return all_of(ApplicationRow, records)


async def lock_application(conn: Connection, tenant: UUID, application_id: UUID) -> ApplicationRow | None:
    """Its licence is locked before it, always."""
    return one_of(ApplicationRow, await conn.fetchrow(LOCK_APPLICATION, tenant, application_id))


async def same_application(conn: Connection, tenant: UUID, licence_id: UUID | None, ref: str | None) -> UUID | None:
    found: UUID | None = await conn.fetchval(SAME_APPLICATION, tenant, licence_id, ref)
    return found


async def set_state(conn: Connection, tenant: UUID, application_id: UUID, state: str) -> None:
    await conn.execute(SET_STATE, tenant, application_id, state)


async def freeze(
    conn: Connection, tenant: UUID, application_id: UUID, amount_cents: int | None, from_reading: int, effective_at: datetime,
    inputs_sha256: bytes,
) -> None:  # fmt: skip
    await conn.execute(FREEZE, tenant, application_id, amount_cents, from_reading, effective_at, inputs_sha256)


async def redraft(conn: Connection, tenant: UUID, application_id: UUID, details: bytes) -> None:
    await conn.execute(REDRAFT, tenant, application_id, details)


async def add_step(
    conn: Connection, tenant: UUID, application_id: UUID, step: ApplicationStep, inputs: bytes | None = None
) -> None:
    """The application's row is locked or new, so `seq` has no rival."""
    await conn.execute(
        INSERT_STEP, tenant, step.id, application_id, step.kind, step.state, step.on_day, step.channel, step.reference,
        step.reason, step.cents, step.code, list(step.shows), step.attachment_id, inputs, step.actor, step.created_at,
    )  # fmt: skip


async def steps(conn: Connection, tenant: UUID, application_id: UUID) -> list[ApplicationStep]:
    return all_of(ApplicationStep, await conn.fetch(STEPS, tenant, application_id))


async def inputs(conn: Connection, tenant: UUID, application_id: UUID) -> bytes | None:
    """The exact JSON that it stood on when it was last made ready."""
    found: bytes | None = await conn.fetchval(INPUTS, tenant, application_id)
    return found


async def standing(conn: Connection, tenant: UUID, vehicle_ids: Sequence[UUID]) -> list[StandingRow]:
    """Of every licence of the vehicles."""
    return all_of(StandingRow, await conn.fetch(STANDING, tenant, list(vehicle_ids)))


async def take_range(
    conn: Connection, tenant: UUID, taken_id: UUID, licence_id: UUID, start: int, end: int, kind: str, source_id: UUID
) -> None:
    """Raises a violation of `refunded_range_once` where a kilometre of (start, end] was refunded before."""
    await conn.execute(TAKE, tenant, taken_id, licence_id, start, end, kind, source_id)


async def release_range(conn: Connection, tenant: UUID, application_id: UUID) -> None:
    await conn.execute(RELEASE, tenant, application_id)


async def refunded(conn: Connection, tenant: UUID, licence_ids: Sequence[UUID]) -> list[RefundedRow]:
    return all_of(RefundedRow, await conn.fetch(REFUNDED, tenant, list(licence_ids)))
