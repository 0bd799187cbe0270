"""A second application for a licence, by the Agency's written consent (rule CL5)."""

from uuid import UUID

import msgspec
import pytest

from services.claims.adapters.cipher import AesGcmSealer
from services.claims.application.claim.frozen import opened
from services.claims.repo import documents
from shared.contracts.claim import FormSnapshot
from shared.db.pool import tx
from tests.integration.claims.conftest import BANK_KEY
from tests.integration.claims.lodging import ON, SENT, WITHDRAW, agreed, lodged, paid_in_full, rewritten, step
from tests.integration.claims.world import Fleet

pytestmark = pytest.mark.integration


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
    assert await fleet.post(f"/claims/{second['id']}/review", {}, 200) == {
        "over_claimed": 0,
        "broken": [],
        "disclosures": [],
    }
    assert not (await fleet.preview([licence]))["lodgeable"], "one consent, one application"
    elsewhere = {"claimed_on": ON, "reference": "paper 9", "actor": "R Hill", "reason": "by hand"}
    refused = await fleet.post(f"/licences/{licence}/claimed-outside", elsewhere, 409)
    assert (refused["code"], refused["licence_ids"]) == ("already_claimed", [licence]), "nor one elsewhere"
    await step(fleet, second["id"], "sent", SENT)
    await step(fleet, second["id"], "second-application", agreed(licence))


async def test_CL7_CL5_of_two_applications_for_a_licence_each_owes_its_own_part_and_no_kilometre_twice(
    fleet: Fleet,
) -> None:
    licence, first = await lodged(fleet)
    await step(fleet, first, "sent", SENT)
    await step(fleet, first, "second-application", agreed(licence))
    await more_evidence(fleet)
    preview = await fleet.preview([licence])
    second = str((await fleet.post("/claims", {"preview_token": preview["preview_token"]}))["id"])
    for rev, off_road_km, owed in ((10, 45, {second: (280, 70)}), (11, 30, {first: (560, 420), second: (280, 0)})):
        await rewritten(fleet, rev, off_road_km, 70 - off_road_km)
        for claim in (first, second):
            await step(fleet, claim, "review", {})
        found = (await fleet.get("/disclosures", only_open="true"))["items"]
        assert {one["claim_id"]: (one["claimed_km"], one["now_km"]) for one in found} == owed


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


async def test_CL5_EL4_more_money_for_what_was_taken_back_in_part_is_refused_once_another_application_has_that(
    fleet: Fleet,
) -> None:
    """The kilometres that count stay the same; those that stand would be more."""
    licence, claim = await lodged(fleet)
    await step(fleet, claim, "sent", SENT)
    await step(fleet, claim, "received", {"on": ON, "actor": "a"})

    async def outcome(kind: str, status: int = 200, **more: object) -> None:
        line = {"licence_id": licence, "kind": kind, "on": ON} | more
        await step(fleet, claim, "outcomes", {"actor": "R", "lines": [line]}, status)

    await outcome("accepted", distance_km=560, cents=4256)
    await outcome("paid", cents=2128)
    await outcome("recovered", cents=2128, reason="half of it was on a road")
    await step(fleet, claim, "second-application", agreed(licence))
    preview = await fleet.preview([licence])
    assert (preview["lodgeable"], preview["lines"][0]["claimable_km"]) == (True, 280)
    await fleet.post("/claims", {"preview_token": preview["preview_token"]})
    await outcome("paid", cents=2128)
    await outcome("accepted", 409, distance_km=560, cents=5000)


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
