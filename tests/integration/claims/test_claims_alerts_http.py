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


async def test_LI6_a_claimed_licence_is_silent(fleet: Fleet) -> None:
    licence = await fleet.claimable()
    preview = await fleet.preview([licence])
    await fleet.post("/claims", {"preview_token": preview["preview_token"]})
    told = await fleet.get("/alerts")
    assert licence not in {one["licence_id"] for one in told["items"]}
