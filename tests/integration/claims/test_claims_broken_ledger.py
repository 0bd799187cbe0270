"""A licence whose ledger contradicts itself: its own answers say so and who is to act, and nobody else's stop (design G7)."""

from typing import Any

import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from services.claims.application.claim.review_all import Reviewer
from services.claims.application.claim.review_claim import NOT_REVIEWED
from services.claims.application.statement.assess import BROKEN
from services.claims.application.statement.tell_alerts import tell_alerts_next
from shared.db.pool import tx
from tests.integration.claims.broken import HOWS, How, break_licence, mend_licence
from tests.integration.claims.conftest import Claims
from tests.integration.claims.lodging import lodged
from tests.integration.claims.webhooks.conftest import Hooks, hooks
from tests.integration.claims.world import Fleet

pytestmark = pytest.mark.integration
__all__ = ["hooks"]

READS = ("statement", "eligibility", "verification", "report.xlsx", "report.geojson", "report.pdf")
HASH = "0" * 64
COMMANDS: dict[str, dict[str, Any]] = {
    "verification": {"statement_hash": HASH, "wording": "as shown", "actor": "R Hill"},
    "acknowledgements": {"statement_hash": HASH, "reason": "a wet winter", "actor": "R Hill"},
    "overlap-plan": {"reading": 45_500, "channel": "online"},
}


def told_of(problem: dict[str, Any], licence: str) -> None:
    assert (problem["code"], problem["licence_ids"]) == ("ledger_broken", [licence])
    assert "RUC 0001 cannot be worked out" in problem["detail"], "which licence"
    assert "POST /v1/reprocess" in problem["detail"] and "operators" in problem["detail"], "who is to act"


def documented(document: dict[str, Any], method: str, path: str) -> bool:
    return "409" in document["paths"][path][method]["responses"]


@pytest.mark.parametrize("how", HOWS)
async def test_G7_a_broken_licence_answers_a_documented_problem_that_says_who_must_act(
    claims: Claims, fleet: Fleet, how: How
) -> None:
    licence = await fleet.claimable()
    whole = await fleet.get(f"/licences/{licence}")
    await break_licence(fleet, how)
    document = claims.app.openapi()
    for name in READS:
        told_of(await fleet.get(f"/licences/{licence}/{name}", 409), licence)
        assert documented(document, "get", f"/v1/licences/{{licence_id}}/{name}"), name
    for name, body in COMMANDS.items():
        told_of(await fleet.post(f"/licences/{licence}/{name}", body, 409), licence)
        assert documented(document, "post", f"/v1/licences/{{licence_id}}/{name}"), name
    asked = {"claimant_id": fleet.claimant_id, "licence_ids": [licence], "person_completing": "R Hill"}
    for path in ("/claims/preview", "/preflight"):
        told_of(await fleet.post(path, asked, 409), licence)
    told_of(
        await fleet.post("/waivers", {"rule": "EL4", "licence_id": licence, "reason": "x", "actor": "R"}, 409), licence
    )
    shown = await fleet.get(f"/licences/{licence}")
    assert "RUC 0001 cannot be worked out" in shown["broken"]
    assert shown | {"state": "claimable", "broken": None} == whole | {"state": "claimable"}, "the register is known"
    assert shown["state"] == "broken"
    await mend_licence(fleet)
    assert await fleet.get(f"/licences/{licence}") == whole
    assert (await fleet.preview([licence]))["lodgeable"]


async def test_G7_lists_alerts_and_previews_answer_for_every_other_licence_and_name_the_broken_one(
    fleet: Fleet,
) -> None:
    bad = await fleet.claimable()
    good = await fleet.claimable("XYZ9", "imei-2", "RUC 0002")
    next_one = fleet.licences["RUC 0001 next"]
    before = {one["id"]: one for one in (await fleet.get("/licences"))["items"]}
    radar = (await fleet.get("/alerts"))["items"]
    await break_licence(fleet)

    after = {one["id"]: one for one in (await fleet.get("/licences"))["items"]}
    assert after.keys() == before.keys()
    assert [one for one in after if after[one] != before[one]] == [bad]
    assert [one["id"] for one in (await fleet.get("/licences", state="broken"))["items"]] == [bad]
    assert bad not in {one["id"] for one in (await fleet.get("/licences", state="claimable"))["items"]}

    told = await fleet.get("/alerts")
    assert (told["licences"], told["complete"]) == (4, True)
    (item,) = [one for one in told["items"] if one["kind"] == "ledger_broken"]
    assert (item["licence_id"], item["number"], item["due_on"]) == (bad, "RUC 0001", "2026-11-22")
    assert "cannot be worked out" in item["words"]
    assert [one for one in told["items"] if one != item] == radar, "its last day stays on the radar too"

    chosen = {"claimant_id": fleet.claimant_id, "filter": {"state": "claimable"}, "person_completing": "R Hill"}
    preview = await fleet.post("/claims/preview", chosen, 200)
    assert [one["licence_id"] for one in preview["lines"]] == [good]
    (warning,) = [one for one in preview["findings"] if one["rule"] == "CL3"]
    assert (warning["outcome"], "RUC 0001 cannot be worked out" in warning["reason"]) == ("warn", True)
    for licence in (good, next_one):  # what is usual for its vehicle asks the broken one too (rule EL7)
        await fleet.get(f"/licences/{licence}/eligibility")
    await fleet.verify(good)
    token = (await fleet.post("/claims/preview", chosen, 200))["preview_token"]
    await fleet.post("/claims", {"preview_token": token})


