"""Take a vehicle or trailer into the register, and give it another plate (rules VE1, VE5)."""

from datetime import datetime
from uuid import UUID

from services.claims.application.refusals import already_exists, invalid, not_found, raising
from services.claims.application.register.papers import note_vehicle
from services.claims.application.sealing import Hasher
from services.claims.domain.register.vehicle import InvalidPlate, normalise_plate
from services.claims.repo import vehicles
from services.claims.repo.locks import one_at_a_time
from services.claims.repo.vehicles import VehicleRow
from shared.clock import new_id
from shared.db.errors import constraints
from shared.db.pool import Connection


async def add_vehicle(conn: Connection, tenant: UUID, row: VehicleRow, plate: str, plate_from: datetime) -> VehicleRow:
    """Raises Problem 409 `already_exists` for a plate that another vehicle bears from then on, or a taken reference."""
    plate = _plate(plate)
    await one_at_a_time(conn, tenant, "vehicle")
    if row.ref is not None:
        existing = await vehicles.vehicle_of_ref(conn, tenant, row.ref)
        if existing is not None:
            raise already_exists(f"A vehicle with the ref {row.ref!r} is registered. Use its id.", existing)
    await _free(conn, tenant, plate, plate_from)
    await vehicles.insert_vehicle(conn, tenant, row)
    await _put_plate(conn, tenant, row.id, plate, plate_from)
    return row


async def change_plate(
    conn: Connection, tenant: UUID, vehicle_id: UUID, plate: str, from_at: datetime, hasher: Hasher
) -> None:
    """The vehicle bears `plate` from then on; the plate before it ends there.  Licences keep the plate they were issued to:
    those issued since then get this one, which rule LI4 looks at."""
    plate = _plate(plate)
    await one_at_a_time(conn, tenant, "vehicle")
    if not await vehicles.lock_vehicle(conn, tenant, vehicle_id):
        raise not_found("vehicle", vehicle_id)
    await _free(conn, tenant, plate, from_at)
    await vehicles.close_plate(conn, tenant, vehicle_id, from_at)
    await _put_plate(conn, tenant, vehicle_id, plate, from_at)
    await note_vehicle(conn, tenant, vehicle_id, hasher)


def _plate(text: str) -> str:
    try:
        return normalise_plate(text)
    except InvalidPlate as error:
        raise invalid("/plate", str(error)) from error


async def _free(conn: Connection, tenant: UUID, plate: str, from_at: datetime) -> None:
    existing = await vehicles.vehicle_of_plate(conn, tenant, plate, from_at)
    if existing is not None:
        raise already_exists(f"Plate {plate} is on a registered vehicle at that time or later. Use its id.", existing)


async def _put_plate(conn: Connection, tenant: UUID, vehicle_id: UUID, plate: str, from_at: datetime) -> None:
    taken = raising(already_exists(f"Plate {plate} is taken at that time.", None))
    later = raising(invalid("/from", "the vehicle bears another plate at that time or later: give a later instant"))
    with constraints({"plate_on_one_vehicle": taken, "vehicle_has_one_plate": later}):
        await vehicles.insert_plate(conn, tenant, new_id(), vehicle_id, plate, from_at)
