"""A vehicle's section 40 exemption over HTTP with the real classifier beside it: rules EX1 to EX5, VE5, LI2."""

import asyncio
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from shared.nz_days import bounds_ms, to_ordinal
from tests.integration.claims.conftest import Claims
from tests.integration.claims.test_claims_faulty_classifier import COMPLETE_MS, classifier_client, pass_on
from tests.integration.claims.world import Fleet, put_progress
from tests.integration.rulings.conftest import Api, api, district, store
from tests.simulation.district import drive

pytestmark = pytest.mark.integration
__all__ = ["api", "district", "store"]
ON = "2026-11-22"
DROVE_ON = to_ordinal(date(2026, 11, 10))
ACTOR = {"actor": "R Hill"}
DETAILS: dict[str, Any] = {
    "fuel": "diesel", "applicant_is": "operator", "purpose": "agriculture", "odometer": 45_500, "odometer_read_on": ON,
    "address": "12 Ridge Road, RD 15, Palmerston North", "locality": "RD 15, Palmerston North", "weekly_km": 80,
    "contact": "R Hill", "contact_time": "morning", "pays_by": "card", "has_current_licence": True,
}  # fmt: skip
FEE = 3908


def square(west: float, south: float = -40.11, size: float = 0.02) -> dict[str, Any]:
    east, north = west + size, south + size
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {"type": "Polygon", "coordinates": [ring]}


NEAR, FAR = square(175.24), square(175.05)
"""The district's road lies beside the one, and some 15 km east of the other."""


async def apply(fleet: Fleet, vehicle: str, boundary: dict[str, Any], status: int = 201, **more: Any) -> dict[str, Any]:
    body = {"vehicle_id": vehicle, "boundary": boundary, "details": DETAILS | more} | ACTOR
    return await fleet.post("/exemptions", body, status)


async def step(fleet: Fleet, exemption: str, kind: str, status: int = 200, **more: Any) -> dict[str, Any]:
    return await fleet.post(f"/exemptions/{exemption}/steps", {"kind": kind, "on": ON} | ACTOR | more, status)


async def granted(fleet: Fleet, vehicle: str, boundary: dict[str, Any], at: str = "2026-11-09") -> str:
    made = await apply(fleet, vehicle, boundary)
    await step(fleet, made["id"], "sent", fee_cents=FEE)
    await step(fleet, made["id"], "granted", at=at, reference="EX 1")
    return str(made["id"])


@pytest.fixture
async def watched(api: Api, claims: Claims, fleet: Fleet) -> Fleet:
    """A ute that drove once through the district, its day classified and in the ledger."""
    await fleet.add_ute()
    key, noon = (str(fleet.tenant), "imei-1"), bounds_ms(DROVE_ON)[0] + 12 * 3_600_000
    await api.store.take(drive(key, noon, 14), tick_ms=COMPLETE_MS + 30 * 86_400_000)
    await api.store.member.round()
    await pass_on(api, claims)
    await put_progress(claims.worker)
    claims.app.state.context = replace(claims.context, classifier=classifier_client(api))
    return fleet


async def test_EX1_EX2_what_would_be_declined_is_not_sent_and_the_fee_is_seen_first(fleet: Fleet) -> None:
    vehicle = await fleet.add_ute()
    made = await apply(fleet, vehicle, NEAR, purpose=None, fuel="petrol")
    assert (made["state"], made["can_apply"], made["fee_cents"], made["decided_by"]) == (
        "draft",
        False,
        FEE,
        "2026-11-25",
    )
    assert made["label"] == "RUC EXEMPT ABC123 RD 15, Palmerston North"
    refused = await step(fleet, made["id"], "sent", 409, fee_cents=FEE)
    assert {one["rule"] for one in refused["findings"]} == {"EX1", "EX2"}
    await step(fleet, made["id"], "amended", details=DETAILS | {"odometer_read_on": "2026-11-21"})
    assert (await step(fleet, made["id"], "sent", 409, fee_cents=FEE))["findings"][0]["rule"] == "EX2"
    await step(fleet, made["id"], "amended", details=DETAILS)
    assert (await step(fleet, made["id"], "sent", 422))["errors"][0]["code"] == "fee"
    sent = await step(fleet, made["id"], "sent", fee_cents=FEE, reference="receipt 7")
    assert (sent["state"], sent["steps"][-1]["cents"]) == ("sent", FEE)
    declined = await step(fleet, made["id"], "declined", reason="not exclusively off road")
    assert declined["state"] == "declined"
    again = await apply(fleet, vehicle, NEAR)
    assert again["id"] != made["id"], "after a refusal another application may be made"


