"""Slips of the pen in the register have a way back, in the open, and what is lodged is held against it: rules VE1 to VE4, EL5, LI7, EX1, RE2."""

from typing import Any

import pytest

from tests.integration.claims.lodging import lodged
from tests.integration.claims.test_claims_exemption import NEAR, granted, step
from tests.integration.claims.world import FIRST_DAY, TRAVEL_DAYS, Fleet, device_day, put_days, put_progress

pytestmark = pytest.mark.integration
WHY: dict[str, Any] = {"reason": "typed wrong", "actor": "R Hill"}
SALE = {"at": "2026-11-01T08:00:00+13:00", "reading": 46_300, "actor": "R Hill", "reason": "sold to a dealer"}


async def claimed_too_much(fleet: Fleet, claim: str) -> list[int]:
    return [one["now_km"] for one in (await fleet.get("/disclosures", claim_id=claim))["items"]]


async def test_LI7_a_claim_outside_on_the_wrong_licence_is_taken_back_and_the_licence_claimed(fleet: Fleet) -> None:
    licence = await fleet.claimable()
    entry = {"claimed_on": "2026-11-01", "reference": "paper 1", "actor": "R Hill", "reason": "by hand"}
    other = f"/licences/{fleet.licences['RUC 0001 next']}/claimed-outside"
    for where in (f"/licences/{licence}/claimed-outside", other):
        await fleet.post(where, entry)
    path = f"/licences/{licence}/claimed-outside/strike"
    change = await fleet.post(path, WHY, 200)
    assert (change["kind"], change["act"], change["before"]["reference"]) == ("claimed_outside", "struck", "paper 1")
    await fleet.post(path, WHY, 404)
    assert (await fleet.post(other, entry, 409))["code"] == "already_exists", "the other one stays claimed"
    preview = await fleet.preview([licence])
    await fleet.post("/claims", {"preview_token": preview["preview_token"]})
    await fleet.post(path, WHY, 404)  # a claim of ours is no entry that can be taken back
    await fleet.post(f"/licences/{licence}/claimed-outside", entry, 409)


async def test_EL5_a_sale_typed_for_the_wrong_vehicle_is_taken_back_with_its_reading(fleet: Fleet) -> None:
    await fleet.claimable()
    ute, running = fleet.vehicles["ABC123"], fleet.licences["RUC 0001 next"]
    await fleet.post(f"/vehicles/{ute}/sale", SALE, 200)
    assert (await fleet.get(f"/licences/{running}"))["claimable_end_reading"] == 46_300
    change = await fleet.post(f"/vehicles/{ute}/sale/strike", WHY, 200)
    assert (change["kind"], change["before"]["reading"]) == ("vehicle_ending", 46_300)
    paper = await fleet.get(f"/licences/{running}")
    assert (paper["claimable_end_reading"], paper["ended_by"]) == (47_000, None)
    assert (await fleet.get(f"/vehicles/{ute}"))["sold_at"] is None
    values = [one["value"] for one in (await fleet.get("/readings", vehicle_id=ute))["items"]]
    assert 46_300 not in values
    again = {"device": "imei-1", "vehicle_id": ute, "from": SALE["at"], "gps_type": "FMC130"}
    await fleet.post("/devices", again)
    await fleet.post(f"/vehicles/{ute}/sale/strike", WHY, 404)
    await fleet.post(f"/vehicles/{ute}/sale", SALE, 200)


async def test_EX1_a_grant_recorded_by_mistake_never_was_and_the_licence_runs_on(fleet: Fleet) -> None:
    licence = await fleet.claimable()
    before = (await fleet.get(f"/licences/{licence}/eligibility"))["claimable_km"]
    exemption = await granted(fleet, fleet.vehicles["ABC123"], NEAR, at="2026-10-03")
    assert (await fleet.get(f"/licences/{licence}/eligibility"))["claimable_km"] < before
    await step(fleet, exemption, "annulled", 422)
    told = await step(fleet, exemption, "annulled", reason="another vehicle's letter")
    assert told["state"] == "withdrawn"
    assert (await fleet.get(f"/licences/{licence}/eligibility"))["claimable_km"] == before == 560


