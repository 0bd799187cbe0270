"""Who lodges waits for a change that is being made, and sees it; whatever was lodged, sent or paid is held against the next one (rule
CL7)."""

import asyncio
from datetime import UTC, datetime
from uuid import UUID

import pytest

from services.claims.application.claim.review_vehicles import Reviews
from services.claims.application.register.add_reading import add_reading
from services.claims.repo.recorders import ReadingRow
from shared.clock import new_id
from shared.db.pool import tenant_tx, tx
from tests.integration.claims.conftest import Claims
from tests.integration.claims.lodging import ON, SENT, lodged, paid_in_full, step
from tests.integration.claims.world import Fleet

pytestmark = pytest.mark.integration


async def somebody_waits(claims: Claims) -> None:
    while True:
        async with tx(claims.worker) as conn:
            if await conn.fetchval("select count(*) from pg_locks where not granted"):
                return
        await asyncio.sleep(0.02)


async def test_CL7_lodging_waits_for_a_change_that_is_being_made_and_then_sees_it(claims: Claims, fleet: Fleet) -> None:
    preview = await fleet.preview([await fleet.claimable()])
    late = ReadingRow(
        id=new_id(), ref=None, recorder_id=UUID(fleet.recorders["ABC123"]), at=datetime(2026, 10, 2, tzinfo=UTC),
        value=45_990, source="person", note="", label="", created_at=datetime(2026, 11, 22, tzinfo=UTC),
    )  # fmt: skip
    async with tenant_tx(claims.context.pool, fleet.tenant) as conn:
        await add_reading(conn, fleet.tenant, late, Reviews(claims.context.policy, claims.clock()))
        lodging = asyncio.create_task(fleet.post("/claims", {"preview_token": preview["preview_token"]}, 409))
        await asyncio.wait_for(somebody_waits(claims), 4)
    assert (await lodging)["code"] == "preview_changed"


async def test_CL7_CL6_a_claim_that_was_paid_is_held_against_a_change_like_any_other(fleet: Fleet) -> None:
    licence, claim = await lodged(fleet)
    await step(fleet, claim, "sent", SENT)
    await step(fleet, claim, "received", {"on": ON, "actor": "a"})
    history = await step(fleet, claim, "outcomes", {"actor": "R", "lines": paid_in_full(licence)})
    assert history["state"] == "decided"
    await fleet.add_reading("ABC123", "2026-10-02T08:00:00+13:00", 45_982)
    (owed,) = (await fleet.get("/disclosures", only_open="true"))["items"]
    assert owed["claimed_km"] == 560 > owed["now_km"]
