"""Sealed values change their key while the service runs, and no account is ever answered, logged or exported (rule RE3)."""

import asyncio
import base64
import io
import json
import re
import subprocess
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
from click.testing import CliRunner

from deploy.embedded import credentials
from deploy.embedded.bank_key import bank_keys, new_bank_key, rotate_bank_key
from deploy.embedded.info import FILE
from services.claims.adapters.cipher import AesGcmSealer, key_id
from services.claims.application.privacy.rotate_keys import KeyMissing, check_keys, keys_used, rotate
from services.claims.repo.sealed import SEALED
from services.claims.wiring import make_app
from shared.db.pool import tx
from tests.integration.claims.conftest import BANK_KEY, Claims
from tests.integration.claims.test_claims_process import MODULE, environment
from tests.integration.claims.test_claims_row_security import fill
from tests.integration.claims.world import ACCOUNT, Fleet

pytestmark = pytest.mark.integration
NEW_KEY = bytes(range(100, 132))
DIGITS = "0102420100194000"
BASE = "0100194"
"""No row of the tests has it but the account."""
SOME_ID = "00000000-0000-4000-8000-000000000001"


def on_key(claims: Claims, keys: list[bytes]) -> httpx.AsyncClient:
    """The service as it is after a restart with these keys."""
    app = make_app(replace(claims.context, sealer=AesGcmSealer(keys)))
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://claims", timeout=30)


async def seal_form(claims: Claims, fleet: Fleet) -> None:
    """`fill` writes a form that nobody sealed."""
    pdf = b"%PDF-1.7 form"
    async with tx(claims.worker) as conn:
        claim = await conn.fetchval("select claim_id from claims.document")
        sealed = claims.context.sealer.seal(pdf, f"{fleet.tenant}/document-form/{claim}")
        await conn.execute("update claims.document set sealed = $1", sealed)
    superuser = await asyncpg.connect(claims.database.superuser)
    await superuser.execute("update claims.document set sha256 = sha256($1)", pdf)
    await superuser.close()


async def test_RE3_every_value_moves_to_the_new_key_while_claims_go_on(claims: Claims, fleet: Fleet) -> None:
    await fill(fleet, claims)
    scan = await fleet.client.post("/v1/attachments", params={"name": "f", "actor": "a"}, content=b"%PDF-1.7 y")
    await seal_form(claims, fleet)
    old, both = AesGcmSealer([BANK_KEY]), AesGcmSealer([NEW_KEY, BANK_KEY])
    assert (await keys_used(claims.worker)).all == {key_id(BANK_KEY)}
    running = on_key(claims, [NEW_KEY, BANK_KEY])
    running.headers["authorization"] = fleet.client.headers["authorization"]

    async def work() -> None:
        for i in range(5):
            made = await running.post("/v1/claimants", json={"name": f"C{i}", "bank_account": ACCOUNT})
            assert made.status_code == 201, made.text
            kept = await running.get(f"/v1/attachments/{scan.json()['id']}")
            assert kept.content == b"%PDF-1.7 y"

    moved, _ = await asyncio.gather(rotate(claims.worker, both), work())
    assert moved >= 6
    used = await keys_used(claims.worker)
    assert used.by_table == {table.name: frozenset({key_id(NEW_KEY)}) for table in SEALED}
    assert await rotate(claims.worker, both) == 0, "nothing is left"
    await check_keys(claims.worker, AesGcmSealer([NEW_KEY]))
    only_new = on_key(claims, [NEW_KEY])
    only_new.headers["authorization"] = fleet.client.headers["authorization"]
    assert (await only_new.get(f"/v1/attachments/{scan.json()['id']}")).content == b"%PDF-1.7 y"
    with pytest.raises(KeyMissing, match="RUCOR_BANK_KEYS_OLD"):
        await check_keys(claims.worker, old)


async def test_RE3_a_rotation_that_is_broken_off_goes_on_where_it_was(claims: Claims, fleet: Fleet) -> None:
    for i in range(12):
        await fleet.post("/claimants", {"name": f"C{i}", "bank_account": ACCOUNT})

    class BrokenOff(Exception):
        pass

    def stop(_name: str, _count: int) -> None:
        raise BrokenOff

    both = AesGcmSealer([NEW_KEY, BANK_KEY])
    with pytest.raises(BrokenOff):
        await rotate(claims.worker, both, stop)
    assert (await keys_used(claims.worker)).all == {key_id(NEW_KEY), key_id(BANK_KEY)}
    assert 0 < await rotate(claims.worker, both) < 12
    assert (await keys_used(claims.worker)).all == {key_id(NEW_KEY)}


