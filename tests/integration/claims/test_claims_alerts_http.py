"""The deadline radar over HTTP: rules LI6 and OT5."""

import pytest

from tests.integration.claims.world import FIRST_DAY, KM, TRAVEL_DAYS, Fleet, device_day, put_days

pytestmark = pytest.mark.integration


async def test_LI6_unclaimed_licences_tell_their_latest_receipt_and_running_ones_what_is_left(fleet: Fleet) -> None:
    first = await fleet.claimable()
    second = fleet.licences["RUC 0001 next"]
    later = FIRST_DAY + TRAVEL_DAYS
    days = [device_day(fleet.tenant, "imei-1", later + i, off_road_mm=10 * KM, public_mm=10 * KM) for i in range(30)]
    await put_days(fleet.worker, days)
    told = await fleet.get("/alerts")
    assert (told["licences"], told["complete"]) == (2, True)
    by_licence = {(one["licence_id"], one["kind"]): one for one in told["items"]}
    assert by_licence[first, "latest_receipt"]["due_on"] == "2028-09-30"
    assert (first, "run_out") not in by_licence, "a used-up licence needs no next one"
    soon = by_licence[second, "run_out_soon"]
    assert "400 km left" in soon["words"], soon["words"]
    assert [one["due_on"] for one in told["items"]] == sorted(one["due_on"] for one in told["items"])
    only = await fleet.get("/alerts", kind="run_out_soon", due_before="2027-12-31")
    assert [one["licence_id"] for one in only["items"]] == [second]


async def test_LI2_travel_without_a_current_licence_is_alerted(fleet: Fleet) -> None:
    """The licence was bought on the 5th: what was driven on its readings before is in no licence."""
    await fleet.add_claimant()
    await fleet.add_ute()
    licence = await fleet.add_licence("ABC123", "RUC 1", 45_000, "2026-10-05T08:00:00+13:00")
    await fleet.add_reading("ABC123", "2026-10-01T08:00:00+13:00", 45_000)
    await fleet.add_reading("ABC123", "2026-10-15T08:00:00+13:00", 46_000)
    await put_days(fleet.worker, [device_day(fleet.tenant, "imei-1", FIRST_DAY + i) for i in range(TRAVEL_DAYS)])
    lost = (await fleet.get(f"/licences/{licence}/statement"))["totals"]["uncovered_mm"] // KM
    assert lost > 200
    (told,) = (await fleet.get("/alerts", kind="uncovered"))["items"]
    assert told["words"].startswith(f"{lost} km were driven before this licence was issued")


async def test_LI6_a_licence_claimed_outside_is_silent(fleet: Fleet) -> None:
    licence = await fleet.claimable()
    entry = {"claimed_on": "2026-11-01", "reference": "paper 1", "actor": "R Hill", "reason": "by hand"}
    await fleet.post(f"/licences/{licence}/claimed-outside", entry)
    told = await fleet.get("/alerts")
    assert licence not in {one["licence_id"] for one in told["items"]}


