"""A licence's range after what ended it came to nothing (rules LI2, LI3)."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final
from uuid import UUID

from services.claims.application.refusals import claimed_once, overlap, raising, range_claimed
from services.claims.application.register.turns import series_of
from services.claims.repo import applications, licences, lodged, recorders, taken, vehicles
from shared.clock import new_id
from shared.db.errors import constraints
from shared.db.pool import Connection

UNUSED_FROM: Final = {"surrender": "surrender", "recorder_change": "recorder_change"}
"""What an application ends a licence as; a cancelled vehicle's range ends with the vehicle."""
_INTO_ANOTHER: Final = "The licence would reach into another one then: strike that one first (rule LI4)."


async def lock_with_recorders(conn: Connection, tenant: UUID, licence_ids: Sequence[UUID]) -> list[UUID]:
    """Recorders before licences, each in ascending order of id; the licences that are there."""
    for recorder_id in sorted({row.recorder_id for row in await licences.licences_by_id(conn, tenant, licence_ids)}):
        await recorders.lock_recorder(conn, tenant, recorder_id)
    return await licences.lock_licences(conn, tenant, licence_ids)


async def hold_again(conn: Connection, tenant: UUID, licence_id: UUID, released_by: UUID) -> None:
    """The claim whose mark `released_by` released has the licence again (rule CL5); nothing happens where it released none.
    Recorder and licence are locked.  Raises Problem 409 `range_claimed` with the claim that is to be withdrawn first."""
    for held in await taken.in_its_way(conn, tenant, licence_id, released_by):
        raise range_claimed(licence_id, held)
    with constraints(claimed_once(licence_id)):
        await lodged.mark_again(conn, tenant, licence_id, released_by, new_id())


async def restore_range(conn: Connection, tenant: UUID, licence_id: UUID, *, though_claimed: bool = False) -> None:
    """As far as it was bought, or to the start of a later licence of the recorder, to the reading at which the vehicle left, or
    to what is asked for as unused.  Recorder and licence are locked.  One that is claimed stays as it is, unless it was cut
    after its claim.  Raises Problem 409 `licence_range_overlap`."""
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
    for asked in await applications.standing(conn, tenant, [row.vehicle_id]):
        mine = asked.licence_id == licence_id and asked.kind in UNUSED_FROM
        if mine and asked.from_reading < row.claimable_end_reading:
            row = replace(row, claimable_end_reading=asked.from_reading, ended_by=UNUSED_FROM[asked.kind])
    with constraints({"licence_ranges_apart": raising(overlap("licence_range_overlap", _INTO_ANOTHER, None))}):
        await licences.set_range(conn, tenant, licence_id, row.claimable_end_reading, row.ended_by)
