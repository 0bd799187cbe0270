"""Take a licence into the register (rules LI1-LI5)."""

from dataclasses import replace
from uuid import UUID

from services.claims.application.claim.review_vehicles import Reviews
from services.claims.application.happened import check_happened
from services.claims.application.refunds.overlap_credit import Credit, credits_unmet, take_credits
from services.claims.application.refusals import already_exists, invalid, overlap, raising
from services.claims.application.register.papers import note_licences
from services.claims.application.register.turns import Series, series_of
from services.claims.application.sealing import Hasher
from services.claims.application.statement.binding import licence_from_row, recorder_from_row
from services.claims.domain.register.licence import InvalidLicence, check_licence, normalise_number
from services.claims.repo import exemptions, licences, lodged, parties, recorders, vehicles
from services.claims.repo.licences import LicenceRow
from services.claims.repo.locks import one_at_a_time
from services.claims.repo.reviews import lock_vehicles
from shared.db.errors import constraints
from shared.db.pool import Connection

_CLASH = (
    "Another licence of this recorder covers part of that range (rule LI4). Correct the readings, or, where this one was "
    "bought to overlap the current licence, set `overlap` to true (rule LI3)."
)
_CLAIMED_OUTSIDE = (
    "The licence it overlaps is recorded as claimed outside this system, so that nothing here can tell what was claimed too "
    "much (rule CL7). Take that record back, with its reason, if it is wrong."
)


async def add_licence(conn: Connection, tenant: UUID, row: LicenceRow, hasher: Hasher, reviews: Reviews) -> LicenceRow:
    """`row.vehicle_id`, `number_key`, `claimable_end_reading`, `ended_by` and `turned` are found here.  Raises Problem 422
    naming the field, 409 `already_exists` for a known number however it is spelt, 409 `licence_range_overlap`."""
    await one_at_a_time(conn, tenant, "licence")
    recorder = await recorders.lock_recorder(conn, tenant, row.recorder_id)
    if recorder is None:
        raise invalid("/recorder_id", f"there is no recorder {row.recorder_id}: add it first", "unknown_id")
    vehicle = await vehicles.vehicle(conn, tenant, recorder.vehicle_id)
    if vehicle is None:
        raise invalid("/recorder_id", "its vehicle is gone", "unknown_id")
    if vehicle.exempt:
        raise invalid("/recorder_id", f"the vehicle is exempt ({vehicle.exempt_reason}) and buys no licence (rule VE5)")
    if await exemptions.is_exempt(conn, tenant, vehicle.id, row.issued_at):
        raise invalid("/issued_at", "the vehicle is exempt under section 40 then and buys no licence (rule VE5)")
    if await parties.claimant(conn, tenant, row.claimant_id) is None:
        raise invalid("/claimant_id", f"there is no claimant {row.claimant_id}: add it first", "unknown_id")
    row = replace(row, vehicle_id=vehicle.id)
    try:
        row = replace(row, number_key=normalise_number(row.number))
        check_licence(licence_from_row(row, vehicle, ""), recorder_from_row(recorder))
    except InvalidLicence as error:
        raise invalid(f"/{error.field}", str(error), "licence_invalid") from error
    existing = await licences.same_licence(conn, tenant, row.number_key, row.ref)
    if existing is not None:
        raise already_exists(f"Licence {row.number} (or its ref) is registered. Use its id.", existing)
    check_happened("/issued_at", row.issued_at, row.created_at)
    check_happened("/purchased_at", row.purchased_at, row.created_at)
    credited: list[Credit] = []
    series = await series_of(conn, tenant, recorder)
    row = replace(row, turned=series.turned(row))
    if row.kind != "additional":
        row, credited = await _settle_ranges(conn, tenant, row, series)
        if not credited:
            credited = await credits_unmet(conn, tenant, row)
    clash = raising(overlap("licence_range_overlap", _CLASH, None))
    with constraints({"licence_ranges_apart": clash}):
        await licences.insert_licence(conn, tenant, row)
    await take_credits(conn, tenant, credited)
    await note_licences(conn, tenant, [row], hasher)
    await reviews.of(conn, tenant, [row.vehicle_id])
    return row


async def _settle_ranges(
    conn: Connection, tenant: UUID, row: LicenceRow, series: Series
) -> tuple[LicenceRow, list[Credit]]:
    """End older ranges where this licence overlaps them, and this one's where a later one that is known already does; with what
    was credited for it (rule OT1).  One that was bought ahead and lies whole under the overlap ends where it starts.  One that
    is claimed already ends too: the overlap was entered late, and the claim said too much (rule CL7)."""
    credited: dict[UUID, Credit] = {}
    row = series.until_left(row, await vehicles.endings(conn, tenant, [row.vehicle_id]))
    start = row.start_reading + row.turned
    met = await licences.licences_in_range(conn, tenant, row.recorder_id, start, row.claimable_end_reading + row.turned)
    if met:
        await lock_vehicles(conn, tenant, [row.vehicle_id])
    for other in met:
        at = max(start, other.start_reading + other.turned)  # where the overlap begins on the series
        bought_later = (row.issued_at, row.start_reading) > (other.issued_at, other.start_reading)
        if bought_later and row.overlap:
            marks = await lodged.claimed(conn, tenant, [other.id])
            if any(mark.kind == "outside" for mark in marks):
                raise overlap("licence_range_overlap", _CLAIMED_OUTSIDE, other.id)
            await licences.end_range(conn, tenant, other.id, at - other.turned, "overlap")
            # its claim holds those kilometres, and what it says too much is disclosed; what lies beyond was credited
            beyond = max([at - other.turned, *(mark.until_reading for mark in marks)])
            if beyond < other.end_reading:
                credited[other.id] = Credit(other.id, beyond, other.end_reading, row.id)
        elif not bought_later and other.overlap:
            if at - row.turned < row.claimable_end_reading:
                row = replace(row, claimable_end_reading=at - row.turned, ended_by="overlap")
                credited[row.id] = Credit(row.id, at - row.turned, row.end_reading, other.id)
        else:
            raise overlap("licence_range_overlap", _CLASH, other.id)
    return row, list(credited.values())
