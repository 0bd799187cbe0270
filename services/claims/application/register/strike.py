"""Take out what was entered by mistake (rules VE1, VE4, EL5, LI7): it stays on record, statements follow, and what is lodged is
held against them at once (rule CL7)."""

from uuid import UUID

from services.claims.application.claim.review_vehicles import Reviews
from services.claims.application.refunds.restore_range import hold_again, lock_with_recorders, restore_range
from services.claims.application.refusals import not_found
from services.claims.application.register.turns import follow_readings
from services.claims.repo import changes, devices, licences, lodged, recorders, vehicles
from services.claims.repo.changes import Why
from services.claims.repo.reviews import lock_vehicles
from shared.clock import new_id
from shared.db.pool import Connection


async def strike_assignment(conn: Connection, tenant: UUID, assignment_id: UUID, why: Why, reviews: Reviews) -> None:
    """A device that never was on the vehicle in that time.  Raises Problem 404."""
    row = await devices.assignment(conn, tenant, assignment_id)
    if row is None or not await changes.strike(conn, tenant, "device_assignment", assignment_id, why):
        raise not_found("device assignment", assignment_id)
    behind = await devices.trailers_behind(conn, tenant, row.vehicle_id)
    await reviews.of(conn, tenant, [row.vehicle_id, *behind])


async def strike_coupling(conn: Connection, tenant: UUID, coupling_id: UUID, why: Why, reviews: Reviews) -> None:
    """A trailer that never was behind the vehicle in that time.  Raises Problem 404."""
    row = await devices.coupling(conn, tenant, coupling_id)
    if row is None or not await changes.strike(conn, tenant, "coupling", coupling_id, why):
        raise not_found("coupling", coupling_id)
    await reviews.of(conn, tenant, [row.trailer_id])


async def strike_ending(conn: Connection, tenant: UUID, vehicle_id: UUID, why: Why, reviews: Reviews) -> None:
    """A sale, or a cancelled registration, of a vehicle that never left.  Its reading goes with it, licences reach as far again
    as they did without it; devices are put on again by hand, since nobody can say which of them stayed.

    Raises Problem 404; 409 where a licence would reach into one that was bought meanwhile."""
    if not await vehicles.lock_vehicle(conn, tenant, vehicle_id):
        raise not_found("vehicle", vehicle_id)
    ending = next(iter(await vehicles.endings(conn, tenant, [vehicle_id])), None)
    if ending is None:
        raise not_found("sale or cancelled registration of vehicle", vehicle_id)
    recorder = await recorders.lock_recorder(conn, tenant, ending.recorder_id)
    await lock_vehicles(conn, tenant, [vehicle_id])
    await changes.strike(conn, tenant, "vehicle_ending", ending.id, why)
    taken = await recorders.same_reading(conn, tenant, ending.recorder_id, ending.at, "person", None)
    if taken is not None:
        await changes.strike_reading(
            conn, tenant, taken, Why(id=new_id(), reason=why.reason, actor=why.actor, at=why.at)
        )
    if recorder is not None:
        await follow_readings(conn, tenant, recorder)
    for row in await licences.licences_of_recorder(conn, tenant, ending.recorder_id):
        if row.ended_by in {"sale", "deregistration"}:
            await restore_range(conn, tenant, row.id)
    await reviews.of(conn, tenant, [vehicle_id, *await devices.trailers_behind(conn, tenant, vehicle_id)])


async def strike_outside(conn: Connection, tenant: UUID, licence_id: UUID, why: Why) -> None:
    """A licence that never was claimed outside: it may be claimed here again (rule LI7).  Where it was taken for the second
    application that the Agency agreed to, the first claim holds it again (rule CL5).

    Raises Problem 404, 409 `range_claimed` where another licence's claim holds some of that meanwhile."""
    if not await lock_with_recorders(conn, tenant, [licence_id]):
        raise not_found("licence", licence_id)
    marks = [one for one in await lodged.claimed(conn, tenant, [licence_id]) if one.kind == "outside"]
    if not marks or not await changes.strike(conn, tenant, "claimed_outside", marks[0].source_id, why):
        raise not_found("claim outside of licence", licence_id)
    await hold_again(conn, tenant, licence_id, marks[0].source_id)
    await restore_range(conn, tenant, licence_id)
