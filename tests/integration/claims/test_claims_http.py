"""The HTTP edge: keys, scopes, problem documents that say what to do, and nothing valid lost beside them (design G7)."""

import re
from typing import Any

import asyncpg
import httpx
import pytest

from services.claims.cli import issue_key, revoke_key
from tests.integration.claims.conftest import Claims
from tests.integration.claims.world import Fleet

pytestmark = pytest.mark.integration
SOME_ID = "6a0c7f0e-2f4d-4a53-9d27-0d2f6f0f3b11"


def routes(claims: Claims) -> list[tuple[str, str]]:
    """(method, address) of every documented route, with an id that is nobody's."""
    paths = claims.app.openapi()["paths"]
    return [(m.upper(), re.sub(r"\{[a-z_]+\}", SOME_ID, path)) for path, methods in paths.items() for m in methods]


def problem(answer: httpx.Response) -> dict[str, Any]:
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    document: dict[str, Any] = answer.json()
    assert document["type"] == f"https://rucor.example/problems/{document['code']}"
    assert document["status"] == answer.status_code
    assert document["title"]
    return document


async def test_every_route_needs_a_key_and_its_scope(claims: Claims, fleet: Fleet) -> None:
    found = [(method, path) for method, path in routes(claims) if path.startswith("/v1/")]
    assert len(found) > 100
    dsn = claims.database.dsn("claims", "worker")
    reader = claims.client(await issue_key(dsn, fleet.tenant, "reader", ["claims:read"]))
    writer = claims.client(await issue_key(dsn, fleet.tenant, "writer", ["claims:write"]))
    async with claims.client(None) as nobody, claims.client("rucor_00000000_" + "A" * 43) as unknown:
        for method, path in found:
            body = {"json": {}} if method == "POST" else {}
            for client in (nobody, unknown):
                answer = await client.request(method, path, **body)
                assert (answer.status_code, problem(answer)["code"]) == (401, "unauthorized"), (method, path)
            answer = await (writer if method == "GET" else reader).request(method, path, **body)
            if path.startswith("/v1/audit/"):  # an auditor's link opens these, no key does (rule PA4)
                assert (answer.status_code, problem(answer)["code"]) == (401, "unauthorized"), (method, path)
                continue
            assert (answer.status_code, problem(answer)["code"]) == (403, "scope_missing"), (method, path)


async def test_a_key_works_for_its_own_tenant_only_until_it_is_revoked(claims: Claims, fleet: Fleet) -> None:
    dsn = claims.database.dsn("claims", "worker")
    key = await issue_key(dsn, fleet.tenant, "short", ["claims:read"])
    assert await revoke_key(dsn, fleet.tenant, key.split("_")[1])
    answer = await claims.client(key).get("/v1/claimants")
    assert answer.status_code == 401


BAD: list[tuple[str, dict[str, Any], str, str]] = [
    ("/claimants", {"name": ""}, "/name", "at least 1 character"),
    ("/claimants", {"name": "A", "nmae": "B"}, "/nmae", "see its spelling"),
    ("/claimants", {"name": "A", "bank_account": "01-0242-0100195-00"}, "/bank_account", "check digit"),
    ("/claimants", {"name": "A", "bank_account": "01-0242"}, "/bank_account", "digits"),
    ("/claimants", {"name": "A", "customer_number": "12"}, "/customer_number", "9 or 10 digits"),
    ("/claimants", {"name": "A\u0000B"}, "/name", "control characters"),
    ("/claimants", {"name": "A", "first_claim": True, "customer_number": "123456789"}, "", "leave one"),
    ("/vehicles", {"plate": "TOOLONG1"}, "/plate", "1 to 6"),
    ("/vehicles", {"plate": "A1", "exempt": True}, "", "exempt_reason"),
    ("/readings", {"recorder_id": SOME_ID, "at": "2026-10-01T08:00:00", "value": 1}, "/at", "offset"),
    ("/readings", {"recorder_id": SOME_ID, "at": 5, "value": 1}, "/at", "ISO 8601"),
    ("/readings", {"recorder_id": SOME_ID, "at": "2026-10-01", "value": 1.5}, "/value", "a whole number"),
    ("/readings", {"recorder_id": SOME_ID, "at": "2026-10-01", "value": 1}, "/recorder_id", "add it first"),
    (
        "/devices",
        {"device": "d", "vehicle_id": SOME_ID, "from": "2026-01-02", "to": "2026-01-01"},
        "",
        "after `from`",
    ),
    ("/devices", {"device": "d", "vehicle_id": SOME_ID, "from": "2026-01-02"}, "/vehicle_id", "add it first"),
    ("/waivers", {"rule": "EL4", "claimant_id": SOME_ID, "reason": "r", "actor": "a"}, "", "licence_id"),
    ("/claims/preview", {"claimant_id": SOME_ID}, "", "either `licence_ids` or `filter`"),
    ("/claims/preview", {"claimant_id": SOME_ID, "licence_ids": [SOME_ID]}, "/claimant_id", "no claimant"),
    ("/claims", {"preview_token": "nonsense"}, "/preview_token", "token"),
]
"""path, body, the pointer of the error, what its detail says."""


