"""A tenant never sees, changes or infers another's data, even where a query forgets its WHERE (design G6)."""

from uuid import UUID

import asyncpg
import pytest

from services.claims.application.claim.review_claim import put_down
from services.claims.application.statement.tell_alerts import tell_alerts_next
from shared.db.pool import Pool, tenant_tx, tx
from tests.integration.claims.conftest import Claims
from tests.integration.claims.world import FIRST_DAY, Fleet, device_day, put_days

pytestmark = pytest.mark.integration

WITHOUT_TENANT = {
    "schema_migration",
    "stream_position",
    "outbox",
    "progress",
    "policy_edition",
    "policy_change",
    "id_token_used",
}
"""What belongs to the service, not to a tenant."""
OPERATORS = {"ops_case_step", "offboarding"}
"""What belongs to the operator's tenant alone."""
TABLES = """
select relname from pg_class where relnamespace = 'claims'::regnamespace and relkind = 'r' order by relname"""


async def rows_there(claims: Claims, tenant: UUID) -> dict[str, int]:
    """table → the tenant's rows, as the superuser counts them."""
    conn = await asyncpg.connect(claims.database.superuser)
    try:
        names = {row["relname"] for row in await conn.fetch(TABLES)} - WITHOUT_TENANT - OPERATORS
        counts = {
            name: await conn.fetchval(f"select count(*) from claims.{name} where tenant_id = $1", tenant)
            for name in names
        }
    finally:
        await conn.close()
    return counts


