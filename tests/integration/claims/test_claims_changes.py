"""What was entered wrong is put right in the open (rules RE2, CL1), and never under a claim."""

import asyncio
from typing import Any

import pytest

from services.claims.application.register.correct_register import STANDING
from shared.db.pool import tenant_tx, tx
from tests.integration.claims.conftest import Claims
from tests.integration.claims.world import Fleet

pytestmark = pytest.mark.integration
WHY: dict[str, Any] = {"reason": "typed wrong", "actor": "R Hill"}
OTHER_ACCOUNT = "12-3140-0171323-50"


async def fix(fleet: Fleet, path: str, status: int = 200, **fields: Any) -> dict[str, Any]:
    return await fleet.post(path, WHY | fields, status)


async def history(fleet: Fleet, subject: str) -> list[dict[str, Any]]:
    return list((await fleet.get("/register-changes", subject_id=subject))["items"])


async def test_CL1_the_number_that_the_agency_issues_is_stored_and_prefilled(fleet: Fleet) -> None:
    claimant = await fleet.add_claimant(customer_number="", first_claim=True)
    after = await fix(fleet, f"/claimants/{claimant}/correction", customer_number="987654321")
    assert (after["customer_number"], after["first_claim"]) == ("987654321", False)
    (change,) = await history(fleet, claimant)
    assert (change["fields"], change["before"], change["act"]) == (
        ["customer_number", "first_claim"],
        None,
        "corrected",
    )
    refused = await fix(fleet, f"/claimants/{claimant}/correction", 422, first_claim=True)
    assert "no customer number yet" in refused["errors"][0]["detail"]


async def test_RE2_a_claimant_is_put_right_and_the_values_are_not_kept_beside(claims: Claims, fleet: Fleet) -> None:
    claimant = await fleet.add_claimant()
    await fleet.add_claimant("Ridge Farms")
    path = f"/claimants/{claimant}/correction"
    after = await fix(fleet, path, phone="06 388 9999", bank_account=OTHER_ACCOUNT)
    assert (after["phone"], after["bank_account_masked"]) == ("06 388 9999", "…3-050")
    (change,) = await history(fleet, claimant)
    assert change["fields"] == ["bank_account", "phone"]
    assert "388" not in str(change)
    assert (await fix(fleet, path, 422, phone="06 388 9999"))["errors"][0]["code"] == "no_change"
    assert (await fix(fleet, path, 422, bank_account=OTHER_ACCOUNT))["errors"][0]["code"] == "no_change"
    assert (await fix(fleet, path, 422, bank_account="12-3140-0171333-50"))["errors"][0][
        "code"
    ] == "bank_account_checksum"
    assert (await fix(fleet, path, 409, name="RIDGE farms"))["code"] == "already_exists"
    other = await claims.fleet("Other")
    await fix(other, path, 404, phone="1")


async def test_RE2_a_licences_paper_is_put_right_while_nothing_claims_it(fleet: Fleet) -> None:
    licence = await fleet.claimable()
    path = f"/licences/{licence}/correction"
    change = await fix(fleet, path, number="RUC 0007", gross_cents=7_700)
    assert (change["fields"], change["before"]) == (
        ["gross_cents", "number"],
        {"gross_cents": 7_600, "number": "RUC 0001"},
    )
    after = await fleet.get(f"/licences/{licence}")
    assert (after["number"], after["gross_cents"]) == ("RUC 0007", 7_700)
    assert (await fleet.get(f"/licences/{licence}/statement"))["rate"] == "77.00"
    assert (await fix(fleet, path, 409, number="ruc-0001 NEXT"))["code"] == "already_exists"
    respelt = await fix(fleet, path, number="Ruc 0007")
    assert respelt["before"] == {"number": "RUC 0007"}, "the same number, as the paper spells it"
    preview = await fleet.preview([licence])
    await fleet.post("/claims", {"preview_token": preview["preview_token"]})
    assert (await fix(fleet, path, 409, number="RUC 0008"))["code"] == "already_claimed"
    assert (await fix(fleet, f"/licences/{licence}/strike", 409))["code"] == "already_claimed"


