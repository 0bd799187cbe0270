"""Couple a trailer behind a vehicle for a time, and uncouple it (rule VE1)."""

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from services.claims.application.claim.review_vehicles import Reviews
from services.claims.application.refusals import already_exists, invalid, not_found, overlap, raising
from services.claims.repo import devices, vehicles
from services.claims.repo.devices import CouplingRow
from services.claims.repo.locks import one_at_a_time
from shared.db.errors import constraints
from shared.db.pool import Connection


async def couple_trailer(conn: Connection, tenant: UUID, row: CouplingRow, reviews: Reviews) -> CouplingRow:
    """Raises Problem 409 `already_exists` or `coupling_overlap`, 422 where either is not what it should be."""
    await one_at_a_time(conn, tenant, "coupling")
    for vehicle_id in sorted({row.trailer_id, row.vehicle_id}):  # what tows stays so: `correct_vehicle` waits
        await vehicles.lock_vehicle(conn, tenant, vehicle_id)
    trailer = await vehicles.vehicle(conn, tenant, row.trailer_id)
    if trailer is None or trailer.powered:
        raise invalid("/trailer_id", "must be a registered vehicle with `powered` false", "unknown_id")
    towing = await vehicles.vehicle(conn, tenant, row.vehicle_id)
    if towing is None or not towing.powered:
        raise invalid("/vehicle_id", "must be a registered powered vehicle", "unknown_id")
    existing = await devices.same_coupling(conn, tenant, row.trailer_id, row.from_at, row.ref)
    if existing is not None:
        raise already_exists("This trailer is coupled from that instant (or the ref is taken). Use its id.", existing)
    detail = "A trailer is behind one vehicle at a time (rule VE1). End the other coupling first."
    other = await devices.overlapping_coupling(conn, tenant, row)
    if other is not None:
        raise overlap("coupling_overlap", detail, other)
    with constraints({"trailer_behind_one_vehicle": raising(overlap("coupling_overlap", detail, None))}):
        await devices.insert_coupling(conn, tenant, row)
    await reviews.of(conn, tenant, [row.trailer_id])
    return row


async def end_coupling(
    conn: Connection, tenant: UUID, coupling_id: UUID, at: datetime, reviews: Reviews
) -> CouplingRow:
    """Uncoupled at `at`, which must lie inside the coupling."""
    row = await devices.coupling(conn, tenant, coupling_id)
    if row is None:
        raise not_found("coupling", coupling_id)
    if not await devices.end_coupling(conn, tenant, coupling_id, at):
        raise invalid("/to", "must lie inside the coupling")
    await reviews.of(conn, tenant, [row.trailer_id])
    return replace(row, to_at=at)
