"""What a lodged line rested on and does not any more is disclosed, though its kilometres stay the same (rules CL7, DI3, VE2, EL1)."""

from typing import Any

import pytest

from tests.integration.claims.lodging import ON, SENT, WITHDRAW, lodged, step
from tests.integration.claims.world import Fleet

pytestmark = pytest.mark.integration

WHY: dict[str, Any] = {"reason": "never shown", "actor": "R Hill"}
END = "2026-10-15T08:00:00+13:00"


async def strike_end(fleet: Fleet) -> None:
    """The reading at the licence's end, which was the only one at or beyond it."""
    (end,) = [one for one in (await fleet.get("/readings"))["items"] if one["value"] == 46_000]
    await fleet.post(f"/readings/{end['id']}/strike", WHY, 200)


async def told(fleet: Fleet, claim: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await fleet.get("/disclosures", claim_id=claim, only_open="true"))["items"]
    return found


async def rules(fleet: Fleet, claim: str) -> set[str]:
    return {ground["rule"] for one in await told(fleet, claim) for ground in one["grounds"]}


async def test_CL7_DI3_an_end_reading_struck_after_lodging_is_told_in_claim_history_radar_and_by_webhook(
    fleet: Fleet,
) -> None:
    licence, claim = await lodged(fleet)
    await strike_end(fleet)
    (open_one,) = await told(fleet, claim)
    assert {"DI3", "EL1"} <= {ground["rule"] for ground in open_one["grounds"]}
    (unread,) = [ground["reason"] for ground in open_one["grounds"] if ground["rule"] == "DI3"]
    assert unread in open_one["letter"] and "at or beyond 46000" in unread
    history = await step(fleet, claim, "sent", SENT)
    assert {"DI3", "EL1"} <= {one["rule"] for one in history["findings"] if one["outcome"] == "fail"}
    assert (await fleet.get(f"/claims/{claim}"))["findings"] == history["findings"]
    (alert,) = (await fleet.get("/alerts", kind="disclosure"))["items"]
    assert (alert["licence_id"], alert["claim_id"], alert["disclosure_id"]) == (licence, claim, open_one["id"])
    events = await fleet.worker.fetch("select data from claims.webhook_event where type = 'disclosure.opened'")
    assert [open_one["id"] in one["data"] for one in events] == [True]
    assert (await fleet.get(f"/claims/{claim}"))["lines"][0]["distance_km"] == 560, "lodged numbers never change"


async def test_CL7_DI3_the_same_reading_entered_again_ends_the_disclosure(fleet: Fleet) -> None:
    _, claim = await lodged(fleet)
    await strike_end(fleet)
    await fleet.add_reading("ABC123", END, 46_000)
    (one,) = (await fleet.get("/disclosures", claim_id=claim))["items"]
    assert (one["closed_as"], (await fleet.get(f"/claims/{claim}"))["findings"]) == ("not_owed_any_more", [])
    assert (await fleet.get("/alerts", kind="disclosure"))["items"] == []


async def test_CL7_VE2_an_end_reading_contradicted_after_lodging_is_told(fleet: Fleet) -> None:
    """By the last one, which such a display may show: neither counts."""
    licence = await fleet.claimable()
    turns = {"rollover_at": 1_000_000, **WHY}
    await fleet.post(f"/recorders/{fleet.recorders['ABC123']}/correction", turns, 200)
    claim = await fleet.post("/claims", {"preview_token": (await fleet.preview([licence]))["preview_token"]})
    wrong = await fleet.add_reading("ABC123", "2026-10-16", 45_990)
    assert "DI3" in await rules(fleet, claim["id"])
    await fleet.post(f"/readings/{wrong}/strike", WHY, 200)
    assert await told(fleet, claim["id"]) == []


async def test_CL7_EL1_a_newer_licence_struck_after_lodging_is_told(fleet: Fleet) -> None:
    _, claim = await lodged(fleet)
    await fleet.post(f"/licences/{fleet.licences['RUC 0001 next']}/strike", WHY, 200)
    (one,) = await told(fleet, claim)
    assert [ground["rule"] for ground in one["grounds"]] == ["EL1"]
    assert (one["claimed_km"], one["now_km"], one["cents"]) == (560, 560, 0)


