"""Every request for a tenant's data leaves a row in the audit log before its answer leaves us, and no write is without one."""

import asyncio
import random
from contextlib import AsyncExitStack
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest

from services.claims.cli import issue_key
from shared.db.audit import purge
from shared.db.pool import tenant_tx
from shared.http.auth import OPERATOR
from tests.guards import audited_routes
from tests.integration.claims.conftest import Claims
from tests.integration.claims.world import Fleet

pytestmark = pytest.mark.integration

WRITERS = 8
WRITES = 16


async def rows(fleet: Fleet, **params: str) -> list[dict[str, object]]:
    """The log without the rows of asking for it, and of how the tenant and its key were made."""
    found = (await fleet.get("/audit-log", limit="500", **params))["items"]
    return [row for row in found if row["route"] != "/v1/audit-log" and row["method"] != "CLI"]


async def as_superuser(claims: Claims, *statements: str) -> list[str]:
    conn = await asyncpg.connect(claims.database.superuser)
    try:
        return [await conn.execute(statement) for statement in statements]
    finally:
        await conn.close()


async def test_who_what_when_and_with_which_answer(claims: Claims, fleet: Fleet) -> None:
    claimant = await fleet.add_claimant("Secret Name Limited")
    await fleet.get(f"/claimants/{claimant}")
    await fleet.get(f"/claimants/{uuid4()}", 404)
    await fleet.get("/vehicles", plate="PRIVATE1", ref="Peter's ute")
    await fleet.get("/alerts", vehicle_id=claimant)
    await fleet.post("/claimants", {"nonsense": 1}, 422)
    found = list(reversed(await rows(fleet)))
    told = [(row["method"], row["route"], row["status"]) for row in found]
    assert told == [
        ("POST", "/v1/claimants", 201),
        ("GET", "/v1/claimants/{claimant_id}", 200),
        ("GET", "/v1/claimants/{claimant_id}", 404),
        ("GET", "/v1/vehicles", 200),
        ("GET", "/v1/alerts", 200),
        ("POST", "/v1/claimants", 422),
    ]
    assert [row["things"] for row in found] == [
        {}, {"claimant_id": claimant}, {"claimant_id": found[2]["things"]["claimant_id"]}, {}, {"vehicle_id": claimant}, {}
    ]  # fmt: skip
    key = str(fleet.client.headers["authorization"]).split("_")[1]
    assert {(row["key_id"], row["person"], row["actor_tenant"]) for row in found} == {(key, None, None)}
    assert len({row["request_id"] for row in found}) == len(found)
    everything = str(found)
    assert not [word for word in ("Secret", "Peter", "PRIVATE1", "nonsense", "rucor_") if word in everything]


