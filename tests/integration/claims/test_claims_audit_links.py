"""An auditor's link opens exactly the claimed licences of its case, for a time, on record; and nothing else (rule PA4)."""

import io
import re
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import openpyxl
import pytest

from services.claims.application.audit.audit_links import TOKEN
from services.claims.wiring import make_app
from shared.contracts.claim import Track
from shared.contracts.device_day import hash_of
from shared.db.pool import tenant_tx
from shared.http.routes import routes_of
from shared.observability.logging import mask_secrets
from tests.integration.claims.conftest import UNLIMITED, Claims
from tests.integration.claims.test_claims_audit_cases import CASE
from tests.integration.claims.world import FIRST_DAY, KM, Fleet, device_day, put_days

pytestmark = pytest.mark.integration
DAY_MS = 86_400_000
PDF = b"%PDF-1.7 rendered"


class Peers:
    """A classifier that draws and a pdf that prints; both remember what they were asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.printed: list[bytes] = []

    async def tracks(self, _tenant: UUID, device: str, *_: int) -> tuple[tuple[Track, ...], tuple[Track, ...]]:
        self.asked.append(device)
        return (Track(surface="off_road", points=((175.0, -41.0), (175.1, -41.1))),), ()

    async def report(self, report: bytes) -> bytes:
        self.printed.append(report)
        return PDF


@dataclass
class Audited:
    """A claim of two licences and another claim; a case over one licence of the first, with a link."""

    claims: Claims
    fleet: Fleet
    peers: Peers
    claim: dict[str, Any]
    covered: str
    beside: str
    other_claim: str
    other: str
    case: str
    link: dict[str, Any]

    def auditor(self, token: str | None = None) -> httpx.AsyncClient:
        return self.claims.client(token or self.link["token"])

    async def get(self, path: str, status: int = 200) -> httpx.Response:
        answer = await self.auditor().get(f"/v1/audit{path}")
        assert answer.status_code == status, (path, answer.status_code, answer.text)
        return answer


@pytest.fixture
async def audited(claims: Claims) -> Audited:
    peers = Peers()
    context = replace(claims.context, classifier=peers, pdf=peers)  # type: ignore[arg-type]  # as far as they are asked
    here = replace(claims, context=context, app=make_app(context, limits=UNLIMITED))
    fleet = await here.fleet("Hill Farms")
    covered = await fleet.claimable("ABC123", "imei-1", "RUC 1")
    beside = await fleet.claimable("XYZ9", "imei-2", "RUC 2")
    other = await fleet.claimable("QQQ1", "imei-3", "RUC 3")
    preview = await fleet.preview([covered, beside])
    claim = await fleet.post("/claims", {"preview_token": preview["preview_token"]})
    second = await fleet.post("/claims", {"preview_token": (await fleet.preview([other]))["preview_token"]})
    case = await fleet.post("/audit-cases", {**CASE, "licence_ids": [covered]})
    body = {"given_to": "J Doe", "days": 14, "actor": "R Hill"}
    link = await fleet.post(f"/audit-cases/{case['id']}/links", body)
    return Audited(here, fleet, peers, claim, covered, beside, second["id"], other, case["id"], link)


def lodged_path(audited: Audited, claim: str | None = None, licence: str | None = None) -> str:
    return f"/claims/{claim or audited.claim['id']}/licences/{licence or audited.covered}"


async def test_PA4_the_link_shows_the_licence_as_lodged_whatever_came_later(audited: Audited) -> None:
    before = (await audited.get(f"{lodged_path(audited)}/statement")).json()
    day = (await audited.get(f"{lodged_path(audited)}/days/2026-10-01")).json()
    changed = device_day(audited.fleet.tenant, "imei-1", FIRST_DAY, rev=2, public_mm=70 * KM, off_road_mm=0)
    await put_days(audited.fleet.worker, [changed])
    case = (await audited.get("/scope")).json()
    assert (case["reference"], case["given_to"], [one["licence_id"] for one in case["lines"]]) == (
        "NZTA-2026-117", "J Doe", [audited.covered],
    )  # fmt: skip
    assert (await audited.get(f"{lodged_path(audited)}/statement")).json() == before
    assert (before["claimable_km"], before["claimed_as"], before["state"]) == (560, "RUCOR-000001", "lodged")
    again = (await audited.get(f"{lodged_path(audited)}/days/2026-10-01")).json()
    assert again == day, "the very revision that the claim stands on, from the history by now"
    (revision,) = day["revisions"]
    assert [(one["surface"], one["gps_mm"]) for one in revision["segments"]] == [
        ("public_road", 30 * KM),
        ("off_road", 40 * KM),
    ]
    assert revision["content_hash"] == hash_of(device_day(audited.fleet.tenant, "imei-1", FIRST_DAY)).hex()
    await audited.get(f"{lodged_path(audited)}/days/2026-11-01", 404)

    sheet = openpyxl.load_workbook(
        io.BytesIO((await audited.get(f"/claims/{audited.claim['id']}/export.xlsx")).content)
    )
    licences = [row[2] for row in sheet["Licences"].iter_rows(min_row=2, values_only=True)]
    assert licences == ["RUC 1", None], "only what the case covers, and its sum"
    flat = (await audited.get(f"/claims/{audited.claim['id']}/export.csv")).text
    assert "RUC 1" in flat
    assert "RUC 2" not in flat
    assert "RUC 2" not in str(case)
    book = openpyxl.load_workbook(io.BytesIO((await audited.get(f"{lodged_path(audited)}/report.xlsx")).content))
    assert book["Licence"]["B2"].value == "RUCOR-000001"
    tracks = (await audited.get(f"{lodged_path(audited)}/report.geojson")).json()
    assert [one["properties"]["licence"] for one in tracks["features"]] == ["RUC 1"]
    assert (await audited.get(f"{lodged_path(audited)}/report.pdf")).content == PDF
    assert b'"claimable_km":560' in audited.peers.printed[0]
    assert set(audited.peers.asked) == {"imei-1"}
    await audited.get(f"/claims/{audited.claim['id']}/form.pdf", 404)  # the form has another licence too


async def test_PA4_with_the_whole_claim_in_scope_its_form_is_shown(audited: Audited) -> None:
    scope = {"claim_ids": [audited.claim["id"]], "actor": "R Hill"}
    await audited.fleet.post(f"/audit-cases/{audited.case}/scope", scope, 200)
    pending = await audited.get(f"/claims/{audited.claim['id']}/form.pdf", 503)
    assert pending.json()["code"] == "not_rendered_yet"
    mine = await audited.fleet.client.get(f"/v1/claims/{audited.claim['id']}/form.pdf")
    assert mine.json()["code"] == "not_rendered_yet", "the same answer as the tenant's"


async def test_PA4_the_link_sees_nothing_else_on_any_get_route(audited: Audited) -> None:
    """Every GET route of the app, with ids that exist: only the case's own answer, and only for what it covers."""
    known = {
        "claim_id": audited.claim["id"], "licence_id": audited.covered, "case_id": audited.case, "day": "2026-10-01",
        "vehicle_id": audited.fleet.vehicles["ABC123"], "claimant_id": audited.fleet.claimant_id, "kind": "licences",
    }  # fmt: skip
    answered, closed = set(), set()
    async with audited.auditor() as client:
        for route in (one for one in routes_of(audited.claims.app) if one.method == "GET"):
            path = re.sub(r"\{(\w+)(:\w+)?\}", lambda found: str(known.get(found[1], audited.covered)), route.path)
            answer = await client.get(path)
            (answered if answer.status_code < 400 else closed).add(route.path)
            if answer.status_code >= 400 and not route.path.startswith("/v1/audit/"):
                assert answer.status_code == 401, (path, answer.text)
    case_routes = {path for path in answered | closed if path.startswith("/v1/audit/")}
    assert answered == case_routes - {"/v1/audit/claims/{claim_id}/form.pdf"}
    assert len(case_routes) == 9
    assert len(closed) > 30, "and the tenant's own routes are many"
    conn = await asyncpg.connect(audited.claims.database.superuser)
    rows = await conn.fetch(
        "select distinct route, person from claims.audit_log where key_id = $1", f"link-{audited.link['id']}"
    )
    await conn.close()
    assert {(row["route"], row["person"]) for row in rows} == {(route, "J Doe") for route in case_routes}


