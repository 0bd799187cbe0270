"""`GET /v1/tracks.geojson`: a device's tracks by time, segment by segment, each saying why it counts as it does."""

from typing import Annotated, Any, Final
from urllib.parse import urlencode

import msgspec
from fastapi import APIRouter, Query, Response

from services.classifier.api.audit_reading import Desk, Device, Reader, ms_of
from services.classifier.application.day_reading import Days, Sources, roads_of
from services.classifier.application.track_features import Wanted, features
from services.classifier.domain.trace import trace_day
from shared.contracts.device_day import Basis, Surface
from shared.http.fields import Instant, Until
from shared.http.problems import Problem
from shared.nz_days import bounds_ms, day_of, nz_time

MEDIA_TYPE: Final = "application/geo+json"
DAYS_MAX: Final = 31
"""On one page; further ones follow by its `next`."""
SPAN_DAYS_MAX: Final = 800
PLACES_MAX: Final = 60_000
"""After the day with which a page passes this many places it ends."""


def router(desk: Desk) -> APIRouter:
    routes = APIRouter(prefix="/v1", tags=["tracks"])

    @routes.get("/tracks.geojson", response_class=Response, responses={200: {"content": {MEDIA_TYPE: {}}}})
    async def tracks_geojson(
        who: Reader,
        device: Device,
        from_: Annotated[Instant, Query(alias="from", description="Instant, or NZ date (its start).")],
        to: Annotated[Until, Query(description="Instant, or NZ date (its end); included.")],
        surface: Annotated[list[Surface], Query(description="Only these; repeat it for several.")] = [],  # noqa: B006 - never changed
        basis: Annotated[list[Basis], Query(description="Only these; repeat it for several.")] = [],  # noqa: B006 - never changed
    ) -> Response:
        """A FeatureCollection (RFC 7946), one LineString a segment, in order of time.

        Segments are computed again from the fixes in evidence, by the road data set, the land and the exclusions that count
        today. `distance_m` is not closed on a recorder. At most 31 days a page: `next` is the address of the following one."""
        wanted = Wanted(ms_of(from_), ms_of(to), surface, basis)
        first, last = _days(wanted)
        until = min(last, first + DAYS_MAX - 1)
        days = await desk.days(who, device, first, until)
        found, done = await desk.compute(_features, desk.sources, days, wanted, until)
        body: dict[str, Any] = {"type": "FeatureCollection", "features": found}
        headers = {"Cache-Control": "private, no-cache"}
        if done < last:
            body["next"] = _next(device, done + 1, wanted, surface, basis)
            headers["Link"] = f'<{body["next"]}>; rel="next"'
        return Response(msgspec.json.encode(body), media_type=MEDIA_TYPE, headers=headers)

    return routes


def _days(wanted: Wanted) -> tuple[int, int]:
    """First and last NZ day.  Raises Problem 422."""
    if wanted.to_ms < wanted.from_ms or wanted.to_ms - wanted.from_ms > SPAN_DAYS_MAX * 86_400_000:
        raise Problem(
            422, "bad_span", "The time asked for cannot be answered",
            f"`to` must not lie before `from`, nor more than {SPAN_DAYS_MAX} days after it.",
        )  # fmt: skip
    return day_of(wanted.from_ms), day_of(wanted.to_ms)


def _features(sources: Sources, days: Days, wanted: Wanted, until: int) -> tuple[list[dict[str, Any]], int]:
    """(features, the last day that they are complete for)."""
    found: list[dict[str, Any]] = []
    places = 0
    for day in days.days:
        roads, _ = roads_of(sources, day)
        trace = trace_day(days.of_day(day), days.key, day, roads, sources.scheme, days.book)
        more = features(trace, roads, wanted, days.owed.get(day, frozenset()))
        found += more
        places += sum(len(one["geometry"]["coordinates"]) for one in more)
        if places > PLACES_MAX:
            return found, day
    return found, until


def _next(device: str, day: int, wanted: Wanted, surface: list[Surface], basis: list[Basis]) -> str:
    start = nz_time(bounds_ms(day)[0]).isoformat()
    end = nz_time(wanted.to_ms).isoformat(timespec="milliseconds")
    asked = [("device", device), ("from", start), ("to", end)]
    asked += [("surface", one) for one in surface] + [("basis", one) for one in basis]
    return f"/v1/tracks.geojson?{urlencode(asked)}"
