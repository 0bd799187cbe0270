"""What becomes of a claim after lodging, over HTTP on a real database: rules CL5, CL6, CL7."""

import asyncio
from typing import Any
from uuid import UUID

import msgspec
import pytest

from services.claims.adapters.cipher import AesGcmSealer
from services.claims.application.claim.frozen import opened
from services.claims.repo import documents
from shared.contracts.claim import FormSnapshot
from shared.db.pool import tx
from tests.integration.claims.conftest import BANK_KEY, Claims
from tests.integration.claims.world import FIRST_DAY, KM, TRAVEL_DAYS, Fleet, device_day, put_days

pytestmark = pytest.mark.integration

ON = "2026-11-22"
DAY_MS = 86_400_000
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


def agreed(licence: str) -> dict[str, Any]:
    return {"on": ON, "actor": "R Hill", "reference": "letter 17", "reason": "km omitted", "licence_ids": [licence]}


def paid_in_full(licence: str) -> list[dict[str, Any]]:
    accepted = {"licence_id": licence, "kind": "accepted", "on": ON, "distance_km": 560, "cents": 4256}
    return [accepted, {"licence_id": licence, "kind": "paid", "on": ON, "cents": 4256}]


async def rewritten(fleet: Fleet, rev: int, off_road_km: int, public_km: int = 30) -> None:
    """The days as a later revision has them; 14 of 40 km are the 560 that were claimed, and 1000 km on the recorder."""
    await put_days(
        fleet.worker,
        [
            device_day(
                fleet.tenant, "imei-1", FIRST_DAY + i, rev=rev, off_road_mm=off_road_km * KM, public_mm=public_km * KM
            )
            for i in range(TRAVEL_DAYS)
        ],
    )


async def more_evidence(fleet: Fleet) -> None:
    """840 km off road, 280 more than were claimed."""
    await rewritten(fleet, 9, 60, 10)


async def notes_of(fleet: Fleet, claim: str) -> tuple[str, ...]:
    """What the frozen form says beside its fields."""
    sealer = AesGcmSealer([BANK_KEY])
    async with tx(fleet.worker) as conn:
        row = await documents.snapshot(conn, fleet.tenant, UUID(claim), "form", UUID(claim))
    assert row is not None
    plain = opened(sealer, fleet.tenant, "form", UUID(claim), row)
    return msgspec.json.decode(plain, type=FormSnapshot).notes


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
    history = await step(fleet, claim, "second-application", agreed(licence))
    assert (history["state"], history["steps"][-1]["reference"]) == ("sent", "letter 17")
    await more_evidence(fleet)
    again = await fleet.preview([licence])
    assert again["lodgeable"], again["findings"]
    refused = await step(fleet, claim, "second-application", agreed(licence), 409)
    assert refused["code"] == "already_released"


@pytest.mark.parametrize("with_the_agency", [True, False])
async def test_CL5_EL4_a_second_application_holds_only_what_the_first_left_out(
    fleet: Fleet, *, with_the_agency: bool
) -> None:
    """The first is pending, or paid: what it holds is never claimed again."""
    licence, claim = await lodged(fleet)
    await step(fleet, claim, "sent", SENT)
    if not with_the_agency:
        await step(fleet, claim, "received", {"on": ON, "actor": "a"})
        await step(fleet, claim, "outcomes", {"actor": "R", "lines": paid_in_full(licence)})
    await step(fleet, claim, "second-application", agreed(licence))
    nothing = await fleet.preview([licence])
    assert (nothing["lodgeable"], nothing["lines"][0]["claimable_km"]) == (False, 0)
    assert {one["rule"] for one in nothing["lines"][0]["findings"] if one["outcome"] == "fail"} == {"CL1"}
    assert (await fleet.get(f"/licences/{licence}"))["state"] == "lodged", "there is nothing to claim"
    await more_evidence(fleet)
    preview = await fleet.preview([licence])
    warned = next(one for one in preview["lines"][0]["findings"] if one["rule"] == "EL4" and one["outcome"] == "warn")
    assert warned["inputs"] == {
        "claims": "RUCOR-000001", "earlier_km": "560", "earlier_cents": "4256", "left_km": "280", "consent": "letter 17"
    }  # fmt: skip
    attacked = await fleet.post("/preflight", {"claimant_id": fleet.claimant_id, "licence_ids": [licence]}, 200)
    answer = next(one["answer"] for one in attacked["attacks"] if one["id"] == "claimed_before")
    assert "560 km of it stand in RUCOR-000001" in answer
    assert "letter 17" in answer
    second = await fleet.post("/claims", {"preview_token": preview["preview_token"]})
    assert (second["totals"]["claimable_km"], second["totals"]["estimate_cents"]) == (280, 2128)
    assert second["lines"][0]["distance_km"] == 280
    (note,) = await notes_of(fleet, second["id"])
    assert "560 km in claim RUCOR-000001" in note
    assert "letter 17, 2026-11-22" in note
    assert await fleet.post(f"/claims/{second['id']}/review", {}, 200) == {"over_claimed": 0, "disclosures": []}
    assert not (await fleet.preview([licence]))["lodgeable"], "one consent, one application"


