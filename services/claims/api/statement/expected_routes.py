"""Larger than expected must be looked at: who did, and what they found (rule EL7)."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from fastapi import APIRouter, Request, Response

from services.claims.api.actors import ActorName, actor_of
from services.claims.api.context import Ctx, Reader, Writer, command, query
from services.claims.api.fields import Answer, Body, GivenText, StatementHash
from services.claims.application.refusals import not_found
from services.claims.application.statement.acknowledge import acknowledge
from services.claims.application.statement.assess import assess
from services.claims.application.statement.facts import load_facts
from services.claims.domain.instants import from_ms
from services.claims.repo import expected
from services.claims.repo.expected import AcknowledgementRow
from shared.clock import new_id
from shared.db.pool import Connection

router = APIRouter(tags=["licences"])


class AcknowledgementBody(Body):
    rule: Literal["EL7"] = "EL7"
    statement_hash: StatementHash
    """Of the statement that the person looked at; another one asks again."""
    reason: GivenText
    """What the person found: why the share is as large as it is."""
    actor: ActorName | None = None


class AcknowledgementAnswer(Answer):
    id: UUID
    licence_id: UUID
    rule: str
    statement_hash: str
    reason: str
    actor: str
    created_at: datetime


class AcknowledgementsAnswer(Answer):
    items: list[AcknowledgementAnswer]


def _answer(row: AcknowledgementRow) -> AcknowledgementAnswer:
    return AcknowledgementAnswer.model_validate({**vars(row), "statement_hash": row.statement_hash.hex()})


@router.post("/licences/{licence_id}/acknowledgements", status_code=201, response_model=AcknowledgementAnswer)
async def post_acknowledgement(
    request: Request, who: Writer, context: Ctx, licence_id: UUID, body: AcknowledgementBody
) -> Response:
    """A named person looked at why the licence's off-road share is larger than expected, and says what they found."""
    row = AcknowledgementRow(
        id=new_id(), licence_id=licence_id, rule=body.rule, statement_hash=bytes.fromhex(body.statement_hash),
        reason=body.reason, actor=actor_of(who, body.actor), created_at=from_ms(context.clock()),
    )  # fmt: skip

    async def effect(conn: Connection) -> AcknowledgementAnswer:
        facts = await load_facts(conn, who.tenant_id, [licence_id], context.policy, context.clock())
        if not facts.bound:
            raise not_found("licence", licence_id)
        (item,) = assess(facts, context.policy)
        await acknowledge(conn, who.tenant_id, row, item.statement.hash)
        return _answer(row)

    return await command(request, context, who.tenant_id, 201, effect)


@router.get("/licences/{licence_id}/acknowledgements")
async def get_acknowledgements(who: Reader, context: Ctx, licence_id: UUID) -> AcknowledgementsAnswer:
    """Those over earlier statements too."""

    async def read(conn: Connection) -> AcknowledgementsAnswer:
        rows = await expected.acknowledgements(conn, who.tenant_id, [licence_id])
        return AcknowledgementsAnswer(items=[_answer(row) for row in sorted(rows, key=lambda one: one.created_at)])

    return await query(context, who.tenant_id, read)
