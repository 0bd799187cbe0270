"""Until when records are held, and that nothing goes earlier, whoever tries (rule RE1)."""

from datetime import datetime

import asyncpg
import pytest

from services.claims.application.privacy.purge import RULES, purge
from shared.db.pool import tenant_tx, tx
from shared.nz_days import AUCKLAND
from tests.integration.claims.conftest import Claims
from tests.integration.claims.old import YEAR, day, days_there, licence, old_fleet, put, retention
from tests.integration.claims.test_claims_audit_cases import CASE
from tests.integration.claims.world import NOW_MS, Fleet
from tests.stack import Database

pytestmark = pytest.mark.integration


async def test_RE1_held_until_says_why_and_the_longest_counts(claims: Claims) -> None:
    fleet = await old_fleet(claims)
    leap = await licence(fleet, "R1", 1_000, "2024-02-29")
    assert await retention(fleet, leap) == ("2026-03-01", "issue", False), "the later of both days"
    assert (await fleet.get(f"/licences/{leap}/retention"))["words"].startswith("two years after the issue")
    late = await licence(fleet, "R2", 2_000, "2024-06-01")
    assert await retention(fleet, late) == ("2026-06-01", "issue", False)
    outside = {"claimed_on": "2026-05-30", "reference": "x", "actor": "a", "reason": "r"}
    await fleet.post(f"/licences/{late}/claimed-outside", outside)
    assert await retention(fleet, late) == ("2028-05-30", "application", True)
    (hold,) = (await fleet.post("/holds", {"licence_ids": [leap], "reason": "objection", "actor": "R Hill"}))["items"]
    assert await retention(fleet, leap) == (None, "hold", True)
    assert await retention(fleet, late) == ("2028-05-30", "application", True), "the hold is of one licence"
    release = {"reason": "settled", "actor": "R Hill"}
    released = await fleet.post(f"/holds/{hold['id']}/release", release, 200)
    assert (released["released_by"], released["released_reason"]) == ("R Hill", "settled")
    assert (await fleet.post(f"/holds/{hold['id']}/release", release, 409))["code"] == "hold_not_open"
    assert await retention(fleet, leap) == ("2026-03-01", "issue", False)
    await fleet.post("/holds", {"reason": "the Agency asks", "actor": "R Hill"})
    assert {(await retention(fleet, one))[:2] for one in (leap, late)} == {(None, "hold")}
    assert [one["licence_id"] for one in (await fleet.get("/holds", only_open="true"))["items"]] == [None]
    strange = {"licence_ids": [fleet.claimant_id], "reason": "x", "actor": "a"}
    assert (await fleet.post("/holds", strange, 422))["errors"][0]["code"] == "unknown_id"
    await fleet.get(f"/licences/{fleet.claimant_id}/retention", 404)
    other = await claims.fleet("Other")
    await other.get(f"/licences/{leap}/retention", 404)
    await other.post(f"/holds/{hold['id']}/release", release, 404)


async def test_RE1_a_claim_is_held_as_long_as_its_last_application_and_what_is_open(
    claims: Claims, fleet: Fleet
) -> None:
    claimed = await fleet.claimable()
    claim = (await fleet.post("/claims", {"preview_token": (await fleet.preview([claimed]))["preview_token"]}))["id"]
    assert await retention(fleet, claimed) == ("2028-11-22", "application", True)
    claims.clock.now_ms += 9 * 86_400_000
    await fleet.post(f"/claims/{claim}/sent", {"on": "2026-12-01", "channel": "email", "actor": "a"}, 200)
    assert await retention(fleet, claimed) == ("2028-12-01", "application", True)
    whole = await fleet.get(f"/claims/{claim}/retention")
    assert (whole["held_until"], whole["held_by"], len(whole["licences"])) == ("2028-12-01", "application", 1)
    case = await fleet.post("/audit-cases", {**CASE, "claim_ids": [claim]})
    assert await retention(fleet, claimed) == (None, "audit", True)
    assert (await fleet.get(f"/claims/{claim}/retention"))["held_until"] is None
    await fleet.post(f"/audit-cases/{case['id']}/close", {"on": "2026-12-10", "outcome": "x", "actor": "a"}, 200)
    assert await retention(fleet, claimed) == ("2028-12-01", "application", True)


