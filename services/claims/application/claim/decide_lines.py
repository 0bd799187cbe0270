"""What the Agency decided of a claim's lines, and the money that came and went back (rule CL6)."""

from collections.abc import Sequence
from datetime import date
from typing import cast
from uuid import UUID

from services.claims.application.claim.claim_steps import lines_of, locked
from services.claims.application.claim.doubts import account_after
from services.claims.application.claim.review_vehicles import Reviews
from services.claims.application.happened import check_step_day
from services.claims.application.refusals import invalid, step_not_allowed
from services.claims.application.webhooks.tell import tell
from services.claims.domain.claim.claim_life import IllegalStep
from services.claims.domain.claim.line_life import LineAccount, LineState, TooMuch, is_decided
from services.claims.repo import claim_life, licences, lodged
from services.claims.repo.claim_life import LineStep, Step
from shared.clock import new_id
from shared.db.pool import Connection
from shared.http.problems import Problem


async def decide(
    conn: Connection, tenant: UUID, claim_id: UUID, decisions: Sequence[LineStep], today: date, reviews: Reviews
) -> None:
    """What the Agency said of lines, what was paid, set off or recovered.  With the last line the claim is decided.  Where
    other kilometres or cents count now, it is held against what its statements show (rule CL7).

    Raises Problem 404, 409 `step_not_allowed`, 422 for a licence that is not of this claim, more kilometres than were claimed,
    more money than was accepted or came, and a day before the receipt, before the line's last, or yet to come."""
    state = await locked(conn, tenant, claim_id)
    if state not in {"received", "decided"}:
        raise step_not_allowed("claim", f"The claim is {state}: record first that it was received.", [])
    licence_ids = [one.licence_id for one in decisions]
    lines = await lines_of(conn, tenant, claim_id, licence_ids)
    await licences.lock_licences(conn, tenant, licence_ids)  # another application counts what stands of this one
    known = await claim_life.line_steps(conn, tenant, claim_id)
    before = {line.licence_id: account_after(line, known) for line in lines.values()}
    accounts = dict(before)
    received = max(s.on_day for s in await claim_life.steps(conn, tenant, claim_id) if s.kind == "received")
    last = {s.licence_id: s.on_day for s in sorted(known, key=lambda s: s.on_day)}
    passed_on = await _passed_on(conn, tenant, claim_id, licence_ids)
    for number, one in enumerate(decisions):
        where = f"/lines/{number}"
        check_step_day(f"{where}/on", one.on_day, max(received, last.get(one.licence_id, received)), today)
        after = _after(where, accounts[one.licence_id], one)
        if one.licence_id in passed_on and after.standing_km > accounts[one.licence_id].standing_km:
            raise _claimed_again(one.licence_id)
        accounts[one.licence_id], last[one.licence_id] = after, one.on_day
        await claim_life.add_line_step(conn, tenant, claim_id, one)
        await tell(conn, tenant, f"claim_line.{one.kind}", claim_id=claim_id, licence_id=one.licence_id)
    if state == "received" and is_decided(accounts.values()):
        end = Step(id=new_id(), kind="decided", on_day=max(last.values()), actor=decisions[-1].actor)
        await claim_life.add_step(conn, tenant, claim_id, end, "decided")
        await tell(conn, tenant, "claim.decided", claim_id=claim_id)
    moved = [one for one, account in accounts.items() if _counts(account) != _counts(before[one])]
    if moved:
        rows = await licences.licences_by_id(conn, tenant, moved)
        await reviews.of(conn, tenant, {row.vehicle_id for row in rows})


def _counts(account: LineAccount) -> tuple[int, int, int | None]:
    """What an over-claim is reckoned from."""
    return account.counted_km, account.standing_km, account.accepted_cents


def _after(where: str, account: LineAccount, one: LineStep) -> LineAccount:
    try:
        return account.after(cast("LineState", one.kind), one.distance_km, one.cents)
    except IllegalStep as error:
        raise step_not_allowed("claim", str(error), error.allowed) from error
    except TooMuch as error:
        raise invalid(f"{where}/{error.field}", str(error)) from error


async def _passed_on(conn: Connection, tenant: UUID, claim_id: UUID, licence_ids: Sequence[UUID]) -> set[UUID]:
    """Licences that another application holds since, by the Agency's consent."""
    marks = await lodged.claimed(conn, tenant, licence_ids)
    return {mark.licence_id for mark in marks if mark.source_id != claim_id}


def _claimed_again(licence_id: UUID) -> Problem:
    """What did not stand of this line when the other application was lodged, that one may hold (rule EL4)."""
    return Problem(
        409, "already_claimed", "A licence is claimed already",
        "Another application holds what this line did not: accept it there (rule EL4).", licence_ids=[str(licence_id)],
    )  # fmt: skip