async def test_VE4_CL7_a_device_that_never_was_on_the_vehicle_is_struck_and_its_claim_disclosed(fleet: Fleet) -> None:
    _, claim = await lodged(fleet)
    (assigned,) = (await fleet.get("/devices", vehicle_id=fleet.vehicles["ABC123"]))["items"]
    change = await fleet.post(f"/devices/{assigned['id']}/strike", WHY, 200)
    assert change["before"]["device"] == "imei-1"
    assert (await fleet.get("/devices", vehicle_id=fleet.vehicles["ABC123"]))["items"] == []
    assert await claimed_too_much(fleet, claim) == [0]
    await fleet.post(f"/devices/{assigned['id']}/strike", WHY, 404)


async def test_VE1_a_coupling_that_never_was_leaves_no_instant(fleet: Fleet) -> None:
    ute = await fleet.add_ute()
    trailer = (await fleet.post("/vehicles", {"plate": "T1", "powered": False, "gross_kg": 9_000}))["id"]
    body = {"trailer_id": trailer, "vehicle_id": ute, "from": "2026-10-01"}
    coupling = (await fleet.post("/couplings", body))["id"]
    assert (await fleet.post(f"/vehicles/{ute}/correction", WHY | {"powered": False}, 422))["errors"][0][
        "pointer"
    ] == "/powered"
    await fleet.post(f"/couplings/{coupling}/strike", WHY, 200)
    assert (await fleet.get("/couplings"))["items"] == []
    await fleet.post("/couplings", body)


async def test_LI3_CL7_a_weight_put_right_holds_what_is_lodged_against_it(fleet: Fleet) -> None:
    await lodged(fleet)
    path = f"/vehicles/{fleet.vehicles['ABC123']}/correction"
    change = await fleet.post(path, WHY | {"gross_kg": 9_500, "description": "truck"}, 200)
    assert (change["fields"], change["before"]) == (["description", "gross_kg"], {"description": "", "gross_kg": 3_050})
    assert (await fleet.get(f"/vehicles/{fleet.vehicles['ABC123']}"))["gross_kg"] == 9_500
    assert (await fleet.post(path, WHY | {"gross_kg": 9_500}, 422))["errors"][0]["code"] == "no_change"
    assert (await fleet.post(path, WHY | {"exempt": True}, 422))["errors"][0]["pointer"] == "/exempt_reason"


async def test_VE2_a_forgotten_rollover_is_given_to_the_recorder_and_the_series_goes_on(fleet: Fleet) -> None:
    await fleet.add_claimant()
    await fleet.add_ute()
    recorder = fleet.recorders["ABC123"]
    licence = await fleet.add_licence("ABC123", "RUC 1", 99_500, "2026-10-01T08:00:00+13:00")
    await fleet.add_reading("ABC123", "2026-10-01T08:00:00+13:00", 99_500)
    turned = {"recorder_id": recorder, "at": "2026-10-15T08:00:00+13:00", "value": 500}
    refused = await fleet.post("/readings", turned, 422)
    assert "give the recorder its `rollover_at`" in refused["errors"][0]["detail"]
    path = f"/recorders/{recorder}/correction"
    assert "99500" in (await fleet.post(path, WHY | {"rollover_at": 99_500}, 422))["errors"][0]["detail"]
    await fleet.post(path, WHY | {"rollover_at": 100_000}, 200)
    await fleet.post("/readings", turned)
    await fleet.add_licence("ABC123", "RUC 2", 500, "2026-10-15T08:00:00+13:00")
    await put_days(fleet.worker, [device_day(fleet.tenant, "imei-1", FIRST_DAY + i) for i in range(TRAVEL_DAYS)])
    await put_progress(fleet.worker)
    assert (await fleet.get(f"/licences/{licence}/eligibility"))["claimable_km"] == 560
    assert (await fleet.post(path, WHY | {"unit": "mi"}, 422))["errors"][0]["code"] == "licence_invalid"
    preview = await fleet.preview([licence])
    await fleet.post("/claims", {"preview_token": preview["preview_token"]})
    assert (await fleet.post(path, WHY | {"rollover_at": 1_000_000}, 409))["code"] == "already_claimed"
    assert (await fleet.post(path, WHY | {"serial": "OD 7"}, 200))["fields"] == ["serial"]


