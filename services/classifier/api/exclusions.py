"""`/v1/exclusions`: faulty data and places that must not count.  proposed → active → lifted, each step a new version."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response

from services.classifier.api.land import ground_of
from services.classifier.api.ruling_context import Context, Ctx
from services.classifier.api.ruling_schemas import (
    ExclusionAnswer,
    ExclusionBody,
    ExclusionChanged,
    ExclusionPage,
    ExclusionWhole,
    Told,
    VersionAnswer,
)
from services.classifier.application import exclusions as use
from services.classifier.application.exclusions import WITHOUT_END_MS, Changed, Excluded
from services.classifier.application.polygons import to_geojson
from services.classifier.application.ruling_refusals import invalid, not_found
from services.classifier.repo import ruling_versions
from services.classifier.repo.ruling_versions import ExclusionRow, ExclusionState
from shared.db.pool import Connection, tenant_tx
from shared.http.auth import Principal
from shared.http.guards import require
from shared.http.paging import LIMIT_MAX, Here
from shared.nz_days import instant_of, ms_of

Reader = Annotated[Principal, Depends(require("land:read"))]
Writer = Annotated[Principal, Depends(require("exclusions:write"))]

router = APIRouter(prefix="/v1", tags=["exclusions"])


async def _run(
    request: Request, context: Context, who: Principal, status: int, effect: Callable[[Connection], Awaitable[Changed]]
) -> Response:
    async def answered(conn: Connection) -> ExclusionChanged:
        changed = await effect(conn)
        return ExclusionChanged(**_fields(changed.row), device_days=changed.device_days)

    return await context.commands.run(request, who.tenant_id, status, answered)


@router.post("/exclusions", status_code=201, response_model=ExclusionChanged)
async def exclude(request: Request, who: Writer, context: Ctx, body: ExclusionBody) -> Response:
    """Take data out: a device's fixes of some time, or what would be off road in a place. It can only lower what is
    claimed."""
    wanted, told = await _excluded(body), context.by(who, body.actor)
    return await _run(
        request,
        context,
        who,
        201,
        lambda conn: use.exclude(conn, who.tenant_id, wanted, body.state, told, context.gap_ms),
    )


@router.post("/exclusions/{exclusion_id}/confirm", response_model=ExclusionChanged)
async def confirm(request: Request, who: Writer, context: Ctx, exclusion_id: UUID, body: Told) -> Response:
    """A proposed one counts from now on."""
    told = context.by(who, body.actor, body.reason)
    return await _run(
        request, context, who, 200, lambda conn: use.confirm(conn, who.tenant_id, exclusion_id, told, context.gap_ms)
    )


@router.post("/exclusions/{exclusion_id}/lift", response_model=ExclusionChanged)
async def lift(request: Request, who: Writer, context: Ctx, exclusion_id: UUID, body: Told) -> Response:
    """It was wrong, or is no longer needed: the data count again, for all of its time."""
    told = context.by(who, body.actor, body.reason)
    return await _run(
        request, context, who, 200, lambda conn: use.lift(conn, who.tenant_id, exclusion_id, told, context.gap_ms)
    )


@router.get("/exclusions")
async def listed(
    who: Reader,
    context: Ctx,
    here: Here,
    state: ExclusionState | None = None,
    device: Annotated[str | None, Query(min_length=1, max_length=128)] = None,
    limit: Annotated[int, Query(ge=1, le=LIMIT_MAX)] = 100,
    cursor: Annotated[str | None, Query(max_length=64)] = None,
) -> ExclusionPage:
    """The newest version of each, oldest exclusion first."""
    if "\0" in (device or ""):
        raise invalid("?device", "control characters are not allowed")
    async with tenant_tx(context.pool, who.tenant_id) as conn:
        rows = await ruling_versions.exclusions(
            conn, who.tenant_id, here.place_of(cursor), limit + 1, state=state, device=device
        )
    more = here.cursor_of(rows[limit - 1].created_at, rows[limit - 1].id) if len(rows) > limit else None
    return ExclusionPage(items=[ExclusionAnswer(**_fields(row)) for row in rows[:limit]], next_cursor=more)


@router.get("/exclusions/{exclusion_id}")
async def whole(who: Reader, context: Ctx, exclusion_id: UUID) -> ExclusionWhole:
    """How it stands, and who took each step."""
    async with tenant_tx(context.pool, who.tenant_id) as conn:
        rows = await ruling_versions.exclusion(conn, who.tenant_id, exclusion_id)
    if not rows:
        raise not_found("exclusion", exclusion_id)
    return ExclusionWhole(**_fields(rows[-1]), versions=[VersionAnswer.model_validate(row) for row in rows])


async def _excluded(body: ExclusionBody) -> Excluded:
    if body.polygon is None and body.device is None:
        raise invalid("/device", "name a device, or send a polygon")
    if body.polygon is None and body.to_at is None:
        raise invalid("/to_at", "say until when the device's data are faulty; only a place can be without an end")
    if body.to_at is not None and body.to_at < body.from_at:
        raise invalid("/to_at", "lies before from_at")
    return Excluded(
        device=body.device or "", from_ms=ms_of(body.from_at),
        to_ms=WITHOUT_END_MS if body.to_at is None else min(ms_of(body.to_at), WITHOUT_END_MS), reason=body.reason,
        ground=None if body.polygon is None else await ground_of(body.polygon),
    )  # fmt: skip


def _fields(row: ExclusionRow) -> dict[str, Any]:
    version = VersionAnswer.model_validate(row).model_dump()
    return version | {
        "id": row.id, "device": row.device or None, "from_at": instant_of(row.from_ms),
        "to_at": None if row.to_ms == WITHOUT_END_MS else instant_of(row.to_ms), "reason": row.reason,
        "polygon": to_geojson(row.wkb) if row.wkb else None, "created_at": row.created_at,
    }  # fmt: skip