async def test_RE1_a_claim_withdrawn_unsent_is_no_application(claims: Claims, fleet: Fleet) -> None:
    claimed = await fleet.claimable()
    claim = (await fleet.post("/claims", {"preview_token": (await fleet.preview([claimed]))["preview_token"]}))["id"]
    await fleet.post(f"/claims/{claim}/withdraw", {"on": "2026-11-22", "actor": "a", "reason": "r"}, 200)
    assert await retention(fleet, claimed) == ("2028-10-01", "issue", True)


async def test_RE1_the_purge_takes_what_nothing_holds_and_a_dry_run_nothing(claims: Claims) -> None:
    fleet = await old_fleet(claims)
    kept = await licence(fleet, "R1", 10_000, "2024-06-01")
    outside = {"claimed_on": "2026-05-30", "reference": "x", "actor": "a", "reason": "r"}
    await fleet.post(f"/licences/{kept}/claimed-outside", outside)
    await licence(fleet, "R0", 5_000, "2023-03-01")
    wanted = ["2024-06-01", "2024-06-21"]
    await put(fleet, "2023-03-05", "2024-05-29", *wanted, "2024-06-24", "2024-11-20", "2024-11-21", "2026-11-01")
    await put(fleet, *wanted, "2023-03-05", rev=2)
    async with tx(claims.worker) as conn:
        for iso in ("2023-03-05", "2024-06-01"):
            await conn.execute(
                "insert into claims.hold values ($1, 'imei-9', $2, 'dirty', false, 1)", fleet.tenant, day(iso)
            )
    everything = await days_there(claims, fleet)
    would = await purge(claims.worker, fleet.tenant, NOW_MS, dry=True)
    assert await days_there(claims, fleet) == everything
    gone = await purge(claims.worker, fleet.tenant, NOW_MS, batch=1)
    assert gone == would
    assert (gone["device_day"], gone["device_day_history"], gone["hold"]) == (4, 1, 1)
    assert await days_there(claims, fleet) == [*wanted, "2024-11-21", "2026-11-01"]
    assert await days_there(claims, fleet, "device_day_history") == wanted
    assert await days_there(claims, fleet, "hold") == ["2024-06-01"]
    assert sum((await purge(claims.worker, fleet.tenant, NOW_MS)).values()) == 0, "nothing is left to do"


async def test_RE1_a_hold_keeps_everything_and_a_trailers_days_are_its_towing_vehicles(claims: Claims) -> None:
    fleet = await old_fleet(claims)
    held = await claims.fleet("Held")
    await put(held, "2019-01-01", device="x")
    await put(fleet, "2022-05-05")
    assert (await purge(claims.worker, fleet.tenant, NOW_MS, dry=True))["device_day"] == 1
    trailer = (await fleet.post("/vehicles", {"plate": "T1", "powered": False, "plate_from": "2018-01-01"}))["id"]
    await fleet.post("/couplings", {"trailer_id": trailer, "vehicle_id": fleet.vehicles["OLD1"], "from": "2018-01-01"})
    recorder = {"vehicle_id": trailer, "kind": "hubodometer", "serial": "HUB", "from": "2018-01-01"}
    fleet.recorders["T1"] = (await fleet.post("/recorders", recorder))["id"]
    of_trailer = await licence(fleet, "R7", 1_000, "2022-05-01", plate="T1")
    await fleet.post("/holds", {"licence_ids": [of_trailer], "reason": "objection", "actor": "a"})
    assert (await purge(claims.worker, fleet.tenant, NOW_MS))["device_day"] == 0, "what towed it moved it"
    assert (await purge(claims.worker, held.tenant, NOW_MS))["device_day"] == 1, "another tenant's hold is not ours"


