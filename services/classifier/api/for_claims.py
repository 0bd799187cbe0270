"""What only claims asks and tells, with the internal token: the days that audits hold, those that may be forgotten, and when
land was declared."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field, SecretStr

from services.classifier.api import erasures
from services.classifier.repo import retention, ruling_versions
from services.classifier.repo.ruling_versions import LandRow
from services.classifier.roads.dataset import RoadSet
from shared.db.pool import Pool, tenant_tx, tx
from shared.http.fields import Body, GivenText
from shared.http.guards import require_internal
from shared.http.paging import START

BATCH_MAX: Final = 1_000
DERIVED: Final = "derived"
LANDS_MAX: Final = 10_000
"""Of one tenant; far above any fleet's."""


class OpenedBody(Body):
    id: UUID
    from_day: int
    to_day: int
    reason: GivenText


class HoldsBody(Body):
    """As shared.contracts.holds has it."""

    tenant: UUID
    opened: Annotated[list[OpenedBody], Field(max_length=BATCH_MAX)]
    released: Annotated[list[UUID], Field(max_length=BATCH_MAX)]


class HoldsTaken(BaseModel):
    open: int
    """Holds of the tenant that stand now."""


class LandFact(BaseModel):
    """The newest version of a declared land, and when it was first declared."""

    name: str
    over_public: bool
    reason: str
    first_day: int
    last_day: int
    declared_at: datetime
    south_e6: int
    west_e6: int
    north_e6: int
    east_e6: int


class RoadSetFact(BaseModel):
    name: str
    derived: bool
    """The coverage was derived from the set's own ways, not declared by a polygon."""


class Ground(BaseModel):
    lands: list[LandFact]
    road_sets: list[RoadSetFact]


def router(pool: Pool, token: SecretStr, road_sets: Callable[[], Mapping[str, RoadSet]]) -> APIRouter:
    """`pool` is the API role's: every transaction sees one tenant.  `road_sets`: the open ones, by name."""
    routes = APIRouter(prefix="/v1", tags=["claims"], dependencies=[Depends(require_internal(token))])

    @routes.post("/holds")
    async def holds(body: HoldsBody) -> HoldsTaken:
        """Keep the months of these days, or let go of what was kept (rule RE1). Telling it twice changes nothing."""
        async with tenant_tx(pool, body.tenant) as conn:
            for one in body.opened:
                await retention.open_hold_once(conn, body.tenant, one.id, (one.from_day, one.to_day), one.reason)
            for hold_id in body.released:
                await retention.close_hold(conn, body.tenant, hold_id)
            return HoldsTaken(open=len(await retention.read_holds(conn)))

    @routes.post("/holds/told", status_code=204)
    async def told() -> None:
        """Every hold has been told: for a quarter of an hour, a month that nothing holds may go (rule RE1)."""
        async with tx(pool) as conn:
            await retention.all_told(conn)

    routes.include_router(erasures.router(pool))

    @routes.get("/ground")
    async def ground(tenant: UUID) -> Ground:
        """Land that the tenant declares now, with its days, its box and when it was first declared; the open road data sets."""
        async with tenant_tx(pool, tenant) as conn:
            found = await ruling_versions.lands(conn, tenant, START, LANDS_MAX, state="declared", on=None)
        return Ground(
            lands=[_fact(row) for row in found],
            road_sets=[
                RoadSetFact(name=name, derived=one.meta.coverage == DERIVED)
                for name, one in sorted(road_sets().items())
            ],
        )

    return routes


def _fact(row: LandRow) -> LandFact:
    return LandFact(
        name=row.name, over_public=row.over_public, reason=row.reason, first_day=row.first_day, last_day=row.last_day,
        declared_at=row.created_at, south_e6=row.south_e6, west_e6=row.west_e6, north_e6=row.north_e6, east_e6=row.east_e6,
    )  # fmt: skip
