"""The deadline radar: what licences need, the earliest first (rules LI6, OT5)."""

import asyncio
from datetime import date
from typing import Annotated, Final, Literal
from uuid import UUID

from fastapi import APIRouter, Query

from services.claims.api.context import Ctx, Reader
from services.claims.api.fields import Answer, Day
from services.claims.application.statement.alerts import LicenceAlert, alerts_of
from services.claims.application.statement.facts import assess, load_facts
from services.claims.repo import licences
from services.claims.repo.rows import FIRST_ID, START, Page
from shared.db.pool import tenant_tx

LICENCES_MAX: Final = 5_000
CHUNK: Final = 100
AlertKind = Literal["run_out", "run_out_soon", "used_up", "will_not_be_used_up", "latest_receipt", "uncovered"]

router = APIRouter(tags=["licences"])


class AlertAnswer(Answer):
    kind: AlertKind
    due_on: date
    """The day by which something must be done."""
    licence_id: UUID
    number: str
    vehicle_id: UUID
    plate: str
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
    """Licences that run out, that will not be used up in their two years, and the latest receipt day of every unclaimed one."""
    found: list[LicenceAlert] = []
    at, after, looked = START, FIRST_ID, 0
    now_ms = context.clock()
    while True:
        async with tenant_tx(context.pool, who.tenant_id) as conn:
            rows = await licences.licences(conn, who.tenant_id, Page(CHUNK, at, after), None, vehicle_id, claimant_id)
            facts = await load_facts(conn, who.tenant_id, [row.id for row in rows], context.policy, now_ms)
        items = await asyncio.to_thread(assess, facts, context.policy)
        found += alerts_of(items, context.policy, now_ms)
        looked += len(rows)
        if len(rows) < CHUNK or looked >= LICENCES_MAX:
            break
        at, after = rows[-1].created_at, rows[-1].id
    wanted = [
        one
        for one in found
        if (kind is None or one.alert.kind == kind)
        and (due_before is None or one.alert.due_on < due_before)
        and (due_from is None or one.alert.due_on >= due_from)
    ]
    wanted.sort(key=lambda one: (one.alert.due_on, one.item.row.number, one.alert.kind))
    return AlertsAnswer(items=[_answer(one) for one in wanted[:limit]], licences=looked, complete=len(rows) < CHUNK)


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
