"""What becomes of a claim after lodging, over HTTP on a real database: rules CL5, CL6, CL7."""

import asyncio
from typing import Any

import pytest

from tests.integration.claims.conftest import Claims
from tests.integration.claims.world import FIRST_DAY, KM, TRAVEL_DAYS, Fleet, device_day, put_days

pytestmark = pytest.mark.integration

ON = "2026-11-22"
SENT = {"on": ON, "channel": "email", "actor": "R Hill"}
WITHDRAW = {"on": ON, "actor": "R Hill", "reason": "wrong bank account"}


async def lodged(fleet: Fleet) -> tuple[str, str]:
    """(licence, claim)."""
    licence = await fleet.claimable()
    preview = await fleet.preview([licence])
    claim = await fleet.post("/claims", {"preview_token": preview["preview_token"]})
    return licence, str(claim["id"])


async def step(fleet: Fleet, claim: str, name: str, body: dict[str, Any], status: int = 200) -> dict[str, Any]:
    return await fleet.post(f"/claims/{claim}/{name}", body, status)


async def test_CL5_withdrawing_frees_the_licence_voids_the_form_and_it_is_claimed_again(fleet: Fleet) -> None:
    licence, claim = await lodged(fleet)
    history = await step(fleet, claim, "withdraw", WITHDRAW)
    assert (history["state"], history["steps"][0]["reason"]) == ("withdrawn", "wrong bank account")
    form = await fleet.get(f"/claims/{claim}/form.pdf", 410)
    assert form["code"] == "form_void"
    assert "RUCOR-000001" in form["detail"]
    preview = await fleet.preview([licence])
    again = await fleet.post("/claims", {"preview_token": preview["preview_token"]})
    assert again["number"] == "RUCOR-000002"
    assert [one["number"] for one in (await fleet.get("/claims", state="withdrawn"))["items"]] == ["RUCOR-000001"]


async def test_CL5_a_sent_claim_is_not_withdrawn_and_needs_consent_for_a_second_application(fleet: Fleet) -> None:
    licence, claim = await lodged(fleet)
    await step(fleet, claim, "sent", SENT)
    refused = await step(fleet, claim, "withdraw", WITHDRAW, 409)
    assert (refused["code"], refused["allowed"]) == ("step_not_allowed", ["received"])
    preview = await fleet.preview([licence])
    assert not preview["lodgeable"]
    agreed = {"on": ON, "actor": "R Hill", "reference": "letter 17", "reason": "km omitted", "licence_ids": [licence]}
    history = await step(fleet, claim, "second-application", agreed)
    assert (history["state"], history["steps"][-1]["reference"]) == ("sent", "letter 17")
    again = await fleet.preview([licence])
    assert again["lodgeable"], again["findings"]
    refused = await step(fleet, claim, "second-application", agreed, 409)
    assert refused["code"] == "already_released"


async def test_CL5_the_consent_to_a_second_application_never_frees_what_the_second_one_claimed(fleet: Fleet) -> None:
    licence, claim = await lodged(fleet)
    await step(fleet, claim, "sent", SENT)
    agreed = {"on": ON, "actor": "R Hill", "reference": "letter 17", "reason": "km omitted", "licence_ids": [licence]}
    await step(fleet, claim, "second-application", agreed)
    second = await fleet.post("/claims", {"preview_token": (await fleet.preview([licence]))["preview_token"]})
    refused = await step(fleet, claim, "second-application", agreed, 409)
    assert refused["code"] == "already_released"
    assert not (await fleet.preview([licence]))["lodgeable"], "it is claimed by the second"
    await step(fleet, second["id"], "withdraw", WITHDRAW)
    assert (await fleet.preview([licence]))["lodgeable"]


async def test_CL5_the_consent_to_a_second_application_never_frees_a_claim_outside(fleet: Fleet) -> None:
    licence, claim = await lodged(fleet)
    await step(fleet, claim, "sent", SENT)
    agreed = {"on": ON, "actor": "R Hill", "reference": "letter 17", "reason": "km omitted", "licence_ids": [licence]}
    await step(fleet, claim, "second-application", agreed)
    outside = {"claimed_on": ON, "reference": "paper 1", "actor": "R", "reason": "by hand"}
    await fleet.post(f"/licences/{licence}/claimed-outside", outside)
    assert (await step(fleet, claim, "second-application", agreed, 409))["code"] == "already_released"


async def test_CL5_before_sending_consent_is_not_the_way(fleet: Fleet) -> None:
    licence, claim = await lodged(fleet)
    asked = {"on": ON, "actor": "a", "reference": "x", "reason": "y", "licence_ids": [licence]}
    assert (await step(fleet, claim, "second-application", asked, 409))["allowed"] == ["withdrawn"]


async def test_CL5_withdrawing_and_sending_at_once_ends_in_exactly_one_of_them(fleet: Fleet) -> None:
    _, claim = await lodged(fleet)
    answers = await asyncio.gather(
        *(fleet.client.post(f"/v1/claims/{claim}/sent", json=SENT) for _ in range(4)),
        *(fleet.client.post(f"/v1/claims/{claim}/withdraw", json=WITHDRAW) for _ in range(4)),
    )
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 7
    steps = (await fleet.get(f"/claims/{claim}/history"))["steps"]
    assert len(steps) == 1


