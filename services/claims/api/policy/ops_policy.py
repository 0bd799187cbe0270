"""Operators change the policy data: whole files, in the open, with a dry run; every edition stays readable."""

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query, Request, Response

from services.claims.api.actors import actor_of
from services.claims.api.context import Ctx, commands_of
from services.claims.api.policy.policy_schemas import (
    ChangeBody,
    ChangedAnswer,
    ChangesAnswer,
    CurrentAnswer,
    PolicyChangeAnswer,
    UnpricedAnswer,
    UnpricedListAnswer,
)
from services.claims.application.policies import Change, change_in, current, unpriced
from services.claims.repo import policies
from shared.db.pool import Connection, tx
from shared.http.auth import Principal
from shared.http.guards import require_ops
from shared.http.paging import LIMIT_MAX

SEQ_MAX: Final = 2**62

router = APIRouter(tags=["operators"])
Operator = Annotated[Principal, Depends(require_ops("ops:policy"))]


@router.get("/ops/policy")
async def get_current(_who: Operator, context: Ctx) -> CurrentAnswer:
    """The texts that hold, ready to be changed and sent back."""
    shipped = context.policies.shipped
    async with tx(context.across) as conn:
        edition = await current(conn, shipped)
    return CurrentAnswer(
        name=edition.name,
        files=dict(edition.texts),
        last_change=None if edition.last is None else PolicyChangeAnswer.model_validate(edition.last),
        shipped=shipped.name,
        shipped_differs=edition.last is not None and edition.last.shipped != shipped.name,
    )


@router.post(
    "/ops/policy", response_model=ChangedAnswer, responses={409: {"description": "The policy was changed meanwhile."}}
)
async def post_change(request: Request, who: Operator, context: Ctx, body: ChangeBody) -> Response | ChangedAnswer:
    """Put new texts in force, at once, for everybody; `dry_run` only says what would change.  Lodged claims keep their
    numbers and the edition they name."""
    files, actor = {str(name): text for name, text in body.files.items()}, actor_of(who, body.actor)

    async def effect(conn: Connection) -> ChangedAnswer:
        done = await change_in(
            conn, context.policies.shipped, files, body.based_on, actor, body.reason, dry_run=body.dry_run
        )
        return _changed(done)

    if body.dry_run:
        async with tx(context.across) as conn:
            return await effect(conn)
    response = await commands_of(context, context.across).run(request, who.tenant_id, 200, effect)
    await context.policies.refresh(context.across)
    return response


def _changed(done: Change) -> ChangedAnswer:
    return ChangedAnswer(
        name=done.name,
        changed=done.row is not None,
        lines={file: list(lines) for file, lines in done.lines.items()},
        warnings=list(done.warnings),
        change=None if done.row is None else PolicyChangeAnswer.model_validate(done.row),
    )


@router.get("/ops/policy/changes")
async def get_changes(
    _who: Operator, context: Ctx, limit: Annotated[int, Query(ge=1, le=LIMIT_MAX)] = 100,
    before: Annotated[int, Query(ge=1, le=SEQ_MAX)] = SEQ_MAX,
) -> ChangesAnswer:  # fmt: skip
    """Who changed the policy, when and why, the latest first; `before`: a `seq`, to read on."""
    async with tx(context.across) as conn:
        rows = await policies.changes(conn, before, limit)
    return ChangesAnswer(items=[PolicyChangeAnswer.model_validate(row) for row in rows])


@router.get("/ops/policy/unknown-rates")
async def get_unpriced(_who: Operator, context: Ctx) -> UnpricedListAnswer:
    """What the table of rates is asked for and does not know (rule LI5), over all tenants, naming none."""
    policy = await context.policies.refresh(context.across)
    async with tx(context.across) as conn:
        rows = await unpriced(conn, policy)
    return UnpricedListAnswer(items=[UnpricedAnswer.model_validate(row) for row in rows])
