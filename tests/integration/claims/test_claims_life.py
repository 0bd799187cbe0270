"""What becomes of a claim after lodging, over HTTP on a real database: rules CL5 and CL6."""

import asyncio

import pytest

from tests.integration.claims.conftest import Claims
from tests.integration.claims.lodging import DAY_MS, ON, SENT, WITHDRAW, lodged, paid_in_full, step
from tests.integration.claims.world import Fleet

pytestmark = pytest.mark.integration


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


async def test_CL5_withdrawing_and_sending_at_once_ends_in_exactly_one_of_them(fleet: Fleet) -> None:
    _, claim = await lodged(fleet)
    answers = await asyncio.gather(
        *(fleet.client.post(f"/v1/claims/{claim}/sent", json=SENT) for _ in range(4)),
        *(fleet.client.post(f"/v1/claims/{claim}/withdraw", json=WITHDRAW) for _ in range(4)),
    )
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 7
    steps = (await fleet.get(f"/claims/{claim}/history"))["steps"]
    assert len(steps) == 1


async def test_CL6_sent_received_returned_resent_and_decided_line_by_line(fleet: Fleet, claims: Claims) -> None:
    licence, claim = await lodged(fleet)
    claims.clock.now_ms += 100 * DAY_MS
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


async def test_CL6_a_debt_is_set_off_in_part_the_rest_is_paid_and_taken_back_in_parts(fleet: Fleet) -> None:
    licence, claim = await lodged(fleet)
    await step(fleet, claim, "sent", SENT)
    await step(fleet, claim, "received", {"on": ON, "actor": "a"})
    line = {"licence_id": licence, "on": ON}
    accepted = line | {"kind": "accepted", "distance_km": 560, "cents": 4256}
    await step(fleet, claim, "outcomes", {"actor": "R", "lines": [accepted, line | {"kind": "set_off", "cents": 2000}]})
    await step(fleet, claim, "outcomes", {"actor": "R", "lines": [line | {"kind": "paid", "cents": 2256}]})
    more = {"actor": "R", "lines": [line | {"kind": "paid", "cents": 1}]}
    refused = await step(fleet, claim, "outcomes", more, 422)
    assert refused["errors"][0]["pointer"] == "/lines/0/cents"
    for cents in (100, 4156):
        back = line | {"kind": "recovered", "cents": cents, "reason": "audit"}
        history = await step(fleet, claim, "outcomes", {"actor": "R", "lines": [back]})
    assert [one["kind"] for one in history["lines"]] == ["accepted", "set_off", "paid", "recovered", "recovered"]
    none_left = {"actor": "R", "lines": [line | {"kind": "recovered", "cents": 1, "reason": "audit"}]}
    await step(fleet, claim, "outcomes", none_left, 422)


async def test_CL6_what_was_declined_is_accepted_after_an_objection(fleet: Fleet) -> None:
    licence, claim = await lodged(fleet)
    await step(fleet, claim, "sent", SENT)
    await step(fleet, claim, "received", {"on": ON, "actor": "a"})
    declined = {"licence_id": licence, "kind": "declined", "on": ON, "reason": "no"}
    history = await step(fleet, claim, "outcomes", {"actor": "R", "lines": [declined, *paid_in_full(licence)]})
    assert [one["kind"] for one in history["lines"]] == ["declined", "accepted", "paid"]


async def test_CL6_no_step_lies_in_the_future_and_no_outcome_before_its_receipt(fleet: Fleet, claims: Claims) -> None:
    licence, claim = await lodged(fleet)
    refused = await step(fleet, claim, "sent", SENT | {"on": "2062-11-22"}, 422)
    assert [(one["pointer"], one["code"]) for one in refused["errors"]] == [("/on", "in_the_future")]
    claims.clock.now_ms += 2 * DAY_MS
    await step(fleet, claim, "sent", SENT)
    await step(fleet, claim, "received", {"on": "2026-11-23", "actor": "a"})
    accepted, paid = paid_in_full(licence)
    for on, pointer in (("2020-01-01", "/lines/0/on"), (ON, "/lines/0/on"), ("2026-11-25", "/lines/0/on")):
        refused = await step(fleet, claim, "outcomes", {"actor": "R", "lines": [accepted | {"on": on}]}, 422)
        assert refused["errors"][0]["pointer"] == pointer
    backwards = [accepted | {"on": "2026-11-24"}, paid | {"on": "2026-11-23"}]
    refused = await step(fleet, claim, "outcomes", {"actor": "R", "lines": backwards}, 422)
    assert refused["errors"][0]["pointer"] == "/lines/1/on"
    assert (await fleet.get(f"/claims/{claim}/history"))["lines"] == [], "whole or not at all"


async def test_CL6_more_money_than_the_kilometres_are_worth_is_told(fleet: Fleet) -> None:
    licence, claim = await lodged(fleet)
    await step(fleet, claim, "sent", SENT)
    await step(fleet, claim, "received", {"on": ON, "actor": "a"})
    typo = {"licence_id": licence, "kind": "accepted", "on": ON, "distance_km": 1, "cents": 99_999_999}
    history = await step(fleet, claim, "outcomes", {"actor": "R", "lines": [typo]})
    (doubt,) = history["findings"]
    assert (doubt["rule"], doubt["outcome"], doubt["inputs"]["worth_cents"]) == ("CL6", "warn", "8")


async def test_CL6_steps_go_forward_in_time_and_in_order(fleet: Fleet) -> None:
    _, claim = await lodged(fleet)
    early = await step(fleet, claim, "sent", SENT | {"on": "2026-01-01"}, 422)
    assert "before the step before it" in early["errors"][0]["detail"]
    assert (await step(fleet, claim, "received", {"on": ON, "actor": "a"}, 409))["allowed"] == ["sent", "withdrawn"]


async def test_attachments_are_looked_at_bounded_and_the_tenants_own(claims: Claims, fleet: Fleet) -> None:
    params = {"name": "x", "actor": "a"}
    wrong = await fleet.client.post("/v1/attachments", params=params, content=b"MZ\x90\x00 not a picture")
    assert (wrong.status_code, wrong.json()["code"]) == (415, "media_type_unsupported")
    large = await fleet.client.post("/v1/attachments", params=params, content=b"%PDF-" + bytes(10_000_000))
    assert large.status_code == 413
    kept = (await fleet.client.post("/v1/attachments", params=params, content=b"%PDF-" + bytes(2_000_000))).json()
    stranger = await claims.fleet("Others")
    assert (await stranger.client.get(f"/v1/attachments/{kept['id']}")).status_code == 404
