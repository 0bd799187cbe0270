"""Somebody who is forgotten is forgotten in free words, in the rulings of the classifier and in the consents of ingest (rule RE2)."""

from datetime import date
from uuid import UUID, uuid4

import asyncpg
import pytest

from services.claims.adapters.http_peers import ClassifierClient
from services.classifier.repo import rulings
from shared.db.pool import open_pool, tenant_tx, tx
from shared.nz_days import to_ordinal
from tests.integration.claims.world import FIRST_DAY, Fleet
from tests.integration.privacy.desk import Desk, everybody_does_their_part
from tests.integration.privacy.test_privacy_forgetting import years_pass

pytestmark = pytest.mark.integration
LAND = """
insert into classifier.land_version select $1, $2, 1, (select count(*) + 1 from classifier.land_version), 'declared', 'map_error', 'Home',
    '12 Ridge Road', $3, $4, true, 'R Hill walked it with the neighbour', 'as r  hill said', $5, 'k', '', 1, 1, 2, 2, now()"""
EXCLUSION = """
insert into classifier.exclusion_version select $1, $2, 1, (select count(*) + 100 from classifier.exclusion_version), 'active', 'imei-1', $3, $4,
    'faulty', '', $5, 'k', '', 0, 0, 0, 0, now()"""
CONSENT = """
with made as (insert into ingest.provider (provider_id, name) values (gen_random_uuid(), 'P') returning provider_id)
insert into ingest.provider_consent (tenant_id, id, provider_id, granted_at, granted_by, revoked_at, revoked_by)
select $1, gen_random_uuid(), provider_id, now(), $2, now(), $3 from made"""
ACTORS = """
select land_id as id, actor from classifier.land_version where tenant_id = $1
union all select exclusion_id, actor from classifier.exclusion_version where tenant_id = $1"""
DAY_MS = 86_400_000
YEARS_AGO = to_ordinal(date(2021, 5, 5))


async def everywhere(desk: Desk) -> str:
    """All rows of all tables of the three services as text, but the logs of accesses, which keep their own time."""
    conn = await asyncpg.connect(desk.claims.database.superuser)
    try:
        tables = await conn.fetch(
            "select n.nspname || '.' || c.relname as name, format('select t::text from %I.%I t', n.nspname, c.relname) as query "
            "from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname in ('claims', 'classifier', 'ingest') "
            "and c.relkind = 'r' and c.relname <> 'audit_log'"
        )
        found = []
        for row in tables:
            found += [f"{row['name']}: {one['t']}" for one in await conn.fetch(row["query"])]
        return "\n".join(found)
    finally:
        await conn.close()


async def person(fleet: Fleet, name: str, email: str) -> str:
    made = {"name": name, "email": email, "roles": ["viewer"], "actor": "Boss"}
    return str((await fleet.post("/people", made))["id"])


async def ask(fleet: Fleet, who: str) -> dict[str, str]:
    asked = {"kind": "person", "subject_id": who, "reason": "R Hill asked by letter", "actor": "Boss"}
    found: dict[str, str] = await fleet.post("/erasure-requests", asked)
    return found


async def state(fleet: Fleet, request: dict[str, str]) -> str:
    return str((await fleet.get(f"/erasure-requests/{request['id']}"))["state"])


async def in_words(desk: Desk, fleet: Fleet) -> str:
    """Rows in which R Hill and Will are named inside what others wrote; the licence."""
    licence = await fleet.claimable()
    change = {
        "kind": "recorder_change",
        "licence_id": licence,
        "actor": "Boss",
        "cause": "lost",
        "estimated_reading": 150_000,
    }
    await fleet.post("/applications", change | {"calculation": 'as "R Hill" worked out (r@hill.example)'})
    ring = [[175.1, -40.1], [175.2, -40.1], [175.2, -40.0], [175.1, -40.1]]
    exemption = {
        "vehicle_id": fleet.vehicles["ABC123"], "boundary": {"type": "Polygon", "coordinates": [ring]}, "actor": "Boss",
        "details": {"contact": "Will", "contact_time": "mornings", "address": "care of R  HILL, 12 Ridge Road"},
    }  # fmt: skip
    await fleet.post("/exemptions", exemption)
    mark = {"device": "imei-1", "from_at": "2026-10-05", "to_at": "2026-10-05", "actor": "Boss"}
    await fleet.post("/faulty-data", mark | {"reason": "Will see: R Hill's receiver jumped, not R Hillary's"})
    preview = {"claimant_id": fleet.claimant_id, "licence_ids": [licence], "person_completing": "R Hill"}
    await fleet.post("/claims/preview", preview, 200)
    return licence


async def test_RE2_a_person_is_forgotten_in_what_others_wrote_too(
    desk: Desk, classifier: ClassifierClient, fleet: Fleet
) -> None:
    hill = await person(fleet, "R Hill", "r@hill.example")
    will = await person(fleet, "Will", "will@hill.example")
    await in_words(desk, fleet)
    waits = [await ask(fleet, one) for one in (hill, will)]
    assert [one["state"] for one in waits] == ["waiting", "waiting"], "what they are named in is held"
    assert "R Hill asked" in await everywhere(desk)

    await years_pass(desk.claims)
    await everybody_does_their_part(desk, classifier)
    assert [await state(fleet, one) for one in waits] == ["done", "done"]
    left = await everywhere(desk)
    for gone in (
        "R Hill asked",
        "R  HILL",
        "R Hill's",
        "r@hill.example",
        'R Hill\\"',
        "will@hill.example",
        '"contact": "Will"',
    ):
        assert gone not in left, gone
    put_away = [f"erased {one[:8]}" for one in (hill, will)]
    (listed,) = (await fleet.get("/applications"))["items"]
    application = await fleet.get(f"/applications/{listed['id']}")
    assert application["details"]["calculation"] == f'as "{put_away[0]}" worked out ({put_away[0]})'
    (one,) = (await fleet.get("/exemptions"))["items"]
    exempt = await fleet.get(f"/exemptions/{one['id']}")
    assert (exempt["details"]["contact"], exempt["details"]["contact_time"]) == (put_away[1], "mornings")
    assert exempt["details"]["address"] == f"care of {put_away[0]}, 12 Ridge Road"
    (mark,) = (await fleet.get("/faulty-data"))["items"]
    assert mark["reason"] == f"Will see: {put_away[0]}'s receiver jumped, not R Hillary's", (
        "a name of one word may be any word, and nobody else's name is touched"
    )


