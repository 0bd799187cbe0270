"""Steps of a lodged claim: sent, received, returned, withdrawn (rules CL5, CL6)."""

from collections.abc import Sequence
from datetime import date
from typing import cast
from uuid import UUID

from services.claims.application.claim.review_claim import close_disclosure
from services.claims.application.happened import check_step_day
from services.claims.application.refunds.restore_range import hold_again, lock_with_recorders, restore_range
from services.claims.application.refusals import invalid, not_found, step_not_allowed
from services.claims.application.webhooks.tell import tell
from services.claims.domain.claim.claim_life import ClaimState, IllegalStep, advance
from services.claims.repo import claim_life, claims, lodged
from services.claims.repo.claim_life import Step
from services.claims.repo.claims import LineRow
from shared.db.pool import Connection


async def take_step(conn: Connection, tenant: UUID, claim_id: UUID, step: Step, today: date) -> None:
    """`step.kind`: sent, received, returned, withdrawn.  Raises Problem 404, 409 `step_not_allowed`, 422 for a day before
    the step before it or yet to come, or an attachment that is not there."""
    to = cast("ClaimState", step.kind)
    state = await locked(conn, tenant, claim_id)
    try:
        advance(state, to)
    except IllegalStep as error:
        raise step_not_allowed("claim", str(error), error.allowed) from error
    await in_order(conn, tenant, claim_id, step.on_day, today)
    if step.attachment_id is not None and await claim_life.attachment(conn, tenant, step.attachment_id) is None:
        raise invalid("/attachment_id", f"there is no attachment {step.attachment_id}", "unknown_id")
    await claim_life.add_step(conn, tenant, claim_id, step, to)
    await tell(conn, tenant, f"claim.{to}", claim_id=claim_id)


async def withdraw(conn: Connection, tenant: UUID, claim_id: UUID, step: Step, today: date) -> None:
    """Rule CL5: while the form was never sent, free every licence and void the form by the claim's number.  A licence that was
    claimed before, by the Agency's consent to this application, is the earlier claim's again; another reaches as far as it does
    now, whatever was taken back while it was claimed.  Nothing is owed of what was never asked for (rule CL7)."""
    await take_step(conn, tenant, claim_id, step, today)
    licence_ids = [line.licence_id for line in await claims.lines(conn, tenant, claim_id)]
    await lock_with_recorders(conn, tenant, licence_ids)
    for licence_id in licence_ids:
        await lodged.release(conn, tenant, claim_id, licence_id, step.id)
        await hold_again(conn, tenant, licence_id, claim_id)
        await restore_range(conn, tenant, licence_id)
    for told in await claim_life.told(conn, tenant, [claim_id]):
        await close_disclosure(conn, tenant, told.id, step.on_day, "not_owed_any_more", 0, "", step.actor)


async def locked(conn: Connection, tenant: UUID, claim_id: UUID) -> ClaimState:
    state = await claim_life.lock_claim(conn, tenant, claim_id)
    if state is None:
        raise not_found("claim", claim_id)
    return cast("ClaimState", state)


async def lines_of(conn: Connection, tenant: UUID, claim_id: UUID, licence_ids: Sequence[UUID]) -> dict[UUID, LineRow]:
    """Every line of the claim, by licence.  Raises Problem 422 for a licence that has none in it."""
    lines = {line.licence_id: line for line in await claims.lines(conn, tenant, claim_id)}
    strangers = [licence_id for licence_id in licence_ids if licence_id not in lines]
    if strangers:
        raise invalid("/lines", f"licence {strangers[0]} is not of this claim", "unknown_id")
    return lines


async def in_order(conn: Connection, tenant: UUID, claim_id: UUID, on: date, today: date) -> None:
    """Raises Problem 422 for a step before the claim's last one, or yet to come."""
    row = await claims.claim(conn, tenant, claim_id)
    earlier = [step.on_day for step in await claim_life.steps(conn, tenant, claim_id)]
    check_step_day("/on", on, max([*earlier, row.lodged_on] if row else earlier), today)
