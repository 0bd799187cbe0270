"""Which device is on which vehicle (rule VE4), which trailer behind which (rule VE1)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from services.claims.repo.rows import FIRST_ID, START, Page, all_of, one_of
from shared.db.pool import Connection

INSERT_ASSIGNMENT: Final = """
insert into claims.device_assignment (tenant_id, id, ref, device, vehicle_id, period, is_primary, gps_type,
    created_at)
values ($1, $2, $3, $4, $5, tstzrange($6, $7, '[)'), $8, $9, $10)"""
ASSIGNMENTS: Final = """
select id, ref, device, vehicle_id, lower(period) as from_at, upper(period) as to_at, is_primary, gps_type, created_at
from claims.device_assignment
where tenant_id = $1 and id = coalesce($2, id) and ($3::text is null or ref = $3) and vehicle_id = coalesce($4, vehicle_id)
    and ($5::text is null or device = $5) and (created_at, id) > ($6, $7)
order by created_at, id limit $8"""
SAME_ASSIGNMENT: Final = """
select id from claims.device_assignment
where tenant_id = $1 and device = $2 and period @> $3::timestamptz and lower(period) = $3
union all
select id from claims.device_assignment where tenant_id = $1 and ref = $4 limit 1"""
OVERLAPPING_ASSIGNMENT: Final = """
select id from claims.device_assignment
where tenant_id = $1 and (device = $2 or (is_primary and $6 and vehicle_id = $3)) and period && tstzrange($4, $5, '[)')
limit 1"""
# Of the period as it is when nobody else changes it any more.
END_ASSIGNMENT: Final = """
update claims.device_assignment set period = tstzrange(lower(period), $3, '[)')
where tenant_id = $1 and id = $2 and lower(period) < $3 and $3 <= coalesce(upper(period), 'infinity') returning id"""
END_ASSIGNMENTS_OF: Final = """
update claims.device_assignment set period = tstzrange(lower(period), $3, '[)')
where tenant_id = $1 and vehicle_id = $2 and period @> $3::timestamptz and lower(period) < $3"""
DEVICES: Final = "select distinct device from claims.device_assignment where tenant_id = $1 order by device"

INSERT_COUPLING: Final = """
insert into claims.coupling (tenant_id, id, ref, trailer_id, vehicle_id, period, created_at)
values ($1, $2, $3, $4, $5, tstzrange($6, $7, '[)'), $8)"""
COUPLINGS: Final = """
select id, ref, trailer_id, vehicle_id, lower(period) as from_at, upper(period) as to_at, created_at
from claims.coupling
where tenant_id = $1 and id = coalesce($2, id) and ($3::text is null or ref = $3)
    and ($4::uuid is null or $4 in (trailer_id, vehicle_id)) and (created_at, id) > ($5, $6)