async def test_CL7_what_the_agency_was_told_of_is_not_told_again(fleet: Fleet) -> None:
    _, claim = await lodged(fleet)
    await fleet.post(f"/licences/{fleet.licences['RUC 0001 next']}/strike", WHY, 200)
    (one,) = await told(fleet, claim)
    closing = {"on": ON, "closed_as": "nothing_owed", "cents": 0, "reference": "letter 9", "actor": "R Hill"}
    await fleet.post(f"/disclosures/{one['id']}/close", closing, 200)
    again = await fleet.post(f"/claims/{claim}/review", {}, 200)
    (closed,) = again["disclosures"]
    assert (again["over_claimed"], closed["id"], closed["closed_as"]) == (0, one["id"], "nothing_owed")


async def test_CL7_nothing_is_told_of_a_hold_that_may_pass_nor_of_a_claim_that_was_withdrawn(fleet: Fleet) -> None:
    _, claim = await lodged(fleet)
    await fleet.hold_a_day(rev=3, is_open=True)
    assert (await fleet.post(f"/claims/{claim}/review", {}, 200))["over_claimed"] == 0
    await strike_end(fleet)
    await step(fleet, claim, "withdraw", WITHDRAW)
    await fleet.post(f"/claims/{claim}/review", {}, 200)
    assert await told(fleet, claim) == []


async def lodged_by_the_table(fleet: Fleet) -> str:
    """560 km of a licence whose charge nobody entered: priced by the vehicle's type and weight."""
    await fleet.post(f"/licences/{await fleet.claimable()}/strike", WHY, 200)
    licence = await fleet.add_licence("ABC123", "RUC 2", 45_000, "2026-10-01T08:00:00+13:00", gross_cents=None)
    claim = await fleet.post("/claims", {"preview_token": (await fleet.preview([licence]))["preview_token"]})
    assert claim["totals"]["estimate_cents"] == 4_256
    return str(claim["id"])


@pytest.mark.parametrize(
    ("given", "now_cents", "cents"),
    [({"ruc_type": "PHEV-petrol"}, 2_128, 2_128), ({"gross_kg": 9_000}, None, None)],
)
async def test_CL7_LI5_a_vehicle_corrected_after_lodging_is_told_in_money_too(
    fleet: Fleet, given: dict[str, Any], now_cents: int | None, cents: int | None
) -> None:
    claim = await lodged_by_the_table(fleet)
    vehicle = f"/vehicles/{fleet.vehicles['ABC123']}/correction"
    await fleet.post(vehicle, given | WHY, 200)
    (one,) = await told(fleet, claim)
    assert (one["claimed_km"], one["now_km"], one["grounds"]) == (560, 560, [])
    assert (one["claimed_cents"], one["now_cents"], one["cents"]) == (4_256, now_cents, cents)
    assert "claimed at $42.56" in one["letter"]
    (alert,) = (await fleet.get("/alerts", kind="disclosure"))["items"]
    assert alert["amount_cents"] == cents
    (finding,) = (await fleet.get(f"/claims/{claim}"))["findings"]
    assert (finding["rule"], finding["inputs"]["now_cents"]) == ("CL7", str(now_cents or "unknown"))
    closing = {"on": ON, "closed_as": "repaid", "cents": cents or 0, "actor": "R Hill"}
    if cents:
        await fleet.post(f"/disclosures/{one['id']}/close", closing | {"cents": cents - 1}, 422)
    await fleet.post(f"/disclosures/{one['id']}/close", closing, 200)
    assert (await fleet.post(f"/claims/{claim}/review", {}, 200))["over_claimed"] == 0, (
        "settled, and not asked for again"
    )


async def test_CL7_LI5_a_vehicle_put_right_again_owes_nothing(fleet: Fleet) -> None:
    claim = await lodged_by_the_table(fleet)
    for ruc_type, count in (("PHEV-petrol", 1), ("1", 0), ("BEV", 0)):
        await fleet.post(f"/vehicles/{fleet.vehicles['ABC123']}/correction", {"ruc_type": ruc_type, **WHY}, 200)
        assert len(await told(fleet, claim)) == count, ruc_type
