"""`GET /v1/explanations`: why was this kilometre counted?  One call, one picture."""

from typing import Annotated, Final, NamedTuple
from urllib.parse import urlencode

import msgspec
from fastapi import APIRouter, Query, Request, Response

from services.classifier.api.audit_reading import Desk, Device, Reader, ms_of
from services.classifier.application.day_reading import Days, Sources, roads_of
from services.classifier.application.explain import Asked, Explanation, draw_explanation, examine
from services.classifier.application.explain_json import to_json
from shared.http.auth import Principal
from shared.http.fields import Instant, Until
from shared.http.problem_schemas import problem_answers
from shared.http.problems import Problem
from shared.nz_days import day_of, nz_time

SVG: Final = "image/svg+xml"
_JSON: Final = "application/json"
_NOTHING: Final = problem_answers({404: "The device has no fix on that day, or there is nothing to draw."})
_SAFE: Final = {
    # a picture holds names that others have given: nothing in it may ever run or load
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "private, no-cache",
    "Vary": "Accept, Authorization",
}
At = Annotated[Instant | None, Query(description="The instant in question.")]
From = Annotated[Instant | None, Query(alias="from", description="Or a time within one NZ day: from …")]
To = Annotated[Until | None, Query(description="… to, both included.")]


RoadSetName = Annotated[
    str, Query(pattern="^([0-9a-f]{16})?$", description="Judge by this one, as a revision named it.")
]
LandName = Annotated[
    str | None,
    Query(
        pattern="^([0-9a-f]{16})?$",
        description="Judge by the rulings that a revision named as its `land`; empty: none.",
    ),
]


class By(NamedTuple):
    """What a revision names, where the question is about it and not about what counts today."""

    road_set: str
    land: str | None


def router(desk: Desk) -> APIRouter:
    routes = APIRouter(prefix="/v1", tags=["explanations"])

    @routes.get("/explanations", response_class=Response, responses=_NOTHING | {200: {"content": {_JSON: {}, SVG: {}}}})
    async def explanations(
        request: Request,
        who: Reader,
        device: Device,
        at: At = None,
        from_: From = None,
        to: To = None,
        road_set: RoadSetName = "",
        land: LandName = None,
    ) -> Response:
        """All about the segment that holds an instant (`at`), or the segments of a part of one NZ day (`from`, `to`).

        The answer in words, the numbers behind it, its pieces, ways with rule and source, H3 cells, the paragraphs of the
        scheme, and what it was computed from. With `Accept: image/svg+xml` the picture instead.

        Judged by what counts today, or by the road data set and the rulings that a claimed revision names."""
        asked, by = _asked(who, device, at, from_, to), By(road_set, land)
        if _wants_svg(request):
            return await _svg(desk, who, asked, by)
        found = await _found(desk, who, asked, by)
        link = "/v1/explanations.svg?" + urlencode(_query(asked, by))
        body = await desk.compute(lambda: msgspec.json.encode(to_json(found, link)))
        return Response(body, media_type=_JSON, headers=_SAFE)

    @routes.get("/explanations.svg", response_class=Response, responses=_NOTHING | {200: {"content": {SVG: {}}}})
    async def explanation_picture(
        who: Reader,
        device: Device,
        at: At = None,
        from_: From = None,
        to: To = None,
        road_set: RoadSetName = "",
        land: LandName = None,
    ) -> Response:
        """The picture of the same answer: a map with the segment in question, and a strip over time."""
        return await _svg(desk, who, _asked(who, device, at, from_, to), By(road_set, land))

    return routes


async def _found(desk: Desk, who: Principal, asked: Asked, by: By) -> Explanation:
    days = await desk.days(who, asked.key[1], asked.day, asked.day)
    if asked.day not in days.days:
        date = nz_time(asked.from_ms).date()
        raise Problem(404, "no_fixes", "There is nothing to explain", f"The device has no fix on {date} (NZ date).")
    if by.land is not None:
        days = await desk.as_named(who, days, asked.day, by.land)
    return await desk.compute(_examine, desk.sources, days, asked, by)


async def _svg(desk: Desk, who: Principal, asked: Asked, by: By) -> Response:
    found = await _found(desk, who, asked, by)
    try:
        drawn = await desk.compute(draw_explanation, found)
    except ValueError as error:
        raise Problem(404, "no_picture", "There is nothing to draw", f"{error}.") from error
    return Response(drawn, media_type=SVG, headers=_SAFE)


def _examine(sources: Sources, days: Days, asked: Asked, by: By) -> Explanation:
    roads, early = roads_of(sources, asked.day, by.road_set)
    settled = "settle" not in days.owed.get(asked.day, frozenset())
    return examine(days.of_day(asked.day), asked, roads, sources.scheme, days.book, settled, early)


def _asked(who: Principal, device: str, at: Instant | None, from_: Instant | None, to: Until | None) -> Asked:
    """Raises Problem 422 unless it is either one instant or a part of one NZ day."""
    if (at is None) == (from_ is None and to is None) or (from_ is None) != (to is None):
        raise _bad("Give `at`, or both `from` and `to`.")
    start = from_ if at is None else at
    end = to if at is None else at
    assert start is not None and end is not None  # noqa: S101, PT018 - as just checked
    from_ms, to_ms = ms_of(start), ms_of(end)
    if to_ms < from_ms or day_of(from_ms) != day_of(to_ms):
        raise _bad("`to` must not lie before `from`, and both must lie in one NZ day.")
    return Asked((str(who.tenant_id), device), day_of(from_ms), from_ms, to_ms)


def _bad(detail: str) -> Problem:
    return Problem(422, "bad_span", "The time asked for cannot be explained", detail)


def _wants_svg(request: Request) -> bool:
    """Whether the caller names the picture's type and not JSON's."""
    accepted = request.headers.get("accept", "").lower()
    return SVG in accepted and "application/json" not in accepted


def _query(asked: Asked, by: By) -> list[tuple[str, str]]:
    start, end = (nz_time(ms).isoformat(timespec="milliseconds") for ms in (asked.from_ms, asked.to_ms))
    found = [("device", asked.key[1])]
    found += [("at", start)] if asked.from_ms == asked.to_ms else [("from", start), ("to", end)]
    found += [("road_set", by.road_set)] if by.road_set else []
    return found + ([("land", by.land)] if by.land is not None else [])