async def test_EX3_a_point_address_is_refused(fleet: Fleet) -> None:
    vehicle = await fleet.add_ute()
    refused = await apply(fleet, vehicle, {"type": "Point", "coordinates": [175.25, -40.1]}, 422)
    assert (refused["errors"][0]["pointer"], refused["errors"][0]["code"]) == ("/boundary/type", "no_boundary")


async def test_EX2_of_eight_applications_for_one_vehicle_one_stands(fleet: Fleet) -> None:
    vehicle = await fleet.add_ute()
    body = {"vehicle_id": vehicle, "boundary": NEAR, "details": DETAILS} | ACTOR
    answers = await asyncio.gather(*(fleet.client.post("/v1/exemptions", json=body) for _ in range(8)))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 7


async def test_LI2_VE5_a_licence_ends_where_the_exemption_begins_and_none_is_bought_then(fleet: Fleet) -> None:
    licence = await fleet.claimable()
    before = await fleet.get(f"/licences/{licence}/statement")
    exemption = await granted(fleet, fleet.vehicles["ABC123"], NEAR, at="2026-10-08")
    after = await fleet.get(f"/licences/{licence}/statement")
    half = after["totals"]["off_road_mm"]
    assert 0 < half < before["totals"]["off_road_mm"]
    assert [day["off_road_mm"] for day in after["days"] if day["day"] >= "2026-10-08"] in ([], [0] * 8, [0] * 7)
    body = fleet.licence_body("ABC123", "RUC 9", 50_000, "2026-10-20")
    assert "exempt under section 40" in (await fleet.post("/licences", body, 422))["errors"][0]["detail"]
    await step(fleet, exemption, "ended", at="2026-11-01", code="revoked", reading=47_000)
    await fleet.add_licence("ABC123", "RUC 9", 50_000, "2026-11-02")


async def test_LI2_CL7_an_exemption_granted_back_in_time_discloses_what_was_claimed_under_it(fleet: Fleet) -> None:
    licence = await fleet.claimable()
    preview = await fleet.preview([licence])
    claim = await fleet.post("/claims", {"preview_token": preview["preview_token"]})
    await granted(fleet, fleet.vehicles["ABC123"], NEAR, at="2026-10-08")
    (found,) = (await fleet.get("/disclosures", claim_id=claim["id"]))["items"]
    assert 0 < found["now_km"] < found["claimed_km"] == 560


async def test_LI2_VE5_a_licence_that_was_issued_under_an_exemption_recorded_later_claims_nothing(fleet: Fleet) -> None:
    licence = await fleet.claimable()
    exemption = await granted(fleet, fleet.vehicles["ABC123"], NEAR, at="2026-09-20")
    assert (await fleet.get(f"/licences/{licence}/statement"))["totals"]["off_road_mm"] == 0
    assert not (await fleet.preview([licence]))["lodgeable"]
    await step(fleet, exemption, "ended", at="2026-09-30", code="revoked", reading=45_000)
    assert (await fleet.preview([licence]))["lodgeable"], "it was issued after the exemption"