async def test_CL7_a_broken_licence_that_is_lodged_stays_so_and_its_claim_says_that_nobody_looked(fleet: Fleet) -> None:
    licence, claim = await lodged(fleet)
    frozen = (await fleet.client.get(f"/v1/claims/{claim}/export.csv")).content
    await break_licence(fleet)
    shown = await fleet.get(f"/licences/{licence}")
    assert (shown["state"], shown["claim_id"], shown["broken"] is None) == ("lodged", claim, False)
    assert (await fleet.client.get(f"/v1/claims/{claim}/export.csv")).content == frozen
    told_of(await fleet.get(f"/claims/{claim}/preflight", 409), licence)
    assert {one["kind"] for one in (await fleet.get("/alerts"))["items"] if one["licence_id"] == licence} == {
        "ledger_broken",
        "latest_receipt",
    }
    review = await fleet.post(f"/claims/{claim}/review", {}, 200)
    assert (review["over_claimed"], review["disclosures"]) == (0, [])
    assert [one["licence_id"] for one in review["broken"]] == [licence]
    assert [(one["rule"], one["outcome"]) for one in (await fleet.get(f"/claims/{claim}"))["findings"]] == [
        ("CL7", "unknown")
    ]


async def test_CL7_the_lines_beside_a_broken_one_are_held_against_their_statements(
    claims: Claims, fleet: Fleet
) -> None:
    licences = [await fleet.claimable(), await fleet.claimable("XYZ9", "imei-2", "RUC 0002")]
    token = (await fleet.preview(licences))["preview_token"]
    claim = (await fleet.post("/claims", {"preview_token": token}))["id"]
    await break_licence(fleet)
    await fleet.add_reading("XYZ9", "2026-10-02T08:00:00+13:00", 45_982)
    review = await fleet.post(f"/claims/{claim}/review", {}, 200)
    assert [one["licence_id"] for one in review["disclosures"]] == [licences[1]]
    assert [one["licence_id"] for one in review["broken"]] == [licences[0]]
    reviewer = Reviewer(claims.worker, claims.context.pool, claims.context.policies, claims.clock)
    async with tx(claims.worker) as conn:
        await conn.execute("update claims.review_due set due_at = now()")
    with capture_logs() as said:
        assert await reviewer.next()
    assert NOT_REVIEWED in {one["event"] for one in said}
    await mend_licence(fleet)
    async with tx(claims.worker) as conn:
        await conn.execute("update claims.review_due set due_at = now()")
    assert await reviewer.next()
    assert "unknown" not in {one["outcome"] for one in (await fleet.get(f"/claims/{claim}"))["findings"]}


def counted() -> float:
    return REGISTRY.get_sample_value("ruc_claims_broken_licences_total") or 0.0


async def test_G7_one_tenants_broken_ledger_stops_no_other_tenants_alerts_and_is_said_once(hooks: Hooks) -> None:
    broken, whole = hooks.fleet, await hooks.claims.fleet("Whole")
    bad, good = await broken.claimable(), await whole.claimable()
    url = {"url": f"http://{hooks.receiver.host}/in", "types": []}
    for fleet in (broken, whole):
        await fleet.post("/webhooks", url)
    await break_licence(broken)
    before = counted()
    context = hooks.claims.context
    with capture_logs() as said:
        for _ in range(2):
            async with tx(hooks.claims.worker) as conn:
                await conn.execute("update claims.alert_sweep set due_at = now()")
            while await tell_alerts_next(hooks.claims.worker, context.pool, context.policy, hooks.claims.clock):
                pass
            hooks.claims.clock.now_ms += 670 * 86_400_000  # near the last day of both
    while await hooks.deliverer.round():
        pass
    (event,) = [one for one in said if one["event"] == BROKEN]
    assert (event["log_level"], event["tenant_id"], event["licence_id"]) == ("error", str(broken.tenant), bad)
    assert counted() == before + 1
    heard = [
        (one.event["tenant_id"], one.event["type"], one.event["data"]["licence_id"]) for one in hooks.receiver.received
    ]
    assert heard.count((str(broken.tenant), "licence.alert.ledger_broken", bad)) == 1
    assert (str(whole.tenant), "licence.alert.latest_receipt", good) in heard
    assert (str(broken.tenant), "licence.alert.latest_receipt", bad) in heard