async def test_VE3_a_reading_gets_its_file_afterwards_once(fleet: Fleet) -> None:
    await fleet.add_ute()
    reading = await fleet.add_reading("ABC123", "2026-10-01", 45_000)
    scan = await fleet.client.post("/v1/attachments", params={"name": "odo.pdf", "actor": "R"}, content=b"%PDF-1.7 x")
    body = {"attachment_id": scan.json()["id"]}
    proved = await fleet.post(f"/readings/{reading}/attachment", body, 200)
    assert proved["attachment_id"] == body["attachment_id"]
    await fleet.post(f"/readings/{reading}/attachment", body, 409)
    await fleet.post(f"/readings/{fleet.vehicles['ABC123']}/attachment", body, 404)


async def test_EL5_CL5_a_sale_and_a_claim_that_are_both_taken_back_leave_the_licence_whole(fleet: Fleet) -> None:
    """While it was claimed nothing moved its range; whoever claims it again claims all of it."""
    licence = await fleet.claimable()
    running, ute = fleet.licences["RUC 0001 next"], fleet.vehicles["ABC123"]
    await fleet.post(f"/vehicles/{ute}/sale", SALE, 200)
    entry = {"claimed_on": "2026-11-02", "reference": "paper 1", "actor": "R Hill", "reason": "by hand"}
    await fleet.post(f"/licences/{running}/claimed-outside", entry)
    await fleet.post(f"/vehicles/{ute}/sale/strike", WHY, 200)
    assert (await fleet.get(f"/licences/{running}"))["claimable_end_reading"] == 46_300
    await fleet.post(f"/licences/{running}/claimed-outside/strike", WHY, 200)
    paper = await fleet.get(f"/licences/{running}")
    assert (paper["claimable_end_reading"], paper["ended_by"]) == (47_000, None)
    assert (await fleet.get(f"/licences/{licence}"))["claimable_end_reading"] == 46_000


async def test_EL5_a_licence_bought_after_the_vehicle_came_back_is_claimed_like_any_other(fleet: Fleet) -> None:
    """It was sold in September, before the licence was issued: that sale ends nothing of it, whichever is entered first."""
    licence = await fleet.claimable()
    ute = fleet.vehicles["ABC123"]
    before = {"at": "2026-09-20T08:00:00+12:00", "reading": 44_500, "actor": "R Hill", "reason": "sold"}
    sold = await fleet.post(f"/vehicles/{ute}/sale", before, 200)
    assert sold["licences_ended"] == []
    await fleet.post("/devices", {"device": "imei-1", "vehicle_id": ute, "from": "2026-09-21", "gps_type": "FMC130"})
    assert (await fleet.get(f"/licences/{licence}"))["claimable_end_reading"] == 46_000
    later = await fleet.add_licence("ABC123", "RUC 3", 47_000, "2026-10-20")
    assert (await fleet.get(f"/licences/{later}"))["claimable_end_reading"] == 48_000
    preview = await fleet.preview([licence])
    claim = await fleet.post("/claims", {"preview_token": preview["preview_token"]})
    assert claim["lines"][0]["distance_km"] == 560


async def test_VE5_CL7_a_vehicle_that_proves_exempt_owes_all_that_was_claimed_for_it(fleet: Fleet) -> None:
    _, claim = await lodged(fleet)
    fix = WHY | {"exempt": True, "exempt_reason": "agricultural tractor"}
    await fleet.post(f"/vehicles/{fleet.vehicles['ABC123']}/correction", fix, 200)
    assert await claimed_too_much(fleet, claim) == [0]