async def test_EX4_a_duty_stands_on_the_radar_until_it_is_done(claims: Claims, fleet: Fleet) -> None:
    vehicle = await fleet.add_ute()
    exemption = await granted(fleet, vehicle, NEAR)
    (item,) = (await fleet.get("/alerts", kind="duty_due"))["items"]
    assert (item["exemption_id"], item["vehicle_id"], item["due_on"]) == (exemption, vehicle, "2026-11-27")
    assert item["words"].startswith(f"owed since {ON}, to be done by 2026-11-27: Display the exemption label")
    other = await fleet.add_ute("DEF456", "imei-2")
    for narrower, found in (
        ({"vehicle_id": vehicle}, [item]), ({"vehicle_id": other}, []), ({"kind": "answer_due"}, []),
        ({"due_from": "2026-11-27"}, [item]), ({"due_from": "2026-11-28"}, []),
        ({"due_before": "2026-11-28"}, [item]), ({"due_before": "2026-11-27"}, []),
        ({"claimant_id": await fleet.add_claimant("Another")}, []),
    ):  # fmt: skip
        assert (await fleet.get("/alerts", **narrower))["items"] == found, narrower
    claims.clock.now_ms += 5 * 86_400_000
    assert (await fleet.get("/alerts"))["items"] == [item], "on its day"
    claims.clock.now_ms += 86_400_000
    (late,) = (await fleet.get("/alerts"))["items"]
    assert f"owed since {ON}, was to be done by 2026-11-27" in late["words"]
    await step(fleet, exemption, "done", on="2026-11-28", code="display_label")
    assert (await fleet.get("/alerts"))["items"] == []


async def test_EX4_duties_stand_until_a_person_reports_them(fleet: Fleet) -> None:
    vehicle = await fleet.add_ute()
    exemption = await granted(fleet, vehicle, NEAR)
    told = await step(fleet, exemption, "changed", boundary=FAR, reason="moved")
    assert [(one["code"], one["done_on"]) for one in told["duties"]] == [
        ("display_label", None),
        ("tell_changes", None),
    ]
    assert told["boundary"] == FAR
    told = await step(fleet, exemption, "done", code="tell_changes", reference="letter")
    assert told["duties"][1]["done_on"] == ON
    assert (await step(fleet, exemption, "done", 422, code="tell_changes"))["errors"][0]["code"] == "no_duty"
    told = await step(fleet, exemption, "reading_requested", reference="request 3")
    assert told["duties"][-1]["due_on"] == "2026-11-27"
    await step(fleet, exemption, "done", code="give_reading", reading=46_000)
    told = await step(fleet, exemption, "ended", at="2026-11-22", code="expired")
    assert (told["duties"][-1]["code"], told["state"]) == ("give_last_reading", "ended")
    refused = await step(fleet, exemption, "reading_requested", 409)
    assert refused["allowed"] == ["annulled", "done"]


async def test_EX3_travel_beyond_the_reach_is_a_breach_until_its_exception_is_recorded(watched: Fleet) -> None:
    exemption = await granted(watched, watched.vehicles["ABC123"], FAR)
    asked = {"from_on": "2026-11-01", "to_on": "2026-11-20"}
    found = await watched.get(f"/exemptions/{exemption}/monitoring", **asked)
    assert [one["status"] for one in found["items"]] == ["breach", "possible"], "the road, and the turn into the track"
    assert found["breaches"] == 1
    (item, _) = found["items"]
    assert (item["status"], item["surface"], item["device"]) == ("breach", "public_road", "imei-1")
    assert 13 < float(item["farthest_km"]) < 18
    assert 1 < sum(float(one["beyond_km"]) for one in found["items"]) < 2, "the road of the district is 1.7 km"

    scan = await watched.client.post("/v1/attachments", params={"name": "wof.pdf", "actor": "R"}, content=b"%PDF-1.7 x")
    body = {
        "kind": "inspection", "from": "2026-11-10T11:00:00+13:00", "to": "2026-11-10T13:00:00+13:00",
        "destination": "Testing station, Bulls", "attachment_id": scan.json()["id"],
    }  # fmt: skip
    noted = await watched.post(f"/exemptions/{exemption}/exceptions", body | ACTOR)
    found = await watched.get(f"/exemptions/{exemption}/monitoring", **asked)
    assert {one["status"] for one in found["items"]} == {"look"}, "a person judges the route"
    look = f"/exemptions/{exemption}/exceptions/{noted['exceptions'][0]['id']}/look"
    await watched.post(look, {"words": "the highway, no other way"} | ACTOR, 200)
    await watched.post(look, {"words": "again"} | ACTOR, 404)
    found = await watched.get(f"/exemptions/{exemption}/monitoring", **asked)
    assert (found["breaches"], {one["status"] for one in found["items"]}) == (0, {"excepted"})
    await watched.get(f"/exemptions/{exemption}/monitoring", 422, from_on="2026-01-01", to_on="2026-11-20")