async def test_RE3_the_service_refuses_to_start_without_an_old_key_and_says_which(claims: Claims, fleet: Fleet) -> None:
    await fleet.add_claimant()
    told = environment(claims.database, 0)
    assert told["RUCOR_BANK_KEY"] != base64.b64encode(BANK_KEY).decode()
    refused = await asyncio.to_thread(
        lambda: subprocess.run(MODULE, env=told, capture_output=True, text=True, check=False, timeout=60)
    )
    assert refused.returncode == 1
    told_why = refused.stdout + refused.stderr
    assert f"values in claims.claimant are sealed with key {key_id(BANK_KEY).hex()}" in told_why
    assert "docs/runbooks/keys.md" in told_why
    wrong = told | {"RUCOR_BANK_KEYS_OLD": "c2hvcnQ="}
    checked = subprocess.run([*MODULE, "--check-config"], env=wrong, capture_output=True, text=True, check=False)
    assert (checked.returncode, "RUCOR_BANK_KEYS_OLD" in checked.stderr) == (2, True)


async def test_RE3_every_table_with_sealed_values_can_be_rotated(claims: Claims) -> None:
    async with claims.worker.acquire() as conn:
        found = await conn.fetch(
            "select table_name, column_name from information_schema.columns "
            "where table_schema = 'claims' and column_name like '%sealed%'"
        )
    assert {(row["table_name"], row["column_name"]) for row in found} == {(t.name, t.column) for t in SEALED}


async def test_RE3_the_embedded_stack_keeps_the_old_key_until_nothing_needs_it(
    claims: Claims, fleet: Fleet, tmp_path: Path
) -> None:
    (tmp_path / credentials.FILE).write_text(json.dumps(vars(credentials.Credentials.fresh()) | {
        "bank_key": base64.b64encode(BANK_KEY).decode()}))  # fmt: skip
    await fleet.add_claimant()

    def start() -> None:
        secrets = credentials.load(tmp_path)
        keys = {"bank": secrets.bank_key, "bank_old": ",".join(secrets.bank_keys_old), "licence_hash": "x"}
        info = replace(claims.database.on_this_database(), keys=keys, data_dir=str(tmp_path))
        (tmp_path / FILE).write_text(info.as_json())

    async def run(command: Any) -> str:
        done = await asyncio.to_thread(CliRunner().invoke, command, ["--data-dir", str(tmp_path)])
        assert BASE not in done.output
        return done.output

    start()
    assert "1 older one(s) kept" in await run(new_bank_key)
    assert "restart it" in await run(rotate_bank_key), "the running service would not open what we seal now"
    start()
    assert len(credentials.load(tmp_path).bank_keys_old) == 1
    assert re.search(rf"{key_id(BANK_KEY).hex()}  opens  used in: claimant", await run(bank_keys))
    assert "claimant: 1" in await run(rotate_bank_key)
    assert credentials.load(tmp_path).bank_keys_old == []
    assert (await keys_used(claims.worker)).all == {key_id(base64.b64decode(credentials.load(tmp_path).bank_key))}


def texts(answer: httpx.Response) -> list[str]:
    """What an answer says, an archive's files too; a PDF is the form's or the report's, tested elsewhere."""
    body = answer.content
    if zipfile.is_zipfile(io.BytesIO(body)):
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            return [archive.read(name).decode(errors="replace") for name in archive.namelist()]
    return [answer.text, str(dict(answer.headers))]


async def test_RE3_no_answer_log_export_or_column_shows_the_account(
    claims: Claims, fleet: Fleet, capfd: pytest.CaptureFixture[str]
) -> None:
    said: list[str] = []

    async def hear(answer: httpx.Response) -> None:
        await answer.aread()
        said.extend(texts(answer))

    fleet.client.event_hooks["response"].append(hear)
    await fill(fleet, claims)
    await seal_form(claims, fleet)
    for body in ({"name": "X", "bank_account": "01-0242-0100194-99"}, {"name": "Y", "bank_account": ACCOUNT, "no": 1}):
        assert (await fleet.client.post("/v1/claimants", json=body)).status_code in {201, 422}
    async with tx(claims.worker) as conn:
        known = {
            "claimant_id": fleet.claimant_id,
            "licence_id": fleet.licences["RUC 0001"],
            "vehicle_id": fleet.vehicles["ABC123"],
            "claim_id": str(await conn.fetchval("select id from claims.claim")),
            "attachment_id": str(await conn.fetchval("select id from claims.attachment limit 1")),
        }
    asked = 0
    for path, methods in claims.app.openapi()["paths"].items():
        if "get" in methods:
            where = re.sub(r"\{(\w+)\}", lambda found: known.get(found[1], SOME_ID), path)
            answer = await fleet.client.get(where)
            assert answer.status_code < 500 or answer.status_code == 503, (path, answer.text)
            asked += answer.is_success
    assert asked > 15, "the routes were there"
    logs = "".join(capfd.readouterr())
    superuser = await asyncpg.connect(claims.database.superuser)
    try:
        tables = await superuser.fetch(
            "select relname from pg_class where relnamespace = 'claims'::regnamespace and relkind = 'r'"
        )
        stored = [
            str(await superuser.fetch(await superuser.fetchval("select format('select * from claims.%I', $1::text)", row[0])))
            for row in tables
        ]  # fmt: skip
    finally:
        await superuser.close()
    for text in (*said, logs, *stored):
        plain = re.sub(r"[\s-]", "", text)
        assert DIGITS not in plain
        assert BASE not in plain
    assert any("…" in text for text in said), "masked it is shown"