async def test_RE1_papers_of_a_claim_go_when_no_licence_of_it_is_held_and_its_lines_stay(
    claims: Claims, fleet: Fleet
) -> None:
    claimed = await fleet.claimable()
    scan = (await fleet.client.post("/v1/attachments", params={"name": "f", "actor": "a"}, content=b"%PDF-1 x")).json()
    claim = (await fleet.post("/claims", {"preview_token": (await fleet.preview([claimed]))["preview_token"]}))["id"]
    sent = {"on": "2026-11-22", "channel": "email", "actor": "a", "attachment_id": scan["id"]}
    await fleet.post(f"/claims/{claim}/sent", sent, 200)
    loose = (await fleet.client.post("/v1/attachments", params={"name": "g", "actor": "a"}, content=b"%PDF-1 y")).json()
    assert sum((await purge(claims.worker, fleet.tenant, NOW_MS)).values()) == 0
    long_ago = (
        "update claims.attachment set created_at = '2022-01-01'",
        "update claims.licence set issued_at = issued_at - interval '5 years'",
        "update claims.claim set lodged_on = lodged_on - 1500",
        "update claims.claim_preview set expires_at = '2022-01-01'",
    )
    await claims.as_superuser(*long_ago)
    assert (await purge(claims.worker, fleet.tenant, NOW_MS))["attachment"] == 1, (
        "the sent form is held by the step's own day"
    )
    await fleet.client.get(f"/v1/attachments/{scan['id']}")
    await claims.as_superuser("update claims.claim_step set on_day = on_day - 1500")
    gone = await purge(claims.worker, fleet.tenant, NOW_MS)
    assert {table: count for table, count in gone.items() if count and not table.startswith("device_day")} == {
        "render_job": 1, "snapshot": 2, "attachment": 1, "proof_salt": 2,
    }  # fmt: skip
    for one in (scan, loose):
        answer = await fleet.client.get(f"/v1/attachments/{one['id']}")
        assert (answer.status_code, answer.json()["sha256"]) == (410, one["sha256"])
    assert len((await fleet.get(f"/claims/{claim}"))["lines"]) == 1
    for path in (f"/claims/{claim}/form.pdf", f"/licences/{claimed}/report.pdf"):
        assert (await fleet.get(path, 410))["code"] == "purged"


async def test_RE1_a_file_that_a_mark_or_an_exemption_names_goes_when_nothing_that_it_is_about_is_held(
    claims: Claims,
) -> None:
    fleet = await old_fleet(claims)
    beside = await licence(fleet, "R0", 1_000, "2021-03-01")
    held = await licence(fleet, "R1", 5_000, "2022-03-01")
    (hold,) = (await fleet.post("/holds", {"licence_ids": [held], "reason": "objection", "actor": "a"}))["items"]
    files = [
        (await fleet.client.post("/v1/attachments", params={"name": f"f{i}", "actor": "a"}, content=b"%PDF-1 x")).json()
        for i in range(4)
    ]
    told = {"reason": "jumped", "actor": "R Hill"}
    on_the_day = {"device": "imei-9", "from_at": "2022-03-05", "to_at": "2022-03-05"}
    long_before = {"device": "imei-9", "from_at": "2021-03-05", "to_at": "2021-03-05"}
    in_its_period = {"licence_id": held, "from_at": "2022-03-08", "to_at": "2022-03-08"}
    for what, file in zip((on_the_day, in_its_period, long_before), files, strict=False):
        await fleet.post("/faulty-data", told | what | {"attachment_id": file["id"]})
    await claims.as_superuser(
        "update claims.attachment set created_at = '2022-03-09'",
        "delete from claims.faulty_stretch where mark_id in (select id from claims.faulty_mark where licence_id is not null)",
        (
            "insert into claims.exemption (tenant_id, id, vehicle_id, state, details, boundary, created_at) "
            "select tenant_id, gen_random_uuid(), id, 'draft', '{}', '{}', now() from claims.vehicle"
        ),
        (
            "insert into claims.exemption_exception (tenant_id, id, exemption_id, kind, during, back, destination, attachment_id, "
            "actor, created_at) select e.tenant_id, gen_random_uuid(), e.id, 'repair', '[2022-03-05,2022-03-06)', false, 'x', a.id, "
            "'a', now() from claims.exemption e join claims.attachment a using (tenant_id) where a.name = 'f3'"
        ),
    )

    async def there() -> list[str]:
        status = {one["name"]: (await fleet.client.get(f"/v1/attachments/{one['id']}")).status_code for one in files}
        return [name for name, code in status.items() if code == 200]

    assert (await purge(claims.worker, fleet.tenant, NOW_MS))["attachment"] == 1
    assert await there() == ["f0", "f1", "f3"], f"{beside} is held no longer"
    await fleet.post(f"/holds/{hold['id']}/release", {"reason": "settled", "actor": "a"}, 200)
    assert (await purge(claims.worker, fleet.tenant, NOW_MS, dry=True))["attachment"] == 3
    assert (await purge(claims.worker, fleet.tenant, NOW_MS))["attachment"] == 3
    assert await there() == []


