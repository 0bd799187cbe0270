"""Spreadsheets into the register, and rule LI7's claimed-outside licences among them."""

import asyncio
import re
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from click.testing import CliRunner

from services.claims.api.imports.import_kinds import KINDS
from services.cli import main
from shared.db.errors import DatabaseUnavailable
from shared.db.pool import last_longer, open_pool, tx
from tests.integration.claims.conftest import Claims
from tests.integration.claims.world import Fleet
from tests.stack import Database

pytestmark = pytest.mark.integration

GUIDE = Path(__file__).parents[3] / "docs/guide/import.md"


def examples() -> dict[str, str]:
    """kind → the guide's file of it, in the guide's order."""
    parts = (part.partition("\n") for part in GUIDE.read_text().split("\n## ")[1:])
    return {kind: found[1] for kind, _, text in parts if (found := re.search(r"```csv\n(.*?)```", text, re.DOTALL))}


async def send(fleet: Fleet, kind: str, text: str, status: int = 200, **params: Any) -> dict[str, Any]:
    answer = await fleet.client.post(
        f"/v1/imports/{kind}", content=text.encode(), params=params, headers={"Content-Type": "text/csv; charset=utf-8"}
    )
    assert answer.status_code == status, (kind, answer.status_code, answer.text)
    found: dict[str, Any] = answer.json()
    return found


def outcomes(answer: dict[str, Any]) -> list[str]:
    return [line["outcome"] for line in answer["report"]]


async def test_LI7_the_guides_files_are_imported_as_written_and_make_nothing_twice(fleet: Fleet) -> None:
    files = examples()
    assert list(files) == list(KINDS)
    for kind, text in files.items():
        for dry_run in (True, False):
            answer = await send(fleet, kind, text, dry_run=dry_run)
            assert set(outcomes(answer)) == {"ok"}, answer
            assert answer["stored"] is not dry_run
            assert all((line["id"] is None) is dry_run for line in answer["report"])
    for kind, text in files.items():
        again = await send(fleet, kind, text)
        assert set(outcomes(again)) == {"exists"}, again
        assert not any(line["differs"] for line in again["report"]), again
    licences = {item["ref"]: item for item in (await fleet.get("/licences"))["items"]}
    assert [licences[ref]["state"] for ref in ("L1", "L2")] == ["claimed_outside", "running"]
    assert (licences["L1"]["gross_cents"], licences["L1"]["fee_cents"], licences["L1"]["plate"]) == (
        38_000,
        1_244,
        "XYZ9",
    )
    assert licences["L1"]["issued_at"] == "2026-04-30T21:30:00Z"
    ute = (await fleet.get("/vehicles", ref="ute-1"))["items"][0]
    assert [plate["plate"] for plate in ute["plates"]] == ["ABC123", "XYZ9"]
    recorder = (await fleet.get("/recorders", vehicle_id=licences["L3"]["vehicle_id"]))["items"]
    assert licences["L3"]["recorder_id"] in {item["id"] for item in recorder if item["serial"] == "HB-44120"}


async def test_a_wrong_line_says_where_and_why_and_the_others_are_kept(fleet: Fleet) -> None:
    await fleet.add_claimant()
    await fleet.add_ute()
    text = (
        "claimant,plate,number,start_reading,end_reading,issued_at,units,gross_dollars,gross_cents\n"
        "Hill Farms Limited,ABC123,RUC 1,45000,46000,2026-05-01,1,76.00,\n"
        "Nobody Ltd,ABC123,RUC 2,46000,47000,2026-06-01,1,76.00,\n"
        "Hill Farms Limited,ABC123,RUC 3,46000,46500,2026-06-01,1,76.00,\n"
        "Hill Farms Limited,ABC123,RUC 4,45500,46500,2026-06-01,1,76.00,\n"
        "Hill Farms Limited,ABC123,RUC 5,46000,47000,2026-06-01,1,76.00,7600\n"
        "Hill Farms Limited,ABC123,RUC 6,46000,47000,31/06/2026,1,76.005,\n"
        "Hill Farms Limited,ABC123,RUC 7,46000,,2026-06-01,,76.00,\n"
        "hill farms LIMITED,abc-123,ruc-1,45000,46000,2026-05-01,1,75.00,\n"
    )
    dry = await send(fleet, "licences", text, dry_run=True)
    assert (await fleet.get("/licences"))["items"] == []
    real = await send(fleet, "licences", text)
    assert (real["ok"], real["exists"], real["errors"]) == (1, 1, 6)
    assert outcomes(dry) == outcomes(real)
    errors = {
        line["line"]: [(e["column"], e["code"]) for e in line["errors"]] for line in real["report"] if line["errors"]
    }
    assert errors == {
        3: [("claimant", "unknown_id")],
        4: [("end_reading", "licence_invalid")],
        5: [("", "licence_range_overlap")],
        6: [("gross_dollars", "given_twice")],
        7: [("gross_dollars", "money_parsing")],
        8: [("end_reading", "missing")],
    }  # fmt: skip
    same = real["report"][-1]
    assert (same["same_as_line"], same["differs"]) == (2, ["gross_cents"])
    assert same["id"] == real["report"][0]["id"]