async def test_PA4_the_link_writes_nothing(audited: Audited) -> None:
    commands = [one for one in routes_of(audited.claims.app) if one.method != "GET"]
    async with audited.auditor() as client:
        for route in commands:
            path = re.sub(r"\{(\w+)(:\w+)?\}", audited.covered, route.path)
            answer = await client.request(route.method, path, json={})
            assert answer.status_code in {401, 404, 415, 422}, (path, answer.text)
            assert not route.path.startswith("/v1/audit/"), "an auditor's route that is no GET"
    assert len(commands) > 40


async def test_PA4_licences_of_the_tenant_outside_the_case_and_of_others_are_not_there(audited: Audited) -> None:
    others = await audited.claims.fleet("Other")
    theirs = await others.claimable("ABC123", "imei-1", "RUC 1")
    their_claim = (await others.post("/claims", {"preview_token": (await others.preview([theirs]))["preview_token"]}))[
        "id"
    ]
    outside = [
        (audited.claim["id"], audited.beside), (audited.other_claim, audited.other), (audited.other_claim, audited.covered),
        (audited.claim["id"], audited.other), (their_claim, theirs), (audited.claim["id"], theirs),
    ]  # fmt: skip
    for claim, licence in outside:
        for what in ("statement", "report.xlsx", "report.pdf", "report.geojson", "days/2026-10-01"):
            await audited.get(f"{lodged_path(audited, claim, licence)}/{what}", 404)
    for claim in (audited.other_claim, their_claim):
        for what in ("form.pdf", "export.xlsx", "export.csv"):
            await audited.get(f"/claims/{claim}/{what}", 404)
    # another tenant can neither see nor make links of this case
    path = f"/audit-cases/{audited.case}"
    await others.get(f"{path}/links", 404)
    await others.get(f"{path}/accesses", 404)
    await others.post(f"{path}/links", {"given_to": "x", "actor": "x"}, 404)
    await others.post(f"{path}/links/{audited.link['id']}/revoke", {"actor": "x"}, 404)
    await audited.get("/scope")


