"""What is held of a tenant can be given out, and a tenant that leaves is erased but for what a hold covers (rules RE1, RE2)."""

import json
from hashlib import sha256
from pathlib import Path
from uuid import UUID

import asyncpg
import httpx
import pytest

from deploy.privacy.cli import export_subject, export_tenant, offboard
from services.claims.application.people.sign_in import Identity, NotAPerson, sign_in
from services.claims.domain.instants import from_ms
from services.claims.wiring import make_app
from shared.db.pool import tenant_tx
from tests.integration.claims.test_claims_row_security import fill
from tests.integration.claims.world import ACCOUNT, FIRST_DAY, device_day, put_days
from tests.integration.privacy.desk import Desk, fixes, opened, whole

pytestmark = pytest.mark.integration


async def test_RE2_the_export_has_every_row_and_file_of_the_tenant_and_of_nobody_else(
    desk: Desk, tmp_path: Path
) -> None:
    fleet, other = await whole(desk), await desk.claims.fleet("Other")
    await other.add_claimant("Other People Limited")
    out = tmp_path / "out" / "tenant.zip"
    assert "index.json" in await desk.run(export_tenant, "--tenant", str(fleet.tenant), "--out", str(out))
    rows = await desk.rows(fleet.tenant)
    assert out.stat().st_mode & 0o077 == 0
    with opened(out) as (archive, index):
        found = {entry["name"]: entry for entry in index["files"]}
        assert set(archive.namelist()) == {*found, "index.json"}
        for name, entry in found.items():
            content = archive.read(name)
            assert sha256(content).hexdigest() == entry["sha256"]
            assert b"Other People" not in content
            assert ACCOUNT.replace("-", "").encode() not in content.replace(b"-", b"")
        fix_tables = {"classifier.evidence_frame", "classifier.evidence_span"}
        for table, count in rows.items():
            if table not in fix_tables:
                assert found[f"{table.replace('.', '/')}.ndjson"]["rows"] == count, table
        texts = [archive.read(name) for name in found if name.startswith("fixes/")]
        assert sum(text.count(b"\n") for text in texts) == 10
        assert all(json.loads(line)["device_id"] == "imei-1" for text in texts for line in text.splitlines())
        forms = [name for name in found if name.startswith("forms/")]
        assert [archive.read(name) for name in forms] == [b"%PDF-1.7 form"]
        assert sum(name.startswith("files/") for name in found) == rows["claims.attachment"]
        days = [json.loads(line) for line in archive.read("claims/device_day.ndjson").splitlines()]
        assert {day["summary"]["device"] for day in days} == {"imei-1", "nobodys"}, "what is packed is given readable"


