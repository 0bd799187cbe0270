"""Every lodged claim is held against the ledger once a day, whatever changed it (rule CL7; design section 6)."""

import pytest

from services.claims.application.claim.review_all import Reviewer
from tests.integration.claims.conftest import Claims
from tests.integration.claims.world import FIRST_DAY, KM, Fleet, device_day, put_days

pytestmark = pytest.mark.integration
DAY_MS = 86_400_000


def reviewer(claims: Claims) -> Reviewer:
    return Reviewer(claims.worker, claims.context.pool, claims.context.policies, claims.clock)


async def a_round(one: Reviewer) -> None:
    for _ in range(4):  # two claims, the end of the round, and nothing more that day
        assert not await one.next()


async def lodged(fleet: Fleet) -> str:
    licence = await fleet.claimable()
    await fleet.post("/claims", {"preview_token": (await fleet.preview([licence]))["preview_token"]})
    return licence


async def over_claimed(fleet: Fleet) -> list[tuple[int, int]]:
    return [(one["claimed_km"], one["now_km"]) for one in (await fleet.get("/disclosures"))["items"]]


async def test_CL7_a_later_revision_flags_the_claims_of_every_tenant_by_itself(claims: Claims) -> None:
    one, two = await claims.fleet("One"), await claims.fleet("Two")
    for fleet in (one, two):
        await lodged(fleet)
    daily = reviewer(claims)
    await a_round(daily)
    assert [await over_claimed(fleet) for fleet in (one, two)] == [[], []]
    less = [device_day(fleet.tenant, "imei-1", FIRST_DAY + 4, rev=2, off_road_mm=5 * KM) for fleet in (one, two)]
    await put_days(claims.worker, less)
    await a_round(daily)
    assert await over_claimed(one) == [], "once a day"
    claims.clock.now_ms += DAY_MS
    await a_round(daily)
    told = [await over_claimed(fleet) for fleet in (one, two)]
    assert told == [[(560, 525)], [(560, 525)]]
    claims.clock.now_ms += DAY_MS
    await a_round(daily)
    assert [await over_claimed(fleet) for fleet in (one, two)] == told, "the same finding is told once"


async def test_CL7_days_that_may_still_change_are_left_for_another_day(claims: Claims, fleet: Fleet) -> None:
    await lodged(fleet)
    unsettled = device_day(fleet.tenant, "imei-1", FIRST_DAY + 4, rev=2, off_road_mm=5 * KM, settled=False)
    await put_days(claims.worker, [unsettled])
    await a_round(reviewer(claims))
    assert await over_claimed(fleet) == []
    await put_days(claims.worker, [device_day(fleet.tenant, "imei-1", FIRST_DAY + 4, rev=3, off_road_mm=5 * KM)])
    await a_round(reviewer(claims))
    assert await over_claimed(fleet) == [(560, 525)]