async def test_RE2_correcting_and_lodging_at_once_never_claims_another_number_than_was_seen(fleet: Fleet) -> None:
    licence = await fleet.claimable()
    token = (await fleet.preview([licence]))["preview_token"]
    corrected, lodged = await asyncio.gather(
        fleet.client.post(f"/v1/licences/{licence}/correction", json=WHY | {"number": "RUC 0007"}),
        fleet.client.post("/v1/claims", json={"preview_token": token}),
    )
    number = (await fleet.get(f"/licences/{licence}"))["number"]
    if lodged.status_code == 201:
        assert (corrected.status_code, number, lodged.json()["lines"][0]["number"]) == (409, "RUC 0001", "RUC 0001")
    else:
        assert (corrected.status_code, lodged.json()["code"], number) == (200, "preview_changed", "RUC 0007")


async def test_RE2_a_struck_overlap_gives_the_range_before_it_back(claims: Claims, fleet: Fleet) -> None:
    await fleet.add_claimant()
    await fleet.add_ute()
    licence = await fleet.add_licence("ABC123", "RUC 1", 45_000, "2026-10-01T08:00:00+13:00")
    wrong = await fleet.add_licence("ABC123", "RUC 9", 45_600, "2026-10-10T08:00:00+13:00", overlap=True)
    cut = await fleet.get(f"/licences/{licence}")
    assert (cut["claimable_end_reading"], cut["ended_by"]) == (45_600, "overlap")
    change = await fix(fleet, f"/licences/{wrong}/strike")
    assert (change["act"], change["before"]["number"]) == ("struck", "RUC 9")
    await fleet.get(f"/licences/{wrong}", 404)
    again = await fleet.get(f"/licences/{licence}")
    assert (again["claimable_end_reading"], again["ended_by"]) == (46_000, None)
    right = await fleet.add_licence("ABC123", "RUC 9", 45_800, "2026-10-10T08:00:00+13:00", overlap=True)
    cut = await fleet.get(f"/licences/{licence}")
    assert (cut["claimable_end_reading"], cut["ended_by"]) == (45_800, "overlap"), "its credit was given back too"
    async with tenant_tx(claims.context.pool, fleet.tenant) as conn:
        credited = await conn.fetch(
            "select source_id, lower(refunded) - 1 as at from claims.refunded_range where released_at is null"
        )
    assert [(str(row["source_id"]), row["at"]) for row in credited] == [(right, 45_800)]


async def test_RE2_what_a_person_said_of_a_struck_licence_goes_with_it_and_stays_on_record(fleet: Fleet) -> None:
    licence = await fleet.claimable()
    await fleet.verify(licence)
    await fleet.waive(licence)
    change = await fix(fleet, f"/licences/{licence}/strike")
    assert [one["rule"] for one in change["before"]["waivers"]] == ["EL4"]
    assert [one["actor"] for one in change["before"]["verifications"]] == ["R Hill"]
    again = await fleet.add_licence("ABC123", "RUC 0001", 45_000, "2026-10-01T08:00:00+13:00")
    assert again != licence


async def test_RE2_whatever_stands_on_a_licence_keeps_it(claims: Claims, fleet: Fleet) -> None:
    licence = await fleet.claimable()
    await fleet.post("/applications", {"kind": "cancelled_vehicle", "licence_id": licence, "actor": "a"})
    refused = await fix(fleet, f"/licences/{licence}/strike", 409)
    assert (refused["code"], "an application" in refused["detail"]) == ("stands_on_it", True)
    assert await history(fleet, licence) == []
    async with tx(claims.worker) as conn:
        keys = await conn.fetch(
            "select conname from pg_constraint where contype = 'f' and confrelid = 'claims.licence'::regclass and confdeltype = 'a'"
        )
    gone = {
        "licence_alert_licence_fk",
        "waiver_licence_fk",
        "verification_licence_fk",
        "acknowledgement_licence_fk",
        "paper_licence_licence_fk",
    }
    assert {key["conname"] for key in keys} == STANDING.keys() | gone, "every table that names a licence is thought of"


