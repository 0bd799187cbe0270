"""From register to lodged claim, and that nothing is ever claimed twice (design G4; rules EL4, CL3, CL4)."""

import asyncio
from dataclasses import replace
from typing import Any

import httpx
import pytest

from services.claims.application.policies import PolicyBook
from services.claims.domain.policy import Policy
from services.claims.policy import load as load_policy
from shared.db.pool import Pool
from tests.integration.claims.conftest import Claims
from tests.integration.claims.world import (
    ACCOUNT,
    FIRST_DAY,
    KM,
    PURCHASE_MS,
    TRAVEL_DAYS,
    Fleet,
    device_day,
    put_days,
)

OTHER_ACCOUNT = "01-0902-0068389-00"

pytestmark = pytest.mark.integration


async def lodge(fleet: Fleet, token: str) -> tuple[int, dict[str, Any]]:
    answer = await fleet.client.post("/v1/claims", json={"preview_token": token})
    return answer.status_code, answer.json()


async def test_claimable_licence_is_lodged_with_its_numbers_frozen(fleet: Fleet) -> None:
    licence = await fleet.claimable()
    statement = await fleet.get(f"/licences/{licence}/statement")
    totals = statement["totals"]
    assert totals["off_road_mm"] == 560 * KM
    assert totals["public_mm"] == 420 * KM
    assert totals["public_mm"] + totals["off_road_mm"] + totals["unknown_mm"] == statement["recorder_mm"] == 1000 * KM
    eligibility = await fleet.get(f"/licences/{licence}/eligibility")
    assert (eligibility["state"], eligibility["claimable_km"], eligibility["estimate_cents"]) == (
        "claimable",
        560,
        4256,
    )
    preview = await fleet.preview([licence])
    assert preview["lodgeable"], preview["findings"]
    status, claim = await lodge(fleet, preview["preview_token"])
    assert status == 201, claim
    assert claim["number"] == "RUCOR-000001"
    assert claim["totals"] == {"licences": 1, "claimable_km": 560, "off_road_mm": 560 * KM, "estimate_cents": 4256}
    line = claim["lines"][0]
    assert (line["distance_km"], line["plate"], line["specify_type"]) == (560, "ABC123", "Teltonika FMC130")
    assert line["statement_hash"] == statement["statement_hash"]
    assert (await fleet.get(f"/licences/{licence}"))["claim_id"] == claim["id"]


async def test_EL4_eight_concurrent_claims_over_one_licence_lodge_exactly_one(fleet: Fleet) -> None:
    licence = await fleet.claimable()
    previews = [await fleet.preview([licence]) for _ in range(8)]
    outcomes = await asyncio.gather(*(lodge(fleet, preview["preview_token"]) for preview in previews))
    statuses = sorted(status for status, _ in outcomes)
    assert statuses == [201] + [409] * 7, outcomes
    assert {body["code"] for status, body in outcomes if status == 409} == {"already_claimed"}
    claims_now = (await fleet.get("/claims"))["items"]
    assert [claim["number"] for claim in claims_now] == ["RUCOR-000001"]
    async with fleet.worker.acquire() as conn:
        assert await conn.fetchval("select count(*) from claims.lodged_licence where released_at is null") == 1
        assert await conn.fetchval("select claim_seq from claims.tenant where tenant_id = $1", fleet.tenant) == 1, (
            "a refused claim takes no number"
        )


async def test_CL3_one_token_sent_eight_times_lodges_one_claim_and_names_it(fleet: Fleet) -> None:
    licence = await fleet.claimable()
    token = (await fleet.preview([licence]))["preview_token"]
    outcomes = await asyncio.gather(*(lodge(fleet, token) for _ in range(8)))
    assert sorted(status for status, _ in outcomes) == [201] + [409] * 7, outcomes
    made = next(body["id"] for status, body in outcomes if status == 201)
    status, again = await lodge(fleet, token)
    assert (status, again["code"], again["existing_id"]) == (409, "already_exists", made)