async def fill(fleet: Fleet, claims: Claims) -> None:
    """At least one row of the tenant in every table."""
    operator = await claims.operator()
    licence = await fleet.claimable()
    await fleet.post("/webhooks", {"url": "https://hooks.example.nz/"})
    assert await tell_alerts_next(fleet.worker, claims.context.pool, claims.context.policy, claims.clock)
    async with tx(fleet.worker) as conn:
        await conn.execute(
            "insert into claims.webhook_delivery (tenant_id, id, endpoint_id, event_id, round, state)"
            " select w.tenant_id, gen_random_uuid(), w.id, e.id, 1, 'failed' from claims.webhook_endpoint w"
            " join claims.webhook_event e on e.tenant_id = w.tenant_id where w.tenant_id = $1 limit 1", fleet.tenant
        )  # fmt: skip
        await conn.execute(
            "insert into claims.webhook_attempt (tenant_id, delivery_id, no, error, took_ms)"
            " select tenant_id, id, 1, '', 1 from claims.webhook_delivery where tenant_id = $1", fleet.tenant
        )  # fmt: skip
    trailer = await fleet.post("/vehicles", {"plate": "T1", "powered": False})
    coupling = {"trailer_id": trailer["id"], "vehicle_id": fleet.vehicles["ABC123"], "from": "2026-10-01"}
    await fleet.post("/couplings", coupling)
    leave = {"case_ref": "c", "holder": "1f2e3d4c", "until_at": "2026-11-25", "reason": "r", "actor": "a"}
    await fleet.post("/ops-grants", leave)
    await fleet.waive(licence)
    await put_days(fleet.worker, [device_day(fleet.tenant, "imei-1", FIRST_DAY, rev=2)])
    async with tx(fleet.worker) as conn:
        await conn.execute("insert into claims.hold values ($1, 'imei-1', 1, 'dirty', false, 1)", fleet.tenant)
        await conn.execute(
            "insert into claims.day_place values ($1, 'imei-1', $2, 'h', '\\x90')", fleet.tenant, FIRST_DAY
        )
    wrong = await fleet.post("/claimants", {"name": "Typed wrong"})
    await fleet.post(f"/claimants/{wrong['id']}/correction", {"phone": "06 388 1234", "reason": "r", "actor": "a"}, 200)
    await fleet.post("/holds", {"licence_ids": [licence], "reason": "r", "actor": "a"})
    forget = {"kind": "claimant", "subject_id": fleet.claimant_id, "reason": "r", "actor": "a"}
    await fleet.post("/erasure-requests", forget)
    lent = (await fleet.post("/vehicles", {"plate": "LENT1"}))["id"]
    on_it = {"device": "lent", "vehicle_id": lent, "from": "2020-01-01", "to": "2020-02-01", "gps_type": "X"}
    await fleet.post("/devices", on_it)
    await fleet.post("/erasure-requests", {"kind": "vehicle", "subject_id": lent, "reason": "r", "actor": "a"})
    gone = {"name": "Gone Person", "email": "gone@hill.example", "roles": ["viewer"], "actor": "a"}
    left = (await fleet.post("/people", gone))["id"]
    await fleet.post("/erasure-requests", {"kind": "person", "subject_id": left, "reason": "r", "actor": "a"})
    answer = await fleet.client.post("/v1/claimants", json={"name": "Key"}, headers={"Idempotency-Key": "k"})
    assert answer.status_code == 201
    await fleet.post("/applications", {"kind": "cancelled_vehicle", "licence_id": licence, "actor": "a"})
    ring = [[175.1, -40.1], [175.2, -40.1], [175.2, -40.0], [175.1, -40.1]]
    boundary = {"type": "Polygon", "coordinates": [ring]}
    exemption = {"vehicle_id": fleet.vehicles["ABC123"], "boundary": boundary, "actor": "a"}
    exempt = await fleet.post("/exemptions", exemption)
    scan = await fleet.client.post("/v1/attachments", params={"name": "log", "actor": "a"}, content=b"%PDF-1.7 x")
    repair = {"kind": "repair", "from": "2026-10-05", "to": "2026-10-06", "destination": "Bulls", "actor": "a"}
    await fleet.post(f"/exemptions/{exempt['id']}/exceptions", repair | {"attachment_id": scan.json()["id"]})
    await fleet.log_a_day(licence, scan.json()["id"], "1")
    seen = (await fleet.get(f"/licences/{licence}/statement"))["statement_hash"]
    await fleet.post(f"/licences/{licence}/acknowledgements", {"statement_hash": seen, "reason": "r", "actor": "a"})
    preview = await fleet.preview([licence])
    claim = await fleet.post("/claims", {"preview_token": preview["preview_token"]})
    outside = fleet.licences["RUC 0001 next"]
    entry = {"claimed_on": "2026-11-01", "reference": "x", "actor": "a", "reason": "r"}
    await fleet.post(f"/licences/{outside}/claimed-outside", entry)
    sale = {"at": "2026-11-01T08:00:00+13:00", "reading": 46_500, "actor": "a"}
    await fleet.post(f"/vehicles/{fleet.vehicles['ABC123']}/sale", sale, 200)
    scan = await fleet.client.post("/v1/attachments", params={"name": "f", "actor": "a"}, content=b"%PDF-1.7 x")
    assert scan.status_code == 201
    on = "2026-11-22"
    await fleet.post(f"/claims/{claim['id']}/sent", {"on": on, "channel": "email", "actor": "a"}, 200)
    await fleet.post(f"/claims/{claim['id']}/received", {"on": on, "actor": "a"}, 200)
    decided = {"licence_id": licence, "kind": "declined", "on": on, "reason": "r"}
    await fleet.post(f"/claims/{claim['id']}/outcomes", {"actor": "a", "lines": [decided]}, 200)
    case = {
        "reference": "x",
        "organisation": "o",
        "officer": "f",
        "opened_on": on,
        "claim_ids": [claim["id"]],
        "actor": "a",
    }
    case_id = (await fleet.post("/audit-cases", case))["id"]
    link = await fleet.post(f"/audit-cases/{case_id}/links", {"given_to": "f", "actor": "a"})
    read = {"Authorization": f"Bearer {link['token']}"}
    assert (await fleet.client.get("/v1/audit/scope", headers=read)).status_code == 200
    async with tx(fleet.worker) as conn:
        await conn.execute(
            "insert into claims.disclosure (tenant_id, id, claim_id, licence_id, claimed_km, now_km, statement_hash, letter, found_at)"
            " values ($1, gen_random_uuid(), $2, $3, 2, 1, 'h', 'l', now())", fleet.tenant, UUID(claim["id"]), UUID(licence)
        )  # fmt: skip
        await conn.execute(
            "insert into claims.document (tenant_id, claim_id, kind, sealed, sha256, size) values ($1, $2, 'form', 's', 'h', 1)",
            fleet.tenant,
            UUID(claim["id"]),
        )

    async with tenant_tx(claims.context.pool, fleet.tenant) as conn:
        await put_down(conn, fleet.tenant, [UUID(fleet.vehicles["ABC123"])])
    stretch = {"device": "imei-1", "from_at": "2026-10-05", "to_at": "2026-10-05", "reason": "wrong", "actor": "a"}
    mark = await fleet.post("/faulty-data", stretch)
    accepted = await operator.post(f"/v1/ops/faulty-data/{mark['id']}/accept", json={"reason": "seen", "actor": "a"})
    assert accepted.status_code == 200
    async with tx(fleet.worker) as conn:
        await conn.execute(
            "insert into claims.faulty_review (tenant_id, mark_id, claim_id, over_claimed, created_at) values ($1, $2, $3, 0, now())",
            fleet.tenant, UUID(mark["id"]), UUID(claim["id"]),
        )  # fmt: skip
    person = {"name": "M", "email": "m@x.example", "roles": ["viewer"], "issuer": "i", "subject": "s", "actor": "a"}
    mary = await fleet.post("/people", person)
    await fleet.post(f"/people/{mary['id']}/correct", {"name": "N", "reason": "r", "actor": "a"}, 200)
    await fleet.post(f"/people/{mary['id']}/deactivate", {"reason": "r", "actor": "a"}, 200)


async def count(pool: Pool, table: str, tenant: UUID | None) -> int | None:
    """Rows seen through the API's role; None where it may not read at all."""
    try:
        if tenant is None:
            async with tx(pool) as conn:
                return await conn.fetchval(f"select count(*) from claims.{table}")
        async with tenant_tx(pool, tenant) as conn:
            return await conn.fetchval(f"select count(*) from claims.{table}")
    except asyncpg.InsufficientPrivilegeError:
        return None


