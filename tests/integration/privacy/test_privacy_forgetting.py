"""Requests to be forgotten yield to the hold, and what was lodged is checked when its papers are gone (rule RE2)."""

import asyncio
import json
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from click.testing import CliRunner

from deploy.privacy.cli import check
from services.claims.adapters.http_peers import ClassifierClient
from services.claims.application.privacy.keep_house import House
from services.claims.application.privacy.purge import purge
from services.claims.domain.claim.proof import field_salt, leaf_hash
from shared.db.pool import tenant_tx
from tests.integration.claims.conftest import Claims
from tests.integration.claims.world import NOW_MS, Fleet
from tests.integration.privacy.desk import Desk, everybody_does_their_part

pytestmark = pytest.mark.integration
LONG_AGO = (
    "update claims.licence set issued_at = issued_at - interval '6 years'",
    "update claims.claim set lodged_on = lodged_on - 2000",
    "update claims.claim_step set on_day = on_day - 2000",
)


async def years_pass(claims: Claims) -> None:
    conn = await asyncpg.connect(claims.database.superuser)
    for statement in LONG_AGO:
        await conn.execute(statement)
    await conn.close()


async def everything(claims: Claims) -> str:
    """All rows of all tables of claims as text."""
    conn = await asyncpg.connect(claims.database.superuser)
    try:
        tables = await conn.fetch(
            "select relname as name, format('select * from claims.%I', relname) as query from pg_class "
            "where relnamespace = 'claims'::regnamespace and relkind = 'r'"
        )
        return "\n".join([f"{row['name']}: {await conn.fetch(row['query'])}" for row in tables])
    finally:
        await conn.close()


async def lodge(fleet: Fleet) -> tuple[str, str]:
    """(claim, licence)"""
    licence = await fleet.claimable()
    claim = await fleet.post("/claims", {"preview_token": (await fleet.preview([licence]))["preview_token"]})
    return claim["id"], licence


async def run_check(path: Path) -> tuple[int, str]:
    done = await asyncio.to_thread(CliRunner().invoke, check, [str(path)])
    return done.exit_code, done.output


async def test_RE2_what_was_lodged_is_checked_before_and_after_its_papers_are_gone(
    claims: Claims, fleet: Fleet, tmp_path: Path
) -> None:
    claim, _ = await lodge(fleet)
    proof = await fleet.get(f"/claims/{claim}/proof")
    assert [(item["kind"], item["edition"], item["purged"]) for item in proof["items"]] == [
        ("form", 1, False), ("report", 1, False),
    ]  # fmt: skip
    form = {leaf["path"]: leaf for leaf in proof["items"][0]["leaves"]}
    assert form["bank_account"]["value"] is None
    assert form["bank_account"]["salt"]
    assert form["lines/00000"]["value"]["distance_km"] == 560
    account = leaf_hash(bytes.fromhex(form["bank_account"]["salt"]), "bank_account", "0102420100194000")
    assert account.hex() == form["bank_account"]["hash"], "who has the form can show the account"
    path = tmp_path / "proof.json"
    path.write_text(json.dumps(proof))
    assert (await run_check(path))[0] == 0

    await years_pass(claims)
    assert (await purge(claims.worker, fleet.tenant, NOW_MS))["proof_salt"] == 2
    after = await fleet.get(f"/claims/{claim}/proof")
    assert [item["root"] for item in after["items"]] == [item["root"] for item in proof["items"]]
    now = {leaf["path"]: leaf for leaf in after["items"][0]["leaves"]}
    assert (now["bank_account"]["salt"], now["bank_account"]["hash"]) == (None, form["bank_account"]["hash"])
    assert now["lines/00000"] == form["lines/00000"]
    assert all(item["purged"] for item in after["items"])
    path.write_text(json.dumps(after))
    code, said = await run_check(path)
    assert (code, "every value shown is what was lodged" in said) == (0, True)

    def put(document: dict[str, Any], field: str, value: object) -> None:
        leaf = next(one for one in document["items"][0]["leaves"] if one["path"] == field)
        leaf["value"] = value

    put(proof, "applicant_name", "Hill Farms Limited")
    path.write_text(json.dumps(proof))
    assert (await run_check(path))[0] == 0, "a salt that was taken in time shows a personal field for ever"
    put(proof, "applicant_name", "Somebody Else")
    path.write_text(json.dumps(proof))
    code, said = await run_check(path)
    assert (code, "applicant_name: is not what was lodged" in said) == (1, True)
    other = await claims.fleet("Other")
    await other.get(f"/claims/{claim}/proof", 404)
    assert field_salt(bytes(32), "a") != field_salt(bytes(32), "b")