async def test_LI4_the_same_paper_licence_typed_twice_is_one_licence(fleet: Fleet) -> None:
    licence = await fleet.claimable(number="RUC 0001")
    typed_again = fleet.licence_body("ABC123", "ruc-0001", 60_000, "2026-10-20")
    answer = await fleet.client.post("/v1/licences", json=typed_again)
    assert (answer.status_code, answer.json()["code"]) == (409, "already_exists")
    assert answer.json()["existing_id"] == licence
    mistyped = fleet.licence_body("ABC123", "RUC 0007", 45_000, "2026-10-01T08:00:00+13:00")
    answer = await fleet.client.post("/v1/licences", json=mistyped)
    assert (answer.status_code, answer.json()["code"]) == (409, "licence_range_overlap")
    assert answer.json()["existing_id"] == licence


@pytest.mark.parametrize("same", ["licence", "number", "range"])
async def test_EL4_the_database_refuses_the_second_of_eight_whatever_the_application_does(
    claims: Claims, fleet: Fleet, same: str
) -> None:
    """Got past every check: one licence in two parts, two rows for one paper by its number, or by the recorder's range."""
    await fleet.claimable()
    first, second = await _rows_for_one_licence(claims, fleet, same)

    async def insert(i: int) -> bool:
        async with claims.context.pool.acquire() as conn, conn.transaction():
            await conn.execute("select set_config('rucor.tenant', $1, true)", str(fleet.tenant))
            licence, claimed, number = (first, second)[i % 2]
            await conn.execute(
                "select claims.lodge_licence($1, gen_random_uuid(), $2, $3, $4, $5, $5, 'claim', gen_random_uuid())",
                fleet.tenant, licence, fleet.recorders["ABC123"], claimed, number,
            )  # fmt: skip
            return True

    outcomes = await asyncio.gather(*(insert(i) for i in range(8)), return_exceptions=True)
    assert outcomes.count(True) == 1, outcomes
    refused = {type(outcome).__name__ for outcome in outcomes if outcome is not True}
    # two constraints met in two orders may also be told apart by the deadlock detector: refused all the same
    assert refused <= {"UniqueViolationError", "ExclusionViolationError", "DeadlockDetectedError"}, outcomes


async def _rows_for_one_licence(claims: Claims, fleet: Fleet, same: str) -> tuple[Any, Any]:
    from asyncpg import Range

    ids = list(fleet.licences.values())
    if same == "licence":
        return (ids[0], Range(45_000, 45_500), b"one"), (ids[0], Range(45_500, 46_000), b"two")
    if same == "number":
        return (ids[0], Range(45_000, 46_000), b"n"), (ids[1], Range(46_000, 47_000), b"n")
    return (ids[0], Range(45_000, 46_000), b"one"), (ids[1], Range(45_999, 47_000), b"two")


async def test_CL3_a_reading_added_after_the_preview_refuses_with_the_difference(fleet: Fleet) -> None:
    licence = await fleet.claimable()
    preview = await fleet.preview([licence])
    await fleet.add_reading(
        "ABC123", "2026-10-08T08:00:00+13:00", 45_300
    )  # 490 km by GPS: the first week is scaled down
    status, problem = await lodge(fleet, preview["preview_token"])
    assert (status, problem["code"]) == (409, "preview_changed")
    changed = {difference["what"]: difference for difference in problem["differences"]}
    assert changed["claimable_km"]["previewed"] == "560"
    assert int(changed["claimable_km"]["now"]) < 560
    assert changed["claimable_km"]["licence_id"] == licence
    assert (await fleet.get("/claims"))["items"] == []


async def test_CL3_a_replaced_revision_refuses_and_the_previewed_one_is_kept(fleet: Fleet) -> None:
    licence = await fleet.claimable()
    await put_days(fleet.worker, [device_day(fleet.tenant, "imei-1", FIRST_DAY, rev=2, settled=False)])
    preview = await fleet.preview([licence])
    await put_days(fleet.worker, [device_day(fleet.tenant, "imei-1", FIRST_DAY, rev=3, off_road_mm=39 * KM)])
    status, problem = await lodge(fleet, preview["preview_token"])
    assert (status, problem["code"]) == (409, "preview_changed"), problem
    async with fleet.worker.acquire() as conn:
        kept = await conn.fetch("select rev, settled, named from claims.device_day_history order by rev")
    assert [tuple(row) for row in kept] == [(1, True, False), (2, False, True)], "settled, and named by the preview"