async def drives_on(fleet: Fleet, days: int, km: int) -> None:
    """Behind the claimable licence, whose last reading is 46000 on 15 October."""
    later = FIRST_DAY + TRAVEL_DAYS
    await put_days(
        fleet.worker,
        [
            device_day(fleet.tenant, "imei-1", later + i, off_road_mm=km * KM // 2, public_mm=km * KM // 2)
            for i in range(days)
        ],
    )


async def kinds_of(fleet: Fleet, licence: str) -> dict[str, str]:
    items = (await fleet.get("/alerts"))["items"]
    return {one["kind"]: one["words"] for one in items if one["licence_id"] == licence}


async def test_LI2_LI6_travel_beyond_the_last_licence_is_told_by_devices_and_by_readings(fleet: Fleet) -> None:
    await fleet.claimable()
    last = fleet.licences["RUC 0001 next"]  # 46000 to 47000
    await drives_on(fleet, 30, 50)
    told = await kinds_of(fleet, last)
    assert "used up, and 500 km driven beyond it: buy before you travel" in told["used_up"]
    assert told["uncovered"].startswith("500 km were driven beyond the end of this licence")
    await fleet.add_reading("ABC123", "2026-11-20", 47_800)
    told = await kinds_of(fleet, last)
    assert "800 km driven beyond it" in told["used_up"]
    assert told["uncovered"].startswith("800 km")


async def test_LI2_a_hole_between_two_licences_is_told(fleet: Fleet) -> None:
    await fleet.add_claimant()
    await fleet.add_ute()
    await fleet.add_licence("ABC123", "RUC 1", 45_000, "2026-10-01")
    second = await fleet.add_licence("ABC123", "RUC 2", 46_200, "2026-10-20")
    await fleet.add_reading("ABC123", "2026-10-01", 45_000)
    await fleet.add_reading("ABC123", "2026-11-10", 46_150)
    told = await kinds_of(fleet, second)
    assert told["uncovered"].startswith("150 km were driven between the licence before and the start of this one")


async def test_LI6_a_licence_bought_ahead_and_not_reached_says_nothing_but_its_last_day(fleet: Fleet) -> None:
    await fleet.claimable()
    await fleet.add_reading("ABC123", "2026-11-20", 46_900)
    ahead = await fleet.add_licence("ABC123", "RUC 9", 60_000, "2026-11-01", end_reading=65_000, units=5)
    assert set(await kinds_of(fleet, ahead)) == {"latest_receipt"}
    statement = await fleet.get(f"/licences/{ahead}/statement")
    assert statement["forecast"] is None
    assert statement["totals"]["off_road_mm"] == 0 and statement["totals"]["public_mm"] == 0


async def test_LI6_of_licences_one_behind_the_other_only_the_last_one_runs_out(fleet: Fleet) -> None:
    await fleet.claimable()
    running, last = fleet.licences["RUC 0001 next"], await fleet.add_licence("ABC123", "RUC 9", 47_000, "2026-11-01")
    await fleet.add_reading("ABC123", "2026-11-20", 46_900)
    assert "run_out_soon" not in await kinds_of(fleet, running)
    assert "1100 km left" in (await kinds_of(fleet, last))["run_out"]


async def test_LI6_an_unclaimed_licence_that_lacks_a_reading_still_tells_its_last_day(fleet: Fleet) -> None:
    """Two years less a week ago: what it lacks can be mended, the day cannot."""
    await fleet.add_claimant()
    await fleet.add_ute(since="2024-11-01")
    licence = await fleet.add_licence("ABC123", "RUC 1", 45_000, "2024-11-30")
    await fleet.add_reading("ABC123", "2026-10-15", 46_000)
    await fleet.add_licence("ABC123", "RUC 2", 46_000, "2026-10-15")
    assert (await fleet.get(f"/licences/{licence}"))["state"] == "not_claimable"
    assert "must be received by 2026-11-29" in (await kinds_of(fleet, licence))["latest_receipt"]


async def test_EL2_a_lodged_claim_is_told_until_the_agency_has_received_it(fleet: Fleet) -> None:
    licence = await fleet.claimable()
    preview = await fleet.preview([licence])
    claim = await fleet.post("/claims", {"preview_token": preview["preview_token"]})
    told = await kinds_of(fleet, licence)
    assert told["latest_receipt"].startswith(f"claim {claim['number']} is not received yet: it must be received by")
    person = {"on": "2026-11-22", "actor": "R Hill"}
    await fleet.post(f"/claims/{claim['id']}/sent", person | {"channel": "email"}, 200)
    assert "latest_receipt" in await kinds_of(fleet, licence)
    await fleet.post(f"/claims/{claim['id']}/received", person, 200)
    assert "latest_receipt" not in await kinds_of(fleet, licence)