async def test_CL5_PA4_an_audit_of_a_licence_is_of_every_application_for_it(fleet: Fleet) -> None:
    licence, claim = await lodged(fleet)
    await step(fleet, claim, "sent", SENT)
    await step(fleet, claim, "second-application", agreed(licence))
    await more_evidence(fleet)
    second = await fleet.post("/claims", {"preview_token": (await fleet.preview([licence]))["preview_token"]})
    asked = {
        "reference": "A1",
        "organisation": "NZTA",
        "officer": "J Doe",
        "opened_on": ON,
        "legal_hold": False,
        "actor": "R",
    }
    case = await fleet.post("/audit-cases", asked | {"licence_ids": [licence]})
    assert [one["claim_id"] for one in case["lines"]] == [claim, second["id"]]


async def test_CL5_EL4_what_was_declined_or_taken_back_may_be_claimed_again_with_consent_and_once(fleet: Fleet) -> None:
    licence, claim = await lodged(fleet)
    await step(fleet, claim, "sent", SENT)
    await step(fleet, claim, "received", {"on": ON, "actor": "a"})
    declined = {"licence_id": licence, "kind": "declined", "on": ON, "reason": "no signature"}
    await step(fleet, claim, "outcomes", {"actor": "R", "lines": [declined]})
    await step(fleet, claim, "second-application", agreed(licence))
    preview = await fleet.preview([licence])
    assert (preview["lodgeable"], preview["lines"][0]["claimable_km"]) == (True, 560)
    second = await fleet.post("/claims", {"preview_token": preview["preview_token"]})
    objection = {"licence_id": licence, "kind": "accepted", "on": ON, "distance_km": 560, "cents": 4256}
    refused = await step(fleet, claim, "outcomes", {"actor": "R", "lines": [objection]}, 409)
    assert refused["code"] == "already_claimed", "the second application holds these kilometres now"
    await step(fleet, second["id"], "withdraw", WITHDRAW)
    await step(fleet, claim, "outcomes", {"actor": "R", "lines": [objection]})
    assert not (await fleet.preview([licence]))["lodgeable"], "nothing is left out any more"


async def test_CL5_until_the_second_application_is_lodged_the_licence_stays_as_it_was_claimed(fleet: Fleet) -> None:
    """Its number cannot be changed and the paper entered again, nor can its unused distance be given back."""
    licence, claim = await lodged(fleet)
    await step(fleet, claim, "sent", SENT)
    await step(fleet, claim, "second-application", agreed(licence))
    correction = {"number": "RUC 0002", "reason": "mistyped", "actor": "R"}
    assert (await fleet.post(f"/licences/{licence}/correction", correction, 409))["code"] == "already_claimed"
    assert (await fleet.post(f"/licences/{licence}/strike", {"reason": "x", "actor": "R"}, 409))[
        "code"
    ] == "already_claimed"
    (part,) = (await fleet.get(f"/licences/{licence}/refunded"))["parts"]
    assert (part["kind"], part["reference"]) == ("off_road", "RUCOR-000001")


