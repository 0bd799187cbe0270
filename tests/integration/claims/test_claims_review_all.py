"""Every lodged claim is held against the ledger once a day, whatever changed it (rule CL7; design section 6)."""

import pytest

from services.claims.application.claim.review_all import Reviewer
from services.claims.policy import load
from services.claims.policy.files import texts
from tests.integration.claims.conftest import Claims
from tests.integration.claims.test_claims_policy import change
from tests.integration.claims.world import FIRST_DAY, KM, TRAVEL_DAYS, Fleet, device_day, put_days, put_progress

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


async def lodged_heavy(fleet: Fleet) -> None:
    """A licence that was bought in August for nine tonnes, and driven in October as that of `claimable`."""
    await fleet.add_claimant()
    await fleet.add_ute()
    licence = await fleet.add_licence("ABC123", "RUC 1", 45_000, "2026-08-15", gross_kg=9_000)
    for at, value in (("2026-08-15", 45_000), ("2026-10-01", 45_000), ("2026-10-15", 46_000)):
        await fleet.add_reading("ABC123", at, value)
    await fleet.add_licence("ABC123", "RUC 2", 46_000, "2026-10-15", gross_kg=9_000)
    await put_days(fleet.worker, [device_day(fleet.tenant, "imei-1", FIRST_DAY + i) for i in range(TRAVEL_DAYS)])
    await put_progress(fleet.worker)
    await fleet.post("/claims", {"preview_token": (await fleet.preview([licence]))["preview_token"]})


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


async def test_CL7_a_day_that_the_classifier_still_works_on_is_left_for_another_day(
    claims: Claims, fleet: Fleet
) -> None:
    await lodged(fleet)
    await put_days(claims.worker, [device_day(fleet.tenant, "imei-1", FIRST_DAY + 4, rev=2, off_road_mm=5 * KM)])
    for rev, is_open, told in ((1, True, []), (2, False, [(560, 525)])):
        await fleet.hold_a_day(rev=rev, is_open=is_open)
        await a_round(reviewer(claims))
        assert await over_claimed(fleet) == told


async def test_LI3_CL7_a_rate_rise_that_operators_enter_flags_the_claims_on_the_same_day(claims: Claims) -> None:
    """Heavy licences end a month after a rise: nobody waits for tomorrow's round to hear that a claim has gone beyond."""
    one, two = await claims.fleet("One"), await claims.fleet("Two")
    for fleet in (one, two):
        await lodged_heavy(fleet)
    daily = reviewer(claims)
    await a_round(daily)
    assert not await daily.next()
    rises = texts()["rate_rises.csv"]
    told = await change(
        await claims.operator(), {"rate_rises.csv": f"{rises}2026-09-08,low,a rise that was overlooked\n"}
    )
    assert told.status_code == 200, told.text
    await a_round(daily)
    for fleet in (one, two):
        ((claimed_km, now_km),) = await over_claimed(fleet)
        assert 0 < now_km < claimed_km == 560, "what was driven from 8 October on was in no licence"
    back = await change(await claims.operator(), {"rate_rises.csv": rises}, based_on=told.json()["name"])
    assert back.json()["name"] == load().name
    await a_round(daily)
    for fleet in (one, two):
        assert (await fleet.get("/disclosures", only_open="true"))["items"] == []


async def test_CL7_a_policy_that_changes_amid_a_round_begins_it_again(claims: Claims) -> None:
    fleet, other = await claims.fleet("One"), await claims.fleet("Two")
    for one in (fleet, other):
        await lodged_heavy(one)
    daily = reviewer(claims)
    await daily.next()
    rises = f"{texts()['rate_rises.csv']}2026-09-08,low,a rise that was overlooked\n"
    await change(await claims.operator(), {"rate_rises.csv": rises})
    await a_round(daily)
    assert [len(await over_claimed(one)) for one in (fleet, other)] == [1, 1]