async def test_PA4_the_link_ends_by_time_by_revocation_and_with_the_case(audited: Audited) -> None:
    path = f"/audit-cases/{audited.case}"
    assert (audited.link["expires_at"], audited.link["given_to"]) == ("2026-12-06T00:00:00Z", "J Doe")
    audited.claims.clock.now_ms += 14 * DAY_MS - 1
    await audited.get("/scope")
    audited.claims.clock.now_ms += 1
    assert (await audited.get("/scope", 401)).headers["www-authenticate"] == "Bearer"
    audited.claims.clock.now_ms -= 2 * DAY_MS
    await audited.get("/scope")
    for days in (0, 91):
        await audited.fleet.post(f"{path}/links", {"given_to": "x", "days": days, "actor": "x"}, 422)
    second = await audited.fleet.post(f"{path}/links", {"given_to": "K Roe", "days": 90, "actor": "R Hill"})
    revoked = await audited.fleet.post(f"{path}/links/{audited.link['id']}/revoke", {"actor": "R Hill"}, 200)
    assert [one["revoked_by"] for one in revoked["items"]] == ["R Hill", ""]
    assert "token" not in str(revoked)
    await audited.fleet.post(f"{path}/links/{audited.link['id']}/revoke", {"actor": "R Hill"}, 200)
    await audited.get("/scope", 401)
    async with audited.auditor(second["token"]) as client:
        assert (await client.get("/v1/audit/scope")).status_code == 200
        await audited.fleet.post(f"{path}/close", {"on": "2026-12-10", "outcome": "done", "actor": "R Hill"}, 200)
        assert (await client.get("/v1/audit/scope")).status_code == 401
    refused = await audited.fleet.post(f"{path}/links", {"given_to": "x", "actor": "x"}, 409)
    assert refused["code"] == "case_closed"
    kinds = [one["kind"] for one in (await audited.fleet.get(path))["history"]]
    assert kinds == ["opened", "scope_added", "link_made", "link_made", "link_revoked", "closed"]


