"""An overlap that was bought before the claim and entered after it: taken in, and what the claim said too much is told (rules LI3, CL7, EL4)."""

from typing import Any

import pytest

from tests.integration.claims.applying import parts
from tests.integration.claims.world import Fleet

pytestmark = pytest.mark.integration
WHY: dict[str, Any] = {"reason": "typed wrong", "actor": "R Hill"}
BY_HAND: dict[str, Any] = {"claimed_on": "2026-11-01", "reference": "paper 1", "actor": "R Hill", "reason": "by hand"}
LATE: dict[str, Any] = {"end_reading": 48_250, "units": 3, "gross_cents": 22_800, "overlap": True}


async def claimed(fleet: Fleet) -> tuple[str, str]:
    """1000 km from 45000, 560 of them claimed; what was bought behind them is struck, since the overlap covers it."""
    licence = await fleet.claimable()
    preview = await fleet.preview([licence])
    claim = await fleet.post("/claims", {"preview_token": preview["preview_token"]})
    await fleet.post(f"/licences/{fleet.licences['RUC 0001 next']}/strike", WHY, 200)
    return licence, claim["id"]


async def test_LI3_CL7_an_overlap_entered_after_the_claim_discloses_what_was_claimed_too_much(fleet: Fleet) -> None:
    licence, claim = await claimed(fleet)
    overlap = await fleet.add_licence("ABC123", "RUC 5", 45_250, "2026-10-04T12:00:00+13:00", **LATE)
    cut = await fleet.get(f"/licences/{licence}")
    assert (cut["claimable_end_reading"], cut["ended_by"], cut["state"]) == (45_250, "overlap", "lodged")
    (told,) = (await fleet.get("/disclosures", claim_id=claim, only_open="true"))["items"]
    assert told["licence_id"] == licence and told["claimed_km"] == 560 and told["now_km"] < 200
    await fleet.add_licence("ABC123", "RUC 6", 48_250, "2026-11-02")
    await fleet.add_reading("ABC123", "2026-11-02", 48_250)
    preview = await fleet.preview([overlap])
    (held,) = [one for one in preview["lines"][0]["findings"] if one["rule"] == "LI4"]
    assert held["outcome"] == "fail" and held["inputs"]["source_id"] == claim, (
        "nor are they previewed as if they were free"
    )
    assert (held["inputs"]["from_reading"], held["inputs"]["to_reading"]) == ("45250", "46000")
    refused = await fleet.post("/claims", {"preview_token": preview["preview_token"]}, 409)
    assert refused["code"] == "not_lodgeable", "the same kilometres are not claimed on two licences"
    refused = await fleet.post(f"/licences/{overlap}/claimed-outside", BY_HAND, 409)
    assert refused["code"] == "range_claimed", "nor elsewhere; the licence itself is not claimed"
    judged = await fleet.get(f"/licences/{overlap}/eligibility")
    assert held in judged["findings"] and not judged["eligible"]
    body = {"claimant_id": fleet.claimant_id, "licence_ids": [overlap], "person_completing": "R Hill"}
    attacks = {one["id"]: one for one in (await fleet.post("/preflight", body, 200))["attacks"]}
    assert attacks["same_kilometres"]["outcome"] == "fails" and held["reason"] in attacks["same_kilometres"]["answer"]
    said = await fleet.get(f"/licences/{overlap}/statement")
    assert [one["route"] for one in said["to_do"]] == [f"POST /v1/claims/{claim}/withdraw"]
    await fleet.post(
        f"/claims/{claim}/withdraw", {"on": "2026-11-22", "reason": "an overlap was forgotten", "actor": "R"}, 200
    )
    preview = await fleet.preview([licence, overlap])
    made = await fleet.post("/claims", {"preview_token": preview["preview_token"]})
    assert sum(line["distance_km"] for line in made["lines"]) <= 560, "each kilometre on one of them"


async def test_LI3_a_late_overlap_typed_by_mistake_is_struck_and_the_claim_owes_nothing(fleet: Fleet) -> None:
    licence, claim = await claimed(fleet)
    overlap = await fleet.add_licence("ABC123", "RUC 5", 45_250, "2026-10-04T12:00:00+13:00", **LATE)
    await fleet.post(f"/licences/{overlap}/strike", WHY, 200)
    whole = await fleet.get(f"/licences/{licence}")
    assert (whole["claimable_end_reading"], whole["ended_by"]) == (46_000, None)
    (left,) = (await fleet.get("/disclosures", claim_id=claim, only_open="true"))["items"]
    assert (left["now_km"], left["cents"]) == (left["claimed_km"], 0), "not a kilometre"
    assert [one["rule"] for one in left["grounds"]] == ["EL1"], (
        "what was bought behind it was struck and is missing still"
    )


async def test_OT1_LI3_a_credit_written_down_for_a_late_overlap_stays_apart_from_what_was_claimed(fleet: Fleet) -> None:
    licence, _ = await claimed(fleet)
    overlap = await fleet.add_licence("ABC123", "RUC 5", 45_250, "2026-10-04T12:00:00+13:00", **LATE)
    await fleet.post(f"/licences/{overlap}/correction", WHY | {"credit_cents": 5700}, 200)
    assert await parts(fleet, licence) == [("off_road", 45_000, 46_000)]


async def test_LI3_over_a_licence_claimed_outside_nothing_can_be_told_and_it_is_refused(fleet: Fleet) -> None:
    licence = await fleet.claimable()
    await fleet.post(f"/licences/{licence}/claimed-outside", BY_HAND)
    body = fleet.licence_body("ABC123", "RUC 5", 45_250, "2026-10-04T12:00:00+13:00", **LATE)
    refused = await fleet.post("/licences", body, 409)
    assert (refused["code"], refused["existing_id"]) == ("licence_range_overlap", licence)
    assert "claimed outside" in refused["detail"]
