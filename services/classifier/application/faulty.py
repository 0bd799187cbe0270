"""Take out a device's stretch that a fleet marked as faulty and an operator accepted, and say which days heed it already.

The exclusion is a *place* that is everywhere, not a time without fixes: what would be off road in it becomes unknown, and
nothing else moves.  Fixes that took no part would leave a gap, which may be bridged, and would take public metres out of the
GPS sum that rule DI1 scales by: either could raise what is claimed."""

from typing import Final
from uuid import UUID

import shapely

from services.classifier.application.exclusions import Excluded, exclude, touched
from services.classifier.application.land import By
from services.classifier.application.polygons import Ground
from services.classifier.application.ruling_refusals import not_found
from services.classifier.domain.rulings import Rulings
from services.classifier.repo import evidence, ruling_versions, rulings
from services.classifier.repo.ruling_versions import Box, ExclusionRow
from shared.contracts.faulty import FaultyStretch, Pending, PendingAsked
from shared.db.pool import Connection
from shared.http.problems import Problem

_LAT_E6, _LNG_E6 = 90_000_000, 180_000_000
_WORLD: Final = shapely.box(-_LNG_E6, -_LAT_E6, _LNG_E6, _LAT_E6, ccw=True)
EVERYWHERE: Final = Ground(
    wkb=shapely.to_wkb(_WORLD, output_dimension=2, byte_order=1),
    box=Box(-_LAT_E6, -_LNG_E6, _LAT_E6, _LNG_E6),
    area_m2=510_072e9,
    vertices=5,
)


async def take_out(conn: Connection, stretch: FaultyStretch, by: By, gap_ms: int) -> int:
    """How many device-days it touches.  The same stretch again changes nothing; another one under its id is refused (409)."""
    wanted = Excluded(
        device=stretch.device, from_ms=stretch.from_ms, to_ms=stretch.to_ms, reason=stretch.reason, ground=EVERYWHERE
    )
    await ruling_versions.lock_tenant(conn, stretch.tenant)
    made = await ruling_versions.exclusion(conn, stretch.tenant, stretch.id)
    if not made:
        changed = await exclude(conn, stretch.tenant, wanted, "active", by, gap_ms, exclusion_id=stretch.id)
        return changed.device_days
    first = made[0]
    if (first.device, first.from_ms, first.to_ms, first.wkb) != (
        wanted.device,
        wanted.from_ms,
        wanted.to_ms,
        EVERYWHERE.wkb,
    ):
        raise Problem(
            409, "already_exists", "Another exclusion has this id", "Make a new mark for another stretch.",
            existing_id=str(stretch.id),
        )  # fmt: skip
    return len(await _days(conn, stretch.tenant, first, gap_ms))


async def pending(conn: Connection, asked: PendingAsked, gap_ms: int) -> Pending:
    """Raises Problem 404."""
    versions = await ruling_versions.exclusion(conn, asked.tenant, asked.id)
    if not versions:
        raise not_found("exclusion", asked.id)
    row = versions[-1]
    if row.state == "lifted":
        return Pending(state="lifted", days=())
    tenant, known = str(asked.tenant), {one.day: one.land for one in asked.known}
    book = (await rulings.read_book(conn, [tenant])).get(tenant, Rulings())
    waiting = []
    for day in await _days(conn, asked.tenant, row, gap_ms):
        named = known.get(day)
        if named is not None and named == book.of_day(row.device, day, gap_ms).name:
            continue  # judged by what is in force now
        stood = None if named is None else await rulings.named_rulings(conn, tenant, row.device, day, gap_ms, named)
        if stood is None or all(one.id != str(row.id) for one in stood.exclusions):
            waiting.append(day)
    return Pending(state="active", days=tuple(waiting))


async def _days(conn: Connection, tenant: UUID, row: ExclusionRow, gap_ms: int) -> list[int]:
    """NZ days that it touches and that have evidence."""
    found = await evidence.device_days(conn, str(tenant), row.device, *touched(row, gap_ms))
    return sorted(day for _, day in found)
