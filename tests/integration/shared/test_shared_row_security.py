"""What the catalogue says of every service's tables: nobody can leave a tenant out (design G6).  A new table is judged as it comes."""

from typing import Any

import asyncpg
import pytest

from tests.stack import Database

pytestmark = pytest.mark.integration

SHARED = {"schema_migration", "stream_position"}
WITHOUT_TENANT = {
    "claims": SHARED | {"outbox", "progress", "policy_edition", "policy_change", "id_token_used"},
    "classifier": SHARED
    | {"outbox", "claims_told", "partition_tick", "restore_epoch", "road_set", "road_set_sweep", "ruling_counter"},
    "ingest": SHARED | {"provider"},
}
"""What belongs to the service, not to a tenant; a sweep names the tenant at which it stands."""
FINDS_THE_TENANT = {("api_key", "api_key_key_id_unique")}
"""Unique over all tenants: the tenant is what it finds."""
TABLES = """
select c.relname as name, c.relrowsecurity and c.relforcerowsecurity as forced,
    exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'tenant_id' and a.attnotnull) as of_tenant
from pg_class c where c.relnamespace = $1::regnamespace and c.relkind in ('r', 'p')"""
# Whatever refuses a row because of another one, made by a constraint or by `create unique index`.
INDEXES = """
select c.relname as name, i.indexrelid::regclass::text as index, exists (
    select from pg_attribute a where a.attrelid = c.oid and a.attname = 'tenant_id' and a.attnum = any(i.indkey)) as of_tenant
from pg_index i join pg_class c on c.oid = i.indrelid
where c.relnamespace = $1::regnamespace and (i.indisunique or i.indisexclusion)"""
REFERENCES = """
select c.relname as name, f.conname as key, t.relname as target from pg_constraint f
join pg_class c on c.oid = f.conrelid join pg_class t on t.oid = f.confrelid
where c.relnamespace = $1::regnamespace and f.contype = 'f' and not exists (
    select from pg_attribute a where a.attrelid = c.oid and a.attname = 'tenant_id' and a.attnum = any(f.conkey))"""
# What a tenant's requests run as sees rows of the transaction's tenant, whatever the policy is called.
OPEN_POLICIES = """
select tablename as name, policyname as policy from pg_policies
where schemaname = $1 and (roles && array['public', 'rucor_' || $1 || '_api']::name[])
    and (coalesce(qual, with_check) not like '%rucor.tenant%' or coalesce(with_check, qual) not like '%rucor.tenant%')"""


@pytest.fixture(params=sorted(WITHOUT_TENANT))
def service(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def ask(database: Database, question: str, service: str) -> list[dict[str, Any]]:
    conn = await asyncpg.connect(database.superuser)
    try:
        return [dict(row) for row in await conn.fetch(question, service)]
    finally:
        await conn.close()


async def test_G6_every_table_of_a_tenant_names_it_and_forces_row_security(database: Database, service: str) -> None:
    rows = await ask(database, TABLES, service)
    assert {row["name"] for row in rows if not row["of_tenant"]} <= WITHOUT_TENANT[service]
    assert {row["name"] for row in rows if not row["forced"]} == WITHOUT_TENANT[service]
    assert await ask(database, OPEN_POLICIES, service) == []


async def test_G6_whatever_is_unique_is_so_within_a_tenant_and_references_stay_in_it(
    database: Database, service: str
) -> None:
    rows = await ask(database, INDEXES, service)
    loose = {(row["name"], row["index"].rpartition(".")[2]) for row in rows if not row["of_tenant"]}
    assert {one for one in loose if one[0] not in WITHOUT_TENANT[service]} == FINDS_THE_TENANT
    loose = {(row["key"], row["target"]) for row in await ask(database, REFERENCES, service)}
    assert {one for one in loose if one[1] not in WITHOUT_TENANT[service]} == set()


async def test_G6_a_table_and_an_index_that_leave_the_tenant_out_are_noticed(database: Database) -> None:
    conn = await asyncpg.connect(database.superuser)
    try:
        await conn.execute(
            "create table classifier.careless (tenant_id uuid not null, name text not null);"
            "create unique index careless_once on classifier.careless (name);"
            "create policy ajar on classifier.careless to rucor_classifier_api using (true)"
        )
    finally:
        await conn.close()
    tables = {row["name"]: row for row in await ask(database, TABLES, "classifier")}
    assert (tables["careless"]["of_tenant"], tables["careless"]["forced"]) == (True, False)
    assert ("careless", False) in [
        (row["name"], row["of_tenant"]) for row in await ask(database, INDEXES, "classifier")
    ]
    assert await ask(database, OPEN_POLICIES, "classifier") == [{"name": "careless", "policy": "ajar"}]