async def test_the_log_is_filtered_paged_and_the_tenants_own(claims: Claims, fleet: Fleet) -> None:
    claimant = await fleet.add_claimant()
    for _ in range(3):
        await fleet.get(f"/claimants/{claimant}")
    key = str(fleet.client.headers["authorization"]).split("_")[1]
    assert len(await rows(fleet, thing=claimant)) == 3
    assert len(await rows(fleet, route="/v1/claimants")) == 1
    assert len(await rows(fleet, actor=key)) == 4
    assert await rows(fleet, actor="00000000") == []
    newest = (await fleet.get("/audit-log", limit="2"))["items"][0]["at"]
    assert len(await rows(fleet, to=newest)) == 4
    assert await rows(fleet, **{"from": "2099-01-01"}) == []
    seen, cursor = [], {}
    while True:
        page = await fleet.get("/audit-log", limit="2", to=newest, **cursor)
        seen += [row["id"] for row in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert len(seen) == len(set(seen)) > 4
    other = await claims.fleet("Other")
    assert await rows(other) == []
    limited = claims.client(
        await issue_key(claims.database.dsn("claims", "worker"), fleet.tenant, "n", ["claims:read"])
    )
    assert (await limited.get("/v1/audit-log")).status_code == 403
    assert (await rows(fleet))[0]["status"] == 200, "the refusal is filtered out with its route"
    refused = (await fleet.get("/audit-log", route="/v1/audit-log", limit="500"))["items"]
    assert [row["status"] for row in refused].count(403) == 1


async def test_every_route_of_the_app_leaves_a_row_or_says_why_not(claims: Claims, fleet: Fleet) -> None:
    # an auditor's routes open to links only: test_claims_audit_links.py asks each, and finds its row
    asked = [one for one in audited_routes(claims.app) if not one.route.startswith("/v1/audit/")]
    assert len(asked) > 50
    links: set[tuple[str, str]] = set()
    for one in asked:
        answer = await fleet.client.request(one.method, one.path, json=None if one.method == "GET" else {})
        assert answer.status_code != 405, one
        if answer.status_code == 401:
            assert one.route.startswith("/v1/audit/"), (
                "an auditor's link opens these, and test_claims_auditor… asks them"
            )
            links.add(one[:2])
    conn = await asyncpg.connect(claims.database.superuser)
    try:
        logged = await conn.fetch("select distinct method, route from claims.audit_log")
    finally:
        await conn.close()
    unknown = {one[:2] for one in asked} - {(row["method"], row["route"]) for row in logged}
    assert unknown == links | {("POST", "/oauth/token")}, "nobody is known before they are given a token"


async def test_a_token_that_is_given_out_is_recorded(fleet: Fleet) -> None:
    key = str(fleet.client.headers["authorization"]).removeprefix("Bearer ")
    form = {"grant_type": "client_credentials", "client_id": key[6:14], "client_secret": key}
    assert (await fleet.client.post("/oauth/token", data=form)).status_code == 200
    (row,) = await rows(fleet)
    assert (row["route"], row["key_id"], row["things"], row["status"]) == ("/oauth/token", key[6:14], {}, 200)


async def test_an_answer_that_cannot_be_recorded_is_not_given(claims: Claims, fleet: Fleet) -> None:
    claimant = await fleet.add_claimant()
    await as_superuser(claims, "revoke insert on claims.audit_log from rucor_claims_api")
    before = await count(claims, "claimant")
    for answer in (
        await fleet.client.get(f"/v1/claimants/{claimant}"),
        await fleet.client.post("/v1/claimants", json={"name": "Two"}, headers={"Idempotency-Key": "one"}),
        await fleet.client.post("/v1/attachments", params={"name": "n", "actor": "a"}, content=b"%PDF-1.7 x"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
        assert "Hill" not in answer.text
    assert await count(claims, "claimant") == before
    assert await count(claims, "attachment") == 0
    await as_superuser(claims, "grant insert on claims.audit_log to rucor_claims_api")
    again = await fleet.client.post("/v1/claimants", json={"name": "Two"}, headers={"Idempotency-Key": "one"})
    assert again.status_code == 201
    assert "idempotent-replay" not in again.headers


async def count(claims: Claims, table: str) -> int:
    conn = await asyncpg.connect(claims.database.superuser)
    try:
        return int(await conn.fetchval(f"select count(*) from claims.{table}"))
    finally:
        await conn.close()


async def test_no_write_is_without_its_row_whatever_is_killed(claims: Claims, fleet: Fleet) -> None:
    """Eight clients write while the database's backends are killed at random: as many effects as rows of effects."""
    chance = random.Random(5)
    done = asyncio.Event()

    async def kill() -> int:
        killed = 0
        conn = await asyncpg.connect(claims.database.superuser)
        try:
            while not done.is_set():
                killed += await conn.fetchval(
                    "select count(pg_terminate_backend(pid)) from (select pid from pg_stat_activity where datname = "
                    "current_database() and usename = 'rucor_claims_api' order by random() limit 1) as picked"
                )
                await asyncio.sleep(0.02 + chance.random() / 10)
        finally:
            await conn.close()
        return killed

    async def write(number: int) -> list[int]:
        statuses = []
        for i in range(WRITES):
            if i % 2:
                body = {"name": f"Claimant {number}-{i}"}
                answer = await fleet.client.post(
                    "/v1/claimants", json=body, headers={"Idempotency-Key": f"{number}-{i}"}
                )
            else:
                where = {"name": f"{number}-{i}", "actor": "a"}
                answer = await fleet.client.post(
                    "/v1/attachments", params=where, content=f"%PDF-1.7 {number} {i}".encode()
                )
            statuses.append(answer.status_code)
        return statuses

    killer = asyncio.create_task(kill())
    statuses = [one for some in await asyncio.gather(*map(write, range(WRITERS))) for one in some]
    done.set()
    assert await killer > 2
    assert set(statuses) <= {201, 503}
    assert statuses.count(503) > 0
    conn = await asyncpg.connect(claims.database.superuser)
    try:
        for table in ("claimant", "attachment"):
            made = await conn.fetchval(f"select count(*) from claims.{table}")
            logged = await conn.fetchval(
                "select count(*) from claims.audit_log where status = 201 and route = $1", f"/v1/{table}s"
            )
            assert made == logged > 0, table
    finally:
        await conn.close()


async def test_nobody_changes_the_log_and_only_what_is_over_is_purged(claims: Claims, fleet: Fleet) -> None:
    await fleet.get("/claimants")
    for statement in ("update claims.audit_log set person = 'x'", "delete from claims.audit_log"):
        for role in ("api", "worker"):
            conn = await asyncpg.connect(claims.database.dsn("claims", role))
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await conn.execute(statement)
            await conn.close()
        conn = await asyncpg.connect(claims.database.dsn("claims", "owner"))
        assert (await conn.execute(statement)).endswith(" 0"), "row security leaves the owner nothing to change"
        await conn.close()
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with tenant_tx(claims.context.pool, fleet.tenant) as db:
            await db.execute(
                "insert into claims.audit_log (tenant_id, key_id, method, route, things, status, request_id)"
                " values ($1, 'k', 'GET', 'r', '{}', 200, '')", UUID(int=7)
            )  # fmt: skip
    await as_superuser(
        claims,
        "insert into claims.audit_log (tenant_id, at, key_id, method, route, things, status, request_id) "
        "select gen_random_uuid(), date_trunc('month', now(), 'Pacific/Auckland') - interval '4 years' - step, "
        "'old', 'GET', 'r', '{}', 200, '' from unnest('{1 second,1 year}'::interval[]) as step",
        "insert into claims.audit_log (tenant_id, at, key_id, method, route, things, status, request_id) values "
        "(gen_random_uuid(), date_trunc('month', now(), 'Pacific/Auckland') - interval '4 years', 'kept', 'GET', 'r', '{}', 200, '')",
    )
    before = await count(claims, "audit_log")
    assert await purge(claims.worker) == 2
    assert await count(claims, "audit_log") == before - 2
    assert await purge(claims.worker) == 0


async def test_a_key_that_is_refused_leaves_no_row_and_a_scope_that_lacks_does(claims: Claims, fleet: Fleet) -> None:
    nobody = claims.client("rucor_00000000_" + "x" * 43)
    assert (await nobody.get("/v1/claimants")).status_code == 401
    reader = claims.client(await issue_key(claims.database.dsn("claims", "worker"), fleet.tenant, "r", ["claims:read"]))
    assert (await reader.post("/v1/claimants", json={"name": "x"})).status_code == 403
    assert [(row["route"], row["status"]) for row in await rows(fleet)] == [("/v1/claimants", 403)]


async def test_PA4_an_operators_look_over_several_tenants_stands_in_the_log_of_each_and_in_the_operators(
    claims: Claims,
) -> None:
    fleets = [await claims.fleet(name) for name in ("One", "Two", "Three")]
    for fleet in fleets:
        await fleet.claimable()
        mark = {"device": "imei-1", "from_at": "2026-10-05", "to_at": "2026-10-05", "reason": "wrong", "actor": "a"}
        await fleet.post("/faulty-data", mark)
    jo = await claims.person(OPERATOR, "Jo Reid", "ops")
    assert len((await jo.get("/v1/ops/faulty-data")).json()["items"]) == 3
    for fleet in fleets:
        (row,) = await rows(fleet, route="/v1/ops/faulty-data")
        assert (row["person"], row["actor_tenant"], row["status"]) == ("Jo Reid", str(OPERATOR), 200)
    (own,) = (await jo.get("/v1/audit-log", params={"route": "/v1/ops/faulty-data"})).json()["items"]
    assert (own["person"], own["actor_tenant"]) == ("Jo Reid", None)


async def test_LI4_a_look_at_the_cases_is_logged_and_no_log_tells_whose_licences_they_are(claims: Claims) -> None:
    parties, stranger = [await claims.fleet("One"), await claims.fleet("Two")], await claims.fleet("Three")
    for fleet in parties:
        await fleet.claimable()
    await stranger.claimable(number="RUC 9")
    jo = await claims.person(OPERATOR, "Jo Reid", "ops")
    case = (await jo.get("/v1/ops/cases")).json()["items"][0]["id"]
    for path in (f"/v1/ops/cases/{case}", "/v1/ops/cases"):
        assert (await jo.get(path)).status_code == 200
    assert (await jo.post(f"/v1/ops/cases/{case}/look", json={})).status_code == 201
    logs = [await rows(fleet, actor="Jo Reid") for fleet in (*parties, stranger)]
    own = ("id", "at")
    told = [[{name: value for name, value in row.items() if name not in own} for row in log] for log in logs]
    assert told[0] == told[1] == told[2], "party or not, every tenant reads the same"
    assert [(row["method"], row["route"], row["things"], row["actor_tenant"]) for row in told[0]] == [
        ("POST", "/v1/ops", {}, str(OPERATOR)), ("GET", "/v1/ops", {}, str(OPERATOR)),
    ], "of several in an hour the first"  # fmt: skip
    mine = (await jo.get("/v1/audit-log", params={"actor": "Jo Reid"})).json()["items"]
    seen = [(row["route"], row["things"].get("case_id")) for row in mine if row["route"] != "/v1/audit-log"]
    assert seen == [
        ("/v1/ops/cases/{case_id}/look", case), ("/v1/ops/cases", None), ("/v1/ops/cases/{case_id}", case),
        ("/v1/ops/cases", None),
    ], "the operator's own has every one"  # fmt: skip


async def test_a_refusal_for_want_of_a_connection_does_not_wait_for_one_to_be_recorded(
    claims: Claims, fleet: Fleet
) -> None:
    """A pool with nothing left answers 503 by itself: the connections come back only after the answer."""
    assert (await fleet.client.get("/v1/claimants")).status_code == 200, "the key is known from here on"
    async with AsyncExitStack() as held:
        for _ in range(claims.context.pool.get_max_size()):
            await held.enter_async_context(claims.context.pool.acquire())
        async with asyncio.timeout(60):  # for ever, before there was a limit
            answer = await fleet.client.get("/v1/claimants")
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert "retry-after" in answer.headers


async def test_a_first_answer_given_again_is_recorded_as_a_request_of_its_own(fleet: Fleet) -> None:
    async def post() -> httpx.Response:
        return await fleet.client.post("/v1/claimants", json={"name": "K"}, headers={"Idempotency-Key": "k"})

    first, second = await post(), await post()
    assert second.headers["idempotent-replay"] == "true"
    found = await rows(fleet)
    assert [row["request_id"] for row in found] == [second.headers["x-trace-id"], first.headers["x-trace-id"]]