async def test_LI7_claimed_outside_blocks_like_a_lodged_claim(fleet: Fleet) -> None:
    licence = await fleet.claimable()
    preview = await fleet.preview([licence])
    entry = {"claimed_on": "2026-11-01", "reference": "paper form 17", "actor": "R Hill", "reason": "by hand"}
    made = await fleet.post(f"/licences/{licence}/claimed-outside", entry)
    status, problem = await lodge(fleet, preview["preview_token"])
    assert (status, problem["code"], problem["licence_ids"]) == (409, "already_claimed", [licence])
    assert (await fleet.get(f"/licences/{licence}"))["state"] == "claimed_outside"
    again = await fleet.post(f"/licences/{licence}/claimed-outside", entry, 409)
    assert (again["code"], again["existing_id"]) == ("already_exists", made["id"])


async def test_LI7_a_lodged_licence_cannot_be_recorded_as_claimed_outside(fleet: Fleet) -> None:
    licence = await fleet.claimable()
    status, _ = await lodge(fleet, (await fleet.preview([licence]))["preview_token"])
    assert status == 201
    entry = {"claimed_on": "2026-11-01", "reference": "x", "actor": "R Hill", "reason": "by hand"}
    assert (await fleet.post(f"/licences/{licence}/claimed-outside", entry, 409))["code"] == "already_claimed"


async def test_CL3_a_filter_takes_every_claimable_licence_and_only_those(fleet: Fleet) -> None:
    one = await fleet.claimable("ABC123", "imei-1", "RUC 1")
    two = await fleet.claimable("XYZ9", "imei-2", "RUC 2")
    body = {"claimant_id": fleet.claimant_id, "filter": {"state": "claimable"}, "person_completing": "R Hill"}
    for licence in (one, two):
        await fleet.verify(licence)
    preview = await fleet.post("/claims/preview", body, 200)
    assert {line["licence_id"] for line in preview["lines"]} == {one, two}
    assert [line["plate"] for line in preview["lines"]] == ["ABC123", "XYZ9"]
    assert preview["totals"]["claimable_km"] == 1120
    status, claim = await lodge(fleet, preview["preview_token"])
    assert (status, claim["totals"]["licences"]) == (201, 2)
    nothing = await fleet.post("/claims/preview", body, 200)
    assert (nothing["lines"], nothing["lodgeable"]) == ([], False)
    status, problem = await lodge(fleet, nothing["preview_token"])
    assert (status, problem["code"]) == (409, "not_lodgeable")
    assert {"field": "lines"} in [finding["inputs"] for finding in problem["findings"]]


async def test_CL1_what_is_missing_is_named_and_stops_the_claim(fleet: Fleet) -> None:
    licence = await fleet.claimable()
    preview = await fleet.preview([licence], person_completing="", reason_code=None, travel_description="")
    assert not preview["lodgeable"]
    missing = " ".join(finding["reason"] for finding in preview["findings"] if finding["outcome"] == "fail")
    assert "completes the form" in missing
    assert "description" in missing
    status, problem = await lodge(fleet, preview["preview_token"])
    assert (status, problem["code"]) == (409, "not_lodgeable")
    assert {finding["rule"] for finding in problem["findings"]} == {"CL1"}


async def test_EL4_time_that_is_not_complete_blocks_until_waived(fleet: Fleet) -> None:
    licence = await fleet.claimable(complete_ms=PURCHASE_MS)
    assert not (await fleet.preview([licence]))["lodgeable"]
    asked = {"rule": "EL4", "licence_id": licence, "reason": "device was off", "actor": "R Hill"}
    waiver = await fleet.post("/waivers", asked)
    assert (await fleet.preview([licence]))["lodgeable"]
    again = await fleet.post("/waivers", asked, 409)
    assert (again["code"], again["existing_id"]) == ("already_exists", waiver["id"])


