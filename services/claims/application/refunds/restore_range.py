"""A licence's range after what ended it came to nothing (rules LI2, LI3)."""

from dataclasses import replace
from uuid import UUID

from services.claims.application.register.turns import series_of
from services.claims.repo import licences, lodged, recorders, vehicles
from shared.db.pool import Connection


async def restore_range(conn: Connection, tenant: UUID, licence_id: UUID, *, though_claimed: bool = False) -> None:
    """As far as it was bought, or to the start of a later licence of the recorder, or to the reading at which the vehicle left.
    Recorder and licence are locked.  One that is claimed stays as it is, unless it was cut after its claim."""
    row = await licences.licence(conn, tenant, licence_id)
    if row is None or (not though_claimed and await lodged.claimed(conn, tenant, [licence_id])):
        return
    later = await licences.later_start(conn, tenant, licence_id)
    end, cause = (row.end_reading, None) if later is None else (later, "overlap")
    recorder = await recorders.recorder(conn, tenant, row.recorder_id)
    if recorder is None:
        raise KeyError(row.recorder_id)
    series = await series_of(conn, tenant, recorder)
    endings = await vehicles.endings(conn, tenant, [row.vehicle_id])
    row = series.until_left(replace(row, claimable_end_reading=end, ended_by=cause), endings)
    await licences.set_range(conn, tenant, licence_id, row.claimable_end_reading, row.ended_by)