async def test_CL6_sent_received_returned_resent_and_decided_line_by_line(fleet: Fleet) -> None:
    licence, claim = await lodged(fleet)
    scan = await fleet.client.post("/v1/attachments", params={"name": "form.pdf", "actor": "R"}, content=b"%PDF-1.7 x")
    attachment = scan.json()
    assert (scan.status_code, attachment["media_type"], attachment["size"]) == (201, "application/pdf", 10)
    await step(fleet, claim, "sent", SENT | {"attachment_id": attachment["id"]})
    received = await step(fleet, claim, "received", {"on": "2026-11-23", "actor": "R Hill"})
    assert received["answer_due_on"] == "2026-12-07"
    returned = await step(fleet, claim, "returned", {"on": "2026-11-25", "actor": "R", "reason": "no account"})
    assert (returned["state"], returned["answer_due_on"]) == ("returned", None)
    await step(fleet, claim, "sent", SENT | {"on": "2026-11-26", "channel": "post"})
    await step(fleet, claim, "received", {"on": "2026-11-30", "actor": "R Hill"})
    too_much = {"licence_id": licence, "kind": "accepted", "on": "2026-12-04", "distance_km": 561}
    refused = await step(fleet, claim, "outcomes", {"actor": "R", "lines": [too_much]}, 422)
    assert refused["errors"][0]["detail"] == "only 560 km were claimed"
    lines = [too_much | {"distance_km": 500, "cents": 3800}]
    decided = await step(fleet, claim, "outcomes", {"actor": "R", "lines": lines})
    assert decided["state"] == "decided"
    paid = {"licence_id": licence, "kind": "paid", "on": "2026-12-08", "cents": 3800}
    recovered = {"licence_id": licence, "kind": "recovered", "on": "2027-02-01", "cents": 100, "reason": "audit"}
    more = {"actor": "R", "lines": [paid, recovered | {"cents": 3801}]}
    refused = await step(fleet, claim, "outcomes", more, 422)
    assert refused["errors"][0]["pointer"] == "/lines/1/cents", "no more goes back than came"
    history = await step(fleet, claim, "outcomes", {"actor": "R", "lines": [paid, recovered]})
    assert [one["kind"] for one in history["lines"]] == ["accepted", "paid", "recovered"]
    assert [one["kind"] for one in history["steps"]] == ["sent", "received", "returned", "sent", "received", "decided"]
    back = await fleet.client.get(f"/v1/attachments/{attachment['id']}")
    assert (back.content, back.headers["content-type"]) == (b"%PDF-1.7 x", "application/pdf")


async def test_CL6_steps_go_forward_in_time_and_in_order(fleet: Fleet) -> None:
    _, claim = await lodged(fleet)
    early = await step(fleet, claim, "sent", SENT | {"on": "2026-01-01"}, 422)
    assert "before the step before it" in early["errors"][0]["detail"]
    assert (await step(fleet, claim, "received", {"on": ON, "actor": "a"}, 409))["allowed"] == ["sent", "withdrawn"]


async def test_CL7_a_later_revision_that_takes_metres_away_becomes_one_disclosure(fleet: Fleet) -> None:
    licence, claim = await lodged(fleet)
    nothing = await fleet.post(f"/claims/{claim}/review", {}, 200)
    assert nothing == {"over_claimed": 0, "disclosures": []}
    days = [device_day(fleet.tenant, "imei-1", FIRST_DAY + i, rev=9, off_road_mm=30 * KM) for i in range(TRAVEL_DAYS)]
    await put_days(fleet.worker, days)
    for _ in range(2):  # the same finding is told once
        found = await fleet.post(f"/claims/{claim}/review", {}, 200)
    (disclosure,) = found["disclosures"]
    assert found["over_claimed"] == 1
    assert (disclosure["licence_id"], disclosure["claimed_km"]) == (licence, 560)
    assert disclosure["now_km"] < 560
    assert disclosure["cents"] == -(-(560 - disclosure["now_km"]) * 76 // 10)
    assert "RUCOR-000001" in disclosure["letter"]
    line = (await fleet.get(f"/claims/{claim}"))["lines"][0]
    assert line["distance_km"] == 560, "lodged numbers never change"
    closing = {"on": "2026-12-01", "closed_as": "repaid", "cents": disclosure["cents"], "actor": "R Hill"}
    await fleet.post(f"/disclosures/{disclosure['id']}/close", closing, 200)
    assert (await fleet.get("/disclosures", only_open="true"))["items"] == []
    await fleet.post(f"/disclosures/{disclosure['id']}/close", closing, 404)


async def test_attachments_are_looked_at_bounded_and_the_tenants_own(claims: Claims, fleet: Fleet) -> None:
    params = {"name": "x", "actor": "a"}
    wrong = await fleet.client.post("/v1/attachments", params=params, content=b"MZ\x90\x00 not a picture")
    assert (wrong.status_code, wrong.json()["code"]) == (415, "media_type_unsupported")
    large = await fleet.client.post("/v1/attachments", params=params, content=b"%PDF-" + bytes(10_000_000))
    assert large.status_code == 413
    kept = (await fleet.client.post("/v1/attachments", params=params, content=b"%PDF-" + bytes(2_000_000))).json()
    stranger = await claims.fleet("Others")
    assert (await stranger.client.get(f"/v1/attachments/{kept['id']}")).status_code == 404