async def test_RE2_a_person_is_forgotten_in_rulings_and_consents_but_not_where_a_licence_needs_the_day(
    desk: Desk, classifier: ClassifierClient, fleet: Fleet
) -> None:
    other = await desk.claims.fleet("Other")
    hill = await person(fleet, "R Hill", "r@hill.example")
    await fleet.claimable()
    old, standing, faulty, kept, theirs = (uuid4() for _ in range(5))
    await desk.sql(LAND, fleet.tenant, old, YEARS_AGO, YEARS_AGO + 30, "R Hill")
    await desk.sql(LAND, fleet.tenant, standing, YEARS_AGO, FIRST_DAY + 2_000, "R Hill")
    await desk.sql(EXCLUSION, fleet.tenant, faulty, YEARS_AGO * DAY_MS, (YEARS_AGO + 1) * DAY_MS, "R Hill")
    await desk.sql(EXCLUSION, fleet.tenant, kept, (YEARS_AGO - 99) * DAY_MS, (YEARS_AGO - 98) * DAY_MS, "R Hill")
    hold = "insert into classifier.retention_hold (tenant_id, id, from_day, to_day, reason) values ($1, gen_random_uuid(), $2, $2, 'r')"
    await desk.sql(hold, fleet.tenant, YEARS_AGO - 98)
    await desk.sql(LAND, other.tenant, theirs, YEARS_AGO, YEARS_AGO + 30, "R Hill")
    await desk.sql(CONSENT, fleet.tenant, "R Hill", "Boss")
    await desk.sql(CONSENT, other.tenant, "Boss", "R Hill")
    answer = (
        "insert into classifier.idempotency (tenant_id, key, request_hash, status, body) values ($1, 'k', '', 201, $2)"
    )
    await desk.sql(answer, fleet.tenant, b'{"actor":"R Hill"}')
    await desk.sql(answer, other.tenant, b'{"actor":"R Hill"}')
    before = await named(desk, fleet)

    async def actors(tenant: UUID) -> dict[UUID, str]:
        conn = await asyncpg.connect(desk.claims.database.superuser)
        try:
            return {row["id"]: row["actor"] for row in await conn.fetch(ACTORS, tenant)}
        finally:
            await conn.close()

    request = await ask(fleet, hill)
    assert request["state"] == "erasing", "in claims they did nothing that is held"
    await everybody_does_their_part(desk, classifier)
    gone = f"erased {hill[:8]}"
    assert await actors(fleet.tenant) == {old: gone, standing: "R Hill", faulty: gone, kept: "R Hill"}
    assert await state(fleet, request) == "erasing"

    await years_pass(desk.claims)
    await desk.sql("update classifier.retention_hold set closed_at = now() where tenant_id = $1", fleet.tenant)
    await everybody_does_their_part(desk, classifier)
    assert await state(fleet, request) == "erasing", "asked again after an hour"
    await desk.sql("update claims.erasure_name set asked_at = now() - interval '2 hours'")
    await everybody_does_their_part(desk, classifier)
    assert await state(fleet, request) == "done"
    assert set((await actors(fleet.tenant)).values()) == {gone}
    mine = [row for row in (await everywhere(desk)).splitlines() if str(fleet.tenant) in row]
    assert not [row for row in mine if "hill said" in row or "R Hill" in row or "r@hill.example" in row]
    assert any("erased" in row and "provider_consent" in row for row in mine)
    assert await named(desk, fleet) == before, "what the rulings decide, and their name, is as it was"
    assert await actors(other.tenant) == {theirs: "R Hill"}
    others = [row for row in (await everywhere(desk)).splitlines() if str(other.tenant) in row and "R Hill" in row]
    assert sorted(row.split(":")[0] for row in others) == ["classifier.land_version", "ingest.provider_consent"]


async def named(desk: Desk, fleet: Fleet) -> str:
    """The name of the tenant's rulings in force, which revisions have in them (design G5)."""
    pool = await open_pool(desk.claims.database.dsn("classifier", "worker"), name="test-book", size=1)
    async with tx(pool) as conn:
        book = await rulings.read_book(conn, [str(fleet.tenant)])
    await pool.close()
    return book[str(fleet.tenant)].name


async def test_G6_nobody_puts_away_another_tenants_names(desk: Desk, fleet: Fleet) -> None:
    other = await desk.claims.fleet("Other")
    for service, part, query in (
        ("classifier", "api", "select classifier.forget_name($1, 'R Hill', 'x', '{}', '{}')"),
        ("ingest", "worker", "select ingest.forget_name($1, 'R Hill', 'x')"),
        ("claims", "api", "select claims.forget_words($1, '{R Hill}', 'x')"),
    ):
        pool = await open_pool(desk.claims.database.dsn(service, part), name="test-other", size=1)
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with tenant_tx(pool, other.tenant) as conn:
                await conn.execute(query, fleet.tenant)
        await pool.close()
