"""What a statement costs over HTTP: a licence of two years of pings, and a claim of many licences, in the service as it runs.

    python -m tests.bench.statement [--out out/statement.json] [--requests 300] [--licences 500] [--tiny]

Device-days are the classifier's own of the sample fleet, laid end to end over two years.  Beside each figure stands the plain
read of the same rows, by SQL under the same role in the same run: what of it is the database, and what is ours.  No figure is
asserted: a slow machine gives slow ones, the ratio stands."""

import argparse
import asyncio
import http.client
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import UUID

import httpx
import msgspec

from services.claims.cli import SCOPES, create_tenant, issue_key
from services.claims.repo import ledger
from services.claims.repo.ledger import SUMMARIES, Window
from services.classifier.domain.device_day import classify_days
from shared.contracts.device_day import DeviceDay, Reading
from shared.db.pool import Pool, open_pool, tenant_tx, tx
from shared.nz_days import AUCKLAND, bounds_ms, from_ordinal, to_ordinal
from tests.bench import inputs
from tests.bench.service import ClaimsService, running_claims
from tests.integration.claims.world import KM, Fleet, put_progress
from tests.stack import Database, Databases, running_stack

FIRST: Final = to_ordinal(date(2024, 11, 1))
TWO_YEARS: Final = 730
NOW: Final = datetime(2026, 11, 22, tzinfo=AUCKLAND)
LICENCES_EACH: Final = 5
BATCH: Final = 500
WARM_UP: Final = 20
CLIENTS: Final = 4
"""Who ask at once: more than the machine of the tests has cores."""


def pattern(folder: Path) -> list[DeviceDay]:
    """A fortnight of one vehicle at 30 s, as the classifier judges it."""
    load = inputs.sample_load(folder, devices=4)
    wanted = [(key, day) for key in load.pings.keys if "30s" in key[1] for day in range(to_ordinal(inputs.UNTIL) - 13, to_ordinal(inputs.UNTIL) + 1)]  # fmt: skip
    return [one.revision(1, True, "a1b2c3d4e5f60718") for one in classify_days(load.pings, wanted, inputs.road_set(load.source, folder / "roads"))]  # fmt: skip


def two_years(days: Sequence[DeviceDay], tenant: UUID, device: str, first: int, count: int) -> list[DeviceDay]:
    """The pattern over and over, its odometer running on."""
    made, run_mm = [], 0
    for number in range(count):
        day = days[number % len(days)]
        made.append(_moved(day, str(tenant), device, first + number, run_mm))
        if day.readings:
            run_mm += day.readings[-1].odometer_mm - day.readings[0].odometer_mm
    return made


def _moved(day: DeviceDay, tenant: str, device: str, number: int, run_mm: int) -> DeviceDay:
    (old, _), (new, end) = bounds_ms(day.day), bounds_ms(number)
    by, base = new - old, run_mm - day.readings[0].odometer_mm if day.readings else 0

    def reading(one: Reading | None) -> Reading | None:
        return None if one is None else Reading(min(one.ts_ms + by, end), one.odometer_mm + base)

    return msgspec.structs.replace(
        day, tenant=tenant, device=device, day=number, first_reading=reading(day.first_reading),
        last_reading=reading(day.last_reading), readings=tuple(Reading(min(one.ts_ms + by, end), one.odometer_mm + base) for one in day.readings),
        segments=tuple(msgspec.structs.replace(one, start_ms=one.start_ms + by, end_ms=one.end_ms + by) for one in day.segments),
        first_fix_ms=day.first_fix_ms + by, last_fix_ms=day.last_fix_ms + by,
    )  # fmt: skip


