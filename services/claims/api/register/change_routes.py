"""Put right what was entered wrong: corrections, and taking out what was entered by mistake (rule RE2)."""

from datetime import datetime
from typing import Annotated, Any, Final, Literal
from uuid import UUID

import msgspec
from fastapi import APIRouter, Request, Response
from pydantic import Field

from services.claims.api.actors import ActorName, actor_of
from services.claims.api.context import Context, Ctx, Reader, Writer, command, query
from services.claims.api.fields import Answer, Body, Cents, CustomerNumber, GivenText, Instant, ReasonCode, Text, shown
from services.claims.api.paging import ListAnswer, Paged, listed
from services.claims.api.register.register_routes import claimant_answer
from services.claims.api.register.register_schemas import ClaimantAnswer
from services.claims.application.register.correct_register import (
    correct_claimant,
    correct_licence,
    strike_licence,
    strike_reading,
)
from services.claims.domain.instants import from_ms
from services.claims.repo import changes
from services.claims.repo.changes import ChangeRow, Why
from shared.clock import new_id
from shared.db.pool import Connection
from shared.errors import Fatal
from shared.http.auth import Principal

WHY: Final = {"reason", "actor"}
ChangeKind = Literal[
    "claimant",
    "licence",
    "reading",
    "vehicle",
    "recorder",
    "device_assignment",
    "coupling",
    "vehicle_ending",
    "claimed_outside",
]

router = APIRouter(tags=["register"])


class WhyBody(Body):
    reason: GivenText
    actor: ActorName | None = None


class ClaimantFixBody(WhyBody):
    """What is left out stays."""

    model_config = shown(reason="the number that the Agency issued", actor="R Hill", customer_number="123456789")

    name: GivenText | None = None
    customer_number: Annotated[
        CustomerNumber | None, Field(description="Also the number that the Agency issued: it ends the first claim.")
    ] = None
    first_claim: bool | None = None
    bank_account: Text | None = None
    bank_account_name: Text | None = None
    address: Text | None = None
    phone: Text | None = None
    email: Text | None = None
    contact_person: Text | None = None
    default_reason_code: ReasonCode | None = None
    default_travel_description: Text | None = None


class LicenceFixBody(WhyBody):
    """What the paper says besides its range and its issue: strike the licence and enter it again for those."""

    model_config = shown(reason="as the invoice shows", actor="R Hill", units=1, gross_cents=7600)

    claimant_id: UUID | None = None
    number: GivenText | None = None
    purchased_at: Instant | None = None
    units: Annotated[int, Field(gt=0, le=100_000)] | None = None
    gross_cents: Cents | None = None
    credit_cents: Cents | None = None
    fee_cents: Cents | None = None
    ruc_type: Text | None = None
    gross_kg: Annotated[int, Field(gt=0, le=1_000_000)] | None = None


class RegisterChangeAnswer(Answer):
    id: UUID
    kind: ChangeKind
    subject_id: UUID
    act: Literal["corrected", "struck"]
    fields: list[str]
    """Which were corrected; of a claimant their names alone are kept."""
    before: dict[str, Any] | None
    reason: str
    actor: str
    created_at: datetime


def why_of(who: Principal, context: Context, body: WhyBody) -> Why:
    at = from_ms(context.clock())
    return Why(id=new_id(), reason=body.reason, actor=actor_of(who, body.actor), at=at)


def given_of(body: WhyBody) -> dict[str, Any]:
    return {
        name: value for name, value in body.model_dump(exclude=WHY, exclude_unset=True).items() if value is not None
    }


def _answer(row: ChangeRow) -> RegisterChangeAnswer:
    before = None if row.before is None else msgspec.json.decode(row.before)
    return RegisterChangeAnswer.model_validate(vars(row) | {"before": before})


async def change_answer(conn: Connection, tenant: UUID, why: Why) -> RegisterChangeAnswer:
    row = await changes.change(conn, tenant, why.id)
    if row is None:
        raise Fatal(f"change {why.id} was not kept")
    return _answer(row)


@router.post("/claimants/{claimant_id}/correction", response_model=ClaimantAnswer)
async def post_claimant_correction(
    request: Request, who: Writer, context: Ctx, claimant_id: UUID, body: ClaimantFixBody
) -> Response:
    """Put a claimant right, for claims to come; lodged forms stay as they were sent."""
    why = why_of(who, context, body)

    async def effect(conn: Connection) -> ClaimantAnswer:
        row = await correct_claimant(conn, who.tenant_id, claimant_id, given_of(body), why, context.sealer)
        return claimant_answer(row)

    return await command(request, context, who.tenant_id, 200, effect)


@router.post("/licences/{licence_id}/correction", response_model=RegisterChangeAnswer)
async def post_licence_correction(
    request: Request, who: Writer, context: Ctx, licence_id: UUID, body: LicenceFixBody
) -> Response:
    """Put right what was typed wrong from the paper, while the licence is not claimed."""
    why = why_of(who, context, body)

    async def effect(conn: Connection) -> RegisterChangeAnswer:
        await correct_licence(conn, who.tenant_id, licence_id, given_of(body), why, context.hasher)
        return await change_answer(conn, who.tenant_id, why)

    return await command(request, context, who.tenant_id, 200, effect)


@router.post("/licences/{licence_id}/strike", response_model=RegisterChangeAnswer)
async def post_licence_strike(request: Request, who: Writer, context: Ctx, licence_id: UUID, body: WhyBody) -> Response:
    """Take out a licence that was entered by mistake.  It stays on record here; what it ended reaches as far as before."""
    why = why_of(who, context, body)

    async def effect(conn: Connection) -> RegisterChangeAnswer:
        await strike_licence(conn, who.tenant_id, licence_id, why, context.reviews)
        return await change_answer(conn, who.tenant_id, why)

    return await command(request, context, who.tenant_id, 200, effect)


@router.post("/readings/{reading_id}/strike", response_model=RegisterChangeAnswer)
async def post_reading_strike(request: Request, who: Writer, context: Ctx, reading_id: UUID, body: WhyBody) -> Response:
    """Take out a reading that was never shown.  What a claim counted too much for it becomes a disclosure."""
    why = why_of(who, context, body)

    async def effect(conn: Connection) -> RegisterChangeAnswer:
        await strike_reading(conn, who.tenant_id, reading_id, why, context.reviews)
        return await change_answer(conn, who.tenant_id, why)

    return await command(request, context, who.tenant_id, 200, effect)


@router.get("/register-changes")
async def get_changes(
    who: Reader,
    context: Ctx,
    page: Paged,
    subject_id: UUID | None = None,
    kind: ChangeKind | None = None,
) -> ListAnswer[RegisterChangeAnswer]:
    """Every correction and everything that was struck, with its reason and what was there before."""
    rows = await query(
        context, who.tenant_id, lambda conn: changes.changes(conn, who.tenant_id, page, subject_id, kind)
    )
    return listed(page, rows, _answer)
