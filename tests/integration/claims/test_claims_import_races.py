"""Imports beside each other and beside the rest: no line twice, nothing half in, and every answer true."""

import asyncio
import itertools
from collections import Counter
from uuid import UUID

import asyncpg
import httpx
import pytest

from services.claims.api.imports import import_routes
from tests.integration.claims.conftest import Claims
from tests.integration.claims.test_claims_import import outcomes
from tests.integration.claims.waiting import until_waiting
from tests.integration.claims.world import Fleet

pytestmark = pytest.mark.integration

HEADER = "ref,plate,ruc_type,gross_kg\n"
KILL = "select count(pg_terminate_backend(pid)) from pg_stat_activity where application_name = 'test-claims-api'"
LOCK = "select id from claims.licence where id = $1 for update"


def vehicles(numbers: range) -> str:
    return HEADER + "".join(f"v{n},TR{n:03d},1,3050\n" for n in numbers)


async def send(fleet: Fleet, kind: str, text: str, key: str | None = None) -> httpx.Response:
    headers = {"Content-Type": "text/csv"} | ({"Idempotency-Key": key} if key else {})
    return await fleet.client.post(f"/v1/imports/{kind}", content=text.encode(), headers=headers)


async def rows(claims: Claims, table: str) -> int:
    async with claims.worker.acquire() as conn:
        return int(await conn.fetchval(f"select count(*) from claims.{table}"))


async def test_two_files_under_one_key_at_once_are_one_import_and_one_refusal(
    claims: Claims, fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_routes, "CHUNK_LINES", 1)
    files = {"first": vehicles(range(10)), "second": vehicles(range(10, 20))}
    answers = dict(
        zip(files, await asyncio.gather(*(send(fleet, "vehicles", t, "k") for t in files.values())), strict=True)
    )
    assert sorted(one.status_code for one in answers.values()) == [200, 409]
    refused, kept = sorted(answers, key=lambda name: answers[name].status_code, reverse=True)
    assert answers[refused].json()["code"] == "idempotency_key_reused"
    assert await rows(claims, "vehicle") == 10, "nothing of the file that was refused"
    again = await send(fleet, "vehicles", files[kept], "k")
    assert (again.content, again.headers["idempotent-replay"]) == (answers[kept].content, "true")
    assert (await send(fleet, "vehicles", files[refused], "k")).status_code == 409
    assert await rows(claims, "vehicle") == 10


async def test_one_file_sent_several_times_at_once_makes_each_line_once(
    claims: Claims, fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With its key, with another, and without any; beside a single POST of one of its lines."""
    monkeypatch.setattr(import_routes, "CHUNK_LINES", 3)
    text = vehicles(range(12))
    single = {"ref": "v7", "plate": "TR007", "ruc_type": "1", "gross_kg": 3050}
    *answers, posted = await asyncio.gather(
        *(send(fleet, "vehicles", text, key) for key in ("one", "one", "two", None)),
        fleet.client.post("/v1/vehicles", json=single),
    )
    assert {one.status_code for one in answers} == {200}
    assert answers[0].content == answers[1].content, "one key, one answer"
    told = Counter(word for one in answers for word in outcomes(one.json()))
    assert set(told) == {"ok", "exists"}
    assert posted.status_code in {201, 409}
    assert await rows(claims, "vehicle") == await rows(claims, "vehicle_plate") == 12


@pytest.mark.parametrize("lines", [2, 200])
async def test_LI7_an_import_that_meets_a_deadlock_is_run_again(
    claims: Claims, fleet: Fleet, monkeypatch: pytest.MonkeyPatch, lines: int
) -> None:
    """The transaction of another command holds the licence of the second line, and wants that of the first."""
    monkeypatch.setattr(import_routes, "CHUNK_LINES", lines)
    await fleet.add_claimant()
    await fleet.add_ute()
    made = [
        await fleet.add_licence("ABC123", f"RUC {n}", 45_000 + 1000 * n, f"2026-05-{n + 1:02d}T08:00:00+12:00")
        for n in range(3)
    ]
    text = "licence_id,claimed_on,reference,actor,reason\n" + "".join(f"{one},2026-07-01,p,R Hill,x\n" for one in made)
    other = await asyncpg.connect(claims.database.superuser)
    try:
        await other.execute("set deadlock_timeout = '60s'")  # so that it is the import that is ended
        async with other.transaction():
            await other.execute(LOCK, UUID(made[1]))
            importing = asyncio.create_task(send(fleet, "claimed-outside", text))
            await until_waiting(claims)
            await other.execute(LOCK, UUID(made[0]))
        answer = await importing
    finally:
        await other.close()
    assert (answer.status_code, outcomes(answer.json())) == (200, ["ok"] * 3)
    assert await rows(claims, "claimed_outside") == 3


async def test_an_import_whose_connections_die_leaves_whole_lines_and_the_same_file_goes_on(
    claims: Claims, fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed over and over, at whatever step it is: a 503 at most, no vehicle without its plate, and in the end every line once."""
    monkeypatch.setattr(import_routes, "CHUNK_LINES", 4)
    text = vehicles(range(40))
    superuser = await asyncpg.connect(claims.database.superuser)
    statuses: list[int] = []
    try:
        for pause_ms in itertools.chain((10, 25, 40, 60, 80, 110), itertools.repeat(60_000)):
            importing = asyncio.create_task(send(fleet, "vehicles", text, "k"))
            await asyncio.wait([importing], timeout=pause_ms / 1000)
            if not importing.done():
                await superuser.execute(KILL)
            answer = await importing
            statuses.append(answer.status_code)
            assert await rows(claims, "vehicle") == await rows(claims, "vehicle_plate")
            if answer.status_code == 200:
                break
    finally:
        await superuser.close()
    assert set(statuses) <= {200, 503}, statuses
    told = answer.json()
    assert (told["lines"], told["ok"] + told["exists"], told["errors"]) == (40, 40, 0)
    assert await rows(claims, "vehicle") == 40
    again = await send(fleet, "vehicles", text, "k")
    assert (again.content, again.headers["idempotent-replay"]) == (answer.content, "true")