async def test_RE2_a_tenant_that_leaves_is_erased_but_for_what_is_held_and_the_rest_goes_when_that_ends(
    desk: Desk, tmp_path: Path
) -> None:
    fleet, other = await whole(desk), await desk.claims.fleet("Other")
    await fill(other, desk.claims)
    tenant = ["--tenant", str(fleet.tenant)]
    done = [*tenant, "--actor", "A Reid", "--export", str(tmp_path / "leaver.zip")]
    everything, others = await desk.rows(fleet.tenant), await desk.rows(other.tenant)
    would = await desk.run(offboard, *tenant, "--dry-run")
    assert await desk.rows(fleet.tenant) == everything, "a dry run erases nothing"
    assert "given out yet" in await desk.run(offboard, *tenant, "--actor", "A Reid", code=1), "the export comes first"
    assert await desk.run(offboard, *tenant, code=2), "somebody does it"

    said = await desk.run(offboard, *done)
    left = await desk.rows(fleet.tenant)
    assert "held by something open" in said, "there is an open hold"
    assert {line for line in would.splitlines() if "would go" in line} == {
        line.replace("gone:", "would go:") for line in said.splitlines() if "gone:" in line
    }
    free = {"claims.api_key", "claims.idempotency", "classifier.api_key", "classifier.idempotency", "classifier.day_due",
            "classifier.recompute_waiting", "ingest.api_key"}  # fmt: skip
    assert not left.keys() & free
    assert {"claims.claim", "claims.claim_line", "claims.claim_line_day", "claims.licence", "claims.lodged_licence", "claims.snapshot",
            "claims.document", "claims.reading", "claims.vehicle", "claims.recorder", "claims.claimant", "claims.device_day",
            "claims.verification", "claims.claim_step", "claims.log_entry", "claims.paper_licence", "claims.tenant",
            "classifier.evidence_frame", "classifier.land_version"} <= left.keys()  # fmt: skip
    assert left["claims.claim_line_day"] == everything["claims.claim_line_day"], "nothing held went"
    assert left["ingest.quarantine"] == 1, "of the device that a held licence needs"
    assert left["classifier.evidence_frame"] == 1, "a day of last year is nobody's"
    assert left["claims.device_day"] < everything["claims.device_day"]
    fresh = httpx.ASGITransport(app=make_app(desk.claims.context))  # a process remembers keys for 30 s
    async with httpx.AsyncClient(transport=fresh, base_url="http://claims", headers=fleet.client.headers) as late:
        assert (await late.get("/v1/licences")).status_code == 401
    assert await desk.rows(other.tenant) == others, "another tenant is as it was"
    await desk.run(offboard, *tenant, "--actor", "A Reid")
    again = await desk.rows(fleet.tenant)
    logs = {table: count for table, count in again.items() if table.endswith(".audit_log")}
    assert logs == {table: left[table] + 1 for table in logs}, "that it was run again is on record"
    assert again == left | logs, "and nothing more"

    # everything that was open is closed, and years pass
    await desk.sql(
        "update claims.retention_hold set released_at = now(), released_by = 'a' where tenant_id = $1", fleet.tenant
    )
    await desk.sql("update claims.audit_hold set released_at = now() where tenant_id = $1", fleet.tenant)
    await desk.sql(
        "update claims.disclosure set closed_on = '2026-12-01', closed_as = 'repaid' where tenant_id = $1", fleet.tenant
    )
    said = await desk.run(offboard, *tenant, "--actor", "A Reid")
    assert "held until 2028-1" in said
    for statement in (
        "update claims.licence set issued_at = issued_at - interval '6 years' where tenant_id = $1",
        "update claims.claim set lodged_on = lodged_on - 2000 where tenant_id = $1",
        "update claims.claim_step set on_day = on_day - 2000 where tenant_id = $1",
        "update claims.claimed_outside set claimed_on = claimed_on - 2000 where tenant_id = $1",
        "update claims.application_step set on_day = on_day - 2000 where tenant_id = $1",
    ):
        await desk.sql(statement, fleet.tenant)
    said = await desk.run(offboard, *tenant, "--actor", "A Reid")
    assert "nothing of the tenant is left" in said
    assert await desk.rows(fleet.tenant) == {}
    assert await desk.rows(other.tenant) == others
    assert "there is no tenant" in await desk.run(offboard, "--tenant", str(UUID(int=9)), "--actor", "a", code=1)
    assert "does not leave" in await desk.run(offboard, "--tenant", str(UUID(int=0)), "--actor", "a", code=1)


async def test_RE2_nobody_of_a_tenant_that_leaves_signs_in_or_makes_a_key(desk: Desk, tmp_path: Path) -> None:
    """Though records of them are held, and a token of theirs lives for some minutes more."""
    fleet, claims = await whole(desk), desk.claims
    mary = await claims.person(fleet.tenant, "Mary Hill", "admin")
    key = {"name": "n", "scopes": ["claims:read"]}
    assert (await mary.post("/v1/keys", json=key)).status_code == 201
    row = next(one for one in (await fleet.get("/people"))["items"] if one["name"] == "Mary Hill")
    who, now = Identity("https://id.example", "1", row["email"]), from_ms(claims.clock())
    assert (await sign_in(claims.context.pool, who, fleet.tenant, now)).subject == row["id"]
    done = ["--tenant", str(fleet.tenant), "--actor", "A Reid", "--export", str(tmp_path / "leaver.zip")]
    await desk.run(offboard, *done)
    assert (await mary.post("/v1/keys", json=key)).status_code == 401
    with pytest.raises(NotAPerson):
        await sign_in(claims.context.pool, who, fleet.tenant, now)