async def test_RE1_a_file_that_a_table_without_a_rule_names_stays(claims: Claims) -> None:
    fleet = await old_fleet(claims)
    await fleet.client.post("/v1/attachments", params={"name": "f", "actor": "a"}, content=b"%PDF-1 x")
    await claims.as_superuser(
        "update claims.attachment set created_at = '2022-03-09'",
        (
            "create table claims.later (tenant_id uuid, attachment_id uuid, "
            "foreign key (tenant_id, attachment_id) references claims.attachment)"
        ),
        "grant select on claims.later to rucor_claims_owner",
        "insert into claims.later select tenant_id, id from claims.attachment",
    )
    assert (await purge(claims.worker, fleet.tenant, NOW_MS))["attachment"] == 0, "unknown is kept"
    await claims.as_superuser("drop table claims.later")
    assert (await purge(claims.worker, fleet.tenant, NOW_MS))["attachment"] == 1


async def test_RE1_answers_and_previews_that_are_over_go_and_their_revisions_are_ordinary_again(
    claims: Claims, fleet: Fleet
) -> None:
    claimed = await fleet.claimable()
    await fleet.preview([claimed])
    keyed = await fleet.client.post("/v1/claimants", json={"name": "K"}, headers={"Idempotency-Key": "k"})
    assert keyed.status_code == 201
    # NOW_MS: the database dates an answer by its own clock, the service a preview by the tests'
    await claims.as_superuser("update claims.idempotency set created_at = '2026-11-22'")
    gone = await purge(claims.worker, fleet.tenant, NOW_MS + 7 * 86_400_000)
    assert (gone["idempotency"], gone["claim_preview"], gone["device_day.named"]) == (0, 0, 0)
    gone = await purge(claims.worker, fleet.tenant, NOW_MS + 31 * 86_400_000)
    assert (gone["idempotency"], gone["claim_preview"], gone["device_day.named"]) == (1, 1, 14)
    preview = await fleet.preview([claimed])
    await fleet.post("/claims", {"preview_token": preview["preview_token"]})
    gone = await purge(claims.worker, fleet.tenant, NOW_MS + 31 * 86_400_000)
    assert (gone["claim_preview"], gone["device_day.named"]) == (0, 0), "a claim stands on them"


async def test_RE1_the_day_by_which_the_database_judges_is_new_zealands(database: Database) -> None:
    conn = await asyncpg.connect(database.superuser, server_settings={"timezone": "Pacific/Honolulu"})
    try:
        before = datetime.now(AUCKLAND).date()
        found = await conn.fetchval("select claims.nz_today()")
    finally:
        await conn.close()
    assert before <= found <= datetime.now(AUCKLAND).date()


async def test_RE1_the_database_refuses_to_let_go_early_whoever_asks(claims: Claims, fleet: Fleet) -> None:
    await fleet.claimable()
    for pool in (claims.worker, claims.context.pool):
        for table in ("device_day", "device_day_history", "snapshot", "attachment", "licence", "claim_line_day"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                async with tenant_tx(pool, fleet.tenant) as conn:
                    await conn.execute(await conn.fetchval("select format('delete from claims.%I', $1::text)", table))
    with pytest.raises(asyncpg.RestrictViolationError):
        async with tenant_tx(claims.worker, fleet.tenant) as conn:
            await conn.execute("select claims.purge($1, 'licence', 10, false)", fleet.tenant)
    other = await claims.fleet("Other")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with tenant_tx(claims.worker, other.tenant) as conn:
            await conn.execute("select claims.purge($1, 'device_day', 10, false)", fleet.tenant)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with tenant_tx(claims.context.pool, fleet.tenant) as conn:
            await conn.execute("select claims.purge($1, 'device_day', 10, false)", fleet.tenant)
    far = NOW_MS + 20 * YEAR * 86_400_000
    assert (await purge(claims.worker, fleet.tenant, far))["device_day"] == 0, "a clock that runs ahead"
    assert len(await days_there(claims, fleet)) == 14


async def test_RE1_every_rule_names_a_table_and_says_when(claims: Claims) -> None:
    async with tx(claims.worker) as conn:
        tables = {row["relname"] for row in await conn.fetch(
            "select relname from pg_class where relnamespace = 'claims'::regnamespace and relkind = 'r'")}  # fmt: skip
    assert all(rule.table.split(".")[0] in tables and rule.words for rule in RULES)
