"""A provider's one credential for many tenants, each of which consents (rule PA3), on a real ingest process."""

from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest

from deploy.embedded.parts import run_async
from services.ingest.providers_cli import create_provider, issue_provider_key
from shared.clock import system_clock
from shared.contracts.frame import read_header
from shared.contracts.pings import decode_pings
from shared.contracts.topics import PINGS, SCHEMA_TICK
from tests.integration.ingest.conftest import CLIENT, Ingest

pytestmark = pytest.mark.integration

HOUR_MS = 3_600_000
WITHOUT_TENANT = {"schema_migration", "stream_position", "provider"}


def ping(device: str, **more: Any) -> dict[str, Any]:
    return {"device_id": device, "ts": system_clock() - 60_000, "lat": -40.25, "lng": 175.5} | more


class Provider:
    def __init__(self, ingest: Ingest, name: str) -> None:
        self.ingest = ingest
        made: list[Any] = []

        async def make() -> None:
            dsn = ingest.database.dsn("ingest", "worker")
            made.append(await create_provider(dsn, name))
            made.append(await issue_provider_key(dsn, made[0], "gateway"))

        run_async(make)
        self.id: UUID = made[0]
        self.key: str = made[1]

    def ask(self, method: str, path: str, body: Any = None, **params: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.key}"}
        return CLIENT.request(method, f"{self.ingest.url}/v1{path}", json=body, headers=headers, params=params)

    def send(self, tenant: UUID, *rows: dict[str, Any]) -> httpx.Response:
        return self.ask("POST", f"/tenants/{tenant}/pings", list(rows))


def of_tenant(ingest: Ingest, method: str, path: str, body: Any, status: int) -> dict[str, Any]:
    answer = CLIENT.request(method, f"{ingest.url}/v1{path}", json=body, headers=ingest.headers())
    assert answer.status_code == status, answer.text
    found: dict[str, Any] = answer.json()
    return found


def consent(ingest: Ingest, provider: Provider) -> str:
    made = of_tenant(ingest, "POST", "/provider-consents", {"provider_id": str(provider.id), "actor": "R Hill"}, 201)
    return str(made["id"])


@pytest.fixture
def provider(ingest: Ingest) -> Provider:
    return Provider(ingest, "Telematics Ltd")


def stored(ingest: Ingest, tenant: UUID) -> set[str]:
    found = set()
    for _, value in ingest.values(PINGS):
        if read_header(value).schema != SCHEMA_TICK:
            found |= {device for owner, device in decode_pings(value).keys if owner == str(tenant)}
    return found


def test_PA3_a_provider_sends_for_the_tenants_that_consent_and_for_no_other(ingest: Ingest, provider: Provider) -> None:
    stranger = uuid4()
    for tenant in (ingest.tenant, stranger):
        refused = provider.send(tenant, ping("p-0"))
        assert (refused.status_code, refused.json()["code"]) == (403, "no_consent")
    consent(ingest, provider)
    assert provider.send(ingest.tenant, ping("p-1")).status_code == 202
    assert provider.send(stranger, ping("p-0")).json()["code"] == "no_consent"
    assert Provider(ingest, "Other").send(ingest.tenant, ping("p-0")).json()["code"] == "no_consent"
    assert stored(ingest, ingest.tenant) == {"p-1"}
    assert stored(ingest, stranger) == set()
    assert [item["tenant_id"] for item in provider.ask("GET", "/provider/tenants").json()["items"]] == [
        str(ingest.tenant)
    ]
    row = next(row for row in ingest.audit_log() if row["status"] == 202)
    assert (row["route"], row["actor_tenant"], row["key_id"]) == (
        "/v1/tenants/{tenant_id}/pings", str(provider.id), provider.key[6:14]
    )  # fmt: skip


def test_PA3_a_consent_is_taken_back_within_seconds_and_stays_on_record(ingest: Ingest, provider: Provider) -> None:
    first = consent(ingest, provider)
    assert provider.send(ingest.tenant, ping("p-1")).status_code == 202
    again = {"provider_id": str(provider.id), "actor": "R Hill"}
    assert of_tenant(ingest, "POST", "/provider-consents", again, 409)["code"] == "already_exists"
    assert of_tenant(ingest, "POST", "/provider-consents", again | {"provider_id": str(uuid4())}, 404)
    assert of_tenant(ingest, "POST", "/provider-consents", {"provider_id": str(provider.id)}, 422)["errors"]
    revoked = of_tenant(ingest, "POST", f"/provider-consents/{first}/revoke", {"actor": "R Hill"}, 200)
    assert of_tenant(ingest, "POST", f"/provider-consents/{first}/revoke", {"actor": "Other"}, 200) == revoked
    ingest.wait_until(lambda: provider.send(ingest.tenant, ping("p-2")).status_code == 403, within_s=20)
    assert provider.ask("GET", f"/tenants/{ingest.tenant}/devices").json()["code"] == "no_consent"
    assert provider.ask("GET", "/provider/tenants").json()["items"] == []
    second = consent(ingest, provider)
    assert [one["id"] for one in of_tenant(ingest, "GET", "/provider-consents", None, 200)["items"]] == [first, second]


