"""Record that a licence was claimed outside this system (rule LI7): it blocks like a lodged claim."""

from datetime import date, datetime
from uuid import UUID

from services.claims.application.happened import check_day_happened
from services.claims.application.refusals import (
    already_claimed,
    already_exists,
    claimed_once,
    invalid,
    not_found,
    range_claimed,
)
from services.claims.application.sealing import Hasher, licence_hashes
from services.claims.domain.instants import nz_date
from services.claims.repo import licences, lodged
from services.claims.repo.records import register_around
from shared.db.errors import constraints
from shared.db.pool import Connection


async def claim_outside(
    conn: Connection, tenant: UUID, outside_id: UUID, licence_id: UUID, claimed_on: date, reference: str, actor: str,
    reason: str, hasher: Hasher, now: datetime,
) -> None:  # fmt: skip
    """Raises Problem 409 `already_exists` for a second record, `already_claimed` for a licence lodged here without the Agency's
    consent to another application, `range_claimed` where another licence's claim has some of its kilometres; 422 for a day that
    is yet to come."""
    if not await licences.lock_licences(conn, tenant, [licence_id]):
        raise not_found("licence", licence_id)
    register = await register_around(conn, tenant, [licence_id])
    row = next(lic for lic in register.licences if lic.id == licence_id)
    mark = register.marks.get(licence_id)
    if mark is not None and mark.kind == "outside":
        raise already_exists("This licence is recorded as claimed outside already.", mark.source_id)
    if mark is not None and not any(m.consented for m in await lodged.claimed(conn, tenant, [licence_id])):
        raise already_claimed([licence_id])
    for held in register.taken:
        if held.how in {"claim", "outside"}:
            raise range_claimed(licence_id, held)
    if row.claimable_end_reading <= row.start_reading or row.kind == "additional":
        raise invalid("", "nothing of this licence can be claimed, so it cannot have been")
    check_day_happened("/claimed_on", claimed_on, nz_date(now))
    if mark is not None:  # the Agency agreed to another application, which was made elsewhere (rule CL5)
        await lodged.release(conn, tenant, mark.source_id, licence_id, outside_id)
    await lodged.insert_outside(conn, tenant, outside_id, licence_id, claimed_on, reference, actor, reason)
    hashes = licence_hashes(hasher, row.number_key, register.plate_at(row.vehicle_id, row.issued_at))
    with constraints(claimed_once(licence_id)):
        await lodged.lodge_licence(conn, tenant, outside_id, row, hashes, "outside", outside_id)
