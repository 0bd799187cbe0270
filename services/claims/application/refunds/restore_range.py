"""A licence's range after what ended it came to nothing (rules LI2, LI3)."""

from uuid import UUID

from services.claims.repo import licences, vehicles
from shared.db.pool import Connection


async def restore_range(conn: Connection, tenant: UUID, licence_id: UUID) -> None:
    """As far as it was bought, or to the start of a later licence of the recorder, or to the reading at which the vehicle left.
    Recorder and licence are locked.  One that is claimed stays as it is."""
    row = await licences.licence(conn, tenant, licence_id)
    if row is None or await licences.claimed(conn, tenant, [licence_id]):
        return
    end, cause = row.end_reading, None
    later = await licences.later_start(conn, tenant, licence_id)
    if later is not None:
        end, cause = later, "overlap"
    for ending in await vehicles.endings(conn, tenant, [row.vehicle_id]):
        if ending.recorder_id == row.recorder_id and ending.reading < end:
            end = max(row.start_reading, ending.reading)
            cause = "sale" if ending.kind == "sold" else "deregistration"
    await licences.set_range(conn, tenant, licence_id, end, cause)