async def test_CL5_the_consent_to_a_second_application_never_frees_what_the_second_one_claimed(fleet: Fleet) -> None:
    licence, claim = await lodged(fleet)
    await step(fleet, claim, "sent", SENT)
    await step(fleet, claim, "second-application", agreed(licence))
    await more_evidence(fleet)
    second = await fleet.post("/claims", {"preview_token": (await fleet.preview([licence]))["preview_token"]})
    refused = await step(fleet, claim, "second-application", agreed(licence), 409)
    assert refused["code"] == "already_released"
    assert not (await fleet.preview([licence]))["lodgeable"], "it is claimed by the second"
    await step(fleet, second["id"], "withdraw", WITHDRAW)
    again = await fleet.preview([licence])
    assert (again["lodgeable"], again["lines"][0]["claimable_km"]) == (True, 280), "the first claim stands as it did"


async def test_CL5_the_consent_to_a_second_application_never_frees_a_claim_outside(fleet: Fleet) -> None:
    licence, claim = await lodged(fleet)
    await step(fleet, claim, "sent", SENT)
    await step(fleet, claim, "second-application", agreed(licence))
    outside = {"claimed_on": ON, "reference": "paper 1", "actor": "R", "reason": "by hand"}
    await fleet.post(f"/licences/{licence}/claimed-outside", outside)
    assert (await step(fleet, claim, "second-application", agreed(licence), 409))["code"] == "already_released"
    await fleet.post(f"/licences/{licence}/claimed-outside/strike", {"reason": "typo", "actor": "R"}, 200)
    assert (await fleet.get(f"/licences/{licence}"))["claim_id"] == claim, "the first claim holds it again"
    assert (await fleet.preview([licence]))["lines"][0]["claimable_km"] == 0
    await more_evidence(fleet)
    assert (await fleet.preview([licence]))["lodgeable"], "the consent was not used"


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


async def test_CL7_a_later_revision_that_takes_metres_away_becomes_one_disclosure(fleet: Fleet) -> None:
    licence, claim = await lodged(fleet)
    nothing = await fleet.post(f"/claims/{claim}/review", {}, 200)
    assert nothing == {"over_claimed": 0, "disclosures": []}
    await rewritten(fleet, 9, 30)
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
    closing = {"on": ON, "closed_as": "repaid", "cents": disclosure["cents"], "actor": "R Hill"}
    await fleet.post(f"/disclosures/{disclosure['id']}/close", closing | {"on": "2026-12-01"}, 422)
    for less, pointer in (
        ({"cents": disclosure["cents"] - 1}, "/cents"),
        ({"closed_as": "nothing_owed"}, "/reference"),
    ):
        refused = await fleet.post(f"/disclosures/{disclosure['id']}/close", closing | less, 422)
        assert refused["errors"][0]["pointer"] == pointer, "or the rest would never be asked for again"
    await fleet.post(f"/disclosures/{disclosure['id']}/close", closing, 200)
    assert (await fleet.get("/disclosures", only_open="true"))["items"] == []
    await fleet.post(f"/disclosures/{disclosure['id']}/close", closing, 404)


async def test_CL7_what_was_repaid_is_not_asked_for_again_and_a_better_statement_asks_for_nothing(fleet: Fleet) -> None:
    licence, claim = await lodged(fleet)
    await rewritten(fleet, 9, 30)
    (first,) = (await fleet.post(f"/claims/{claim}/review", {}, 200))["disclosures"]
    assert (first["now_km"], first["settled_km"], first["cents"]) == (420, 0, 1064)
    closing = {"on": ON, "closed_as": "repaid", "cents": 1064, "actor": "R Hill"}
    await fleet.post(f"/disclosures/{first['id']}/close", closing, 200)
    for rev, off_road, public in ((10, 30, 31), (11, 35, 30)):  # another hash of the same distance; then more of it
        await rewritten(fleet, rev, off_road, public)
        found = await fleet.post(f"/claims/{claim}/review", {}, 200)
        assert (found["over_claimed"], len(found["disclosures"])) == (0, 1)
    await rewritten(fleet, 12, 25)
    found = await fleet.post(f"/claims/{claim}/review", {}, 200)
    (owed,) = [one for one in found["disclosures"] if one["closed_on"] is None]
    assert (owed["licence_id"], owed["now_km"], owed["settled_km"], owed["cents"]) == (licence, 350, 140, 532)
    assert "140 km of them have been settled before. 70 km, worth $5.32, are still owed" in owed["letter"]