def test_PA3_a_provider_sees_its_own_refusals_gaps_and_last_fixes_alone(ingest: Ingest, provider: Provider) -> None:
    consent(ingest, provider)
    now = system_clock()
    other = Provider(ingest, "Other")
    consent(ingest, other)
    rows = [ping("p-1", ts=now - 60_000), ping("p-1", ts=now - 30 * HOUR_MS), ping("p-2", ts=now - 5 * HOUR_MS)]
    assert provider.send(ingest.tenant, *rows, {"device_id": "p-3"}).status_code == 207
    assert other.send(ingest.tenant, ping("o-1"), {"device_id": "o-2"}).status_code == 207
    assert ingest.post([ping("own"), {"device_id": "own-2"}]).status_code == 207
    ingest.wait_until(lambda: len(ingest.quarantine()["items"]) == 3)
    mine = provider.ask("GET", f"/tenants/{ingest.tenant}/quarantine").json()["items"]
    assert [(item["device_id"], item["code"]) for item in mine] == [("p-3", "missing_field")]

    def devices(**params: Any) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = provider.ask("GET", f"/tenants/{ingest.tenant}/devices", **params).json()["items"]
        return items

    ingest.wait_until(lambda: len(devices()) == 2)
    first, second = devices()
    assert (first["device_id"], second["device_id"]) == ("p-1", "p-2")
    assert [gap["hours"] for gap in first["gaps"]] in ([28], [29], [30])
    assert devices(min_gap_hours=40)[0]["gaps"] == []
    page = provider.ask("GET", f"/tenants/{ingest.tenant}/devices", limit=1).json()
    assert [one["device_id"] for one in devices(cursor=page["next_cursor"])] == ["p-2"]
    for path, cursor in (("devices", "p-1"), ("quarantine", page["next_cursor"])):
        refused = provider.ask("GET", f"/tenants/{ingest.tenant}/{path}", cursor=cursor)
        assert (refused.status_code, refused.json()["code"]) == (400, "cursor_invalid")


def test_PA3_neither_key_opens_the_others_routes(ingest: Ingest, provider: Provider) -> None:
    consent(ingest, provider)
    for method, path in (
        ("POST", "/pings"),
        ("GET", "/quarantine"),
        ("GET", "/audit-log"),
        ("GET", "/provider-consents"),
    ):
        answer = provider.ask(method, path, [] if method == "POST" else None)
        assert (answer.status_code, answer.json()["code"]) == (403, "scope_missing"), path
    for method, path in (
        ("POST", f"/tenants/{ingest.tenant}/pings"), ("GET", f"/tenants/{ingest.tenant}/quarantine"), ("GET", "/provider/tenants"),
    ):  # fmt: skip
        assert of_tenant(ingest, method, path, [] if method == "POST" else None, 403)["code"] == "scope_missing"


def test_G6_row_security_holds_in_every_table_of_ingest(ingest: Ingest, provider: Provider) -> None:
    consent(ingest, provider)
    provider.send(ingest.tenant, ping("p-1"), {"device_id": "p-2"})
    ingest.wait_until(lambda: bool(ingest.quarantine()["items"]))
    ingest.wait_until(
        lambda: bool(ingest.rows(f"select 1 from ingest.provider_device_day where tenant_id = '{ingest.tenant}'"))
    )
    seen: dict[tuple[str, str], int | None] = {}

    async def count() -> None:
        conn = await asyncpg.connect(ingest.database.dsn("ingest", "api"))
        tables = await conn.fetch(
            "select relname from pg_class where relnamespace = 'ingest'::regnamespace and relkind = 'r'"
        )
        for tenant in (ingest.tenant, provider.id, uuid4(), None):
            for table in {row["relname"] for row in tables} - WITHOUT_TENANT:
                async with conn.transaction():
                    await conn.execute("select set_config('rucor.tenant', $1, true)", str(tenant or ""))
                    who = {ingest.tenant: "own", provider.id: "provider", None: "nobody"}.get(tenant, "other")
                    seen[table, who] = await conn.fetchval(f"select count(*) from ingest.{table}")
        await conn.close()

    run_async(count)
    tables = {table for table, _ in seen}
    assert tables == {"api_key", "audit_log", "provider_consent", "provider_device_day", "quarantine"}
    assert all(seen[table, "own"] for table in tables)
    assert not any(seen[table, who] for table in tables for who in ("other", "nobody"))
    assert {table for table in tables if seen[table, "provider"]} == {"api_key", "provider_consent", "audit_log"}
