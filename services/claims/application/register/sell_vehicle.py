"""A vehicle leaves the fleet: sold, or its registration cancelled (rules EL1, EL5, LI2)."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.claims.application.claim.review_vehicles import Reviews
from services.claims.application.refusals import already_exists, invalid, not_found, raising
from services.claims.application.register.add_reading import check_reading
from services.claims.application.register.turns import follow_readings, series_of
from services.claims.repo import devices, licences, recorders, vehicles
from services.claims.repo.recorders import ReadingRow
from services.claims.repo.reviews import lock_vehicles
from services.claims.repo.vehicles import EndingRow
from shared.clock import new_id
from shared.db.errors import constraints
from shared.db.pool import Connection


@dataclass(frozen=True)
class Sold:
    ending: EndingRow
    licences_ended: list[UUID]
    warnings: list[str]


async def sell_vehicle(conn: Connection, tenant: UUID, row: EndingRow, now: datetime, reviews: Reviews) -> Sold:
    """`row.recorder_id` is found here.  The reading becomes an actual reading of the recorder on the vehicle at that instant;
    claimable ranges end there, the devices come off, from the trailers behind it too."""
    if not await vehicles.lock_vehicle(conn, tenant, row.vehicle_id):
        raise not_found("vehicle", row.vehicle_id)
    known = await vehicles.endings(conn, tenant, [row.vehicle_id])
    if known:
        raise already_exists("The vehicle has left the fleet already.", known[0].id)
    recorder_id = await recorders.recorder_at(conn, tenant, row.vehicle_id, row.at)
    recorder = None if recorder_id is None else await recorders.lock_recorder(conn, tenant, recorder_id)
    if recorder is None:
        raise invalid("/at", "the vehicle has no distance recorder at that instant: add it, or correct the instant")
    ending = EndingRow(
        id=row.id, vehicle_id=row.vehicle_id, kind=row.kind, at=row.at, recorder_id=recorder.id, reading=row.reading,
        reason=row.reason, actor=row.actor,
    )  # fmt: skip
    reading = ReadingRow(
        id=new_id(), ref=None, recorder_id=recorder.id, at=row.at, value=row.reading, source="person",
        note=f"{row.kind}: {row.reason}"[:500], label="", created_at=now,
    )  # fmt: skip
    await check_reading(conn, tenant, recorder, reading, "/reading")
    if await recorders.same_reading(conn, tenant, recorder.id, row.at, "person", None) is None:
        await recorders.insert_reading(conn, tenant, reading)
    with constraints({"vehicle_ending_once": raising(already_exists("The vehicle has left the fleet already.", None))}):
        await vehicles.insert_ending(conn, tenant, ending)
    moved = [row.vehicle_id, *await devices.trailers_behind(conn, tenant, row.vehicle_id)]
    await lock_vehicles(conn, tenant, moved)
    await follow_readings(conn, tenant, recorder)
    left_at = (await series_of(conn, tenant, recorder)).units(row.reading, row.at)
    ended = await licences.end_ranges_at(conn, tenant, recorder.id, left_at, row.cause, row.at)
    await devices.end_assignments_of(conn, tenant, row.vehicle_id, row.at)
    await reviews.of(conn, tenant, moved)  # it may be long ago
    warnings = [
        f"The range of licence {licence.number} ends at {row.reading}: "
        "a buyer who claims on the same licence would clash with your claim (rule EL5)."
        for licence in await licences.licences_by_id(conn, tenant, ended)
        if row.kind == "sold"
    ]
    return Sold(ending, ended, warnings)
