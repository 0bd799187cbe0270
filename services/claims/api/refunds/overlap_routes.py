"""Planning an overlap licence: what is credited, how much to buy, what it costs (rule OT1).  Nothing is stored."""

from datetime import date
from typing import Annotated, Final, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import Field

from services.claims.api.context import Context, Ctx, Reader, Writer, query
from services.claims.api.fields import CENTS_MAX, READING_MAX, Answer, Body, Cents, Reading
from services.claims.api.refunds.application_schemas import UnusedAnswer
from services.claims.api.statement.convert import to_api_finding
from services.claims.api.statement.licence_schemas import FindingAnswer
from services.claims.application.claim.draft_claim import rate_text
from services.claims.application.refunds.plan_overlap import OverlapAsked, Planned, overlap_plan
from services.claims.domain.rates import Rate
from shared.http.auth import Principal

UNITS_MAX: Final = 100_000
PATH: Final = "/licences/{licence_id}/overlap-plan"
PurchaseChannel = Literal["online", "agent", "phone", "direct_connect", "service_station_card", "truckstop_card"]

router = APIRouter(tags=["applications"])


class OverlapBody(Body):
    reading: Reading
    """Of the recorder, now: the new licence's start."""
    channel: PurchaseChannel = "online"
    on: date | None = None
    units: Annotated[int, Field(ge=1, le=UNITS_MAX, strict=True)] | None = None
    old_rate_cents: Annotated[Cents, Field(ge=1)] | None = None
    new_rate_cents: Annotated[Cents, Field(ge=1)] | None = None


class OverlapRateAnswer(Answer):
    dollars_per_1000km: str
    cents: int
    units: int
    source: Literal["paid", "table"]
    note: str


class SurrenderAdvice(Answer):
    advised: bool
    words: str | None
    """Where an overlap would buy more than five months' worth at the last thirty days' rate of travel."""
    possible: bool
    """By the licence's age and what is unused; the papers come with the application."""
    refund_cents: int | None
    findings: list[FindingAnswer]


class RecordBody(Answer):
    """What to send once the licence is bought, with its number and instant of issue added."""

    claimant_id: UUID
    recorder_id: UUID
    kind: str
    start_reading: int
    end_reading: int
    units: int
    gross_cents: int
    credit_cents: int
    fee_cents: int
    overlap: bool = True


class RecordLink(Answer):
    method: Literal["POST"] = "POST"
    href: str = "/v1/licences"
    add: list[str]
    body: RecordBody


class OverlapAnswer(Answer):
    licence_id: UUID
    number: str
    on: date
    channel: PurchaseChannel
    start_reading: int
    end_reading: int
    unit: str
    units: int
    least_units: int
    further: int
    """How far it reaches beyond the old end."""
    old_licence: UnusedAnswer
    """used + unused (the credit) + remainder = charge, to the cent."""
    old_rate: OverlapRateAnswer
    new_rate: OverlapRateAnswer
    credit_cents: int
    charge_cents: int
    pay_cents: int
    """charge less credit, without the fee."""
    fee_cents: int | None
    total_cents: int | None
    missing: list[str]
    start_tip: str
    declaration: str
    declaration_applies: bool | None
    """The rate of that day is a reduced one; null: the rate was given, so nobody can say."""
    surrender: SurrenderAdvice
    warnings: list[str]
    record: RecordLink


async def _plan(
    context: Context, who: Principal, licence_id: UUID, asked: OverlapAsked, channel: PurchaseChannel
) -> OverlapAnswer:
    policy, now_ms = context.policy, context.clock()
    found = await query(
        context, who.tenant_id, lambda conn: overlap_plan(conn, who.tenant_id, licence_id, asked, policy, now_ms)
    )
    return _answer(found, channel)


@router.get(PATH)
async def get_overlap_plan(
    who: Reader,
    context: Ctx,
    licence_id: UUID,
    reading: Annotated[int, Query(ge=0, le=READING_MAX, description="of the recorder, now")],
    channel: PurchaseChannel = "online",
    on: date | None = None,
    units: Annotated[int | None, Query(ge=1, le=UNITS_MAX)] = None,
    old_rate_cents: Annotated[int | None, Query(ge=1, le=CENTS_MAX)] = None,
    new_rate_cents: Annotated[int | None, Query(ge=1, le=CENTS_MAX)] = None,
) -> OverlapAnswer:
    """What an overlap bought at this reading would credit and cost; a rate that is not known is asked for."""
    asked = OverlapAsked(reading, on, channel, units, old_rate_cents, new_rate_cents)
    return await _plan(context, who, licence_id, asked, channel)


@router.post(PATH)
async def post_overlap_plan(who: Writer, context: Ctx, licence_id: UUID, body: OverlapBody) -> OverlapAnswer:
    """The same with a body; nothing is stored."""
    asked = OverlapAsked(body.reading, body.on, body.channel, body.units, body.old_rate_cents, body.new_rate_cents)
    return await _plan(context, who, licence_id, asked, body.channel)


def _rate(rate: Rate) -> OverlapRateAnswer:
    return OverlapRateAnswer(
        dollars_per_1000km=rate_text(rate) or "", cents=rate.cents, units=rate.units, source=rate.source, note=rate.note
    )


def _answer(found: Planned, channel: PurchaseChannel) -> OverlapAnswer:
    plan, licence = found.plan, found.item.licence
    unit = found.item.statement.unit
    return OverlapAnswer(
        licence_id=licence.id,
        number=licence.number,
        on=found.on,
        channel=channel,
        start_reading=plan.start_reading - found.turned,
        end_reading=plan.end_reading - found.turned,
        unit=unit,
        units=plan.units,
        least_units=plan.least_units,
        further=plan.further,
        old_licence=UnusedAnswer(
            from_reading=plan.start_reading,
            end_reading=licence.end_reading,
            distance=plan.unused,
            unit=unit,
            charge_cents=plan.old.charge_cents,
            used_cents=plan.old.used_cents,
            unused_cents=plan.old.unused_cents,
            remainder_cents=plan.old.remainder_cents,
        ),
        old_rate=_rate(found.old_rate),
        new_rate=_rate(found.new_rate),
        credit_cents=plan.credit_cents,
        charge_cents=plan.charge_cents,
        pay_cents=plan.pay_cents,
        fee_cents=plan.fee_cents,
        total_cents=plan.pay_with_fee_cents,
        missing=list(found.missing),
        start_tip=plan.start_tip,
        declaration=plan.declaration,
        declaration_applies=found.reduced,
        surrender=SurrenderAdvice(
            advised=found.advice is not None and found.surrender.allowed,
            words=found.advice,
            possible=found.surrender.allowed,
            refund_cents=found.surrender.refund_cents,
            findings=[to_api_finding(one) for one in found.surrender.findings],
        ),
        warnings=list(found.warnings),
        record=_record(found),
    )


def _record(found: Planned) -> RecordLink:
    plan, licence = found.plan, found.item.licence
    body = RecordBody(
        claimant_id=licence.claimant_id,
        recorder_id=licence.recorder_id,
        kind=licence.kind,
        start_reading=plan.start_reading - found.turned,
        end_reading=plan.end_reading - found.turned,
        units=plan.units,
        gross_cents=plan.charge_cents,
        credit_cents=plan.credit_cents,
        fee_cents=plan.fee_cents or 0,
    )
    return RecordLink(add=["number", "issued_at"], body=body)
