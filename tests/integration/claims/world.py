"""A small fleet with a known truth, put in through the API and the ledger's own writer."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

import httpx

from services.claims.repo import ledger
from shared.contracts.device_day import DeviceDay, Hold, Progress, Segment, Total
from shared.contracts.topics import PARTITIONS
from shared.db.pool import Pool, tx
from shared.nz_days import bounds_ms, to_ordinal

NOW_MS = 1_795_305_600_000  # 2026-11-22T00:00Z
COMPLETE_MS = NOW_MS - 3_600_000
PURCHASE_MS = 1_792_004_400_000  # 2026-10-15T08:00+13:00, where the claimable licence ends
HOUR_MS = 3_600_000
KM = 1_000_000
ACCOUNT = "01-0242-0100194-00"
FIRST_DAY = to_ordinal(date(2026, 10, 1))
TRAVEL_DAYS = 14


def device_day(
    tenant: UUID,
    device: str,
    day: int,
    *,
    rev: int = 1,
    settled: bool = True,
    public_mm: int = 30 * KM,
    off_road_mm: int = 40 * KM,
) -> DeviceDay:
    """Public road from 9 to 10, off road from 10 to 12 (about 9 NZ time)."""
    start = bounds_ms(day)[0] + 9 * HOUR_MS
    segments = (
        _segment(start, start + HOUR_MS, "public_road", "mapped_public", public_mm),
        _segment(start + HOUR_MS, start + 3 * HOUR_MS, "off_road", "private_road", off_road_mm),
    )
    return DeviceDay(
        tenant=str(tenant),
        device=device,
        day=day,
        rev=rev,
        settled=settled,
        totals=tuple(Total(s.surface, s.basis, s.kind, s.in_stretch, s.mm) for s in segments),
        segments=segments if settled else (),
        fixes=480,
        first_fix_ms=start,
        last_fix_ms=start + 3 * HOUR_MS,
        engine_on_ms=3 * HOUR_MS,
        covered_ms=3 * HOUR_MS,
        road_set="a1b2c3d4e5f60718",
    )


def _segment(start_ms: int, end_ms: int, surface: Any, basis: Any, mm: int) -> Segment:
    return Segment(
        start_ms, end_ms, surface, basis, "drive", False, mm, "3.2", -41_000_000, 175_000_000, -41_010_000, 175_010_000
    )


async def put_days(worker: Pool, days: Sequence[DeviceDay]) -> None:
    async with tx(worker) as conn:
        await ledger.put_days(conn, ledger.day_columns(days))


async def put_progress(worker: Pool, tick_ms: int = COMPLETE_MS) -> None:
    async with tx(worker) as conn:
        await ledger.put_progress(conn, [Progress(partition=p, tick_ms=tick_ms) for p in range(PARTITIONS)])


@dataclass
class Fleet:
    """One tenant's client, and what it has registered."""

    client: httpx.AsyncClient
    tenant: UUID
    worker: Pool
    claimant_id: str = ""
    vehicles: dict[str, str] = field(default_factory=dict)
    recorders: dict[str, str] = field(default_factory=dict)
    licences: dict[str, str] = field(default_factory=dict)

    async def post(self, path: str, body: dict[str, Any], status: int = 201) -> dict[str, Any]:
        answer = await self.client.post(f"/v1{path}", json=body)
        assert answer.status_code == status, (path, answer.status_code, answer.text)
        found: dict[str, Any] = answer.json()
        return found

    async def get(self, path: str, status: int = 200, **params: str) -> dict[str, Any]:
        answer = await self.client.get(f"/v1{path}", params=params)
        assert answer.status_code == status, (path, answer.status_code, answer.text)
        found: dict[str, Any] = answer.json()
        return found

    async def add_claimant(self, name: str = "Hill Farms Limited", **more: Any) -> str:
        body = {
            "name": name,
            "customer_number": "123456789",
            "bank_account": ACCOUNT,
            "bank_account_name": name,
            "address": "12 Ridge Road, Taihape",
            "phone": "06 388 0000",
            "email": "office@hill.example",
            "default_reason_code": 2,
            "default_travel_description": "Farm work on our own land",
        }
        self.claimant_id = (await self.post("/claimants", body | more))["id"]
        return self.claimant_id

    async def add_ute(self, plate: str = "ABC123", device: str = "imei-1", since: str = "2026-01-01") -> str:
        """A vehicle with one device and one odometer, both since the start of 2026 or of another day."""
        vehicle = (await self.post("/vehicles", {"plate": plate, "ruc_type": "1", "gross_kg": 3050}))["id"]
        self.vehicles[plate] = vehicle
        assigned = {"device": device, "vehicle_id": vehicle, "from": since, "gps_type": "Teltonika FMC130"}
        await self.post("/devices", assigned)
        recorder = {"vehicle_id": vehicle, "kind": "odometer", "serial": f"OD-{plate}", "from": since}
        self.recorders[plate] = (await self.post("/recorders", recorder))["id"]
        return vehicle

    async def add_reading(self, plate: str, at: str, value: int) -> str:
        body = {"recorder_id": self.recorders[plate], "at": at, "value": value, "source": "person"}
        return str((await self.post("/readings", body))["id"])

    def licence_body(self, plate: str, number: str, start: int, issued_at: str, **more: Any) -> dict[str, Any]:
        return {
            "claimant_id": self.claimant_id,
            "recorder_id": self.recorders[plate],
            "number": number,
            "start_reading": start,
            "end_reading": start + 1000,
            "issued_at": issued_at,
            "units": 1,
            "gross_cents": 7600,
            "fee_cents": 1244,
        } | more

    async def add_licence(self, plate: str, number: str, start: int, issued_at: str, **more: Any) -> str:
        made = await self.post("/licences", self.licence_body(plate, number, start, issued_at, **more))
        self.licences[number] = made["id"]
        return str(made["id"])

    async def claimable(
        self, plate: str = "ABC123", device: str = "imei-1", number: str = "RUC 0001", *, complete_ms: int = COMPLETE_MS
    ) -> str:
        """A used-up licence of 1000 km: 420 km public, 560 km off road and 20 km that no fix explains."""
        if not self.claimant_id:
            await self.add_claimant()
        await self.add_ute(plate, device)
        licence = await self.add_licence(plate, number, 45_000, "2026-10-01T08:00:00+13:00")
        await self.add_reading(plate, "2026-10-01T08:00:00+13:00", 45_000)
        await self.add_reading(plate, "2026-10-15T08:00:00+13:00", 46_000)
        await self.add_licence(plate, f"{number} next", 46_000, "2026-10-15T08:00:00+13:00")
        days = [device_day(self.tenant, device, FIRST_DAY + i) for i in range(TRAVEL_DAYS)]
        await put_days(self.worker, days)
        await put_progress(self.worker, complete_ms)
        return licence

    async def log_a_day(self, licence: str, attachment: str, km: str, status: int = 201) -> dict[str, Any]:
        """Rule LI8, on 5 October: readings round that day show 15 km of it that no fix explains."""
        if not (await self.get("/readings", ref="log-1"))["items"]:
            for ref, at, value in (("log-1", "2026-10-05", 45_280), ("log-2", "2026-10-06", 45_365)):
                await self.post(
                    "/readings", {"ref": ref, "recorder_id": self.recorders["ABC123"], "at": at, "value": value}
                )
        body = {"on": "2026-10-05", "km": km, "reason": "no power", "attachment_id": attachment, "actor": "R Hill"}
        return await self.post(f"/licences/{licence}/log-entries", body, status)

    async def verify(self, licence: str, actor: str = "R Hill") -> dict[str, Any]:
        """Rule CL2: what a person does after looking at the report."""
        asked = await self.get(f"/licences/{licence}/verification")
        body = {"actor": actor, "statement_hash": asked["statement_hash"], "wording": asked["wording"]}
        return await self.post(f"/licences/{licence}/verification", body)

    async def hold_a_day(self, *, rev: int, is_open: bool, device: str = "imei-1", days: int = 1) -> None:
        """The classifier says that it still works on the first days, or that it is done."""
        holds = [
            Hold(tenant=str(self.tenant), device=device, day=FIRST_DAY + i, kind="reprocess", open=is_open, rev=rev)
            for i in range(days)
        ]
        async with tx(self.worker) as conn:
            await ledger.put_holds(conn, holds)

    async def waive(self, licence: str, reason: str = "looked at", actor: str = "R Hill") -> dict[str, Any]:
        """A decision about a hold that was open for a moment (rule EL4)."""
        await self.hold_a_day(rev=1, is_open=True)
        made = await self.post("/waivers", {"rule": "EL4", "licence_id": licence, "reason": reason, "actor": actor})
        await self.hold_a_day(rev=2, is_open=False)
        return made

    async def preview(self, licence_ids: Sequence[str], *, verified: bool = True, **more: Any) -> dict[str, Any]:
        for licence in licence_ids if verified else ():
            await self.verify(licence)
        body = {"claimant_id": self.claimant_id, "licence_ids": list(licence_ids), "person_completing": "R Hill"}
        return await self.post("/claims/preview", body | more, 200)