order by created_at, id limit $7"""
SAME_COUPLING: Final = """
select id from claims.coupling
where tenant_id = $1 and trailer_id = $2 and period @> $3::timestamptz and lower(period) = $3
union all
select id from claims.coupling where tenant_id = $1 and ref = $4 limit 1"""
OVERLAPPING_COUPLING: Final = """
select id from claims.coupling where tenant_id = $1 and trailer_id = $2 and period && tstzrange($3, $4, '[)') limit 1"""
TRAILERS_BEHIND: Final = "select distinct trailer_id from claims.coupling where tenant_id = $1 and vehicle_id = $2"
IS_COUPLED: Final = "select 1 from claims.coupling where tenant_id = $1 and $2 in (trailer_id, vehicle_id) limit 1"
END_COUPLING: Final = """
update claims.coupling set period = tstzrange(lower(period), $3, '[)')
where tenant_id = $1 and id = $2 and lower(period) < $3 and $3 <= coalesce(upper(period), 'infinity') returning id"""


@dataclass(frozen=True)
class AssignmentRow:
    id: UUID
    ref: str | None
    device: str
    vehicle_id: UUID
    from_at: datetime
    to_at: datetime | None
    is_primary: bool
    gps_type: str
    created_at: datetime


@dataclass(frozen=True)
class CouplingRow:
    id: UUID
    ref: str | None
    trailer_id: UUID
    vehicle_id: UUID
    from_at: datetime
    to_at: datetime | None
    created_at: datetime


async def insert_assignment(conn: Connection, tenant: UUID, row: AssignmentRow) -> None:
    """Raises a violation of `device_on_one_vehicle` or `one_primary_device`."""
    await conn.execute(
        INSERT_ASSIGNMENT, tenant, row.id, row.ref, row.device, row.vehicle_id, row.from_at, row.to_at, row.is_primary,
        row.gps_type, row.created_at,
    )  # fmt: skip


async def assignment(conn: Connection, tenant: UUID, assignment_id: UUID) -> AssignmentRow | None:
    record = await conn.fetchrow(ASSIGNMENTS, tenant, assignment_id, None, None, None, START, FIRST_ID, 1)
    return one_of(AssignmentRow, record)


async def assignments(
    conn: Connection, tenant: UUID, page: Page, ref: str | None, vehicle_id: UUID | None, device: str | None
) -> list[AssignmentRow]:
    records = await conn.fetch(
        ASSIGNMENTS, tenant, None, ref, vehicle_id, device, page.after_at, page.after_id, page.limit
    )
    return all_of(AssignmentRow, records)


async def same_assignment(
    conn: Connection, tenant: UUID, device: str, from_at: datetime, ref: str | None
) -> UUID | None:
    found: UUID | None = await conn.fetchval(SAME_ASSIGNMENT, tenant, device, from_at, ref)
    return found


async def overlapping_assignment(conn: Connection, tenant: UUID, row: AssignmentRow) -> UUID | None:
    """An assignment that the exclusion constraints would set against `row`."""
    found: UUID | None = await conn.fetchval(
        OVERLAPPING_ASSIGNMENT, tenant, row.device, row.vehicle_id, row.from_at, row.to_at, row.is_primary
    )
    return found


async def end_assignment(conn: Connection, tenant: UUID, assignment_id: UUID, at: datetime) -> bool:
    """False where `at` lies outside it."""
    return await conn.fetchval(END_ASSIGNMENT, tenant, assignment_id, at) is not None


async def end_assignments_of(conn: Connection, tenant: UUID, vehicle_id: UUID, at: datetime) -> None:
    await conn.execute(END_ASSIGNMENTS_OF, tenant, vehicle_id, at)


async def devices(conn: Connection, tenant: UUID) -> list[str]:
    return [record["device"] for record in await conn.fetch(DEVICES, tenant)]


async def insert_coupling(conn: Connection, tenant: UUID, row: CouplingRow) -> None:
    """Raises a violation of `trailer_behind_one_vehicle`."""
    await conn.execute(
        INSERT_COUPLING, tenant, row.id, row.ref, row.trailer_id, row.vehicle_id, row.from_at, row.to_at, row.created_at
    )


async def coupling(conn: Connection, tenant: UUID, coupling_id: UUID) -> CouplingRow | None:
    return one_of(CouplingRow, await conn.fetchrow(COUPLINGS, tenant, coupling_id, None, None, START, FIRST_ID, 1))


async def couplings(
    conn: Connection, tenant: UUID, page: Page, ref: str | None, vehicle_id: UUID | None
) -> list[CouplingRow]:
    """`vehicle_id`: as trailer or in front of one."""
    records = await conn.fetch(COUPLINGS, tenant, None, ref, vehicle_id, page.after_at, page.after_id, page.limit)
    return all_of(CouplingRow, records)


async def same_coupling(
    conn: Connection, tenant: UUID, trailer_id: UUID, from_at: datetime, ref: str | None
) -> UUID | None:
    found: UUID | None = await conn.fetchval(SAME_COUPLING, tenant, trailer_id, from_at, ref)
    return found


async def overlapping_coupling(conn: Connection, tenant: UUID, row: CouplingRow) -> UUID | None:
    found: UUID | None = await conn.fetchval(OVERLAPPING_COUPLING, tenant, row.trailer_id, row.from_at, row.to_at)
    return found


async def end_coupling(conn: Connection, tenant: UUID, coupling_id: UUID, at: datetime) -> bool:
    """False where `at` lies outside it."""
    return await conn.fetchval(END_COUPLING, tenant, coupling_id, at) is not None


async def is_coupled(conn: Connection, tenant: UUID, vehicle_id: UUID) -> bool:
    """Whether the vehicle ever towed or was towed."""
    return await conn.fetchval(IS_COUPLED, tenant, vehicle_id) is not None


async def trailers_behind(conn: Connection, tenant: UUID, vehicle_id: UUID) -> list[UUID]:
    """Everything that it ever towed: its devices speak for them while coupled (rule VE1)."""
    return [record["trailer_id"] for record in await conn.fetch(TRAILERS_BEHIND, tenant, vehicle_id)]
