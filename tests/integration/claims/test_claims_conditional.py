"""Conditional requests: what has not changed is not sent again, and no command acts on what its caller has not seen."""

import asyncio
from typing import Any

import httpx
import pytest

from services.claims.api.people.token_routes import Desk
from services.claims.wiring import make_app
from shared.http.mint import Mint
from shared.settings import LimitSettings
from tests.integration.claims.conftest import ISSUER, TOKEN_KEYS, Claims
from tests.integration.claims.world import FIRST_DAY, Fleet, device_day, put_days

pytestmark = pytest.mark.integration
SENT = {"on": "2026-11-22", "channel": "email", "actor": "R Hill"}


async def lodged(fleet: Fleet) -> str:
    licence = await fleet.claimable()
    shown = await fleet.preview([licence])
    return str((await fleet.post("/claims", {"preview_token": shown["preview_token"]}))["id"])


async def read(fleet: Fleet, path: str, etag: str | None = None) -> httpx.Response:
    headers = {} if etag is None else {"If-None-Match": etag}
    return await fleet.client.get(f"/v1{path}", headers=headers)


async def send(fleet: Fleet, claim: str, etag: str, body: dict[str, Any] = SENT, **more: str) -> httpx.Response:
    return await fleet.client.post(f"/v1/claims/{claim}/sent", json=body, headers={"If-Match": etag} | more)


async def test_a_reading_that_has_not_changed_is_answered_304_until_it_has(fleet: Fleet) -> None:
    licence = await fleet.claimable()
    path = f"/licences/{licence}/statement"
    first = await read(fleet, path)
    etag = first.headers["etag"]
    assert etag.startswith('"') and "no-cache" in first.headers["cache-control"]
    again = await read(fleet, path, f'"other", W/{etag}')
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)
    assert "content-type" not in again.headers
    await put_days(fleet.worker, [device_day(fleet.tenant, "imei-1", FIRST_DAY, rev=2, off_road_mm=1_000_000)])
    changed = await read(fleet, path, etag)
    assert changed.status_code == 200
    assert changed.headers["etag"] != etag
    assert changed.json()["statement_hash"] != first.json()["statement_hash"]
    assert (await read(fleet, path, "*")).status_code == 304


async def test_lists_name_their_next_page_in_a_link(fleet: Fleet) -> None:
    for plate in ("A1", "B2", "C3"):
        await fleet.post("/vehicles", {"plate": plate})
    seen, path = [], "/vehicles?limit=2"
    while True:
        page = await read(fleet, path)
        seen += [one["plate"] for one in page.json()["items"]]
        if "next" not in page.links:
            break
        path = page.links["next"]["url"].removeprefix("/v1")
        assert "limit=2" in path
    assert sorted(seen) == ["A1", "B2", "C3"]


async def test_a_command_on_a_claim_that_has_changed_is_refused_and_does_nothing(fleet: Fleet) -> None:
    claim = await lodged(fleet)
    etag = (await read(fleet, f"/claims/{claim}")).headers["etag"]
    stale = await send(fleet, claim, '"stale"')
    assert (stale.status_code, stale.json()["code"]) == (412, "changed_meanwhile")
    assert stale.json()["current_etag"] == etag
    assert (await send(fleet, claim, f"W/{etag}")).status_code == 412, "If-Match wants the strong tag"
    assert (await fleet.get(f"/claims/{claim}"))["state"] == "lodged"
    done = await send(fleet, claim, f'"stale", {etag}')
    assert (done.status_code, done.json()["state"]) == (200, "sent")
    late = await fleet.client.post(
        f"/v1/claims/{claim}/received", json={"on": "2026-11-22", "actor": "R Hill"}, headers={"If-Match": etag}
    )
    assert late.status_code == 412
    unknown = "6a0c0000-0000-4000-8000-000000000000"
    assert (await send(fleet, unknown, etag)).status_code == 404


async def test_a_retry_gets_its_first_answer_although_the_thing_has_changed_by_it(fleet: Fleet) -> None:
    claim = await lodged(fleet)
    etag = (await read(fleet, f"/claims/{claim}")).headers["etag"]
    key = {"Idempotency-Key": "send-1"}
    first = await send(fleet, claim, etag, **key)
    again = await send(fleet, claim, etag, **key)
    assert (first.status_code, again.status_code) == (200, 200)
    assert again.content == first.content
    assert again.headers["idempotent-replay"] == "true"