async def test_all_or_nothing_leaves_nothing_where_a_line_fails(fleet: Fleet) -> None:
    await fleet.add_ute()
    good = "serial,at,value\nOD-ABC123,2026-05-01,45000\nod abc123,2026-06-01 12:00,46000\n"
    refused = await send(fleet, "readings", good + "OD-ABC123,2026-07-01,45999\n", atomic=True)
    assert (refused["stored"], refused["errors"], refused["report"][2]["errors"][0]["column"]) == (False, 1, "value")
    assert (await fleet.get("/readings"))["items"] == []
    kept = await send(fleet, "readings", good, atomic=True)
    assert (kept["stored"], kept["ok"]) == (True, 2)
    changed = await send(fleet, "readings", good.replace("45000", "45001"))
    assert [line["differs"] for line in changed["report"]] == [["value"], []]


async def test_a_plate_means_the_vehicle_that_bore_it_then(fleet: Fleet) -> None:
    old = await fleet.add_ute()
    await fleet.post(f"/vehicles/{old}/plates", {"plate": "NEW1", "from": "2026-06-01"})
    young = (await fleet.post("/vehicles", {"plate": "ABC123", "plate_from": "2026-06-01"}))["id"]
    text = "plate,device,from,primary\nABC123,a,2026-05-31,no\nABC123,b,2026-06-01,no\nZZZ1,c,2026-06-01,no\n"
    answer = await send(fleet, "devices", text)
    assert outcomes(answer) == ["ok", "ok", "error"]
    borne = {item["device"]: item["vehicle_id"] for item in (await fleet.get("/devices"))["items"]}
    assert (borne["a"], borne["b"]) == (old, young)
    taken = await send(fleet, "plates", "vehicle_ref,old_plate,plate,from\n,NEW1,ABC123,2026-08-01\n")
    assert taken["report"][0]["errors"][0]["code"] == "plate_taken"


async def test_what_is_no_file_of_the_kind_is_refused_before_anything(claims: Claims, fleet: Fleet) -> None:
    header = await send(fleet, "readings", "serial,at,colour\nx,y,z\n", 422)
    assert {error["pointer"] for error in header["errors"]} == {"/colour", "/value"}
    assert (await send(fleet, "readings", "", 400))["code"] == "broken_csv"
    assert (await send(fleet, "nothing", "a\n", 422))["code"] == "invalid"
    assert (await fleet.post("/imports/readings", {}, 415))["code"] == "media_type_unsupported"
    big = "serial,at,value\n" + "x" * 5_000_000
    assert (await send(fleet, "readings", big, 413))["limit_bytes"] == 5_000_000
    reader = await claims.client(None).post("/v1/imports/readings", content=b"a")
    assert reader.status_code == 401


async def test_the_same_key_gives_the_first_report_again(fleet: Fleet) -> None:
    headers = {"Content-Type": "text/csv", "Idempotency-Key": "import-1"}
    text = "plate\n" + "".join(f"K{i}\n" for i in range(450))
    first = await fleet.client.post("/v1/imports/vehicles", content=text, headers=headers)
    again = await fleet.client.post("/v1/imports/vehicles", content=text, headers=headers)
    assert first.json()["ok"] == 450
    assert again.headers["Idempotent-Replay"] == "true"
    assert again.content == first.content
    otherwise = await fleet.client.post("/v1/imports/vehicles?atomic=true", content=text, headers=headers)
    assert (otherwise.status_code, otherwise.json()["code"]) == (409, "idempotency_key_reused"), "another request"


async def test_one_transaction_may_be_told_to_last_longer(database: Database) -> None:
    pool = await open_pool(database.dsn("claims", "api"), name="test-longer", size=1, transaction_ms=400)

    async def slow(ms: int | None) -> None:
        async with tx(pool) as conn:
            if ms is not None:
                await last_longer(conn, ms)
            for _ in range(4):
                await conn.execute("select pg_sleep(0.2)")

    await slow(30_000)
    with pytest.raises(DatabaseUnavailable):
        await slow(None)
    await pool.close()


@asynccontextmanager
async def served(claims: Claims) -> AsyncIterator[str]:
    """The app behind a real socket; its address."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = uvicorn.Server(uvicorn.Config(claims.app, log_level="warning", lifespan="off", ws="none"))
        running = asyncio.create_task(server.serve([listening]))
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        server.should_exit = True
        await running


async def test_the_command_imports_a_file_and_tells_what_is_wrong(claims: Claims, fleet: Fleet, tmp_path: Path) -> None:
    await fleet.add_ute()
    file = tmp_path / "readings.csv"
    file.write_text("serial,at,value\nOD-ABC123,2026-05-01,45000\nOD-ABC123,2026-09-27 02:30,many\n")
    told = {"RUCOR_KEY": fleet.client.headers["Authorization"].removeprefix("Bearer ")}
    async with served(claims) as url:
        for more, last in (
            (["--dry-run"], "2 lines: 1 new, 0 there already, 1 wrong; nothing was stored"),
            ([], "2 lines: 1 new, 0 there already, 1 wrong"),
            ([], "2 lines: 0 new, 1 there already, 1 wrong"),
        ):
            ran = await asyncio.to_thread(
                CliRunner().invoke, main, ["import", "readings", str(file), "--url", url, *more], env=told
            )
            *wrong, counted = ran.output.splitlines()
            assert counted == last
            assert sorted(line.partition(" is ")[0].partition(" the clocks")[0] for line in wrong) == [
                "line 3: at:", "line 3: value: 'many'"
            ], "every wrong cell of a line at once"  # fmt: skip
            assert ran.exit_code == 1
        file.write_text("serial,at\n")
        ran = await asyncio.to_thread(
            CliRunner().invoke, main, ["import", "readings", str(file), "--url", url], env=told
        )
        assert "the header lacks value" in ran.output
