"""What operators do at the command line stands in the audit log, in each service that it reaches (rules PA4, RE2)."""

import getpass
import json
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from deploy.privacy.cli import export_subject, export_tenant, offboard
from services.cli import main
from shared.http.auth import OPERATOR
from tests.integration.claims.world import Fleet
from tests.integration.privacy.desk import SCHEMAS, Desk, whole

pytestmark = pytest.mark.integration
ROWS = "select tenant_id, key_id, person, actor_tenant, method, route, things from {}.audit_log where method = 'CLI' order by at"


async def told(desk: Desk, schema: str, tenant: UUID) -> list[tuple[str, dict[str, str]]]:
    """(command, things) of what a tenant's log says of operators' commands."""
    conn = await asyncpg.connect(desk.claims.database.superuser)
    try:
        rows = [row for row in await conn.fetch(ROWS.format(schema)) if row["tenant_id"] == tenant]
    finally:
        await conn.close()
    assert {row["actor_tenant"] for row in rows} <= {None if tenant == OPERATOR else OPERATOR}
    assert {row["key_id"] for row in rows} <= {"cli"}
    return [(row["route"], json.loads(row["things"])) for row in rows]


async def test_RE2_whoever_reads_a_persons_file_is_on_record_in_every_service(
    desk: Desk, fleet: Fleet, tmp_path: Path
) -> None:
    vehicle = await fleet.add_ute()
    before = {
        schema: (await told(desk, schema, fleet.tenant), await told(desk, schema, OPERATOR)) for schema in SCHEMAS
    }
    tenant = ("--tenant", str(fleet.tenant), "--out", str(tmp_path / "out.zip"))
    await desk.run(export_subject, *tenant, "--person", "Secret Person")
    await desk.run(export_subject, *tenant, "--vehicle", "ABC123")
    await desk.run(export_tenant, *tenant)
    expected: list[tuple[str, dict[str, Any]]] = [
        ("rucor privacy export", {}), ("rucor privacy export", {"vehicle_id": vehicle}), ("rucor tenants export", {}),
    ]  # fmt: skip
    for schema in SCHEMAS:
        theirs, own = await told(desk, schema, fleet.tenant), await told(desk, schema, OPERATOR)
        assert theirs == before[schema][0] + expected, "of a person no name"
        named = [(command, {"tenant_id": str(fleet.tenant)} | things) for command, things in expected]
        assert own == before[schema][1] + named, "in the operator's own log with the tenant's id"
    (row,) = (await fleet.get("/audit-log", thing=vehicle, route="rucor privacy export"))["items"]
    assert (row["person"], row["actor_tenant"], row["method"]) == (getpass.getuser(), str(OPERATOR), "CLI")


async def test_RE2_a_tenants_leaving_is_on_record_with_the_operator_when_nothing_of_it_is_left(
    desk: Desk, tmp_path: Path
) -> None:
    left = await desk.claims.fleet("Leaver")
    tenant = ("--tenant", str(left.tenant))
    said = await desk.run(offboard, *tenant, "--actor", "A Reid", "--export", str(tmp_path / "left.zip"))
    assert "nothing of the tenant is left" in said
    for schema in SCHEMAS:
        assert await told(desk, schema, left.tenant) == []
        own = [
            command for command, things in await told(desk, schema, OPERATOR) if things["tenant_id"] == str(left.tenant)
        ]
        assert own[-2:] == ["rucor tenants offboard", "rucor tenants export"]


async def test_PA4_people_and_keys_that_operators_make_at_the_command_line_are_on_record(desk: Desk) -> None:
    async def types(*words: str, code: int = 0) -> str:
        return (await desk.run(main, *words, code=code)).splitlines()[0]

    tenant = await types("tenants", "create", "Hill Farms")
    whose = ("--tenant", tenant)
    person = await types(
        "people",
        "add",
        *whose,
        "--name",
        "Mary Hill",
        "--email",
        "mary@hill.example",
        "--role",
        "viewer",
        "--by",
        "A Reid",
    )
    await types("people", "add", *whose, "--name", "Mary Hill", "--email", "mary@hill.example", code=1)
    for service in SCHEMAS:
        key_id = (await types("keys", service, "create", *whose, "--name", "portal"))[6:14]
        for command in ("rotate", "limit", "list", "revoke"):
            await types("keys", service, command, *whose, *(() if command == "list" else (key_id,)))
            nobody = ("--tenant", str(uuid4()), *(() if command == "list" else (key_id,)))
            if command != "list":
                await types("keys", service, command, *nobody, code=1)
        done = [(f"rucor keys {service} {word}", {} if word == "list" else {"key_id": key_id})
                for word in ("create", "rotate", "limit", "list", "revoke")]  # fmt: skip
        made = (
            [("rucor tenants create", {}), ("rucor people add", {"person_id": person})] if service == "claims" else []
        )
        assert await told(desk, service, UUID(tenant)) == made + done
    conn = await asyncpg.connect(desk.claims.database.superuser)
    by = await conn.fetch(
        "select person from claims.audit_log where route = 'rucor people add' and tenant_id = $1", UUID(tenant)
    )
    await conn.close()
    assert [row["person"] for row in by] == ["A Reid"]


async def test_PA4_a_devices_fixes_are_read_from_the_evidence_on_record(desk: Desk) -> None:
    fleet = await whole(desk)
    days = ("--tenant", str(fleet.tenant), "--from", "2026-10-01", "--to", "2026-10-02")
    before = await told(desk, "classifier", fleet.tenant)
    out = await desk.run(main, "evidence", "export", *days, "--device", "imei-1")
    assert '"device_id":"imei-1"' in out.replace(" ", "")
    hold = (await desk.run(main, "evidence", "hold", *days, "--reason", "an audit")).strip()
    await desk.run(main, "evidence", "release", "--tenant", str(fleet.tenant), hold)
    assert await told(desk, "classifier", fleet.tenant) == [
        *before,
        ("rucor evidence export", {"device": "imei-1"}),
        ("rucor evidence hold", {"hold_id": hold}), ("rucor evidence release", {"hold_id": hold}),
    ]  # fmt: skip
