"""`/v1/land`: what a tenant declares of its land (rule SU7).  A version is never edited: corrections stand beside it."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response

from services.classifier.api.ruling_context import Context, Ctx
from services.classifier.api.ruling_schemas import (
    LandAnswer,
    LandBody,
    LandChanged,
    LandCorrection,
    LandEnd,
    LandPage,
    LandWhole,
    Told,
    VersionAnswer,
    Warning_,
)
from services.classifier.application import land as use
from services.classifier.application.land import Changed, Declared
from services.classifier.application.polygons import Ground, PolygonError, area_m2, from_geojson, to_geojson
from services.classifier.application.ruling_refusals import invalid, not_found
from services.classifier.domain.rulings import LAST_DAY
from services.classifier.repo import ruling_versions
from services.classifier.repo.ruling_versions import LandRow, LandState
from shared.db.pool import Connection, tenant_tx
from shared.http.auth import Principal
from shared.http.fields import Day
from shared.http.guards import require
from shared.http.paging import LIMIT_MAX, Here
from shared.nz_days import from_ordinal, to_ordinal

Reader = Annotated[Principal, Depends(require("land:read"))]
Writer = Annotated[Principal, Depends(require("land:write"))]
SQUARE_METRES_PER_HA: Final = 10_000
OVER_PUBLIC: Final = Warning_(
    code="counts_over_public_road",
    detail="Metres on mapped public roads inside this land count as off road. They are reported apart in every statement, "
    "with a warning, and are printed in the claim with the reason that you gave (rule SU7).",
)


async def ground_of(polygon: dict[str, Any]) -> Ground:
    """The polygon, checked.  Raises Problem 422 that points into it."""
    try:
        return await asyncio.to_thread(from_geojson, polygon)
    except PolygonError as error:
        raise invalid(f"/polygon{error.pointer}", str(error), "polygon") from None


router = APIRouter(prefix="/v1", tags=["land"])


async def _run(
    request: Request, context: Context, who: Principal, status: int, effect: Callable[[Connection], Awaitable[Changed]]
) -> Response:
    async def answered(conn: Connection) -> LandChanged:
        changed = await effect(conn)
        return LandChanged(**_fields(changed.row), device_days=changed.device_days)

    return await context.commands.run(request, who.tenant_id, status, answered)


@router.post("/land", status_code=201, response_model=LandChanged)
async def declare(request: Request, who: Writer, context: Ctx, body: LandBody) -> Response:
    """Declare land. Everything that your vehicles did there on its days is computed again, usually within seconds."""
    wanted = await _declared(body)
    return await _run(
        request, context, who, 201, lambda conn: use.declare(conn, who.tenant_id, wanted, context.by(who, body.actor))
    )


@router.put("/land/{land_id}", response_model=LandChanged)
async def correct(request: Request, who: Writer, context: Ctx, land_id: UUID, body: LandCorrection) -> Response:
    """Correct it: a new version takes the place of the one that you name, from the first day on. The old one stays
    readable, since claims may stand on it."""
    wanted, told = await _declared(body), context.by(who, body.actor, body.change_reason)
    return await _run(
        request, context, who, 200, lambda conn: use.correct(conn, who.tenant_id, land_id, body.version, wanted, told)
    )


@router.post("/land/{land_id}/end", response_model=LandChanged)
async def end(request: Request, who: Writer, context: Ctx, land_id: UUID, body: LandEnd) -> Response:
    """It counts up to and with `last_on`: a lease that ran out, land that was sold."""
    told, last_day = context.by(who, body.actor, body.reason), to_ordinal(body.last_on)
    return await _run(request, context, who, 200, lambda conn: use.end(conn, who.tenant_id, land_id, last_day, told))


@router.post("/land/{land_id}/withdraw", response_model=LandChanged)
async def withdraw(request: Request, who: Writer, context: Ctx, land_id: UUID, body: Told) -> Response:
    """It should never have been declared: it counts on no day."""
    told = context.by(who, body.actor, body.reason)
    return await _run(request, context, who, 200, lambda conn: use.withdraw(conn, who.tenant_id, land_id, told))


@router.get("/land")
async def listed(
    who: Reader,
    context: Ctx,
    here: Here,
    state: LandState | None = None,
    on: Day | None = None,
    limit: Annotated[int, Query(ge=1, le=LIMIT_MAX)] = 100,
    cursor: Annotated[str | None, Query(max_length=64)] = None,
) -> LandPage:
    """The newest version of each, oldest land first; `on`: only land whose days include this one."""
    day = None if on is None else to_ordinal(on)
    async with tenant_tx(context.pool, who.tenant_id) as conn:
        rows = await ruling_versions.lands(conn, who.tenant_id, here.place_of(cursor), limit + 1, state=state, on=day)
    more = here.cursor_of(rows[limit - 1].created_at, rows[limit - 1].id) if len(rows) > limit else None
    return LandPage(items=[LandAnswer(**_fields(row)) for row in rows[:limit]], next_cursor=more)


@router.get("/land/{land_id}")
async def whole(
    who: Reader, context: Ctx, land_id: UUID, version: Annotated[int | None, Query(ge=1)] = None
) -> LandWhole:
    """The newest version, or the one asked for, and who wrote each."""
    async with tenant_tx(context.pool, who.tenant_id) as conn:
        rows = await ruling_versions.land(conn, who.tenant_id, land_id)
    if not rows or (version is not None and version > len(rows)):
        raise not_found("land", land_id)
    shown = rows[-1] if version is None else rows[version - 1]
    return LandWhole(**_fields(shown), versions=[VersionAnswer.model_validate(row) for row in rows])


async def _declared(body: LandBody) -> Declared:
    if body.last_on is not None and body.last_on < body.first_on:
        raise invalid("/last_on", "lies before first_on")
    return Declared(
        kind=body.kind, name=body.name, address=body.address, first_day=to_ordinal(body.first_on),
        last_day=LAST_DAY if body.last_on is None else to_ordinal(body.last_on), over_public=body.over_public,
        reason=body.reason, ground=await ground_of(body.polygon),
    )  # fmt: skip


def _fields(row: LandRow) -> dict[str, Any]:
    version = VersionAnswer.model_validate(row).model_dump()
    return version | {
        "id": row.id, "kind": row.kind, "name": row.name, "address": row.address, "first_on": from_ordinal(row.first_day),
        "last_on": None if row.last_day == LAST_DAY else from_ordinal(row.last_day), "over_public": row.over_public,
        "reason": row.reason, "polygon": to_geojson(row.wkb), "area_ha": round(area_m2(row.wkb) / SQUARE_METRES_PER_HA, 4),
        "created_at": row.created_at, "warnings": [OVER_PUBLIC] if row.over_public and row.state == "declared" else [],
    }  # fmt: skip