async def test_RE2_a_struck_reading_leaves_the_statement_and_stays_on_record(fleet: Fleet) -> None:
    licence = await fleet.claimable()
    wrong = await fleet.add_reading("ABC123", "2026-10-10T08:00:00+13:00", 45_999)
    before = (await fleet.get(f"/licences/{licence}/statement"))["statement_hash"]
    change = await fix(fleet, f"/readings/{wrong}/strike")
    assert (change["kind"], change["before"]["value"]) == ("reading", 45_999)
    assert (await fleet.get(f"/licences/{licence}/statement"))["statement_hash"] != before
    await fix(fleet, f"/readings/{wrong}/strike", 404)
    await fleet.add_reading("ABC123", "2026-10-10T08:00:00+13:00", 45_600)
    sale = {"at": "2026-11-01T08:00:00+13:00", "reading": 46_500, "actor": "a"}
    await fleet.post(f"/vehicles/{fleet.vehicles['ABC123']}/sale", sale, 200)
    read = (await fleet.get("/readings", recorder_id=fleet.recorders["ABC123"]))["items"]
    (sold,) = (one["id"] for one in read if one["value"] == 46_500)
    assert (await fix(fleet, f"/readings/{sold}/strike", 409))["code"] == "stands_on_it"


async def lodged(fleet: Fleet) -> tuple[str, str]:
    """(licence, claim); the recorder is read again later."""
    licence = await fleet.claimable()
    await fleet.add_reading("ABC123", "2026-11-01T08:00:00+13:00", 46_500)
    preview = await fleet.preview([licence])
    return licence, str((await fleet.post("/claims", {"preview_token": preview["preview_token"]}))["id"])


async def over_claimed(fleet: Fleet, claim: str) -> list[int]:
    """Of each open disclosure the kilometres that its line claims too much."""
    found = (await fleet.get("/disclosures", claim_id=claim, only_open="true"))["items"]
    return [one["claimed_km"] - one["now_km"] for one in found]


async def test_CL7_an_end_moved_under_a_claim_is_disclosed_so_that_the_next_licence_claims_no_kilometre_again(
    fleet: Fleet,
) -> None:
    _, claim = await lodged(fleet)
    readings = (await fleet.get("/readings", recorder_id=fleet.recorders["ABC123"]))["items"]
    (end,) = [one["id"] for one in readings if one["value"] == 46_000]
    await fix(fleet, f"/readings/{end}/strike")
    await fleet.add_reading("ABC123", "2026-10-08T08:00:00+13:00", 46_000)
    moved = await over_claimed(fleet, claim)
    assert max(moved) >= 7 * 40, "a week of off-road travel counts for the next licence now"
    assert (await fleet.client.post(f"/v1/claims/{claim}/review")).json()["disclosures"][-1]["now_km"] < 560


async def test_CL7_a_late_reading_that_leaves_the_claim_as_it_is_discloses_nothing(fleet: Fleet) -> None:
    _, claim = await lodged(fleet)
    await fleet.add_reading("ABC123", "2026-10-20T08:00:00+13:00", 46_200)
    assert await over_claimed(fleet, claim) == []


async def test_CL7_a_sale_recorded_back_in_time_is_disclosed_by_what_was_lodged_beyond_it(fleet: Fleet) -> None:
    licence, claim = await lodged(fleet)
    sale = {"kind": "sold", "at": "2026-10-10T08:00:00+13:00", "reading": 45_600, "reason": "sold", "actor": "R Hill"}
    await fleet.post(f"/vehicles/{fleet.vehicles['ABC123']}/sale", sale, 200)
    (much,) = await over_claimed(fleet, claim)
    assert much > 0
    paper = await fleet.get(f"/licences/{licence}")
    assert (paper["claimable_end_reading"], paper["ended_by"]) == (46_000, None), "what is claimed stays as it is"
    await fleet.post(f"/claims/{claim}/withdraw", {"on": "2026-11-22", "reason": "sold before", "actor": "R"}, 200)
    paper = await fleet.get(f"/licences/{licence}")
    assert (paper["claimable_end_reading"], paper["ended_by"]) == (45_600, "sale"), (
        "and ends there once nothing claims it"
    )


async def test_LI2_CL5_a_sale_ends_a_licence_whose_claim_was_withdrawn_like_any_other(fleet: Fleet) -> None:
    licence, claim = await lodged(fleet)
    await fleet.post(f"/claims/{claim}/withdraw", {"on": "2026-11-22", "reason": "sold before", "actor": "R"}, 200)
    sale = {"kind": "sold", "at": "2026-10-10T08:00:00+13:00", "reading": 45_600, "reason": "sold", "actor": "R Hill"}
    sold = await fleet.post(f"/vehicles/{fleet.vehicles['ABC123']}/sale", sale, 200)
    assert licence in sold["licences_ended"]
    assert (await fleet.get(f"/licences/{licence}"))["claimable_end_reading"] == 45_600
