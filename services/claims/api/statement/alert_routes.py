"""The deadline radar: what licences need, what the Agency is to answer or to be told, and what an exemption's holder owes, the
earliest first (rules LI6, OT5, CL6, CL7, EX4)."""

import asyncio
from datetime import date
from typing import Annotated, Final, Literal
from uuid import UUID

from fastapi import APIRouter, Query

from services.claims.api.context import Ctx, Reader
from services.claims.api.fields import Answer, Day
from services.claims.application.exemption.owed_duties import Owed, owed_duties
from services.claims.application.statement.alerts import LicenceAlert, alerts_of
from services.claims.application.statement.assess import judge
from services.claims.application.statement.facts import load_facts
from services.claims.domain.claim.awaited import Awaited, due_on, words
from services.claims.domain.exemption.exemption_life import words_of
from services.claims.domain.instants import from_ms, nz_date
from services.claims.domain.policy import Policy
from services.claims.domain.statement import forecast
from services.claims.repo import licences
from services.claims.repo.awaited import awaited
from services.claims.repo.doubts import OpenDisclosure, open_disclosures
from services.claims.repo.rows import FIRST_ID, START, Page
from shared.db.pool import tenant_tx

LICENCES_MAX: Final = 5_000
CHUNK: Final = 100
AlertKind = Literal[forecast.AlertKind, "answer_due", "duty_due", "disclosure"]

router = APIRouter(tags=["licences"])


class AlertAnswer(Answer):
    kind: AlertKind
    due_on: date
    """The day by which something must be done, or by which the Agency is to answer; of a disclosure the day it was found."""
    licence_id: UUID | None
    """Null where it is about a claim or an exemption."""
    number: str | None
    """The licence's."""
    vehicle_id: UUID | None
    """Null where it is about a claim."""
    plate: str | None
    claim_id: UUID | None = None
    application_id: UUID | None = None
    exemption_id: UUID | None = None
    disclosure_id: UUID | None = None
    words: str
    amount_cents: int | None


class AlertsAnswer(Answer):
    items: list[AlertAnswer]
    licences: int
    """So many licences were looked at."""
    complete: bool
    """False: there are more licences than one answer looks at; ask vehicle by vehicle."""


@router.get("/alerts")
async def get_alerts(
    who: Reader,
    context: Ctx,
    kind: AlertKind | None = None,
    vehicle_id: UUID | None = None,
    claimant_id: UUID | None = None,
    due_from: Day | None = None,
    due_before: Day | None = None,
    limit: Annotated[int, Query(ge=1, le=LICENCES_MAX)] = 500,
) -> AlertsAnswer:
    """Licences that run out, that will not be used up in their two years, the latest receipt day of every unclaimed one, those
    that cannot be worked out, what the Agency is to be told of lodged claims, by when it is to answer what it has, and by when
    the duties of an exemption are to be done."""
    found: list[LicenceAlert] = []
    at, after, looked = START, FIRST_ID, 0
    now_ms = context.clock()
    while True:
        async with tenant_tx(context.pool, who.tenant_id) as conn:
            rows = await licences.licences(conn, who.tenant_id, Page(CHUNK, at, after), None, vehicle_id, claimant_id)
            facts = await load_facts(conn, who.tenant_id, [row.id for row in rows], context.policy, now_ms)
        judged = await asyncio.to_thread(judge, facts, context.policy)
        found += alerts_of(judged, context.policy, now_ms)
        looked += len(rows)
        if len(rows) < CHUNK or looked >= LICENCES_MAX:
            break
        at, after = rows[-1].created_at, rows[-1].id
    async with tenant_tx(context.pool, who.tenant_id) as conn:
        waiting = [
            one
            for one in await awaited(conn, who.tenant_id)
            if vehicle_id in {None, one.vehicle_id} and claimant_id in {None, one.claimant_id}
        ]
        duties = [
            one
            for one in await owed_duties(conn, who.tenant_id, context.policy)
            if vehicle_id in {None, one.vehicle_id} and claimant_id is None
        ]
        disclosures = [
            one
            for one in await open_disclosures(conn, who.tenant_id)
            if vehicle_id in {None, one.vehicle_id} and claimant_id in {None, one.claimant_id}
        ]
    today = nz_date(from_ms(now_ms))
    answers = [_answer(one) for one in found] + [_awaited(one, today, context.policy) for one in waiting]
    answers += [_owed(one, today) for one in duties] + [_to_tell(one) for one in disclosures]
    wanted = [
        one
        for one in answers
        if (kind is None or one.kind == kind)
        and (due_before is None or one.due_on < due_before)
        and (due_from is None or one.due_on >= due_from)
    ]
    wanted.sort(key=lambda one: (one.due_on, one.number or "", one.kind, one.words))
    return AlertsAnswer(items=wanted[:limit], licences=looked, complete=len(rows) < CHUNK)


def _answer(one: LicenceAlert) -> AlertAnswer:
    return AlertAnswer(
        kind=one.alert.kind,
        due_on=one.alert.due_on,
        licence_id=one.item.row.id,
        number=one.item.row.number,
        vehicle_id=one.item.row.vehicle_id,
        plate=one.item.licence.plate_at_issue,
        words=one.alert.words,
        amount_cents=one.alert.amount_cents,
    )


def _awaited(one: Awaited, today: date, policy: Policy) -> AlertAnswer:
    return AlertAnswer.model_validate(
        {
            "kind": "answer_due",
            "due_on": due_on(one, policy),
            "licence_id": one.licence_id,
            "number": None,
            "vehicle_id": one.vehicle_id,
            "plate": None,
            f"{one.what}_id": one.id,
            "words": words(one, today, policy),
            "amount_cents": None,
        }
    )


def _owed(one: Owed, today: date) -> AlertAnswer:
    return AlertAnswer(
        kind="duty_due",
        due_on=one.duty.due_on,
        licence_id=None,
        number=None,
        vehicle_id=one.vehicle_id,
        plate=None,
        exemption_id=one.exemption_id,
        words=words_of(one.duty, today),
        amount_cents=None,
    )


def _to_tell(one: OpenDisclosure) -> AlertAnswer:
    words = (
        f"licence {one.number} does not stand as claim {one.claim} says: withdraw the claim while its form was never sent, "
        "else tell the Agency, and close the disclosure"
    )
    return AlertAnswer(
        kind="disclosure",
        due_on=nz_date(one.found_at),
        licence_id=one.licence_id,
        number=one.number,
        vehicle_id=one.vehicle_id,
        plate=one.plate,
        claim_id=one.claim_id,
        disclosure_id=one.id,
        words=words,
        amount_cents=one.cents,
    )
