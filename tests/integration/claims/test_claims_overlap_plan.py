"""Planning and recording an overlap licence over HTTP: rule OT1 with the page's own example, and what OT2 advises instead."""

from typing import Any

import pytest

from tests.integration.claims.world import FIRST_DAY, KM, TRAVEL_DAYS, Fleet, device_day, put_days

pytestmark = pytest.mark.integration

EXAMPLE = {"reading": "4250", "on": "2022-05-01", "channel": "online"}


async def example_licence(fleet: Fleet, **more: Any) -> str:
    """4000 to 5000 km at 76 dollars, as on the page."""
    await fleet.add_claimant()
    await fleet.add_ute()
    return await fleet.add_licence("ABC123", "RUC 1", 4_000, "2026-03-01T08:00:00+13:00", **more)


async def test_OT1_the_pages_example(fleet: Fleet) -> None:
    licence = await example_licence(fleet)
    plan = await fleet.get(f"/licences/{licence}/overlap-plan", 200, **EXAMPLE)
    old = plan["old_licence"]
    assert (old["distance"], plan["credit_cents"]) == (750, 57_00)
    assert (plan["least_units"], plan["units"], plan["charge_cents"]) == (2, 2, 98_00)
    assert (plan["start_reading"], plan["end_reading"], plan["further"]) == (4_250, 6_250, 1_250)
    assert (plan["pay_cents"], plan["fee_cents"], plan["total_cents"]) == (41_00, 4_80, 45_80)
    assert (plan["old_rate"]["dollars_per_1000km"], plan["old_rate"]["source"]) == ("76.00", "paid")
    assert (plan["new_rate"]["dollars_per_1000km"], plan["new_rate"]["source"]) == ("49.00", "table")
    assert old["used_cents"] + old["unused_cents"] + old["remainder_cents"] == old["charge_cents"] == 76_00
    assert plan["credit_cents"] + plan["pay_cents"] == plan["charge_cents"]
    assert "4250" in plan["start_tip"]
    assert "declares to buy only what is meant to be travelled" in plan["declaration"]
    assert plan["declaration_applies"] is True
    body = {"reading": 4_250, "on": "2022-05-01"}
    assert await fleet.post(f"/licences/{licence}/overlap-plan", body, 200) == plan


async def test_OT1_both_wrong_purchases_are_refused_with_the_pages_reasons(fleet: Fleet) -> None:
    licence = await example_licence(fleet)
    path = f"/licences/{licence}/overlap-plan"
    credit_left = (await fleet.get(path, 422, **EXAMPLE, units="1"))["errors"][0]
    assert (credit_left["pointer"], credit_left["code"]) == ("/units", "credit_left")
    assert "800 of 5700 cents of credit unused: all of it must be used, at least 2 units" in credit_left["detail"]
    long = await fleet.add_licence(
        "ABC123", "RUC 2", 5_000, "2026-03-02", end_reading=10_000, units=5, gross_cents=38_000
    )
    wrong_end = {"reading": "6000", "on": "2026-11-22", "units": "4"}
    end = (await fleet.get(f"/licences/{long}/overlap-plan", 422, **wrong_end))["errors"][0]
    assert (end["pointer"], end["code"]) == ("/units", "end_not_past")
    assert "4 units end at 10000, not past the old end 10000: at least 5 are needed" in end["detail"]
    outside = (await fleet.get(path, 422, reading="5000"))["errors"][0]
    assert (outside["pointer"], outside["code"]) == ("/reading", "not_in_range")
    await fleet.add_reading("ABC123", "2026-10-01T08:00:00+13:00", 4_400)
    stale = (await fleet.get(path, 422, **EXAMPLE))["errors"][0]
    assert (stale["pointer"], "4250 is below 4400" in stale["detail"]) == ("/reading", True)


async def test_OT1_the_plan_says_how_to_record_what_was_bought(fleet: Fleet) -> None:
    licence = await example_licence(fleet)
    plan = await fleet.get(f"/licences/{licence}/overlap-plan", 200, **EXAMPLE)
    record = plan["record"]
    assert (record["method"], record["href"], record["add"]) == ("POST", "/v1/licences", ["number", "issued_at"])
    bought = {"number": "RUC 2", "issued_at": "2026-11-22T09:00:00+13:00"}
    made = await fleet.post(record["href"].removeprefix("/v1"), record["body"] | bought)
    assert (made["start_reading"], made["end_reading"], made["credit_cents"]) == (4_250, 6_250, 57_00)
    old = await fleet.get(f"/licences/{licence}")
    assert (old["claimable_end_reading"], old["ended_by"]) == (4_250, "overlap")
    (part,) = (await fleet.get(f"/licences/{licence}/refunded"))["parts"]
    assert (part["kind"], part["from_reading"], part["to_reading"], part["reference"]) == (
        "credit",
        4_250,
        5_000,
        "RUC 2",
    )
    again = await fleet.get(f"/licences/{licence}/overlap-plan", 409, **EXAMPLE)
    assert again["code"] == "unused_refunded"
    assert "credited when licence RUC 2 was bought" in again["detail"]


