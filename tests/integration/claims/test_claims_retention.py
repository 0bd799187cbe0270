"""Until when records are held, and that nothing goes earlier, whoever tries (rule RE1)."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from uuid import UUID

import asyncpg
import httpx
import pytest
from click.testing import CliRunner
from fastapi import FastAPI
from pydantic import SecretStr

from deploy.embedded.info import FILE
from deploy.embedded.purge import purge as command
from services.claims.adapters.http_peers import ClassifierClient, IngestClient
from services.claims.application.privacy import refused_rows
from services.claims.application.privacy.erase_vehicles import asking
from services.claims.application.privacy.purge import RULES, purge
from services.claims.application.privacy.retention import settle_needed, tell_next
from services.claims.repo.erasures import Stretch
from services.classifier.api import for_claims
from services.classifier.application import retention as months
from services.classifier.repo import chunks
from services.ingest.adapters import retention as of_ingest
from services.ingest.adapters.retention import Retention
from services.ingest.api import for_claims as for_claims_of_ingest
from shared.db.pool import Pool, open_pool, tenant_tx, tx
from shared.http import problems
from shared.nz_days import from_ordinal, to_ordinal
from tests.integration.claims.conftest import Claims
from tests.integration.claims.test_claims_audit_cases import CASE, TOKEN
from tests.integration.claims.world import NOW_MS, Fleet, device_day, put_days

pytestmark = pytest.mark.integration
TODAY = date(2026, 11, 22)
YEAR = 365


def day(iso: str) -> int:
    return to_ordinal(date.fromisoformat(iso))


async def old_fleet(claims: Claims, name: str = "Old", plate: str = "OLD1", device: str = "imei-9") -> Fleet:
    """A ute with a device since 2018."""
    fleet = await claims.fleet(name)
    await fleet.add_claimant()
    vehicle = (
        await fleet.post("/vehicles", {"plate": plate, "ruc_type": "1", "gross_kg": 3050, "plate_from": "2018-01-01"})
    )["id"]
    fleet.vehicles[plate] = vehicle
    await fleet.post("/devices", {"device": device, "vehicle_id": vehicle, "from": "2018-01-01", "gps_type": "X"})
    recorder = {"vehicle_id": vehicle, "kind": "odometer", "serial": "OD", "from": "2018-01-01"}
    fleet.recorders[plate] = (await fleet.post("/recorders", recorder))["id"]
    return fleet


async def licence(fleet: Fleet, number: str, start: int, issued: str, plate: str = "OLD1") -> str:
    """With readings at its start (its issue) and at its end 20 days later."""
    made = await fleet.add_licence(plate, number, start, f"{issued}T09:00:00+12:00")
    end = date.fromisoformat(issued) + timedelta(days=20)
    await fleet.add_reading(plate, f"{issued}T09:00:00+12:00", start)
    await fleet.add_reading(plate, f"{end}T09:00:00+12:00", start + 1_000)
    return made


async def retention(fleet: Fleet, licence_id: str) -> tuple[str | None, str, bool]:
    found = await fleet.get(f"/licences/{licence_id}/retention")
    return found["held_until"], found["held_by"], found["held"]


async def days_there(claims: Claims, fleet: Fleet, table: str = "device_day") -> list[str]:
    async with tx(claims.worker) as conn:
        query = await conn.fetchval(
            "select format('select day from claims.%I where tenant_id = $1 order by day', $1::text)", table
        )
        return [str(from_ordinal(row["day"])) for row in await conn.fetch(query, fleet.tenant)]


async def put(fleet: Fleet, *iso: str, device: str = "imei-9", rev: int = 1) -> None:
    await put_days(fleet.worker, [device_day(fleet.tenant, device, day(one), rev=rev) for one in iso])


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
    await put(fleet, "2023-03-05", "2024-05-29", *wanted, "2024-06-24", "2024-11-21", "2024-11-22", "2026-11-01")
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
    assert await days_there(claims, fleet) == [*wanted, "2024-11-22", "2026-11-01"]
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
    await superuser(claims, *long_ago)
    assert (await purge(claims.worker, fleet.tenant, NOW_MS))["attachment"] == 1, (
        "the sent form is held by the step's own day"
    )
    await fleet.client.get(f"/v1/attachments/{scan['id']}")
    await superuser(claims, "update claims.claim_step set on_day = on_day - 1500")
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
    await superuser(
        claims,
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
    await superuser(
        claims,
        "update claims.attachment set created_at = '2022-03-09'",
        (
            "create table claims.later (tenant_id uuid, attachment_id uuid, "
            "foreign key (tenant_id, attachment_id) references claims.attachment)"
        ),
        "grant select on claims.later to rucor_claims_owner",
        "insert into claims.later select tenant_id, id from claims.attachment",
    )
    assert (await purge(claims.worker, fleet.tenant, NOW_MS))["attachment"] == 0, "unknown is kept"
    await superuser(claims, "drop table claims.later")
    assert (await purge(claims.worker, fleet.tenant, NOW_MS))["attachment"] == 1


async def superuser(claims: Claims, *statements: str) -> None:
    conn = await asyncpg.connect(claims.database.superuser)
    try:
        for statement in statements:
            await conn.execute(statement)
    finally:
        await conn.close()


async def test_RE1_answers_and_previews_that_are_over_go_and_their_revisions_are_ordinary_again(
    claims: Claims, fleet: Fleet
) -> None:
    claimed = await fleet.claimable()
    await fleet.preview([claimed])
    keyed = await fleet.client.post("/v1/claimants", json={"name": "K"}, headers={"Idempotency-Key": "k"})
    assert keyed.status_code == 201
    real_ms = int(datetime.now(UTC).timestamp() * 1_000)  # answers are stored by the database's clock
    gone = await purge(claims.worker, fleet.tenant, max(real_ms, NOW_MS) + 7 * 86_400_000)
    assert (gone["idempotency"], gone["claim_preview"], gone["device_day.named"]) == (0, 0, 0)
    gone = await purge(claims.worker, fleet.tenant, max(real_ms, NOW_MS) + 31 * 86_400_000)
    assert (gone["idempotency"], gone["claim_preview"], gone["device_day.named"]) == (1, 1, 14)
    preview = await fleet.preview([claimed])
    await fleet.post("/claims", {"preview_token": preview["preview_token"]})
    gone = await purge(claims.worker, fleet.tenant, max(real_ms, NOW_MS) + 31 * 86_400_000)
    assert (gone["claim_preview"], gone["device_day.named"]) == (0, 0), "a claim stands on them"


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


@pytest.fixture
async def classifier(claims: Claims) -> AsyncIterator[tuple[ClassifierClient, Pool]]:
    """The classifier's own routes for claims on its own database, and its worker's pool."""
    pool = await open_pool(claims.database.dsn("classifier", "api"), name="test-classifier", size=2)
    worker = await open_pool(claims.database.dsn("classifier", "worker"), name="test-classifier-worker", size=1)
    app = FastAPI()
    problems.install(app)
    app.include_router(for_claims.router(pool, SecretStr(TOKEN), dict))
    transport = httpx.ASGITransport(app=app)
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with httpx.AsyncClient(transport=transport, base_url="http://classifier", headers=headers) as http:
        yield ClassifierClient(http), worker
    await pool.close()
    await worker.close()


async def test_RE1_a_month_of_fixes_goes_only_when_claims_has_said_that_it_needs_none_of_it(
    claims: Claims, classifier: tuple[ClassifierClient, Pool]
) -> None:
    peer, worker = classifier
    month, today = date(2022, 9, 1), TODAY
    async with tx(worker) as conn:
        await chunks.make_month(conn, to_ordinal(month))
    fleet = await old_fleet(claims)
    await licence(fleet, "R1", 10_000, "2022-09-05")
    await fleet.post(f"/licences/{fleet.licences['R1']}/claimed-outside", {
        "claimed_on": "2025-01-10", "reference": "late", "actor": "a", "reason": "with the Agency's consent"})  # fmt: skip

    async def verdict() -> str:
        return next(one.verdict for one in await months.months(worker, today) if one.month == month)

    assert await verdict() == "unknown", "claims has said nothing yet: unknown is kept"
    assert await months.sweep(worker, today) == []
    await peer.holds_told()
    assert await verdict() == "over", "told too early: this is what settling first is for"
    assert await settle_needed(claims.worker) == 1
    assert await settle_needed(claims.worker) == 0
    assert await tell_next(claims.worker, peer)
    assert not await tell_next(claims.worker, peer)
    assert await verdict() == "held"
    with pytest.raises(months.RetentionKeeps):
        await months.drop(worker, month, today)
    assert (await fleet.get("/holds"))["items"][0]["kind"] == "needed"
    needed = (await fleet.get("/holds"))["items"][0]["id"]
    assert (await fleet.post(f"/holds/{needed}/release", {"reason": "x", "actor": "a"}, 409))["code"] == "hold_not_open"
    await superuser(claims, "update claims.claimed_outside set claimed_on = '2024-01-10'")
    assert await settle_needed(claims.worker) == 1
    assert await tell_next(claims.worker, peer)
    assert await verdict() == "over"
    conn = await asyncpg.connect(claims.database.superuser)
    await conn.execute("update classifier.claims_told set told_at = now() - interval '16 minutes'")
    await conn.close()
    assert await verdict() == "unknown", "an hour ago is not now"
    await peer.holds_told()
    assert [one.month for one in await months.sweep(worker, today)] == [month]


async def test_RE1_a_released_hold_is_told_too(claims: Claims, classifier: tuple[ClassifierClient, Pool]) -> None:
    peer, worker = classifier
    fleet = await old_fleet(claims)
    (hold,) = (await fleet.post("/holds", {"reason": "the Agency asks", "actor": "a"}))["items"]
    assert await tell_next(claims.worker, peer)

    async def open_there() -> list[UUID]:
        return [one.id for one in (await months.status(worker, TODAY)).holds]

    assert await open_there() == [UUID(hold["id"])]
    await fleet.post(f"/holds/{hold['id']}/release", {"reason": "done", "actor": "a"}, 200)
    assert await tell_next(claims.worker, peer)
    assert await open_there() == []


async def test_RE1_the_quarantine_goes_after_four_years_unless_something_of_the_tenant_is_open(
    claims: Claims, tmp_path: Path
) -> None:
    fleet, other = await old_fleet(claims), await claims.fleet("Other")
    await put(other, "2019-01-01")
    insert = (
        "insert into ingest.quarantine (tenant_id, origin, origin_partition, origin_offset, origin_row, device_id, code, detail, body,"
        " received_at, code_version) select $1, 'x', 0, 0, row, 'd', 'c', '', '', at, '1'"
        " from (values (1, now() - interval '4 years'), (2, now() - interval '4 years 2 days')) as v (row, at)"
    )
    conn = await asyncpg.connect(claims.database.superuser)
    for tenant in (fleet.tenant, other.tenant):
        await conn.execute(insert, tenant)
    await fleet.post("/holds", {"reason": "the Agency asks", "actor": "a"})
    (tmp_path / FILE).write_text(claims.database.on_this_database().as_json())

    async def run(*options: str) -> str:
        done = await asyncio.to_thread(CliRunner().invoke, command, [*options, "--data-dir", str(tmp_path)])
        assert done.exit_code == 0, done.output
        return done.output

    async def left() -> list[tuple[UUID, int]]:
        rows = await conn.fetch(
            "select tenant_id, origin_row from ingest.quarantine order by tenant_id = $1, 2", other.tenant
        )
        return [(row["tenant_id"], row["origin_row"]) for row in rows]

    would = await run("--dry-run")
    assert "1 would go of quarantine" in would
    assert "1 would go of device_day:" in would
    assert len(await left()) == 4
    done = await run()
    assert "1 gone of quarantine" in done
    assert "1 gone of device_day:" in done
    assert await left() == [(fleet.tenant, 1), (fleet.tenant, 2), (other.tenant, 1)]
    await conn.close()


REFUSED = """
insert into ingest.quarantine (tenant_id, origin, origin_partition, origin_offset, origin_row, device_id, code, detail, body,
    received_at, code_version)