async def test_G7_bad_input_names_the_field_and_what_to_do(fleet: Fleet) -> None:
    for path, body, pointer, says in BAD:
        answer = await fleet.client.post(f"/v1{path}", json=body)
        document = problem(answer)
        assert (answer.status_code, document["code"]) == (422, "invalid"), (path, body, document)
        assert [error["pointer"] for error in document["errors"]] == [pointer], (path, body, document)
        assert says in document["errors"][0]["detail"], (path, body, document)
        assert document["detail"]


async def test_LI1_a_licence_with_its_end_before_its_start_is_refused_and_nothing_beside_it_is_lost(
    fleet: Fleet,
) -> None:
    await fleet.add_claimant()
    await fleet.add_ute()
    backwards = fleet.licence_body("ABC123", "RUC 1", 46_000, "2026-10-01", end_reading=45_000)
    document = problem(await fleet.client.post("/v1/licences", json=backwards))
    assert (document["status"], document["errors"][0]["pointer"]) == (422, "/end_reading")
    assert "45000 is not after the start 46000" in document["errors"][0]["detail"]
    await fleet.add_licence("ABC123", "RUC 1", 45_000, "2026-10-01")
    assert [item["number"] for item in (await fleet.get("/licences"))["items"]] == ["RUC 1"]


async def test_G7_what_is_no_request_of_ours_is_a_problem_too(fleet: Fleet) -> None:
    broken = await fleet.client.post(
        "/v1/claimants", content=b'{"name": ', headers={"Content-Type": "application/json"}
    )
    assert (broken.status_code, problem(broken)["code"]) == (400, "broken_json")
    large = await fleet.client.post("/v1/claimants", json={"name": "x" * 1_100_000})
    assert (large.status_code, problem(large)["limit_bytes"]) == (413, 1_000_000)
    assert problem(await fleet.client.get("/v1/nothing"))["status"] == 404
    assert problem(await fleet.client.delete("/v1/claimants"))["status"] == 405
    assert problem(await fleet.client.get("/v1/licences/no-uuid"))["status"] == 422
    assert problem(await fleet.client.get("/v1/licences", params={"cursor": "!"}))["code"] == "cursor_invalid"
    assert problem(await fleet.client.get("/v1/licences", params={"state": "lost"}))["status"] == 422
    long_key = await fleet.client.post("/v1/claimants", json={"name": "A"}, headers={"Idempotency-Key": "k" * 256})
    assert problem(long_key)["code"] == "idempotency_key_invalid"
    assert (await fleet.get("/claimants"))["items"] == []


async def test_G7_a_cursor_of_another_list_or_of_nobody_is_refused_by_every_list(claims: Claims, fleet: Fleet) -> None:
    for plate in ("AAA1", "AAA2"):
        await fleet.post("/vehicles", {"plate": plate})
    first = await fleet.get("/vehicles", limit="1")
    given = first["next_cursor"]
    rest = await fleet.get("/vehicles", cursor=given)
    assert {one["plate"] for one in (*first["items"], *rest["items"])} == {"AAA1", "AAA2"}
    assert (len(first["items"]), len(rest["items"])) == (1, 1)
    operator, asked = await claims.operator(), 0
    for path, item in claims.app.openapi()["paths"].items():
        parameters = {one["name"] for one in item.get("get", {}).get("parameters", [])}
        if "cursor" not in parameters:
            continue
        asked += 1
        client = operator if path.startswith("/v1/ops/") else fleet.client
        for cursor in (given, "A" * 40, given[:-1]):
            if (path, cursor) != ("/v1/vehicles", given):
                refused = problem(await client.get(re.sub(r"{\w+}", SOME_ID, path), params={"cursor": cursor}))
                assert (refused["status"], refused["code"]) == (400, "cursor_invalid"), (path, cursor)
    assert asked > 20


async def test_unknown_ids_are_404_everywhere(fleet: Fleet) -> None:
    for thing in ("claimants", "vehicles", "devices", "couplings", "recorders", "readings", "licences", "claims"):
        answer = await fleet.client.get(f"/v1/{thing}/{SOME_ID}")
        assert (answer.status_code, problem(answer)["code"]) == (404, "not_found"), thing


async def test_RE3_the_bank_account_is_stored_sealed_and_never_answered(claims: Claims, fleet: Fleet) -> None:
    await fleet.add_claimant()
    answer = await fleet.client.get(f"/v1/claimants/{fleet.claimant_id}")
    assert answer.json()["bank_account_masked"] == "…4-000"
    assert "0100194" not in answer.text
    superuser = await asyncpg.connect(claims.database.superuser)
    try:
        stored = str(await superuser.fetch("select * from claims.claimant"))
    finally:
        await superuser.close()
    assert "0100194" not in stored


async def test_pages_walk_through_everything_once(fleet: Fleet) -> None:
    names = [f"Claimant {i}" for i in range(7)]
    for name in names:
        await fleet.post("/claimants", {"name": name})
    seen: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = await fleet.get("/claimants", limit="3", **cursor)
        seen += [item["name"] for item in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert sorted(seen) == names