async def test_EL4_a_waiver_covers_what_stood_against_the_licence_then_and_nothing_that_comes_later(
    fleet: Fleet,
) -> None:
    licence = await fleet.claimable(complete_ms=PURCHASE_MS)
    asked = {"rule": "EL4", "licence_id": licence, "reason": "device was off", "actor": "R Hill"}
    waiver = await fleet.post("/waivers", asked)
    assert waiver["covers"] == ["data of imei-1 through 2026-10-17T19:00:00+00:00"]
    await fleet.hold_a_day(rev=1, is_open=True, days=TRAVEL_DAYS)
    reprocessed = await fleet.preview([licence])
    assert not reprocessed["lodgeable"], "nobody decided to go on while its days are computed again"
    both = await fleet.post("/waivers", asked | {"reason": "the map of a town far away"})
    assert len(both["covers"]) == TRAVEL_DAYS
    assert (await fleet.preview([licence]))["lodgeable"], "each with its own reason"
    await fleet.hold_a_day(rev=2, is_open=False, days=TRAVEL_DAYS)
    assert (await fleet.preview([licence]))["lodgeable"], "what is done stands against nothing"
    await fleet.hold_a_day(rev=3, is_open=True)
    assert not (await fleet.preview([licence]))["lodgeable"], "begun again is another one"
    assert len((await fleet.get("/waivers", licence_id=licence))["items"]) == 2


async def test_EL4_where_nothing_stands_against_a_licence_there_is_nothing_to_waive(fleet: Fleet) -> None:
    licence = await fleet.claimable()
    asked = {"rule": "EL4", "licence_id": licence, "reason": "in advance", "actor": "R Hill"}
    assert (await fleet.post("/waivers", asked, 409))["code"] == "nothing_to_waive"
    named = {"rule": "EL8", "claimant_id": fleet.claimant_id, "reason": "in advance", "actor": "R Hill"}
    assert (await fleet.post("/waivers", named, 409))["code"] == "nothing_to_waive"


async def test_EL8_a_confirmed_account_is_that_account_in_that_name_for_that_applicant(fleet: Fleet) -> None:
    licence = await fleet.claimable()
    correction = f"/claimants/{fleet.claimant_id}/correction"
    why = {"reason": "as the bank told", "actor": "R Hill"}
    confirm = {"rule": "EL8", "claimant_id": fleet.claimant_id, "reason": "the trust owns the farm", "actor": "R Hill"}
    await fleet.post(correction, why | {"bank_account_name": "Hill Family Trust"}, 200)
    assert not (await fleet.preview([licence]))["lodgeable"]
    waiver = await fleet.post("/waivers", confirm)
    assert ACCOUNT.replace("-", "") not in str(waiver)
    assert (await fleet.preview([licence]))["lodgeable"]
    assert (await fleet.post("/waivers", confirm, 409))["existing_id"] == waiver["id"]
    for changed in (
        {"bank_account_name": "J Stranger", "bank_account": OTHER_ACCOUNT},
        {"bank_account_name": "Hill Family Trust"},  # the stranger's account under the name that was confirmed
        {"bank_account_name": "J Stranger", "bank_account": ACCOUNT},
        {"bank_account_name": "Hill Family Trust", "name": "Another Limited"},
    ):
        await fleet.post(correction, why | changed, 200)
        preview = await fleet.preview([licence])
        assert not preview["lodgeable"], changed
        attacked = await fleet.post("/preflight", {"claimant_id": fleet.claimant_id, "licence_ids": [licence]}, 200)
        outcome = next(one["outcome"] for one in attacked["attacks"] if one["id"] == "bank_account")
        assert outcome == "fails", changed
    await fleet.post(correction, why | {"bank_account_name": "The hill family TRUST", "name": "Hill Farms Ltd"}, 200)
    assert (await fleet.preview([licence]))["lodgeable"], "what was confirmed, as names are compared"


async def test_an_idempotency_key_gives_the_first_answer_again(fleet: Fleet) -> None:
    licence = await fleet.claimable()
    token = (await fleet.preview([licence]))["preview_token"]
    headers = {"Idempotency-Key": "lodge-1"}
    first = await fleet.client.post("/v1/claims", json={"preview_token": token}, headers=headers)
    again = await fleet.client.post("/v1/claims", json={"preview_token": token}, headers=headers)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.content == again.content
    assert "idempotent-replay" not in first.headers
    assert again.headers["idempotent-replay"] == "true"
    other = await fleet.client.post("/v1/claimants", json={"name": "Other"}, headers=headers)
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_key_reused")


