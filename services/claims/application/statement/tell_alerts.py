"""Alerts as events: of licences each once a licence and kind (rule LI6); of what the Agency has not answered in its
working days, once for each such day (rules CL6, OT2, EX1); of an exemption's duties on their day and after it (rule EX4)."""

import asyncio
from datetime import date, timedelta
from typing import Final
from uuid import UUID

from services.claims.application.exemption.owed_duties import owed_duties
from services.claims.application.statement.alerts import LicenceAlert, alerts_of
from services.claims.application.statement.assess import judge
from services.claims.application.statement.facts import load_facts
from services.claims.application.webhooks.tell import tell
from services.claims.domain.claim import awaited as awaits
from services.claims.domain.instants import from_ms, nz_date
from services.claims.domain.policy import Policy
from services.claims.repo import awaited, exemptions, licence_alerts, licences
from services.claims.repo.rows import FIRST_ID, START, Page
from shared.clock import Clock
from shared.db.pool import Pool, tenant_tx, tx

EVERY: Final = timedelta(hours=1)
CHUNK: Final = 100
NEAR: Final = timedelta(days=30)
"""Every unclaimed licence has a latest receipt day; it is told when it is as near as that."""


async def tell_alerts_next(across: Pool, pool: Pool, policy: Policy, clock: Clock) -> bool:
    """Look at one tenant; False where none is due.  `pool` has the API role."""
    async with tx(across) as conn:
        tenant = await licence_alerts.take_tenant(conn, EVERY)
    if tenant is None:
        return False
    today = nz_date(from_ms(clock()))
    await _tell_overdue(pool, tenant, policy, today)
    await _tell_duties(pool, tenant, policy, today)
    at, after = START, FIRST_ID
    while True:
        async with tenant_tx(pool, tenant) as conn:
            rows = await licences.licences(conn, tenant, Page(CHUNK, at, after), None, None, None)
            facts = await load_facts(conn, tenant, [row.id for row in rows], policy, clock())
        found = alerts_of(await asyncio.to_thread(judge, facts, policy), policy, clock())
        await _tell(pool, tenant, [one for one in found if _is_near(one, clock())])
        if len(rows) < CHUNK:
            return True
        at, after = rows[-1].created_at, rows[-1].id


def _is_near(one: LicenceAlert, now_ms: int) -> bool:
    return one.alert.kind != "latest_receipt" or one.alert.due_on <= nz_date(from_ms(now_ms)) + NEAR


async def _tell(pool: Pool, tenant: UUID, found: list[LicenceAlert]) -> None:
    async with tenant_tx(pool, tenant) as conn:
        for one in found:  # a few rows, most of them told already
            licence_id = one.item.row.id
            if await licence_alerts.first_time(conn, tenant, licence_id, one.alert.kind):
                kind = f"licence.alert.{one.alert.kind}"
                await tell(conn, tenant, kind, licence_id=licence_id, due_on=one.alert.due_on)


async def _tell_overdue(pool: Pool, tenant: UUID, policy: Policy, today: date) -> None:
    async with tenant_tx(pool, tenant) as conn:
        for one in await awaited.awaited(conn, tenant):
            due_on = awaits.due_on(one, policy)
            if awaits.is_overdue(one, today, policy) and await awaited.first_time(conn, tenant, one, due_on):
                await tell(conn, tenant, f"{one.what}.answer_overdue", **{f"{one.what}_id": one.id, "due_on": due_on})


async def _tell_duties(pool: Pool, tenant: UUID, policy: Policy, today: date) -> None:
    async with tenant_tx(pool, tenant) as conn:
        for one in await owed_duties(conn, tenant, policy):
            late = one.duty.lateness(today)
            if late and await exemptions.duty_told(conn, tenant, one.exemption_id, one.duty.seq, late):
                ids = {"exemption_id": one.exemption_id, "duty": one.duty.code, "due_on": one.duty.due_on}
                await tell(conn, tenant, f"exemption.duty_{late}", **ids)