async def test_of_many_commands_with_the_same_tag_one_acts(fleet: Fleet) -> None:
    """The check and the effect are one: nobody comes between."""
    vehicle = await fleet.add_ute("XYZ1", "imei-9")
    etag = (await read(fleet, f"/vehicles/{vehicle}")).headers["etag"]

    async def replate(n: int) -> int:
        body = {"plate": f"NEW{n}", "from": f"2026-06-0{n + 1}"}
        answer = await fleet.client.post(f"/v1/vehicles/{vehicle}/plates", json=body, headers={"If-Match": etag})
        return answer.status_code

    statuses = await asyncio.gather(*(replate(n) for n in range(6)))
    assert sorted(statuses) == [201, 412, 412, 412, 412, 412]
    assert len((await fleet.get(f"/vehicles/{vehicle}/plates"))["items"]) == 2


async def test_a_tag_that_its_caller_may_not_compare_stops_the_command(claims: Claims, fleet: Fleet) -> None:
    """A key that may not read the thing is told so; its precondition is not passed over."""
    hook = await fleet.post("/webhooks", {"url": "https://hooks.example.nz/"})
    path = f"/v1/webhooks/{hook['id']}"
    blind = claims.client(await claims.key(fleet.tenant, "claims:write"))
    answer = await blind.patch(path, json={"description": "x"}, headers={"If-Match": '"stale"'})
    assert (answer.status_code, answer.json()["code"], answer.json()["scope"]) == (403, "scope_missing", "claims:read")
    assert (await fleet.get(f"/webhooks/{hook['id']}"))["description"] != "x"
    assert (await blind.patch(path, json={"description": "x"})).status_code == 200, "without a tag nothing is compared"


async def test_a_command_with_a_tag_is_one_request_and_is_judged_also_at_a_keys_last(
    claims: Claims, fleet: Fleet
) -> None:
    hook = await fleet.post("/webhooks", {"url": "https://hooks.example.nz/"})
    path = f"/v1/webhooks/{hook['id']}"
    limits = LimitSettings(requests_per_s_per_key=1, request_burst_s=3, failures_per_minute_per_address=1_000)
    app = make_app(claims.context, Desk(Mint(ISSUER, TOKEN_KEYS, claims.clock), None), limits)
    app.state.authenticator.rates.now = lambda: 0.0
    key = await claims.key(fleet.tenant, "claims:write", "claims:read")
    transport = httpx.ASGITransport(app=app)
    headers = {"Authorization": f"Bearer {key}"}
    async with httpx.AsyncClient(transport=transport, base_url="http://claims", headers=headers, timeout=30) as client:
        stale = {"If-Match": '"stale"'}
        told = [await client.patch(path, json={"description": "y"}, headers=stale) for _ in range(4)]
    assert [one.status_code for one in told] == [412, 412, 412, 429]
    left = [one.headers["RateLimit"].split(";")[1] for one in told]
    assert left == ["r=2", "r=1", "r=0", "r=0"], "the comparison takes nothing from the key's allowance"
    assert (await fleet.get(f"/webhooks/{hook['id']}"))["description"] != "y"


async def test_HEAD_is_answered_as_GET_without_a_body(claims: Claims, fleet: Fleet) -> None:
    claim = await lodged(fleet)
    for path in (
        f"/v1/claims/{claim}",
        "/v1/claims",
        f"/v1/claims/{claim}/export.csv",
        f"/v1/claims/{fleet.tenant}",
        "/v1/no",
    ):
        whole = await fleet.client.get(path)
        head = await fleet.client.head(path)
        assert (head.status_code, head.content) == (whole.status_code, b""), path
        for name in ("etag", "content-type", "link", "content-disposition"):
            assert head.headers.get(name) == whole.headers.get(name), (path, name)
        if whole.status_code == 200:
            assert head.headers["content-length"] == str(len(whole.content)), path
    etag = (await fleet.client.head(f"/v1/claims/{claim}")).headers["etag"]
    assert (await fleet.client.head(f"/v1/claims/{claim}", headers={"If-None-Match": etag})).status_code == 304
    assert (await claims.client(None).head("/v1/claims")).status_code == 401
    write_only = await fleet.client.head("/v1/claims/preview")
    assert (write_only.status_code, write_only.headers["allow"], write_only.content) == (405, "POST", b"")
    read = (await fleet.get("/audit-log", thing=claim, limit="500"))["items"]
    assert [row["method"] for row in read].count("GET") == len(read), (
        "it reads what GET reads, and stands there as such"
    )


