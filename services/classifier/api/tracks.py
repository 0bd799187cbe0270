"""`GET /v1/tracks`: for our own services only, with the internal token.  Every read is confined to the tenant asked for."""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, SecretStr

from services.classifier.application.lines import Line
from services.classifier.application.road_sets import RoadsByDay
from services.classifier.application.tracks import Asked, draw
from services.classifier.domain.scheme import Scheme
from shared.contracts.pings import Key
from shared.db.pool import Connection, Pool, tenant_tx
from shared.http.guards import require_internal
from shared.http.problems import Problem, unavailable
from shared.nz_days import day_of

SPAN_MS_MAX: Final = 800 * 86_400_000
"""No fix is older than that when it comes in, and no licence lives longer (policy)."""
TS_MS_MIN: Final = 946_684_800_000
TS_MS_MAX: Final = 4_102_358_400_000


class LineOut(BaseModel):
    """A line of one surface; points are [lng, lat] in degrees."""

    surface: str
    points: list[tuple[float, float]]


class TracksOut(BaseModel):
    """The device's track by surface, and the ways of the road data set beside it as the set takes them."""

    tracks: list[LineOut]
    roads: list[LineOut]
    road_set: str
    """The set of the last day; days before it may have had others."""


def router(pool: Pool, token: SecretStr, scheme: Scheme, open_roads: Callable[[], RoadsByDay | None]) -> APIRouter:
    """`pool` is the API role's; `open_roads` gives the road data sets by day, or None while one is missing."""
    routes = APIRouter(prefix="/v1", dependencies=[Depends(require_internal(token))])

    @routes.get("/tracks", tags=["tracks"])
    async def tracks(
        tenant: UUID,
        device: Annotated[str, Query(min_length=1, max_length=128)],
        from_ms: Annotated[int, Query(ge=TS_MS_MIN, lt=TS_MS_MAX)],
        to_ms: Annotated[int, Query(ge=TS_MS_MIN, lt=TS_MS_MAX)],
        simplify_m: Annotated[float, Query(ge=0, le=1_000)] = 5.0,
    ) -> TracksOut:
        """Lines of a device from `from_ms` to `to_ms` (both included), simplified to within `simplify_m` metres."""
        if not from_ms <= to_ms <= from_ms + SPAN_MS_MAX:
            raise Problem(
                422, "bad_span", "The time asked for cannot be drawn",
                "to_ms must not lie before from_ms, nor more than 800 days after it.",
            )  # fmt: skip
        roads = open_roads()
        if roads is None:
            raise unavailable("There is no road data set yet: run `rucor roads build`.")
        transaction: Callable[[], AbstractAsyncContextManager[Connection]] = partial(tenant_tx, pool, tenant)
        key: Key = (str(tenant), device)
        drawing = await draw(transaction, Asked(key, from_ms, to_ms, simplify_m), roads, scheme)
        return TracksOut(
            tracks=_out(drawing.tracks), roads=_out(drawing.roads), road_set=roads.of_day(day_of(to_ms))[0].name
        )

    return routes


def _out(lines: Sequence[Line]) -> list[LineOut]:
    return [
        LineOut(surface=line.surface, points=[(x / 1e6, y / 1e6) for x, y in line.points.tolist()]) for line in lines
    ]