async def test_RE2_a_claimant_is_forgotten_when_the_hold_ends(claims: Claims, fleet: Fleet) -> None:
    claim, _ = await lodge(fleet)
    body = {"kind": "claimant", "subject_id": fleet.claimant_id, "reason": "asked by letter", "actor": "A Reid"}
    asked = await fleet.post("/erasure-requests", body)
    assert (asked["state"], asked["held_until"], asked["done_at"]) == ("waiting", "2028-11-22", None)
    assert (await fleet.post("/erasure-requests", body, 409))["code"] == "already_exists"
    unknown = await fleet.post("/erasure-requests", {**body, "subject_id": claim}, 422)
    assert unknown["errors"][0]["code"] == "unknown_id"
    house = House(claims.worker, claims.context.hasher, claims.clock)
    await house.round()
    assert (await fleet.get(f"/claimants/{fleet.claimant_id}"))["name"] == "Hill Farms Limited", "it yields to the hold"
    await years_pass(claims)
    await House(claims.worker, claims.context.hasher, claims.clock).round()
    done = await fleet.get(f"/erasure-requests/{asked['id']}")
    assert (done["state"], done["held_until"]) == ("done", None)
    gone = await fleet.get(f"/claimants/{fleet.claimant_id}")
    assert (gone["name"], gone["email"], gone["phone"], gone["address"], gone["bank_account_masked"]) == (
        "erased",
        "",
        "",
        "",
        "",
    )
    left = await everything(claims)
    for text in ("office@hill.example", "06 388 0000", "12 Ridge Road", "Hill Farms Limited"):
        assert text not in left, text
    assert len((await fleet.get(f"/claims/{claim}"))["lines"]) == 1
    other = await claims.fleet("Other")
    await other.get(f"/erasure-requests/{asked['id']}", 404)
    assert (await other.get("/erasure-requests"))["items"] == []


async def test_RE2_a_person_is_forgotten_with_what_they_did_but_not_while_it_is_held(
    claims: Claims, desk: Desk, classifier: ClassifierClient, fleet: Fleet
) -> None:
    person = {"name": "R Hill", "email": "r@hill.example", "roles": ["verifier"], "actor": "A Reid"}
    hill = (await fleet.post("/people", person))["id"]
    idle = (await fleet.post("/people", {**person, "name": "Idle Jones", "email": "idle@hill.example"}))["id"]
    await lodge(fleet)
    body = {"kind": "person", "reason": "asked", "actor": "A Reid"}
    asked = await fleet.post("/erasure-requests", {**body, "subject_id": hill})
    assert asked["state"] == "waiting", "they verified a claim that is held"
    erasing = await fleet.post("/erasure-requests", {**body, "subject_id": idle})
    assert erasing["state"] == "erasing", "the other services are told"
    await everybody_does_their_part(desk, classifier)
    assert (await fleet.get(f"/erasure-requests/{erasing['id']}"))["state"] == "done"
    left = await everything(claims)
    assert "idle@hill.example" not in left
    assert "Idle Jones" not in left
    assert "R Hill" in left
    await years_pass(claims)
    await everybody_does_their_part(desk, classifier)
    async with tenant_tx(claims.worker, fleet.tenant) as conn:
        assert await conn.fetchval("select claims.forget($1, $2)", fleet.tenant, UUID(asked["id"])), "again: nothing"
    left = await everything(claims)
    assert "r@hill.example" not in left
    assert "R Hill" not in "\n".join(line for line in left.splitlines() if line.startswith(("verification", "person")))
    other = await claims.fleet("Other")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with tenant_tx(claims.context.pool, other.tenant) as conn:
            await conn.execute("select claims.forget($1, $2)", fleet.tenant, UUID(asked["id"]))
