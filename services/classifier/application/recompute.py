"""Compute device-days again: dry, to see what they would say, or for good, by making them due under a hold."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from services.classifier.application import dirty
from services.classifier.application.judging import Judge, Kernel
from services.classifier.application.reading import read_fixes
from services.classifier.application.road_sets import NamedRoads, RoadsByDay
from services.classifier.application.ruling_refusals import invalid
from services.classifier.application.windows import window_bounds_ms
from services.classifier.repo import evidence, rulings
from services.classifier.repo.dirty_days import Scope
from services.classifier.repo.evidence import Stretch
from shared.contracts.device_day import DeviceDay
from shared.contracts.pings import Pings
from shared.contracts.recompute import RecomputeAsked, Recomputed
from shared.db.pool import Connection
from shared.http.problems import unavailable

DAYS_PER_STEP: Final = 25
"""Read and computed together."""
DAYS_PER_CALL: Final = 250
FIXES_PER_CALL: Final = 500_000
"""A page ends with the step that reaches either."""


Transaction = Callable[[], AbstractAsyncContextManager[Connection]]
"""Sees the tenant asked for only."""


@dataclass(frozen=True)
class DryJudges:
    """What device-days are judged by, for reading only and with a tenant's rights."""

    kernel: Kernel
    roads: Callable[[], RoadsByDay | None]
    """The data sets that count, None while one of them is missing here."""
    sets: Callable[[], Mapping[str, NamedRoads]]
    """Every data set that is open here, whether it counts or not."""

    async def judge(self, conn: Connection, tenant: str, road_set: str | None) -> Judge:
        """As the tenant's days are judged now, or as if the named set counted for every day.  Raises Problem 422 for a
        set that is not open here, 503 while one that counts is missing."""
        if road_set is None:
            roads = self.roads()
            if roads is None:
                raise unavailable("The road data sets that count are not open here yet: try again.")
        else:
            named = self.sets().get(road_set)
            if named is None:
                known = ", ".join(sorted(self.sets())) or "none"
                raise invalid(
                    "/road_set", f"there is no road data set {road_set!r} here; open are: {known}", "unknown_id"
                )
            roads = RoadsByDay.always(named)
        return Judge(self.kernel, roads, await rulings.read_book(conn, [tenant]))


async def dry_run(transaction: Transaction, asked: RecomputeAsked, judges: DryJudges, gap_ms: int) -> Recomputed:
    """One page of what the device-days would say with the evidence of now.  Nothing is written."""
    async with transaction() as conn:
        rows = await _device_days(conn, asked)
        judge = await judges.judge(conn, asked.tenant, asked.road_set)
    rest = [row for row in rows if asked.after is None or row > asked.after]
    days: list[DeviceDay] = []
    fixes_read = done = 0
    while done < len(rest) and len(days) < DAYS_PER_CALL and fixes_read < FIXES_PER_CALL:
        step = rest[done : done + DAYS_PER_STEP]
        fixes = await read_fixes(transaction, [_stretch(asked.tenant, row, gap_ms) for row in step])
        days += await asyncio.to_thread(_revisions, judge, fixes, asked.tenant, step)
        fixes_read, done = fixes_read + len(fixes), done + len(step)
    return Recomputed(device_days=len(rows), days=tuple(days), next=rest[done - 1] if done < len(rest) else None)


async def request(conn: Connection, asked: RecomputeAsked) -> Recomputed:
    """In the caller's transaction: the device-days become due for reprocessing, each under an open hold."""
    tenant = UUID(asked.tenant)
    scopes = [Scope(device, asked.from_day, asked.to_day) for device in sorted(set(asked.devices)) or [""]]
    device_days = await dirty.count(conn, tenant, scopes)
    await dirty.ask(conn, tenant, scopes, "reprocess")
    return Recomputed(device_days=device_days)


async def _device_days(conn: Connection, asked: RecomputeAsked) -> list[tuple[str, int]]:
    """In order."""
    only = asked.devices[0] if len(asked.devices) == 1 else None
    rows = await evidence.device_days(conn, asked.tenant, only, asked.from_day, asked.to_day)
    wanted = set(asked.devices)
    return sorted(row for row in rows if not wanted or row[0] in wanted)


def _stretch(tenant: str, row: tuple[str, int], gap_ms: int) -> Stretch:
    device, day = row
    return Stretch((tenant, device), day - 1, day + 1, *window_bounds_ms(day, gap_ms))


def _revisions(judge: Judge, fixes: Pings, tenant: str, rows: Sequence[tuple[str, int]]) -> list[DeviceDay]:
    judged = judge(fixes, [((tenant, device), day) for device, day in rows])
    return sorted((one.revision(0, settled=True) for one in judged), key=lambda one: (one.device, one.day))