async def test_LI5_a_rate_that_nobody_knows_is_asked_for(fleet: Fleet) -> None:
    unpriced = {"units": None, "gross_cents": None, "ruc_type": "6", "gross_kg": 20_000}
    licence = await example_licence(fleet, **unpriced)
    path = f"/licences/{licence}/overlap-plan"
    asked = await fleet.get(path, 422, reading="4250")
    assert asked["code"] == "rate_unknown"
    assert [one["field"] for one in asked["missing"]] == ["old_rate_cents", "new_rate_cents"]
    given = {"reading": "4250", "old_rate_cents": "30000", "new_rate_cents": "31000"}
    plan = await fleet.get(path, 200, **given)
    assert (plan["credit_cents"], plan["declaration_applies"]) == (225_00, None)
    assert plan["new_rate"]["note"] == "as given"
    half = await fleet.get(path, 422, reading="4250", old_rate_cents="30000")
    assert [one["field"] for one in half["missing"]] == ["new_rate_cents"]
    unknown_fee = await fleet.get(path, 200, **given, channel="truckstop_card")
    assert (unknown_fee["fee_cents"], unknown_fee["total_cents"]) == (None, None)
    assert unknown_fee["missing"] == ["the fee of the channel truckstop_card on 2026-11-22"]


async def test_LI5_what_was_paid_is_not_overruled(fleet: Fleet) -> None:
    licence = await example_licence(fleet)
    refused = await fleet.get(f"/licences/{licence}/overlap-plan", 422, **EXAMPLE, old_rate_cents="8000")
    assert (refused["errors"][0]["pointer"], refused["errors"][0]["code"]) == ("/old_rate_cents", "paid_otherwise")


async def test_OT2_surrender_is_advised_where_an_overlap_buys_more_than_five_months(fleet: Fleet) -> None:
    ten = {"end_reading": 14_000, "units": 10, "gross_cents": 76_000}
    licence = await example_licence(fleet, **ten)
    unheard = await fleet.get(f"/licences/{licence}/overlap-plan", 200, **EXAMPLE)
    assert (unheard["surrender"]["advised"], unheard["surrender"]["words"]) == (False, None)
    await fleet.add_reading("ABC123", "2026-10-30T08:00:00+13:00", 4_000)
    first = FIRST_DAY + 31
    days = [
        device_day(fleet.tenant, "imei-1", first + i, public_mm=5 * KM, off_road_mm=5 * KM) for i in range(TRAVEL_DAYS)
    ]
    await put_days(fleet.worker, days)
    plan = await fleet.get(f"/licences/{licence}/overlap-plan", 200, **EXAMPLE)
    assert plan["units"] == 16  # 741 dollars of credit at 49 a unit
    advice = plan["surrender"]
    assert (advice["advised"], advice["possible"], advice["refund_cents"]) == (True, True, 741_00)
    assert "16000 km, about 87 months' worth at 182 km a month" in advice["words"], (
        "140 km in the 23 days since it was read"
    )
    await fleet.add_licence("ABC123", "RUC 3", 14_000, "2026-11-01")
    warned = await fleet.get(f"/licences/{licence}/overlap-plan", 200, **EXAMPLE)
    assert "RUC 3 begins at 14000" in warned["warnings"][0]


async def test_OT5_the_alerts_say_buy_before_you_travel_at_the_full_rate(fleet: Fleet) -> None:
    await fleet.claimable()
    later = [device_day(fleet.tenant, "imei-1", FIRST_DAY + TRAVEL_DAYS + i) for i in range(12)]
    await put_days(fleet.worker, later)
    soon = (await fleet.get("/alerts", kind="run_out_soon"))["items"]
    assert [one["number"] for one in soon] == ["RUC 0001 next"]
    assert "buy the next licence before you travel" in soon[0]["words"]
    assert "assessed at the full rate, never at a reduced one" in soon[0]["words"]