async def test_CL7_a_line_has_one_open_disclosure_and_none_where_nothing_is_owed_any_more(fleet: Fleet) -> None:
    _, claim = await lodged(fleet)
    asked = []
    for rev, off_road in ((9, 30), (10, 35), (11, 40), (12, 30)):
        await rewritten(fleet, rev, off_road)
        found = await fleet.post(f"/claims/{claim}/review", {}, 200)
        asked.append([(one["now_km"], one["cents"]) for one in found["disclosures"] if one["closed_on"] is None])
    assert asked == [[(420, 1064)], [(490, 532)], [], [(420, 1064)]]
    closed = {one["closed_as"] for one in found["disclosures"]}
    assert closed == {"replaced", "not_owed_any_more", None}


async def test_CL7_CL5_what_is_known_to_be_too_much_is_told_whenever_the_form_moves_and_ends_with_the_claim(
    fleet: Fleet,
) -> None:
    """A claim that was never sent is withdrawn and made anew: nothing is owed of it."""
    licence, claim = await lodged(fleet)
    await rewritten(fleet, 2, 30)
    await step(fleet, claim, "review", {})
    (warned,) = (await fleet.get(f"/claims/{claim}/history"))["findings"]
    assert (warned["rule"], warned["inputs"]["now_km"]) == ("CL7", "420")
    assert "140 km more are claimed than its statement shows now" in warned["reason"]
    history = await step(fleet, claim, "withdraw", WITHDRAW)
    assert history["findings"] == []
    (told,) = (await fleet.get("/disclosures", claim_id=claim))["items"]
    assert (told["closed_as"], told["closed_on"], told["closed_by"]) == ("not_owed_any_more", ON, "R Hill")
    preview = await fleet.preview([licence])
    again = await fleet.post("/claims", {"preview_token": preview["preview_token"]})
    assert again["totals"]["claimable_km"] == 420
    assert (await step(fleet, again["id"], "sent", SENT))["findings"] == []


async def test_CL7_nothing_is_disclosed_of_what_the_agency_declined_cut_or_took_back(fleet: Fleet) -> None:
    licence, claim = await lodged(fleet)
    await step(fleet, claim, "sent", SENT)
    await step(fleet, claim, "received", {"on": ON, "actor": "a"})
    declined = {"licence_id": licence, "kind": "declined", "on": ON, "reason": "no"}
    await step(fleet, claim, "outcomes", {"actor": "R", "lines": [declined]})
    await rewritten(fleet, 9, 30)
    nothing = {"over_claimed": 0, "disclosures": []}
    assert await fleet.post(f"/claims/{claim}/review", {}, 200) == nothing
    cut = {"licence_id": licence, "kind": "accepted", "on": ON, "distance_km": 420, "cents": 3192}
    await step(fleet, claim, "outcomes", {"actor": "R", "lines": [cut]})
    assert await fleet.post(f"/claims/{claim}/review", {}, 200) == nothing
    await rewritten(fleet, 10, 25)
    (owed,) = (await fleet.post(f"/claims/{claim}/review", {}, 200))["disclosures"]
    assert (owed["claimed_km"], owed["now_km"], owed["cents"]) == (420, 350, 532)
    came = {"licence_id": licence, "on": ON, "cents": 3192}
    await step(fleet, claim, "outcomes", {"actor": "R", "lines": [came | {"kind": "paid"}]})
    back = came | {"kind": "recovered", "reason": "audit"}
    await step(fleet, claim, "outcomes", {"actor": "R", "lines": [back]})
    found = await fleet.post(f"/claims/{claim}/review", {}, 200)
    assert (found["over_claimed"], found["disclosures"][0]["closed_as"]) == (0, "not_owed_any_more")


async def test_attachments_are_looked_at_bounded_and_the_tenants_own(claims: Claims, fleet: Fleet) -> None:
    params = {"name": "x", "actor": "a"}
    wrong = await fleet.client.post("/v1/attachments", params=params, content=b"MZ\x90\x00 not a picture")
    assert (wrong.status_code, wrong.json()["code"]) == (415, "media_type_unsupported")
    large = await fleet.client.post("/v1/attachments", params=params, content=b"%PDF-" + bytes(10_000_000))
    assert large.status_code == 413
    kept = (await fleet.client.post("/v1/attachments", params=params, content=b"%PDF-" + bytes(2_000_000))).json()
    stranger = await claims.fleet("Others")
    assert (await stranger.client.get(f"/v1/attachments/{kept['id']}")).status_code == 404