async def test_eight_retries_of_one_intent_make_one_thing(fleet: Fleet) -> None:
    headers = {"Idempotency-Key": "claimant-1"}
    sent = [fleet.client.post("/v1/claimants", json={"name": "Once Limited"}, headers=headers) for _ in range(8)]
    answers = await asyncio.gather(*sent)
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1


class FirstWaits(PolicyBook):
    """Holds the first who asks until others are through: between the look at its key and the lodging."""

    def __init__(self) -> None:
        super().__init__(load_policy())
        self.reached, self.go = asyncio.Event(), asyncio.Event()

    async def refresh(self, pool: Pool) -> Policy:
        if not self.reached.is_set():
            self.reached.set()
            await self.go.wait()
        return await super().refresh(pool)


async def test_a_retry_while_its_lodging_runs_gets_the_same_answer_and_no_refusal(claims: Claims, fleet: Fleet) -> None:
    licence = await fleet.claimable()
    token = (await fleet.preview([licence]))["preview_token"]
    book = FirstWaits()
    claims.app.state.context = replace(claims.context, policies=book)

    async def post() -> httpx.Response:
        return await fleet.client.post(
            "/v1/claims", json={"preview_token": token}, headers={"Idempotency-Key": "lodge-1"}
        )

    slow = asyncio.create_task(post())
    await asyncio.wait_for(book.reached.wait(), 10)
    quick = await post()
    book.go.set()
    again = await slow
    assert (quick.status_code, again.status_code) == (201, 201), again.text
    assert again.content == quick.content
    assert again.headers["idempotent-replay"] == "true"


async def test_a_preview_expires(fleet: Fleet, claims: Claims) -> None:
    licence = await fleet.claimable()
    token = (await fleet.preview([licence]))["preview_token"]
    claims.clock.now_ms += 25 * 3_600_000
    status, problem = await lodge(fleet, token)
    assert (status, problem["code"]) == (409, "preview_expired")


async def test_CL2_nothing_is_lodged_before_a_person_verified_exactly_this_statement(fleet: Fleet) -> None:
    licence = await fleet.claimable()
    preview = await fleet.preview([licence], verified=False)
    finding = next(one for one in preview["lines"][0]["findings"] if one["rule"] == "CL2")
    assert (preview["lodgeable"], finding["outcome"]) == (False, "fail")
    status, problem = await lodge(fleet, preview["preview_token"])
    assert (status, problem["findings"]) == (409, [{"licence_id": licence, "number": "RUC 0001"} | finding])
    asked = await fleet.get(f"/licences/{licence}/verification")
    assert "responsible" in asked["wording"]
    body = {"actor": "R Hill", "statement_hash": asked["statement_hash"], "wording": asked["wording"]}
    path = f"/licences/{licence}/verification"
    assert (await fleet.post(path, body | {"wording": "yes"}, 422))["errors"][0]["pointer"] == "/wording"
    assert (await fleet.post(path, body | {"statement_hash": "00" * 32}, 409))["code"] == "statement_changed"
    assert (await fleet.post(path, body))["verified_by"] == "R Hill"
    verified = await fleet.preview([licence], verified=False)
    assert verified["lodgeable"], verified["lines"]


async def test_CL2_any_change_of_the_statement_asks_the_person_again(fleet: Fleet) -> None:
    licence = await fleet.claimable()
    preview = await fleet.preview([licence])
    await put_days(fleet.worker, [device_day(fleet.tenant, "imei-1", FIRST_DAY, rev=5, off_road_mm=39 * KM)])
    status, refused = await lodge(fleet, preview["preview_token"])
    assert (status, refused["code"]) == (409, "preview_changed")
    again = await fleet.preview([licence], verified=False)
    finding = next(one for one in again["lines"][0]["findings"] if one["rule"] == "CL2")
    assert (finding["outcome"], "R Hill verified it" in finding["reason"]) == ("fail", True)
    assert (await fleet.preview([licence]))["lodgeable"]
