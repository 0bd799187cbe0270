"""Take a distance recorder into the register; a changed one starts a new series (rule VE2)."""

import re
from uuid import UUID

from services.claims.application.claim.review_vehicles import Reviews
from services.claims.application.happened import check_happened
from services.claims.application.refusals import already_exists, invalid, overlap, raising
from services.claims.domain.instants import nz_date
from services.claims.repo import recorders, vehicles
from services.claims.repo.locks import one_at_a_time
from services.claims.repo.recorders import RecorderRow
from shared.db.errors import constraints
from shared.db.pool import Connection


def serial_key(serial: str) -> str:
    """Letters and digits in upper case: how the serial is spaced does not make another recorder of it."""
    return re.sub(r"[^0-9A-Za-z]", "", serial).upper() or serial


async def add_recorder(
    conn: Connection, tenant: UUID, row: RecorderRow, replaces: UUID | None, reviews: Reviews
) -> RecorderRow:
    """`replaces`: the recorder whose time ends where this one's begins.  Raises Problem 409 `already_exists` or
    `recorder_overlap`, 422 for one that is another vehicle's, was taken off before, or was read after."""
    await one_at_a_time(conn, tenant, "recorder")
    if await vehicles.vehicle(conn, tenant, row.vehicle_id) is None:
        raise invalid("/vehicle_id", f"there is no vehicle {row.vehicle_id}: add it first", "unknown_id")
    key = serial_key(row.serial)
    existing = await recorders.same_recorder(conn, tenant, row.vehicle_id, key, row.ref)
    if existing is not None:
        raise already_exists("The vehicle has a recorder of this serial (or the ref is taken). Use its id.", existing)
    check_happened("/from", row.from_at, row.created_at)
    if row.to_at is not None:  # a removed recorder's last reading ends the licence that runs on it
        check_happened("/to", row.to_at, row.created_at)
    if replaces is not None:
        await _end_before(conn, tenant, replaces, row)
    detail = "A vehicle has one distance recorder at a time. Name the old one in `replaces`, or give it an end."
    other = await recorders.overlapping_recorder(conn, tenant, row)
    if other is not None:
        raise overlap("recorder_overlap", detail, other)
    with constraints({"one_recorder_per_vehicle": raising(overlap("recorder_overlap", detail, None))}):
        await recorders.insert_recorder(conn, tenant, row, key)
    await reviews.of(conn, tenant, [row.vehicle_id])
    return row


async def _end_before(conn: Connection, tenant: UUID, replaces: UUID, row: RecorderRow) -> None:
    old = await recorders.lock_recorder(conn, tenant, replaces)
    if old is None or old.vehicle_id != row.vehicle_id:
        raise invalid("/replaces", "must be a recorder of the same vehicle", "unknown_id")
    if row.from_at <= old.from_at:
        raise invalid("/from", "must be after the replaced recorder's `from`")
    if old.to_at is not None and old.to_at < row.from_at:
        raise invalid(
            "/replaces", f"was taken off on {nz_date(old.to_at)} already: leave it out, or name its successor"
        )
    if await recorders.was_read_after(conn, tenant, replaces, row.from_at):
        # or two licences could count the same travel, one on each recorder
        raise invalid(
            "/from", "the replaced recorder was read later than that: correct the instant, or strike the reading"
        )
    await recorders.end_recorder(conn, tenant, replaces, row.from_at)