async def test_EX3_near_the_boundary_and_before_the_exemption_nothing_is_a_breach(watched: Fleet) -> None:
    exemption = await granted(watched, watched.vehicles["ABC123"], NEAR)
    found = await watched.get(f"/exemptions/{exemption}/monitoring", from_on="2026-11-01", to_on="2026-11-20")
    assert (found["items"], found["looked_at"]) == ([], 0)
    assert found["stretches"] > 0
    await step(watched, exemption, "ended", at="2026-11-21", code="revoked")
    later = await granted(watched, watched.vehicles["ABC123"], FAR, at="2026-11-21T12:00:00+13:00")
    found = await watched.get(f"/exemptions/{later}/monitoring", from_on="2026-11-01", to_on="2026-11-22")
    assert found["items"] == []


async def test_EX3_travel_is_judged_by_the_boundary_that_stood_then(watched: Fleet) -> None:
    """Moved today: what was driven on the tenth was near the address of that day, and far from the one before that."""
    asked = {"from_on": "2026-11-01", "to_on": "2026-11-22"}
    vehicle = watched.vehicles["ABC123"]
    exemption = await granted(watched, vehicle, NEAR)
    await step(watched, exemption, "changed", boundary=FAR, reason="moved")
    assert (await watched.get(f"/exemptions/{exemption}/monitoring", **asked))["items"] == []
    await step(watched, exemption, "ended", at="2026-11-22", code="revoked")
    other = await granted(watched, vehicle, FAR, at="2026-11-09")
    await step(watched, other, "changed", boundary=NEAR, reason="moved")
    assert (await watched.get(f"/exemptions/{other}/monitoring", **asked))["breaches"] == 1


async def test_EX3_a_trip_on_which_the_exemption_begins_is_watched_from_then_on(watched: Fleet) -> None:
    exemption = await granted(watched, watched.vehicles["ABC123"], FAR, at="2026-11-10T12:01:00+13:00")
    found = await watched.get(f"/exemptions/{exemption}/monitoring", from_on="2026-11-01", to_on="2026-11-20")
    (breach,) = [one for one in found["items"] if one["status"] == "breach"]
    assert breach["from_at"] == "2026-11-09T23:01:00Z"
    assert 0 < float(breach["beyond_km"]) < 1.2, "of 1.7 km, the first minute was before"


async def test_EX5_the_advisor_compares_dollars_and_names_the_risk(watched: Fleet) -> None:
    vehicle = watched.vehicles["ABC123"]
    near = await watched.post(f"/vehicles/{vehicle}/exemption-advice", {"boundary": NEAR}, 200)
    assert (near["fee_cents"], near["beyond_km"]) == (FEE, "0.000")
    assert near["saved_cents"] == near["charges_cents"] - near["refunds_cents"] - FEE
    assert float(near["off_road_km"]) > 1
    far = await watched.post(f"/vehicles/{vehicle}/exemption-advice", {"boundary": FAR}, 200)
    assert "a breach" in far["words"]
    assert float(far["beyond_km"]) > 1
    trailer = await watched.post("/vehicles", {"plate": "T1", "powered": False, "gross_kg": 9_000})
    refused = await watched.post(f"/vehicles/{trailer['id']}/exemption-advice", {"boundary": NEAR}, 422)
    assert refused["errors"][0]["code"] == "rate_unknown"
