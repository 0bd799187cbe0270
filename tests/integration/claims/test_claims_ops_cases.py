"""The same paper licence in two tenants is a case for ops, and neither tenant can tell (rule LI4)."""

import asyncio
import re
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest

from services.claims.application.register.papers import note_missing
from shared.db.pool import tenant_tx, tx
from tests.integration.claims.conftest import Claims
from tests.integration.claims.world import Fleet

pytestmark = pytest.mark.integration
IDS = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


async def ready(claims: Claims, name: str, plate: str = "ABC123") -> Fleet:
    fleet = await claims.fleet(name)
    await fleet.add_claimant()
    await fleet.add_ute(plate)
    return fleet


async def cases(operator: httpx.AsyncClient, **params: str) -> list[dict[str, Any]]:
    answer = await operator.get("/v1/ops/cases", params=params)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


async def post_licence(fleet: Fleet, plate: str, number: str) -> httpx.Response:
    return await fleet.client.post(
        "/v1/licences", json=fleet.licence_body(plate, number, 45_000, "2026-10-01T08:00:00+13:00")
    )


async def test_LI4_the_same_paper_in_two_tenants_is_one_case_for_ops_and_the_tenants_cannot_tell(
    claims: Claims,
) -> None:
    operator = await claims.operator()
    one, two = await ready(claims, "One", "ABC123"), await ready(claims, "Two", "abc 123")
    first = await post_licence(one, "ABC123", "RUC 0012 345")
    assert await cases(operator) == []
    second = await post_licence(two, "abc 123", "ruc-0012345")
    other = await post_licence(two, "abc 123", "ruc-0012345")
    assert (first.status_code, second.status_code, other.status_code) == (201, 201, 409)
    hidden = [IDS.sub("id", answer.text).replace("ruc-0012345", "RUC 0012 345") for answer in (first, second)]
    assert hidden[0] == hidden[1]
    changing = {"content-length", "x-trace-id", "ratelimit"}  # what is of this one request
    told = [{key: value for key, value in answer.headers.items() if key not in changing} for answer in (first, second)]
    assert told[0] == told[1]

    (case,) = await cases(operator)
    assert (case["kind"], case["state"], case["history"]) == ("licence_clash", "open", [])
    assert [(p["tenant_name"], p["licence_id"], p["plate"], p["claimed"]) for p in case["parties"]] == [
        ("One", first.json()["id"], "ABC123", None),
        ("Two", second.json()["id"], "ABC123", None),
    ]
    for fleet in (one, two):
        for path in ("/v1/ops/cases", f"/v1/ops/cases/{case['id']}"):
            refused = await fleet.client.get(path)
            assert (refused.status_code, refused.json()["code"]) == (403, "scope_missing")


async def test_LI4_ops_look_and_close_with_a_reason_and_a_third_tenant_opens_the_case_again(claims: Claims) -> None:
    operator = await claims.operator()
    for name in ("One", "Two"):
        await post_licence(await ready(claims, name), "ABC123", "RUC 7")
    (case,) = await cases(operator)
    path = f"/v1/ops/cases/{case['id']}"
    assert (await operator.post(f"{path}/look", json={})).status_code == 422, "a key is nobody"
    assert (await operator.post(f"{path}/close", json={"actor": "A Reid"})).status_code == 422, "without a reason"
    for _ in range(2):
        looked = await operator.post(f"{path}/look", json={"actor": "A Reid"}, headers={"Idempotency-Key": "k"})
        assert looked.status_code == 201
    assert [c["id"] for c in await cases(operator, state="looked_at")] == [case["id"]]
    closed = {"actor": "A Reid", "reason": "Two bought the vehicle and typed the old licence"}
    assert (await operator.post(f"{path}/close", json=closed)).status_code == 201
    now = (await operator.get(path)).json()
    assert now["state"] == "closed"
    assert [(step["kind"], step["reason"]) for step in now["history"]] == [
        ("looked_at", ""),
        ("closed", closed["reason"]),
    ]
    assert await cases(operator, state="open") == []
    await post_licence(await ready(claims, "Three"), "ABC123", "RUC 7")
    assert [c["id"] for c in await cases(operator, state="open")] == [case["id"]], "there is a newcomer"
    missing = await operator.get("/v1/ops/cases/00000000-0000-0000-0000-00000000abcd")
    assert missing.status_code == 404


async def test_LI4_a_plate_told_later_finds_the_clash(claims: Claims) -> None:
    operator = await claims.operator()
    one, two = await ready(claims, "One", "ABC123"), await ready(claims, "Two", "NEW777")
    await post_licence(one, "ABC123", "RUC 9")
    await post_licence(two, "NEW777", "RUC 9")
    assert await cases(operator) == [], "another plate is another paper"
    change = {"plate": "ABC123", "from": "2026-06-01"}
    await two.post(f"/vehicles/{two.vehicles['NEW777']}/plates", change)
    (case,) = await cases(operator)
    assert [p["tenant_name"] for p in case["parties"]] == ["One", "Two"]


async def test_LI4_both_may_lodge_and_the_case_says_so(claims: Claims) -> None:
    operator = await claims.operator()
    for name in ("One", "Two"):
        fleet = await claims.fleet(name)
        licence = await fleet.claimable()
        await fleet.post("/claims", {"preview_token": (await fleet.preview([licence]))["preview_token"]})
    found = await cases(operator)
    assert len(found) == 2, "the next licence is the same paper too"
    assert sorted(str(p["claimed"]) for case in found for p in case["parties"]) == ["None", "None", "here", "here"]


async def test_LI4_two_that_register_the_paper_at_the_same_moment_do_not_miss_each_other(claims: Claims) -> None:
    operator = await claims.operator()
    fleets = await asyncio.gather(*(ready(claims, f"F{i}") for i in range(4)))
    answers = await asyncio.gather(*(post_licence(fleet, "ABC123", "RUC 1") for fleet in fleets))
    assert {answer.status_code for answer in answers} == {201}
    (case,) = await cases(operator)
    assert len(case["parties"]) == 4


async def test_LI4_licences_from_before_the_table_are_noted_by_and_by(claims: Claims) -> None:
    operator = await claims.operator()
    for name in ("One", "Two"):
        await post_licence(await ready(claims, name), "ABC123", "RUC 7")
    conn = await asyncpg.connect(claims.database.superuser)
    await conn.execute("delete from claims.paper_licence")
    await conn.close()
    assert await cases(operator) == []
    assert await note_missing(claims.worker, claims.context.hasher) == 2
    assert await note_missing(claims.worker, claims.context.hasher) == 0
    assert len(await cases(operator)) == 1


async def test_LI4_a_tenant_can_read_nothing_of_the_notes_nor_write_in_anothers_name(
    claims: Claims, fleet: Fleet
) -> None:
    licence = await fleet.claimable()
    two = await claims.fleet("Two")
    for statement in (
        "select * from claims.paper_licence",
        "insert into claims.paper_licence values (gen_random_uuid(), gen_random_uuid(), decode(repeat('00', 32), 'hex'))",
        "delete from claims.paper_licence",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with tenant_tx(claims.context.pool, fleet.tenant) as conn:
                await conn.execute(statement)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with tenant_tx(claims.context.pool, two.tenant) as conn:
            await conn.execute(
                "select claims.note_paper($1, $2, decode(repeat('00', 32), 'hex'))", fleet.tenant, UUID(licence)
            )
    async with tx(claims.worker) as conn:
        assert await conn.fetchval("select count(*) from claims.paper_licence") == 2
