"""Closing a disclosure, what the Agency decides, and a review wait for each other: nothing that was settled is asked for again
(rule CL7)."""

import asyncio
from typing import Any
from uuid import UUID

import pytest

from services.claims.application.claim.review_claim import close_disclosure, compare, store_compared
from services.claims.application.claim.review_vehicles import review_one
from services.claims.domain.instants import from_ms, nz_date
from shared.db.pool import tenant_tx
from tests.integration.claims.conftest import Claims
from tests.integration.claims.lodging import ON, SENT, WITHDRAW, lodged, rewritten, step
from tests.integration.claims.waiting import until_waiting
from tests.integration.claims.world import Fleet

pytestmark = pytest.mark.integration


async def over_claimed(fleet: Fleet) -> tuple[str, dict[str, Any]]:
    """A claim that says 140 km too much, and its disclosure; the days were rewritten once more since, to 70 km less still."""
    _, claim = await lodged(fleet)
    await rewritten(fleet, 9, 30)
    (found,) = (await fleet.post(f"/claims/{claim}/review", {}, 200))["disclosures"]
    await rewritten(fleet, 10, 25)
    return claim, found


async def test_CL7_a_vehicles_review_waits_for_a_closing_and_asks_only_for_the_rest(
    claims: Claims, fleet: Fleet
) -> None:
    _, found = await over_claimed(fleet)
    policy, now_ms, pool = claims.context.policy, claims.clock(), claims.context.pool
    async with tenant_tx(pool, fleet.tenant) as conn:
        today = nz_date(from_ms(now_ms))
        await close_disclosure(conn, fleet.tenant, UUID(found["id"]), today, "repaid", found["cents"], "", "R Hill")
        reviewing = asyncio.create_task(review_one(pool, fleet.tenant, UUID(fleet.vehicles["ABC123"]), policy, now_ms))
        await until_waiting(claims)
    await reviewing
    (left,) = (await fleet.get("/disclosures", only_open="true"))["items"]
    assert (left["settled_km"], left["now_km"], left["cents"]) == (140, 350, 532), (
        "what was repaid is not asked for again"
    )


async def test_CL7_a_closing_waits_for_a_review_and_does_not_settle_what_was_never_shown(
    claims: Claims, fleet: Fleet
) -> None:
    claim, found = await over_claimed(fleet)
    held = await compare(claims.context.pool, fleet.tenant, UUID(claim), claims.context.policy, claims.clock())
    assert held is not None
    closing = {"on": ON, "closed_as": "repaid", "cents": found["cents"], "actor": "R Hill"}
    async with tenant_tx(claims.context.pool, fleet.tenant) as conn:
        await store_compared(conn, fleet.tenant, held, claims.context.policy, claims.clock())
        person = asyncio.create_task(fleet.client.post(f"/v1/disclosures/{found['id']}/close", json=closing))
        await until_waiting(claims)
    assert (await person).status_code == 404, "another stands in its place"
    (left,) = (await fleet.get("/disclosures", only_open="true"))["items"]
    assert (left["settled_km"], left["now_km"]) == (0, 350)


@pytest.mark.parametrize("what", ["declined", "withdrawn"])
async def test_CL7_a_review_that_began_before_the_line_was_declined_or_the_claim_withdrawn_tells_nothing(
    claims: Claims, fleet: Fleet, what: str
) -> None:
    licence, claim = await lodged(fleet)
    await rewritten(fleet, 9, 30)
    held = await compare(claims.context.pool, fleet.tenant, UUID(claim), claims.context.policy, claims.clock())
    assert held is not None
    if what == "withdrawn":
        await step(fleet, claim, "withdraw", WITHDRAW)
    else:
        await step(fleet, claim, "sent", SENT)
        await step(fleet, claim, "received", {"on": ON, "actor": "a"})
        declined = {"licence_id": licence, "kind": "declined", "on": ON, "reason": "no"}
        await step(fleet, claim, "outcomes", {"actor": "R", "lines": [declined]})
    async with tenant_tx(claims.context.pool, fleet.tenant) as conn:
        found = await store_compared(conn, fleet.tenant, held, claims.context.policy, claims.clock())
    assert found.owing == 0
    assert (await fleet.get("/disclosures"))["items"] == []


async def test_CL7_steps_closings_and_reviews_at_once_neither_deadlock_nor_leave_anything_untold(
    claims: Claims,
) -> None:
    async def race(number: int) -> None:
        fleet = await claims.fleet(f"Racers {number}")
        claim, found = await over_claimed(fleet)
        closing = {"on": ON, "closed_as": "repaid", "cents": found["cents"], "actor": "R Hill"}
        answers = await asyncio.gather(
            fleet.client.post(f"/v1/claims/{claim}/review", json={}),
            fleet.client.post(f"/v1/disclosures/{found['id']}/close", json=closing),
            fleet.client.post(f"/v1/vehicles/{fleet.vehicles['ABC123']}/correction", json={"gross_kg": 3_100, "reason": "r", "actor": "a"}),
            fleet.client.post(f"/v1/claims/{claim}/withdraw" if number % 2 else f"/v1/claims/{claim}/sent", json=WITHDRAW if number % 2 else SENT),
        )  # fmt: skip
        assert {one.status_code for one in answers} <= {200, 404}, [one.text for one in answers]
        told = (await fleet.get("/disclosures"))["items"]
        repaid = sum(one["cents"] for one in told if one["closed_as"] == "repaid")
        left = sum(one["cents"] for one in told if one["closed_on"] is None)
        if number % 2:
            assert left == 0, "nothing is owed of a claim that was withdrawn"
        else:
            assert repaid + left == 1_596, told

    await asyncio.gather(*(race(number) for number in range(6)))