select $1, 'x', 0, 0, $2, $3, 'c', '', '', $4, '1'"""


async def refused(claims: Claims, tenant: UUID, row: int, device: str, at: datetime) -> None:
    conn = await asyncpg.connect(claims.database.superuser)
    try:
        await conn.execute(REFUSED, tenant, row, device, at)
    finally:
        await conn.close()


async def rows_left(claims: Claims) -> set[tuple[UUID, int]]:
    conn = await asyncpg.connect(claims.database.superuser)
    try:
        return {(row[0], row[1]) for row in await conn.fetch("select tenant_id, origin_row from ingest.quarantine")}
    finally:
        await conn.close()


@contextlib.asynccontextmanager
async def ingest_of(claims: Claims) -> AsyncIterator[tuple[IngestClient, Retention]]:
    """Ingest's own routes for claims on its own database, and what they tell its loop."""
    pool = await open_pool(claims.database.dsn("ingest", "worker"), name="test-ingest", size=1)
    kept, app = Retention(pool, claims.clock), FastAPI()
    problems.install(app)
    app.include_router(for_claims_of_ingest.router(kept, SecretStr(TOKEN)))
    transport, headers = httpx.ASGITransport(app=app), {"Authorization": f"Bearer {TOKEN}"}
    async with httpx.AsyncClient(transport=transport, base_url="http://ingest", headers=headers) as http:
        yield IngestClient(http), kept
    await pool.close()


