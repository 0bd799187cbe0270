"""Compute device-days again: `POST /v1/recompute` for our own services, `POST /v1/reprocess` for a tenant's key."""

from collections.abc import Sequence
from datetime import date
from functools import partial
from typing import Annotated, Final
from uuid import UUID

import msgspec
from fastapi import APIRouter, Depends, Request, Response
from pydantic import Field, SecretStr

from services.classifier.api.ruling_schemas import DeviceId, NzDate
from services.classifier.application import recompute
from services.classifier.application.recompute import DryJudges
from services.classifier.application.ruling_refusals import invalid
from services.classifier.domain.scheme import Scheme
from shared.contracts.device_day import DeviceDay
from shared.contracts.recompute import RecomputeAsked, Recomputed
from shared.db.pool import Connection, Pool, tenant_tx
from shared.http.auth import Principal
from shared.http.commands import Commands, key_of
from shared.http.fields import Answer, Body
from shared.http.guards import require, require_internal
from shared.nz_days import FIRST_DAY, LAST_DAY, from_ordinal, to_ordinal

DEVICES_MAX: Final = 1_000
Writer = Annotated[Principal, Depends(require("reprocess:write"))]
_FIRST: Final = to_ordinal(FIRST_DAY) + 1
_LAST: Final = to_ordinal(LAST_DAY) - 2


class After(Body):
    device: DeviceId
    day: NzDate


class RecomputeBody(Body):
    tenant: UUID
    devices: list[DeviceId] = Field(default_factory=list, max_length=DEVICES_MAX)
    from_day: int = Field(ge=_FIRST, le=_LAST)
    to_day: int = Field(ge=_FIRST, le=_LAST)
    road_set: str | None = Field(None, max_length=64)
    scheme: int | None = None
    dry_run: bool = True
    after: tuple[str, int] | None = None


class ReprocessBody(Body):
    """Which of your device-days, and whether for good."""

    devices: list[DeviceId] = Field(default_factory=list, max_length=DEVICES_MAX, description="Empty: all of them.")
    from_on: NzDate
    to_on: NzDate
    road_set: str | None = Field(
        None, max_length=64, description="In a dry run: as if this road data set counted for every day."
    )
    dry_run: bool = Field(True, description="Only say what the days would be; nothing is changed.")
    after: After | None = Field(None, description="In a dry run: `next` of the page before.")


class DayAnswer(Answer):
    """What a device-day would say; unclosed GPS millimetres (a statement closes them on the distance recorder)."""

    device: str
    day: date
    surfaces_mm: dict[str, int]
    off_road_by_basis_mm: dict[str, int]
    fixes: int
    road_set: str
    land: str
    scheme: int


class ReprocessAnswer(Answer):
    device_days: int = Field(description="All that were asked for and have data.")
    requested: bool = Field(description="They are computed again, each under a hold until it is done.")
    days: list[DayAnswer]
    next: After | None


def router(pool: Pool, commands: Commands, token: SecretStr, scheme: Scheme, judges: DryJudges) -> APIRouter:
    """`pool` and `commands` have the API role: every transaction sees one tenant."""
    routes = APIRouter(prefix="/v1", tags=["reprocess"])

    async def run(asked: RecomputeAsked) -> Recomputed:
        _check(asked, scheme)
        transaction = partial(tenant_tx, pool, UUID(asked.tenant))
        if asked.dry_run:
            return await recompute.dry_run(transaction, asked, judges, scheme.gap_limit_ms)
        async with transaction() as conn:
            return await recompute.request(conn, asked)

    @routes.post("/recompute", dependencies=[Depends(require_internal(token))], response_class=Response)
    async def recompute_for_services(body: RecomputeBody) -> Response:
        """For our own services: whole revisions as shared.contracts.recompute has them, page by page."""
        asked = msgspec.convert(body.model_dump(mode="json"), RecomputeAsked)
        return Response(msgspec.json.encode(await run(asked)), media_type="application/json")

    @routes.post("/reprocess", response_model=ReprocessAnswer)
    async def reprocess(request: Request, who: Writer, body: ReprocessBody) -> Response | ReprocessAnswer:
        """Compute device-days again. A dry run says what they would be, page by page; claims' `POST /v1/reprocess` puts
        the difference in metres and dollars beside it."""
        after = None if body.after is None else (body.after.device, to_ordinal(body.after.day))
        asked = RecomputeAsked(
            tenant=str(who.tenant_id), devices=tuple(body.devices), from_day=to_ordinal(body.from_on),
            to_day=to_ordinal(body.to_on), road_set=body.road_set, dry_run=body.dry_run, after=after,
        )  # fmt: skip
        if body.dry_run:
            key_of(request)
            return _answer(await run(asked), requested=False)
        _check(asked, scheme)

        async def effect(conn: Connection) -> ReprocessAnswer:
            return _answer(await recompute.request(conn, asked), requested=True)

        return await commands.run(request, who.tenant_id, 200, effect)

    return routes


def _answer(done: Recomputed, *, requested: bool) -> ReprocessAnswer:
    return ReprocessAnswer(
        device_days=done.device_days,
        requested=requested,
        days=[_day(one) for one in done.days],
        next=None if done.next is None else After(device=done.next[0], day=from_ordinal(done.next[1])),
    )


def _check(asked: RecomputeAsked, scheme: Scheme) -> None:
    if asked.to_day < asked.from_day:
        raise invalid("/to_on", "lies before from_on")
    if asked.scheme not in {None, scheme.number}:
        raise invalid("/scheme", f"there is scheme {scheme.number} and no other")
    if asked.road_set is not None and not asked.dry_run:
        raise invalid("/road_set", "which set counts is decided by its dates, not by asking: try another in a dry run")


def _sums(day: DeviceDay, surface: str | None) -> dict[str, int]:
    sums: dict[str, int] = {}
    for total in day.totals:
        if surface is None or total.surface == surface:
            name = total.surface if surface is None else total.basis
            sums[name] = sums.get(name, 0) + total.mm
    return sums


def _day(day: DeviceDay) -> DayAnswer:
    surfaces: Sequence[str] = ("public_road", "off_road", "unknown", "carried")
    return DayAnswer(
        device=day.device, day=from_ordinal(day.day), surfaces_mm=dict.fromkeys(surfaces, 0) | _sums(day, None),
        off_road_by_basis_mm=_sums(day, "off_road"), fixes=day.fixes, road_set=day.road_set, land=day.land,
        scheme=day.scheme,
    )  # fmt: skip
