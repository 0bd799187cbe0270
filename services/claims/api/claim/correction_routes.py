"""Correct a form that came back (rule CL6)."""

from datetime import date
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import Field

from services.claims.api.actors import ActorName, actor_of
from services.claims.api.claim.claim_schemas import LICENCES_MAX
from services.claims.api.claim.life_routes import record
from services.claims.api.claim.life_schemas import HistoryAnswer
from services.claims.api.context import Ctx, Writer
from services.claims.api.fields import Body, CustomerNumber, GivenText, ReasonCode, Text
from services.claims.application.claim.correct_form import correct_form
from services.claims.domain.claim.correction import Fix, LineFix
from services.claims.repo.claim_life import Step
from shared.clock import new_id
from shared.http.problem_schemas import GONE

router = APIRouter(tags=["claims"])


class LineFixBody(Body):
    reason_code: ReasonCode | None = None
    method: Literal["GPS", "Other"] | None = None
    specify_type: GivenText | None = None


class FixBody(Body):
    """What changes on the form; what is left out stays.  Plates, licence numbers and kilometres are the claim's (rule CL7)."""

    name: GivenText | None = None
    customer_number: CustomerNumber | None = None
    first_claim: bool | None = None
    bank_account: GivenText | None = None
    bank_account_name: GivenText | None = None
    address: Text | None = None
    phone: GivenText | None = None
    email: GivenText | None = None
    person_completing: GivenText | None = None
    travel_description: GivenText | None = None
    records_held: GivenText | None = None
    lines: dict[UUID, LineFixBody] = Field(default_factory=dict, max_length=LICENCES_MAX)


class CorrectionBody(Body):
    on: date
    reason: GivenText
    """What the Agency asked for."""
    actor: ActorName | None = None
    form: Annotated[FixBody, Field(examples=[{"bank_account_name": "Hill Farms Limited"}])]


@router.post("/claims/{claim_id}/correction", response_model=HistoryAnswer, responses=GONE)
async def post_correction(
    request: Request, who: Writer, context: Ctx, claim_id: UUID, body: CorrectionBody
) -> Response:
    """Make the next edition of a returned claim's form; then send it again.  The claim, its numbers and every earlier edition
    stay as they are."""
    fields = body.form.model_dump(exclude={"lines"})
    fix = Fix(**fields, lines={key: LineFix(**line.model_dump()) for key, line in body.form.lines.items()})
    step = Step(id=new_id(), kind="corrected", on_day=body.on, reason=body.reason, actor=actor_of(who, body.actor))
    now_ms = context.clock()
    return await record(
        request, context, who, claim_id,
        lambda conn: correct_form(
            conn, who.tenant_id, claim_id, fix, step, context.policy, context.sealer, context.hasher, now_ms
        ),
    )  # fmt: skip