async def test_RE2_an_access_request_finds_what_is_about_a_person_or_a_vehicle(desk: Desk, tmp_path: Path) -> None:
    fleet = await whole(desk)
    await fleet.add_ute("OTHER1", "imei-2")
    await put_days(fleet.worker, [device_day(fleet.tenant, "imei-2", FIRST_DAY)])
    await fixes(desk, fleet.tenant, "imei-2", [FIRST_DAY + 1])
    tenant = ["--tenant", str(fleet.tenant)]
    out = tmp_path / "a.zip"
    await desk.run(export_subject, *tenant, "--vehicle", "other1", "--out", str(out))
    with opened(out) as (archive, index):
        assert index["subject"] == "vehicle OTHER1"
        names = set(archive.namelist())
        assert {
            "claims/vehicle.ndjson",
            "claims/device_assignment.ndjson",
            "claims/recorder.ndjson",
            "claims/device_day.ndjson",
        } <= names
        assert not {"claims/claim.ndjson", "claims/licence.ndjson", "claims/claimant.ndjson"} & names
        for name in names - {"index.json"}:
            text = archive.read(name).decode()
            assert "imei-1" not in text, name
            assert fleet.vehicles["ABC123"] not in text, name
        assert sum(archive.read(name).count(b"\n") for name in names if name.startswith("fixes/")) == 5
    await desk.run(export_subject, *tenant, "--vehicle", fleet.vehicles["ABC123"], "--out", str(out))
    with opened(out) as (archive, _):
        assert {"claims/claim.ndjson", "claims/licence.ndjson", "claims/reading.ndjson"} <= set(archive.namelist())
        assert any(name.startswith("forms/") for name in archive.namelist())
    await desk.run(export_subject, *tenant, "--person", "r hill", "--out", str(out))
    with opened(out) as (archive, _):
        names = set(archive.namelist()) - {"index.json"}
        assert {"claims/verification.ndjson", "classifier/land_version.ndjson"} <= names
        for name in names:
            if name.endswith(".ndjson"):
                assert all("r hill" in line.casefold() for line in archive.read(name).decode().splitlines()), name
    assert "give its id" in await desk.run(export_subject, *tenant, "--vehicle", "NONE1", "--out", str(out), code=1)
    assert "either" in await desk.run(export_subject, *tenant, "--out", str(out), code=2)


async def test_RE1_erasing_takes_nothing_that_is_held_whoever_asks(desk: Desk) -> None:
    fleet, other = await whole(desk), await desk.claims.fleet("Other")
    erase = "select claims.erase($1, $2, 1000)"
    held = await desk.rows(fleet.tenant)
    for table in ("claim_line_day", "snapshot", "lodged_licence", "licence", "claim", "reading", "tenant"):
        async with tenant_tx(desk.claims.worker, fleet.tenant) as conn:
            assert await conn.fetchval(erase, fleet.tenant, table) == 0, table
    assert await desk.rows(fleet.tenant) == held
    for pool, tenant in ((desk.claims.worker, other.tenant), (desk.claims.context.pool, fleet.tenant)):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with tenant_tx(pool, tenant) as conn:
                await conn.execute(erase, fleet.tenant, "idempotency")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with tenant_tx(desk.claims.worker, UUID(int=0)) as conn:
            await conn.execute(erase, UUID(int=0), "idempotency")
    (hold,) = (await fleet.post("/holds", {"reason": "the Agency asks", "actor": "a"}))["items"]
    async with tenant_tx(desk.claims.worker, fleet.tenant) as conn:
        assert await conn.fetchval(erase, fleet.tenant, "idempotency") == 0, "a hold over everything"
    await fleet.post(f"/holds/{hold['id']}/release", {"reason": "done", "actor": "a"}, 200)
    async with tenant_tx(desk.claims.worker, fleet.tenant) as conn:
        assert await conn.fetchval(erase, fleet.tenant, "idempotency") == 1
