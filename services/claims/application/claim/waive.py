"""A person's decision to go on in spite of a finding, with a reason (rules EL4, EL8)."""

from uuid import UUID

from services.claims.application.refusals import already_exists, invalid, raising
from services.claims.repo import licences, parties
from services.claims.repo.locks import one_at_a_time
from services.claims.repo.parties import WaiverRow
from shared.db.errors import constraints
from shared.db.pool import Connection


async def waive(conn: Connection, tenant: UUID, row: WaiverRow) -> WaiverRow:
    """Raises Problem 409 `already_exists` for the same rule and thing, 422 for a thing that is not there."""
    await one_at_a_time(conn, tenant, "waiver")
    if row.licence_id is not None and await licences.licence(conn, tenant, row.licence_id) is None:
        raise invalid("/licence_id", f"there is no licence {row.licence_id}", "unknown_id")
    if row.claimant_id is not None and await parties.claimant(conn, tenant, row.claimant_id) is None:
        raise invalid("/claimant_id", f"there is no claimant {row.claimant_id}", "unknown_id")
    existing = await parties.waiver_for(conn, tenant, row.rule, row.licence_id, row.claimant_id)
    if existing is not None:
        raise already_exists("This was waived already.", existing)
    with constraints({"waiver_once": raising(already_exists("This was waived already.", None))}):
        await parties.insert_waiver(conn, tenant, row)
    return row