async def test_RE1_ingest_purges_its_quarantine_by_itself_once_claims_has_said_what_is_kept(claims: Claims) -> None:
    fleet, other = await claims.fleet("Held"), await claims.fleet("Other")
    for tenant in (fleet.tenant, other.tenant):
        await refused(claims, tenant, 1, "d", datetime.now(UTC) - timedelta(days=4 * YEAR + 10))
        await refused(claims, tenant, 2, "d", datetime.now(UTC) - timedelta(days=4 * YEAR - 10))
    young = {(fleet.tenant, 2), (other.tenant, 2)}
    hold = (await fleet.post("/holds", {"reason": "the Agency asks", "actor": "a"}))["items"][0]["id"]
    async with ingest_of(claims) as (peer, kept):

        async def a_round() -> set[tuple[UUID, int]]:
            assert not await kept.round()
            return await rows_left(claims)

        assert len(await a_round()) == 4, "claims has told nothing yet"
        assert not await refused_rows.tell_next(claims.worker, peer)
        assert await a_round() == {*young, (fleet.tenant, 1)}
        await fleet.post(f"/holds/{hold}/release", {"reason": "done", "actor": "a"}, 200)
        claims.clock.now_ms += of_ingest.PURGE_EVERY_MS
        assert len(await a_round()) == 3, "what claims said is old by now"
        await refused_rows.tell_next(claims.worker, peer)
        assert await a_round() == young


