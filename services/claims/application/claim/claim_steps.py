"""Steps of a lodged claim: sent, received, returned, withdrawn, what the Agency decides (rules CL5, CL6)."""

from collections.abc import Sequence
from datetime import date
from typing import Final, cast
from uuid import UUID

from services.claims.application.refusals import invalid, not_found
from services.claims.application.webhooks.tell import tell
from services.claims.domain.claim.claim_life import (
    ClaimState,
    IllegalStep,
    LineState,
    advance,
    advance_line,
    is_decided,
)
from services.claims.repo import claim_life, claims
from services.claims.repo.claim_life import LineStep, Step
from shared.clock import new_id
from shared.db.pool import Connection
from shared.http.problems import Problem

CAME: Final = frozenset({"paid", "set_off"})
"""Outcomes by which money came."""
SENT_AND_LATER: Final = frozenset({"sent", "received", "returned", "decided"})


def illegal(error: IllegalStep) -> Problem:
    return Problem(
        409, "step_not_allowed", "The claim is not where this step begins", str(error), allowed=error.allowed
    )


async def take_step(conn: Connection, tenant: UUID, claim_id: UUID, to: ClaimState, step: Step) -> None:
    """Record that a claim was sent, received or returned.  Raises Problem 404, 409 `step_not_allowed`, 422 for a day before
    the step before it or an attachment that is not there."""
    state = await locked(conn, tenant, claim_id)
    try:
        advance(state, to)
    except IllegalStep as error:
        raise illegal(error) from error
    await in_order(conn, tenant, claim_id, step.on_day)
    if step.attachment_id is not None and await claim_life.attachment(conn, tenant, step.attachment_id) is None:
        raise invalid("/attachment_id", f"there is no attachment {step.attachment_id}", "unknown_id")
    await claim_life.add_step(conn, tenant, claim_id, step, to)
    await tell(conn, tenant, f"claim.{to}", claim_id=claim_id)


async def withdraw(conn: Connection, tenant: UUID, claim_id: UUID, step: Step) -> None:
    """Rule CL5: while the form was never sent, free every licence and void the form by the claim's number."""
    await take_step(conn, tenant, claim_id, "withdrawn", step)
    for line in await claims.lines(conn, tenant, claim_id):
        await claim_life.release(conn, tenant, claim_id, line.licence_id, step.id)


async def consent(conn: Connection, tenant: UUID, claim_id: UUID, licence_ids: Sequence[UUID], step: Step) -> None:
    """Rule CL5: after sending, the Agency's written consent (its reference) frees licences for a second application."""
    state = await locked(conn, tenant, claim_id)
    if state not in SENT_AND_LATER:
        raise Problem(
            409, "step_not_allowed", "The claim is not where this step begins",
            "The form was never sent: withdraw the claim instead, which needs nobody's consent.", allowed=["withdrawn"],
        )  # fmt: skip
    await _lines_of(conn, tenant, claim_id, licence_ids)
    await in_order(conn, tenant, claim_id, step.on_day)
    await claim_life.add_step(conn, tenant, claim_id, step, state)
    for licence_id in licence_ids:
        if not await claim_life.release(conn, tenant, claim_id, licence_id, step.id):
            raise Problem(
                409, "already_released", "A licence is free already", f"Licence {licence_id} is not held by this claim."
            )


async def decide(conn: Connection, tenant: UUID, claim_id: UUID, decisions: Sequence[LineStep]) -> None:
    """Rule CL6: what the Agency said of lines, what was paid, set off or recovered.  With the last line the claim is decided.

    Raises Problem 404, 409 `step_not_allowed`, 422 for a licence that is not of this claim, more kilometres than were claimed
    and more money back than came."""
    state = await locked(conn, tenant, claim_id)
    if state not in {"received", "decided"}:
        raise Problem(
            409, "step_not_allowed", "The claim is not where this step begins",
            f"The claim is {state}: record first that it was received.", allowed=[],
        )  # fmt: skip
    lines = await _lines_of(conn, tenant, claim_id, [one.licence_id for one in decisions])
    states: dict[UUID, LineState] = dict.fromkeys(lines, "pending")
    came: dict[UUID, int] = {}
    for step in await claim_life.line_steps(conn, tenant, claim_id):
        states[step.licence_id] = cast("LineState", step.kind)
        came |= {step.licence_id: step.cents or 0} if step.kind in CAME else {}
    for number, one in enumerate(decisions):
        try:
            states[one.licence_id] = advance_line(states[one.licence_id], cast("LineState", one.kind))
        except IllegalStep as error:
            raise illegal(error) from error
        if one.kind == "accepted" and (one.distance_km or 0) > lines[one.licence_id]:
            raise invalid(f"/lines/{number}/distance_km", f"only {lines[one.licence_id]} km were claimed")
        if one.kind == "recovered" and (one.cents or 0) > came.get(one.licence_id, 0):
            raise invalid(f"/lines/{number}/cents", f"only {came.get(one.licence_id, 0)} cents came of this line")
        came |= {one.licence_id: one.cents or 0} if one.kind in CAME else {}
        await claim_life.add_line_step(conn, tenant, claim_id, one)
        await tell(conn, tenant, f"claim_line.{one.kind}", claim_id=claim_id, licence_id=one.licence_id)
    if state == "received" and is_decided(list(states.values())):
        last = max(one.on_day for one in decisions)
        end = Step(id=new_id(), kind="decided", on_day=last, actor=decisions[-1].actor)
        await claim_life.add_step(conn, tenant, claim_id, end, "decided")
        await tell(conn, tenant, "claim.decided", claim_id=claim_id)


async def locked(conn: Connection, tenant: UUID, claim_id: UUID) -> ClaimState:
    state = await claim_life.lock_claim(conn, tenant, claim_id)
    if state is None:
        raise not_found("claim", claim_id)
    return cast("ClaimState", state)


async def _lines_of(conn: Connection, tenant: UUID, claim_id: UUID, licence_ids: Sequence[UUID]) -> dict[UUID, int]:
    """licence → kilometres claimed, of the whole claim.  Raises Problem 422 for a licence that has no line in it."""
    lines = {line.licence_id: line.distance_km for line in await claims.lines(conn, tenant, claim_id)}
    strangers = [licence_id for licence_id in licence_ids if licence_id not in lines]
    if strangers:
        raise invalid("/lines", f"licence {strangers[0]} is not of this claim", "unknown_id")
    return lines


async def in_order(conn: Connection, tenant: UUID, claim_id: UUID, on: date) -> None:
    row = await claims.claim(conn, tenant, claim_id)
    earlier = [step.on_day for step in await claim_life.steps(conn, tenant, claim_id)]
    last = max([*earlier, row.lodged_on] if row else earlier)
    if on < last:
        raise invalid("/on", f"{on} is before the step before it, on {last}")
