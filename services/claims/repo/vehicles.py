"""Vehicles, their plates in time (rule VE1), and how they left the fleet."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from services.claims.repo.rows import FIRST_ID, START, Page, all_of, one_of
from shared.db.pool import Connection

INSERT_VEHICLE: Final = """
insert into claims.vehicle (tenant_id, id, ref, description, powered, ruc_type, gross_kg, exempt, exempt_reason,
    created_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"""
VEHICLES: Final = """
select v.id, v.ref, v.description, v.powered, v.ruc_type, v.gross_kg, v.exempt, v.exempt_reason, v.created_at
from claims.vehicle v
where v.tenant_id = $1 and v.id = coalesce($2, v.id) and ($3::text is null or v.ref = $3)
    and ($4::text is null or exists (select from claims.vehicle_plate p
        where p.tenant_id = $1 and p.vehicle_id = v.id and p.plate = $4))
    and (v.created_at, v.id) > ($5, $6)
order by v.created_at, v.id limit $7"""
VEHICLES_BY_ID: Final = """
select id, ref, description, powered, ruc_type, gross_kg, exempt, exempt_reason, created_at
from claims.vehicle where tenant_id = $1 and id = any($2::uuid[])"""
SET_VEHICLE: Final = """
update claims.vehicle set description = $3, powered = $4, ruc_type = $5, gross_kg = $6, exempt = $7, exempt_reason = $8
where tenant_id = $1 and id = $2"""
LOCK_VEHICLE: Final = "select id from claims.vehicle where tenant_id = $1 and id = $2 for no key update"
INSERT_ENDING: Final = """
insert into claims.vehicle_ending (tenant_id, id, vehicle_id, kind, at, recorder_id, reading, reason, actor)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9)"""
ENDINGS: Final = """
select id, vehicle_id, kind, at, recorder_id, reading, reason, actor
from claims.vehicle_ending where tenant_id = $1 and vehicle_id = any($2::uuid[]) order by vehicle_id, at"""

INSERT_PLATE: Final = """
insert into claims.vehicle_plate (tenant_id, id, vehicle_id, plate, period)
values ($1, $2, $3, $4, tstzrange($5, null, '[)'))"""
PLATES: Final = """
select vehicle_id, plate, lower(period) as from_at, upper(period) as to_at
from claims.vehicle_plate where tenant_id = $1 and vehicle_id = any($2::uuid[]) order by vehicle_id, lower(period)"""
CLOSE_PLATE: Final = """
update claims.vehicle_plate set period = tstzrange(lower(period), $3, '[)')
where tenant_id = $1 and vehicle_id = $2 and upper_inf(period) and lower(period) < $3"""
VEHICLE_OF_PLATE: Final = """
select vehicle_id from claims.vehicle_plate
where tenant_id = $1 and plate = $2 and period && tstzrange($3, null, '[)') order by lower(period) limit 1"""
VEHICLE_OF_REF: Final = "select id from claims.vehicle where tenant_id = $1 and ref = $2"


@dataclass(frozen=True)
class VehicleRow:
    id: UUID
    ref: str | None
    description: str
    powered: bool
    ruc_type: str
    gross_kg: int | None
    exempt: bool
    exempt_reason: str
    created_at: datetime


@dataclass(frozen=True)
class EndingRow:
    """How a vehicle left the fleet, with the reading of its recorder at that instant."""

    id: UUID
    vehicle_id: UUID
    kind: str
    at: datetime
    recorder_id: UUID
    reading: int
    reason: str
    actor: str

    @property
    def cause(self) -> str:
        """What it ends the range of a licence by."""
        return "sale" if self.kind == "sold" else "deregistration"


@dataclass(frozen=True)
class PlateRow:
    vehicle_id: UUID
    plate: str
    from_at: datetime
    to_at: datetime | None


async def insert_vehicle(conn: Connection, tenant: UUID, row: VehicleRow) -> None:
    await conn.execute(
        INSERT_VEHICLE, tenant, row.id, row.ref, row.description, row.powered, row.ruc_type, row.gross_kg, row.exempt,
        row.exempt_reason, row.created_at,
    )  # fmt: skip


async def vehicle(conn: Connection, tenant: UUID, vehicle_id: UUID) -> VehicleRow | None:
    return one_of(VehicleRow, await conn.fetchrow(VEHICLES, tenant, vehicle_id, None, None, START, FIRST_ID, 1))


async def vehicles(conn: Connection, tenant: UUID, page: Page, ref: str | None, plate: str | None) -> list[VehicleRow]:
    """`plate`: the vehicles that ever bore it."""
    records = await conn.fetch(VEHICLES, tenant, None, ref, plate, page.after_at, page.after_id, page.limit)
    return all_of(VehicleRow, records)


async def set_vehicle(conn: Connection, tenant: UUID, row: VehicleRow) -> None:
    await conn.execute(
        SET_VEHICLE,
        tenant,
        row.id,
        row.description,
        row.powered,
        row.ruc_type,
        row.gross_kg,
        row.exempt,
        row.exempt_reason,
    )


async def lock_vehicle(conn: Connection, tenant: UUID, vehicle_id: UUID) -> bool:
    """Serialises what happens to one vehicle until the transaction ends; False where there is none."""
    return await conn.fetchrow(LOCK_VEHICLE, tenant, vehicle_id) is not None


async def insert_ending(conn: Connection, tenant: UUID, row: EndingRow) -> None:
    """Raises a violation of `vehicle_ending_once`."""
    await conn.execute(
        INSERT_ENDING,
        tenant,
        row.id,
        row.vehicle_id,
        row.kind,
        row.at,
        row.recorder_id,
        row.reading,
        row.reason,
        row.actor,
    )


async def endings(conn: Connection, tenant: UUID, vehicle_ids: Sequence[UUID]) -> list[EndingRow]:
    return all_of(EndingRow, await conn.fetch(ENDINGS, tenant, list(vehicle_ids)))


async def vehicles_by_id(conn: Connection, tenant: UUID, vehicle_ids: Sequence[UUID]) -> list[VehicleRow]:
    return all_of(VehicleRow, await conn.fetch(VEHICLES_BY_ID, tenant, list(vehicle_ids)))


async def insert_plate(
    conn: Connection, tenant: UUID, plate_id: UUID, vehicle_id: UUID, plate: str, from_at: datetime
) -> None:
    """Raises a violation of `plate_on_one_vehicle` or `vehicle_has_one_plate`."""
    await conn.execute(INSERT_PLATE, tenant, plate_id, vehicle_id, plate, from_at)


async def close_plate(conn: Connection, tenant: UUID, vehicle_id: UUID, at: datetime) -> None:
    await conn.execute(CLOSE_PLATE, tenant, vehicle_id, at)


async def plates(conn: Connection, tenant: UUID, vehicle_ids: Sequence[UUID]) -> list[PlateRow]:
    return all_of(PlateRow, await conn.fetch(PLATES, tenant, list(vehicle_ids)))


async def vehicle_of_plate(conn: Connection, tenant: UUID, plate: str, from_at: datetime) -> UUID | None:
    """The vehicle that bears the plate at or after `from_at`."""
    found: UUID | None = await conn.fetchval(VEHICLE_OF_PLATE, tenant, plate, from_at)
    return found


async def vehicle_of_ref(conn: Connection, tenant: UUID, ref: str) -> UUID | None:
    found: UUID | None = await conn.fetchval(VEHICLE_OF_REF, tenant, ref)
    return found


def plate_at(plates: Sequence[PlateRow], vehicle_id: UUID, at: datetime) -> str:
    """The plate a vehicle bore at an instant, else the first it had afterwards, else ""."""
    own = sorted((p for p in plates if p.vehicle_id == vehicle_id), key=lambda p: p.from_at)
    borne = [p for p in own if p.from_at <= at and (p.to_at is None or at < p.to_at)]
    return (borne or own)[0].plate if own else ""
