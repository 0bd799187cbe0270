"""Put a device on a vehicle for a time, and take it off (rule VE4)."""

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from services.claims.application.claim.review_vehicles import Reviews
from services.claims.application.refusals import already_exists, invalid, not_found, overlap, raising
from services.claims.repo import devices, vehicles
from services.claims.repo.devices import AssignmentRow
from services.claims.repo.locks import one_at_a_time
from shared.db.errors import constraints
from shared.db.pool import Connection


async def assign_device(conn: Connection, tenant: UUID, row: AssignmentRow, reviews: Reviews) -> AssignmentRow:
    """Raises Problem 409: `already_exists` for the same device from the same instant, `assignment_overlap` where the device is
    on another vehicle or the vehicle has another primary device at some instant of the time."""
    await one_at_a_time(conn, tenant, "assignment")
    if await vehicles.vehicle(conn, tenant, row.vehicle_id) is None:
        raise invalid("/vehicle_id", f"there is no vehicle {row.vehicle_id}: add it first", "unknown_id")
    existing = await devices.same_assignment(conn, tenant, row.device, row.from_at, row.ref)
    if existing is not None:
        raise already_exists("This device is assigned from that instant (or the ref is taken). Use its id.", existing)
    detail = (
        "A device is on one vehicle at a time and a vehicle has one primary device at a time (rule VE4). "
        "End the other assignment first, or set `primary` to false."
    )
    other = await devices.overlapping_assignment(conn, tenant, row)
    if other is not None:
        raise overlap("assignment_overlap", detail, other)
    clash = raising(overlap("assignment_overlap", detail, None))
    with constraints({"device_on_one_vehicle": clash, "one_primary_device": clash}):
        await devices.insert_assignment(conn, tenant, row)
    await _moved(conn, tenant, row, reviews)
    return row


async def end_assignment(
    conn: Connection, tenant: UUID, assignment_id: UUID, at: datetime, reviews: Reviews
) -> AssignmentRow:
    """The device leaves the vehicle at `at`, which must lie inside the assignment."""
    row = await devices.assignment(conn, tenant, assignment_id)
    if row is None:
        raise not_found("device assignment", assignment_id)
    if not await devices.end_assignment(conn, tenant, assignment_id, at):
        raise invalid("/to", "must lie inside the assignment")
    await _moved(conn, tenant, row, reviews)
    return replace(row, to_at=at)


async def _moved(conn: Connection, tenant: UUID, row: AssignmentRow, reviews: Reviews) -> None:
    if row.is_primary:  # others are evidence only
        await reviews.of(conn, tenant, [row.vehicle_id, *await devices.trailers_behind(conn, tenant, row.vehicle_id)])