async def test_RE1_a_full_batch_is_followed_by_another_at_once(claims: Claims, monkeypatch: pytest.MonkeyPatch) -> None:
    fleet = await claims.fleet("One")
    for row in range(3):
        await refused(claims, fleet.tenant, row, "d", datetime.now(UTC) - timedelta(days=5 * YEAR))
    monkeypatch.setattr(of_ingest, "BATCH", 2)
    async with ingest_of(claims) as (peer, kept):
        await refused_rows.tell_next(claims.worker, peer)
        assert [await kept.round(), len(await rows_left(claims))] == [True, 1]
        assert [await kept.round(), len(await rows_left(claims))] == [False, 0]


async def test_RE2_of_a_stretch_with_more_rows_than_one_request_drops_some_are_left_for_the_next(
    claims: Claims, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet, noon = await claims.fleet("One"), datetime(2025, 3, 4, 0, tzinfo=UTC)
    for row in range(3):
        await refused(claims, fleet.tenant, row, "d", noon)
    await refused(claims, fleet.tenant, 3, "other", noon)
    await refused(claims, fleet.tenant, 4, "d", noon + timedelta(days=1))
    monkeypatch.setattr(of_ingest, "BATCH", 2)
    monkeypatch.setattr(of_ingest, "BATCHES_MAX", 1)
    stretch = Stretch(fleet.tenant, UUID(int=1), UUID(int=2), "d", day("2025-03-04"), day("2025-03-04"))
    async with ingest_of(claims) as (peer, _):
        assert (await peer.forget(asking(fleet.tenant, [stretch]))).gone == ()
        assert (await peer.forget(asking(fleet.tenant, [stretch]))).gone == (str(stretch.id),)
    assert await rows_left(claims) == {(fleet.tenant, 3), (fleet.tenant, 4)}