def travelled_km(days: Sequence[DeviceDay]) -> list[int]:
    """Whole kilometres on the device's odometer at the end of each day, from 0."""
    found, last = [], 0
    for day in days:
        last = day.readings[-1].odometer_mm if day.readings else last
        found.append(last // KM)
    return found


async def put(worker: Pool, days: Sequence[DeviceDay]) -> None:
    for at in range(0, len(days), BATCH):
        async with tx(worker) as conn:
            await ledger.put_days(conn, ledger.day_columns(days[at : at + BATCH]))


def noon(number: int) -> str:
    return datetime.combine(from_ordinal(number), datetime.min.time(), tzinfo=AUCKLAND).replace(hour=12).isoformat()


async def one_vehicle(fleet: Fleet, days: Sequence[DeviceDay]) -> str:
    """One licence that takes the two years, a reading a month, and a newer licence."""
    await fleet.add_claimant()
    await fleet.add_ute("TWO2", "two-years", since="2024-01-01")
    made = two_years(days, fleet.tenant, "two-years", FIRST, TWO_YEARS)
    await put(fleet.worker, made)
    driven = travelled_km(made)
    units = -(-driven[-1] // 1000)
    body = {"end_reading": 10_000 + units * 1000, "units": units, "gross_cents": 7600 * units}
    licence = await fleet.add_licence("TWO2", "TWO YEARS", 10_000, noon(FIRST - 1), **body)
    await fleet.add_reading("TWO2", noon(FIRST - 1), 10_000)
    for number in range(30, TWO_YEARS, 30):
        await fleet.add_reading("TWO2", noon(FIRST + number), 10_000 + driven[number - 1])
    await fleet.add_reading("TWO2", noon(FIRST + TWO_YEARS), 10_000 + units * 1000 + 3)
    await fleet.add_licence("TWO2", "NEXT", 10_000 + units * 1000, noon(FIRST + TWO_YEARS))
    return licence


async def many(fleet: Fleet, days: Sequence[DeviceDay], licences: int) -> list[str]:
    """Vehicles with five used-up licences each, one after the other."""
    wanted: list[str] = []
    for number in range(-(-licences // LICENCES_EACH)):
        plate, device = f"F{number}", f"fleet-{number}"
        await fleet.add_ute(plate, device, since="2024-01-01")
        made = two_years(days, fleet.tenant, device, FIRST + 365, 365)
        driven = travelled_km(made)
        at, value = 0, 20_000
        for step in range(LICENCES_EACH + 1):
            await fleet.add_reading(plate, noon(FIRST + 364 + at), value)
            licence = await fleet.add_licence(plate, f"{plate}-{step}", value, noon(FIRST + 364 + at))
            if step == LICENCES_EACH:
                break
            wanted.append(licence)
            at = next(i for i, km in enumerate(driven, 1) if 20_000 + km > value + 1000)
            value = 20_000 + driven[at - 1]
        await put(fleet.worker, made[:at])
    return wanted[:licences]


def percentiles(spans: Sequence[float]) -> dict[str, float]:
    """Milliseconds."""
    ordered = sorted(spans)
    return {"requests": len(ordered), **{f"p{share}_ms": 1000 * ordered[min(len(ordered) - 1, len(ordered) * share // 100)] for share in (50, 99)}}  # fmt: skip


def gets(service: ClaimsService, key: str, path: str, count: int) -> tuple[list[float], int]:
    """Seconds of each request on one connection kept open, answers read whole; and the last answer's bytes."""
    connection = http.client.HTTPConnection(urlsplit(service.url).netloc, timeout=60)
    spans, size = [], 0
    for _ in range(count):
        began = time.perf_counter()
        connection.request("GET", path, headers={"Authorization": f"Bearer {key}"})
        answer = connection.getresponse()
        body = answer.read()
        if answer.status != http.client.OK:
            raise RuntimeError(f"{path} answered {answer.status}: {body[:300]!r}")
        spans.append(time.perf_counter() - began)
        size = len(body)
    connection.close()
    return spans, size


def timed_gets(service: ClaimsService, key: str, path: str, count: int) -> dict[str, Any]:
    """By one client, then by several at once."""
    gets(service, key, path, WARM_UP)
    used = cpu_s(service.pid)
    spans, size = gets(service, key, path, count)
    cpu_ms = 1000 * (cpu_s(service.pid) - used) / count
    with ThreadPoolExecutor(CLIENTS) as clients:
        each = clients.map(lambda _: gets(service, key, path, -(-count // CLIENTS)), range(CLIENTS))
        at_once = percentiles([span for spans, _ in each for span in spans])
    return {**percentiles(spans), "cpu_ms": cpu_ms, "bytes": size, "at_once": at_once}


def cpu_s(pid: int) -> float:
    """Seconds of CPU that a process has used, which a busy machine does not stretch as it does the time of an answer."""
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def plain_read(pool: Pool, tenant: UUID, windows: Sequence[Window], count: int) -> dict[str, Any]:
    """The baseline: the rows of the days, by one statement, under row-level security."""
    spans = []
    columns = [[one.device for one in windows], [one.first_day for one in windows], [one.last_day for one in windows]]
    for number in range(count + WARM_UP):
        began = time.perf_counter()
        async with tenant_tx(pool, tenant) as conn:
            rows = await conn.fetch(SUMMARIES, tenant, *columns, [], [])
        if number >= WARM_UP:
            spans.append(time.perf_counter() - began)
    return {**percentiles(spans), "rows": len(rows)}


async def claim(fleet: Fleet, wanted: list[str]) -> dict[str, float]:
    """Seconds of each step over all licences at once."""
    found: dict[str, float] = {}

    async def step(name: str, call: Callable[[], Any]) -> Any:
        began = time.perf_counter()
        answer = await call()
        found[f"{name}_s"] = time.perf_counter() - began
        return answer

    for licence in wanted:
        await fleet.verify(licence)
    body = {"claimant_id": fleet.claimant_id, "licence_ids": wanted, "person_completing": "R Hill"}
    preview = await step("preview", lambda: fleet.post("/claims/preview", body, 200))
    if not preview["lodgeable"]:
        failing = [one for line in preview["lines"] for one in line["findings"] if one["outcome"] == "fail"]
        raise RuntimeError(f"not lodgeable: {failing[:3] or preview['findings']}")
    await step("lodge", lambda: fleet.post("/claims", {"preview_token": preview["preview_token"]}))
    await step("list", lambda: fleet.get("/licences", limit="500"))
    return found


async def measure(database: Database, service: ClaimsService, folder: Path, requests: int, licences: int) -> dict[str, Any]:  # fmt: skip
    dsn = database.dsn("claims", "worker")
    tenant = await create_tenant(dsn, "bench")
    key = await issue_key(dsn, tenant, "bench", SCOPES)
    worker = await open_pool(dsn, name="bench-worker", size=2)
    api = await open_pool(database.dsn("claims", "api"), name="bench-api", size=2)
    headers = {"Authorization": f"Bearer {key}"}
    days = await asyncio.to_thread(pattern, folder)
    async with httpx.AsyncClient(base_url=service.url, headers=headers, timeout=120, trust_env=False) as client:
        fleet = Fleet(client, tenant, worker)
        licence = await one_vehicle(fleet, days)
        wanted = await many(fleet, days, licences)
        await put_progress(worker, int(NOW.timestamp() * 1000))
        async with worker.acquire() as conn:
            await conn.execute("analyze claims.device_day")
        await fleet.verify(
            licence
        )  # nothing is left to do: then the vehicle's other licences are looked at too (rule EL7)
        found: dict[str, Any] = {"licences": len(wanted)}
        window = [Window("two-years", FIRST, FIRST + TWO_YEARS)]
        found["plain_sql"] = await plain_read(api, tenant, window, requests)
        for name in ("statement", "eligibility"):
            path = f"/v1/licences/{licence}/{name}"
            found[name] = await asyncio.to_thread(timed_gets, service, key, path, requests)
        found["claim"] = await claim(fleet, wanted) if wanted else {}
    await worker.close()
    await api.close()
    return found


def report(found: dict[str, Any]) -> None:
    base = found["plain_sql"]
    print(f"\nstatement of a licence of two years ({base['rows']} device-days), over HTTP")
    for name in ("plain_sql", "statement", "eligibility"):
        row = found[name]
        ratio = row["p50_ms"] / base["p50_ms"]
        cpu = f"   {row['cpu_ms']:.1f} ms of CPU in the service" if "cpu_ms" in row else ""
        print(
            f"  {name:12} p50 {row['p50_ms']:7.1f} ms   p99 {row['p99_ms']:7.1f} ms   {ratio:5.1f} x the plain read{cpu}"
        )
        if "at_once" in row:
            busy = row["at_once"]
            print(f"  {CLIENTS} at once    p50 {busy['p50_ms']:7.1f} ms   p99 {busy['p99_ms']:7.1f} ms")
    if found["claim"]:
        steps = ", ".join(f"{name.removesuffix('_s')} {s:.2f} s" for name, s in found["claim"].items())
        print(f"  a claim of {found['licences']} licences: {steps}")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.statement", description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("out/statement.json"))
    parser.add_argument("--requests", type=int, default=300)
    parser.add_argument("--licences", type=int, default=500)
    parser.add_argument("--tiny", action="store_true", help="few requests, few licences")
    asked = parser.parse_args()
    requests, licences = (20, 5) if asked.tiny else (asked.requests, asked.licences)
    with tempfile.TemporaryDirectory() as folder, running_stack(Path(folder) / "stack") as info:
        databases = Databases(info)
        databases.make_template()
        with databases.clone() as database, running_claims(database, NOW) as service:
            found = asyncio.run(measure(database, service, Path(folder), requests, licences))
        databases.drop_template()
    report(found)
    asked.out.parent.mkdir(parents=True, exist_ok=True)
    asked.out.write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
