"""The Agency agreed in writing to another application for licences of a sent claim (rule CL5; Act s 35(3))."""

from collections.abc import Sequence
from datetime import date
from typing import Final
from uuid import UUID

from services.claims.application.claim.claim_steps import in_order, lines_of, locked
from services.claims.application.refusals import step_not_allowed
from services.claims.repo import claim_life, licences, lodged
from services.claims.repo.claim_life import Step
from shared.clock import new_id
from shared.db.pool import Connection
from shared.http.problems import Problem

SENT_AND_LATER: Final = frozenset({"sent", "received", "returned", "decided"})


async def consent(
    conn: Connection, tenant: UUID, claim_id: UUID, licence_ids: Sequence[UUID], step: Step, today: date
) -> None:
    """Record it.  The claim goes on holding its licences, so that nothing of them changes, until another application is lodged,
    here or outside, which then takes them over and holds only what was left out.

    Raises Problem 404, 409 `step_not_allowed`, `already_released` where the claim has no licence to give, or gave it before,
    422 for a day that cannot be."""
    state = await locked(conn, tenant, claim_id)
    if state not in SENT_AND_LATER:
        words = "The form was never sent: withdraw the claim instead, which needs nobody's consent."
        raise step_not_allowed("claim", words, ["withdrawn"])
    await lines_of(conn, tenant, claim_id, licence_ids)
    await in_order(conn, tenant, claim_id, step.on_day, today)
    await licences.lock_licences(conn, tenant, licence_ids)
    given = {mark.licence_id for mark in await lodged.claimed(conn, tenant, licence_ids) if mark.consented}
    await claim_life.add_step(conn, tenant, claim_id, step, state)
    for licence_id in dict.fromkeys(licence_ids):
        if licence_id in given or not await lodged.release(conn, tenant, claim_id, licence_id, step.id):
            raise Problem(
                409, "already_released", "Another application may be lodged already, or was",
                f"Licence {licence_id} is not held by this claim, or has the Agency's consent already.",
            )  # fmt: skip
        await lodged.mark_again(conn, tenant, licence_id, step.id, new_id())