async def test_PA4_every_access_is_on_record_before_it_is_answered_and_shown_to_the_tenant(audited: Audited) -> None:
    await audited.get("/scope")
    audited.claims.clock.now_ms += 1
    await audited.get(f"{lodged_path(audited, licence=audited.beside)}/statement", 404)
    audited.claims.clock.now_ms += 1
    async with audited.auditor() as client:
        await client.get(f"/v1/audit{lodged_path(audited)}/statement", headers={"User-Agent": "QGIS"})
    seen = (await audited.fleet.get(f"/audit-cases/{audited.case}/accesses"))["items"]
    assert [(one["path"], one["given_to"], one["address"]) for one in seen] == [
        ("/v1/audit/scope", "J Doe", "127.0.0.1"),
        (f"/v1/audit{lodged_path(audited, licence=audited.beside)}/statement", "J Doe", "127.0.0.1"),
        (f"/v1/audit{lodged_path(audited)}/statement", "J Doe", "127.0.0.1"),
    ]
    assert (seen[2]["agent"], seen[2]["method"], seen[2]["link_id"]) == ("QGIS", "GET", audited.link["id"])
    audited.claims.clock.now_ms += 1
    odd = f"/claims/%C3%A9/licences/{audited.covered}/statement"
    assert (await audited.get(odd, 422)).json()["code"] == "invalid"
    seen = (await audited.fleet.get(f"/audit-cases/{audited.case}/accesses"))["items"]
    assert seen[3]["path"] == f"/v1/audit{odd}", "what cannot be read is on record too, as it came"
    pool = audited.claims.context.pool
    for statement in ("update claims.audit_access set path = ''", "delete from claims.audit_access"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with tenant_tx(pool, audited.fleet.tenant) as conn:
                await conn.execute(statement)


async def test_PA4_the_token_is_shown_once_kept_as_a_hash_and_no_other_gets_in(audited: Audited) -> None:
    token = audited.link["token"]
    assert TOKEN.fullmatch(token)
    conn = await asyncpg.connect(audited.claims.database.superuser)
    row = await conn.fetchrow("select * from claims.audit_link")
    await conn.close()
    assert row is not None
    assert row["secret_sha256"] == sha256(token.encode()).digest()
    assert token[-43:] not in str(dict(row))
    masked = mask_secrets(None, "", {"event": f"Bearer {token}"})["event"]
    assert token[-43:] not in str(masked)
    wrong = [
        token[:-1] + ("A" if token[-1] != "A" else "B"),
        f"audit_{'0' * 32}_{token[-43:]}",
        token[:-1],
        "x",
        f"{token} x",
    ]
    for one in wrong:
        async with audited.auditor(one) as client:
            assert (await client.get("/v1/audit/scope")).status_code == 401, one
    assert (await audited.claims.client(None).get("/v1/audit/scope")).status_code == 401
    assert (await audited.fleet.client.get("/v1/audit/scope")).status_code == 401, "a tenant's key is no link"
    listed = await audited.fleet.get(f"/audit-cases/{audited.case}/links")
    assert "token" not in str(listed)
