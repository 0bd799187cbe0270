"""`POST /v1/reprocess`: compute device-days again; a dry run says first what that would change, in metres and cents."""

from datetime import date
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import Field, StringConstraints

from services.claims.api.context import Context, Ctx, Writer, command, replayed
from services.claims.api.fields import Answer, Body, Km, Text
from services.claims.application.claim.draft_claim import rate_text
from services.claims.application.ledger.reprocess import Difference, difference
from services.claims.application.refusals import invalid
from services.claims.domain.statement.difference import (
    SURFACES,
    DayDifference,
    Figures,
    LicenceDifference,
    sum_known,
    total_mm,
)
from shared.contracts.recompute import RecomputeAsked
from shared.db.pool import Connection
from shared.http.commands import key_of
from shared.nz_days import FIRST_DAY, LAST_DAY, from_ordinal, to_ordinal

DEVICES_MAX: Final = 1_000
DAYS_SHOWN_MAX: Final = 1_000
Device = Annotated[Text, StringConstraints(min_length=1, max_length=128)]

router = APIRouter(tags=["reprocess"])


class ReprocessBody(Body):
    devices: list[Device] = Field(default_factory=list, max_length=DEVICES_MAX, description="Empty: all of them.")
    from_on: date
    to_on: date = Field(description="Both NZ days are included.")
    road_set: str | None = Field(
        None, max_length=64, description="In a dry run only: as if this road data set counted for every day."
    )
    dry_run: bool = Field(True, description="Say what would change, and change nothing.")


class FiguresAnswer(Answer):
    public_mm: int
    off_road_mm: int
    unknown_mm: int
    claimable_km: int
    estimate_cents: int | None


class LicenceDifferenceAnswer(Answer):
    """A licence whose figures would change."""

    licence_id: UUID
    number: str
    plate: str
    state: str
    claimed_as: str = Field(
        description="The claim that has it already, else empty: such a licence is only flagged, its figures stay as lodged."
    )
    rate: str | None
    before: FiguresAnswer | None = Field(
        description="Null: it cannot be worked out (`ledger_broken`); so with `after`."
    )
    after: FiguresAnswer | None
    off_road_mm: int | None
    off_road_km: Km | None
    claimable_km: int | None
    cents: int | None = Field(description="Of whole kilometres, floored once a licence; null: the rate is not known.")
    metre_cents: int | None = Field(description="Of the metres themselves, before the floor to whole kilometres.")


class DayDifferenceAnswer(Answer):
    """A device-day whose figures would change: unclosed GPS millimetres by surface, after less before."""

    device: str
    day: date
    new: bool
    """The ledger has no such day."""
    surfaces_mm: dict[str, int]


class ReprocessAnswer(Answer):
    device_days: int
    requested: bool
    changed_days: int
    days_without_licence: int = Field(description="Of the changed days, those on which no licence stands.")
    surfaces_mm: dict[str, int] = Field(description="Over all changed days, after less before.")
    off_road_km: Km
    claimable_km: int | None = Field(
        description="Whole kilometres over all licences that change and are not claimed yet; null as soon as one of them "
        "cannot be worked out, before or after."
    )
    cents: int | None = Field(description="Of these kilometres; null as soon as one licence's rate is not known.")
    metre_cents: int | None = Field(description="Of the metres themselves, before the floors.")
    claimed_already: int = Field(description="Licences among them that are claimed: flagged, not changed.")
    licences: list[LicenceDifferenceAnswer]
    days: list[DayDifferenceAnswer] = Field(description=f"The first {DAYS_SHOWN_MAX}.")


@router.post(
    "/reprocess",
    response_model=ReprocessAnswer,
    responses={202: {"description": "Requested; each device-day is held until it is done."}},
)
async def post_reprocess(
    request: Request, who: Writer, context: Ctx, body: ReprocessBody
) -> Response | ReprocessAnswer:
    """Compute device-days again from their evidence. Without `dry_run: false` nothing changes: the answer says what would,
    for every device-day in millimetres by surface, for every licence in whole kilometres and cents at the rate paid."""
    asked = _asked(who.tenant_id, body)
    if body.dry_run:
        key_of(request)
        return await _difference(context, who.tenant_id, asked)
    if (earlier := await replayed(request, context, who.tenant_id)) is not None:
        return earlier
    done = await context.classifier.recompute(asked)  # asked for twice, it is done once

    async def effect(_conn: Connection) -> ReprocessAnswer:
        return _answer(Difference(done.device_days, (), (), 0), requested=True)

    return await command(request, context, who.tenant_id, 202, effect)


async def _difference(context: Context, tenant: UUID, asked: RecomputeAsked) -> ReprocessAnswer:
    found = await difference(context.pool, tenant, asked, context.classifier, context.policy, context.clock())
    return _answer(found, requested=False)


def _asked(tenant: UUID, body: ReprocessBody) -> RecomputeAsked:
    for name, day in (("from_on", body.from_on), ("to_on", body.to_on)):
        if not FIRST_DAY < day < LAST_DAY:
            raise invalid(f"/{name}", "must lie between the years 2000 and 2099")
    if body.to_on < body.from_on:
        raise invalid("/to_on", "lies before from_on")
    if body.road_set is not None and not body.dry_run:
        raise invalid("/road_set", "which set counts is decided by its dates, not by asking: try another in a dry run")
    return RecomputeAsked(
        tenant=str(tenant), devices=tuple(body.devices), from_day=to_ordinal(body.from_on),
        to_day=to_ordinal(body.to_on), road_set=body.road_set, dry_run=body.dry_run,
    )  # fmt: skip


def _answer(found: Difference, *, requested: bool) -> ReprocessAnswer:
    surfaces = total_mm(found.days)
    open_ = [one for one in found.licences if not one.claimed_as]
    return ReprocessAnswer(
        device_days=found.device_days,
        requested=requested,
        changed_days=len(found.days),
        days_without_licence=found.days_without_licence,
        surfaces_mm={str(surface): mm for surface, mm in surfaces.items()},
        off_road_km=surfaces["off_road"],
        claimable_km=sum_known(one.claimable_km for one in open_),
        cents=sum_known(one.cents for one in open_),
        metre_cents=sum_known(one.metre_cents for one in open_),
        claimed_already=len(found.licences) - len(open_),
        licences=[_licence(one) for one in found.licences],
        days=[_day(one) for one in found.days[:DAYS_SHOWN_MAX]],
    )


def _licence(one: LicenceDifference) -> LicenceDifferenceAnswer:
    return LicenceDifferenceAnswer(
        licence_id=one.licence_id, number=one.number, plate=one.plate, state=one.state, claimed_as=one.claimed_as,
        rate=rate_text(one.rate), before=_figures(one.before), after=_figures(one.after), off_road_mm=one.off_road_mm,
        off_road_km=one.off_road_mm, claimable_km=one.claimable_km, cents=one.cents,
        metre_cents=one.metre_cents,
    )  # fmt: skip


def _figures(figures: Figures | None) -> FiguresAnswer | None:
    return None if figures is None else FiguresAnswer.model_validate(figures)


def _day(one: DayDifference) -> DayDifferenceAnswer:
    moved = {str(surface): one.mm(surface) for surface in SURFACES}
    return DayDifferenceAnswer(
        device=one.device, day=from_ordinal(one.day), new=one.before_mm is None, surfaces_mm=moved
    )
