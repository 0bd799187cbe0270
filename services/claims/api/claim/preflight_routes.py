"""A claim as an auditor would attack it: questions, what our evidence answers, whether that holds, and what to do."""

from collections.abc import Sequence
from typing import Literal
from uuid import UUID

from fastapi import APIRouter

from services.claims.api.claim.claim_routes import request_of
from services.claims.api.claim.claim_schemas import PreviewBody
from services.claims.api.context import Ctx, Reader, Writer
from services.claims.api.fields import Answer
from services.claims.api.statement.licence_schemas import BROKEN
from services.claims.application.claim.preflight import preflight_claim, preflight_request
from services.claims.domain.preflight.case import Attack, Hit, worst
from shared.http.problem_schemas import GONE

router = APIRouter(tags=["claims"])
Outcome = Literal["holds", "weak", "fails"]


class HitAnswer(Answer):
    """Where an attack finds something; `licence_id` is null where it is about the whole claim."""

    licence_id: UUID | None
    number: str
    outcome: Outcome
    answer: str
    inputs: dict[str, str]


class AttackAnswer(Answer):
    id: str
    rule: str
    question: str
    """As an auditor would ask it."""
    outcome: Outcome
    answer: str
    """What our evidence answers: the worst hit's, or why it holds."""
    to_do: str
    hits: list[HitAnswer]


class PreflightAnswer(Answer):
    outcome: Outcome
    attacks: list[AttackAnswer]


def _hit(one: Hit) -> HitAnswer:
    return HitAnswer(
        licence_id=one.licence_id, number=one.number, outcome=one.outcome, answer=one.answer, inputs=dict(one.inputs)
    )


def _answer(attacks: Sequence[Attack]) -> PreflightAnswer:
    return PreflightAnswer(
        outcome=worst(tuple(attacks)),
        attacks=[
            AttackAnswer(
                id=one.id, rule=one.rule, question=one.question, outcome=one.outcome, answer=one.answer, to_do=one.to_do,
                hits=[_hit(found) for found in one.hits],
            )
            for one in attacks
        ],
    )  # fmt: skip


@router.post("/preflight")
async def post_preflight(who: Writer, context: Ctx, body: PreviewBody) -> PreflightAnswer:
    """Attack what a preview of the same body would show. Nothing is stored, and nothing is blocked by it."""
    asked = await request_of(context, who.tenant_id, body)
    attacks = await preflight_request(
        context.pool, who.tenant_id, asked, context.policy, context.sealer, context.hasher, context.classifier,
        context.clock(),
    )  # fmt: skip
    return _answer(attacks)


@router.get("/claims/{claim_id}/preflight", responses=GONE | BROKEN)
async def get_preflight(who: Reader, context: Ctx, claim_id: UUID) -> PreflightAnswer:
    """Attack a lodged claim: its frozen form against the evidence of today."""
    attacks = await preflight_claim(
        context.pool, who.tenant_id, claim_id, context.policy, context.sealer, context.hasher, context.classifier,
        context.clock(),
    )  # fmt: skip
    return _answer(attacks)