async def test_405_names_every_method_and_the_address_is_judged_before_any_template(
    claims: Claims, fleet: Fleet
) -> None:
    for method, path, allowed in (
        ("DELETE", "/v1/claimants", "GET, HEAD, POST"),
        ("GET", "/v1/claims/preview", "POST"),
        ("PUT", f"/v1/claims/{fleet.tenant}", "GET, HEAD"),
    ):
        answer = await fleet.client.request(method, path)
        problem = answer.json()
        assert (answer.status_code, answer.headers["allow"]) == (405, allowed), path
        assert (problem["code"], problem["trace_id"]) == ("method_not_allowed", answer.headers["x-trace-id"])
    for path in ("/v1/devices?device=%00", "/v1/vehicles/a%00b"):
        refused = await fleet.client.get(path)
        assert (refused.status_code, refused.headers["content-type"]) == (400, "application/problem+json"), path
    lone = await fleet.client.post(
        "/v1/vehicles", content=b'{"plate": "A", "\\ud800": 1}', headers={"Content-Type": "application/json"}
    )
    assert (lone.status_code, lone.json()["errors"][0]["code"]) == (422, "string_unicode")
    deep = await fleet.client.post("/v1/vehicles", content=b"[" * 100_000, headers={"Content-Type": "application/json"})
    assert (deep.status_code, deep.headers["content-type"]) == (400, "application/problem+json")


async def test_a_parameter_that_is_not_known_is_refused_by_name(fleet: Fleet) -> None:
    """A misspelt filter must not bring everything."""
    refused = await fleet.client.get("/v1/vehicles", params={"plates": "ABC123", "limit": "2"})
    problem = refused.json()
    assert (refused.status_code, problem["code"]) == (422, "invalid")
    assert [error["pointer"] for error in problem["errors"]] == ["?plates"]


async def test_lists_are_narrowed_by_what_portals_look_for(fleet: Fleet) -> None:
    claim = await lodged(fleet)
    licence = fleet.licences["RUC 0001"]
    vehicle, claimant = fleet.vehicles["ABC123"], fleet.claimant_id
    nobody = "6a0c0000-0000-4000-8000-000000000000"

    async def count(path: str, **wanted: str) -> int:
        return len((await fleet.get(path, **wanted))["items"])

    number = (await fleet.get(f"/claims/{claim}"))["number"]
    for fits in ({"claimant_id": claimant}, {"licence_id": licence}, {"number": number}, {"lodged_from": "2026-11-22"}):
        assert await count("/claims", **fits) == 1, fits
    for fits_not in ({"claimant_id": nobody}, {"licence_id": nobody}, {"number": "X"}, {"lodged_to": "2026-11-21"}):
        assert await count("/claims", **fits_not) == 0, fits_not
    assert await count("/readings", vehicle_id=vehicle) == await count("/readings") == 2
    assert await count("/readings", vehicle_id=vehicle, **{"from": "2026-10-02", "to": "2026-10-31"}) == 1
    assert await count("/readings", source="inspection") == await count("/readings", vehicle_id=nobody) == 0
    assert await count("/licences", issued_from="2026-10-02") == await count("/licences", issued_to="2026-10-01") == 1
    await fleet.waive(licence)
    assert await count("/waivers", licence_id=licence, rule="EL4") == 1
    assert await count("/waivers", rule="EL8") == await count("/waivers", claimant_id=claimant) == 0
    assert await count("/disclosures", claim_id=claim) == await count("/disclosures", licence_id=licence) == 0
    everything = await fleet.get("/alerts")
    assert len(everything["items"]) == await count("/alerts", claimant_id=claimant) > 0
    last = everything["items"][-1]["due_on"]
    assert await count("/alerts", due_from=last) == sum(one["due_on"] >= last for one in everything["items"])
