"""Cases for those who run the system: the same paper licence in several tenants (rule LI4)."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response

from services.claims.api.actors import ActorName, actor_of
from services.claims.api.context import Context, Ctx, command
from services.claims.api.fields import Answer, Body, GivenText
from services.claims.api.paging import ListAnswer, Paged, listed
from services.claims.application.privacy.ops_cases import KIND, OpsCase, read_cases
from services.claims.application.refusals import not_found
from services.claims.domain.register.ops_case import CaseState, StepKind
from services.claims.repo import papers, tenants
from shared.clock import new_id
from shared.db.pool import Connection, tx
from shared.http.audit import looks_over
from shared.http.auth import Principal
from shared.http.guards import require_ops

Operator = Annotated[Principal, Depends(require_ops("ops:cases"))]

router = APIRouter(tags=["ops"])


class PartyAnswer(Answer):
    tenant_id: UUID
    tenant_name: str
    licence_id: UUID
    number: str
    plate: str
    issued_at: datetime
    registered_at: datetime
    claimed: Literal["here", "outside"] | None
    """Whether this tenant has claimed it: both may, the register alone cannot tell whose it is."""


class CaseStepAnswer(Answer):
    kind: StepKind
    reason: str
    actor: str
    at: datetime


class OpsCaseAnswer(Answer):
    id: UUID
    kind: str
    state: CaseState
    opened_at: datetime
    parties: list[PartyAnswer]
    history: list[CaseStepAnswer]


class LookOpsCaseBody(Body):
    actor: ActorName | None = None


class CloseOpsCaseBody(Body):
    reason: GivenText
    """What was found, and what was done about it."""
    actor: ActorName | None = None


def _answer(case: OpsCase) -> OpsCaseAnswer:
    where = {"claim": "here", "outside": "outside", None: None}
    parties = [PartyAnswer.model_validate({**vars(row), "claimed": where[row.claimed]}) for row in case.parties]
    return OpsCaseAnswer(
        id=case.id,
        kind=KIND,
        state=case.state,
        opened_at=case.created_at,
        parties=parties,
        history=[CaseStepAnswer.model_validate(step) for step in case.steps],
    )


async def _cases(context: Context, case_id: UUID | None = None) -> list[OpsCase]:
    """Whoever is party to one: the look stands in every tenant's log, so that none can tell from it whether they are."""
    async with tx(context.across) as conn:
        found = await read_cases(conn, case_id)
        looks_over(await tenants.everybody(conn))
    return found


async def _one(context: Context, case_id: UUID) -> OpsCase:
    found = await _cases(context, case_id)
    if not found:
        raise not_found("case", case_id)
    return found[0]


@router.get("/ops/cases")
async def get_cases(
    who: Operator,  # noqa: ARG001
    context: Ctx,
    page: Paged,
    state: CaseState | None = None,
) -> ListAnswer[OpsCaseAnswer]:
    """Every paper licence that more than one tenant has registered, the oldest case first."""
    cases = await _cases(context)
    place = (page.after_at, page.after_id)
    rest = [c for c in cases if (state is None or c.state == state) and (c.created_at, c.id) > place]
    return listed(page, rest[: page.limit], _answer)


@router.get("/ops/cases/{case_id}")
async def get_case(who: Operator, context: Ctx, case_id: UUID) -> OpsCaseAnswer:  # noqa: ARG001
    return _answer(await _one(context, case_id))


async def _step(
    request: Request, who: Principal, context: Context, case_id: UUID, kind: StepKind, reason: str, named: str | None
) -> Response:
    await _one(context, case_id)
    actor = actor_of(who, named)

    async def effect(conn: Connection) -> CaseStepAnswer:
        row = await papers.insert_step(conn, who.tenant_id, new_id(), case_id, kind, reason, actor)
        return CaseStepAnswer.model_validate({**vars(row), "at": row.created_at})

    return await command(request, context, who.tenant_id, 201, effect)


@router.post("/ops/cases/{case_id}/look", status_code=201, response_model=CaseStepAnswer)
async def post_look(request: Request, who: Operator, context: Ctx, case_id: UUID, body: LookOpsCaseBody) -> Response:
    """Somebody looks into it."""
    return await _step(request, who, context, case_id, "looked_at", "", body.actor)


@router.post("/ops/cases/{case_id}/close", status_code=201, response_model=CaseStepAnswer)
async def post_close(request: Request, who: Operator, context: Ctx, case_id: UUID, body: CloseOpsCaseBody) -> Response:
    """Done, with the reason.  Another tenant that registers the paper later opens it again."""
    return await _step(request, who, context, case_id, "closed", body.reason, body.actor)