async def test_G6_a_query_without_where_sees_only_the_own_tenant_in_every_table(claims: Claims) -> None:
    one, two = await claims.fleet("One"), await claims.fleet("Two")
    await fill(one, claims)
    pool = claims.context.pool
    closed = set()
    theirs = await rows_there(claims, two.tenant)
    for table, there in (await rows_there(claims, one.tenant)).items():
        assert there > 0, f"{table} has no row to hide"
        own = await count(pool, table, one.tenant)
        if own is None:
            closed.add(table)
            continue
        assert own == there, table
        assert await count(pool, table, two.tenant) == theirs[table] <= 2, table
        assert await count(pool, table, None) == 0, table
    assert closed == {"paper_licence"}


async def test_G6_every_table_of_a_tenant_forces_row_security_and_keys_carry_the_tenant(claims: Claims) -> None:
    async with claims.worker.acquire() as conn:
        loose = await conn.fetch(
            "select relname from pg_class c join pg_namespace n on n.oid = c.relnamespace "
            "where nspname = 'claims' and relkind = 'r' and not (relrowsecurity and relforcerowsecurity)"
        )
        keys = await conn.fetch(
            "select relname as name, conname, contype::text as kind, "
            "(select array_agg(attname::text) from pg_attribute where attrelid = conrelid and attnum = any(conkey)) as columns "
            "from pg_constraint join pg_class on pg_class.oid = conrelid "
            "where connamespace = 'claims'::regnamespace and contype in ('p', 'u', 'f', 'x')"
        )
    assert {row["relname"] for row in loose} == WITHOUT_TENANT
    without = {
        (row["name"], row["conname"])
        for row in keys
        if "tenant_id" not in row["columns"] and row["name"] not in WITHOUT_TENANT
    }
    assert without == {("api_key", "api_key_key_id_unique")}, "the tenant is what this one finds"


async def test_G6_another_tenants_thing_is_not_found_by_id(claims: Claims) -> None:
    one, two = await claims.fleet("One"), await claims.fleet("Two")
    licence = await one.claimable()
    assert (await two.get(f"/licences/{licence}", 404))["code"] == "not_found"
    assert (await two.get(f"/licences/{licence}/statement", 404))["code"] == "not_found"
    preview = await one.preview([licence])
    refused = await two.post("/claims", {"preview_token": preview["preview_token"]}, 404)
    assert refused["code"] == "not_found"
    await two.add_claimant("Two Limited")
    body = {"claimant_id": two.claimant_id, "licence_ids": [licence]}
    assert (await two.post("/claims/preview", body, 422))["errors"][0]["pointer"] == "/licence_ids"


async def test_G6_two_tenants_may_register_the_same_plate_and_licence_and_learn_nothing(claims: Claims) -> None:
    one, two = await claims.fleet("One"), await claims.fleet("Two")
    for fleet in (one, two):
        licence = await fleet.claimable()
        preview = await fleet.preview([licence])
        await fleet.post("/claims", {"preview_token": preview["preview_token"]})
    async with claims.worker.acquire() as conn:
        clashes = await conn.fetchval(
            "select count(*) from (select 1 from claims.lodged_licence group by plate_licence_hash having count(*) > 1) c"
        )
    assert clashes == 1, "ops can find it (rule LI4)"


async def test_G4_lodged_rows_are_written_by_the_functions_alone_and_released_once(
    claims: Claims, fleet: Fleet
) -> None:
    licence = await fleet.claimable()
    await fleet.post("/claims", {"preview_token": (await fleet.preview([licence]))["preview_token"]})
    pool = claims.context.pool
    for statement in (
        "update claims.lodged_licence set released_at = now()",
        "delete from claims.lodged_licence",
        "insert into claims.lodged_licence (tenant_id, id) select tenant_id, id from claims.lodged_licence",
        "insert into claims.lodged_licence (tenant_id, id) values (gen_random_uuid(), gen_random_uuid())",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with tenant_tx(pool, fleet.tenant) as conn:
                await conn.execute(statement)
    owner = await asyncpg.connect(claims.database.superuser)
    try:
        for statement in ("delete from claims.lodged_licence", "update claims.lodged_licence set kind = 'outside'"):
            with pytest.raises(asyncpg.RestrictViolationError):
                await owner.execute(statement)
    finally:
        await owner.close()
    release = "select claims.release_licence($1, $2, gen_random_uuid())"
    async with tenant_tx(pool, fleet.tenant) as conn:
        assert await conn.fetchval(release, fleet.tenant, UUID(licence)) == 1
        assert await conn.fetchval(release, fleet.tenant, UUID(licence)) == 0


async def test_G6_a_definer_function_cannot_be_pointed_at_another_tenant(claims: Claims) -> None:
    one, two = await claims.fleet("One"), await claims.fleet("Two")
    licence = await one.claimable()
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with tenant_tx(claims.context.pool, two.tenant) as conn:
            await conn.execute(
                "select claims.lodge_licence($1, gen_random_uuid(), $2, $3, '[1,2)', 'a', 'b', 'claim', gen_random_uuid())",
                one.tenant, UUID(licence), UUID(one.recorders["ABC123"]),
            )  # fmt: skip
