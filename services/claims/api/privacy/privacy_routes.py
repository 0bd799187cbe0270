"""Requests to be forgotten, and proofs of what was lodged (rule RE2)."""

import asyncio
from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

from fastapi import APIRouter, Request, Response

from services.claims.api.actors import ActorName, actor_of
from services.claims.api.context import Ctx, Forgetter, Reader, command, query
from services.claims.api.fields import Answer, Body, GivenText
from services.claims.api.paging import ListAnswer, Paged, listed
from services.claims.application.people.person_roles import keep_an_admin
from services.claims.application.refusals import already_exists, invalid, not_found, raising
from services.claims.application.sealing import Sealer, place
from services.claims.domain.claim.proof import field_salt
from services.claims.domain.instants import from_ms
from services.claims.repo import erasures, proofs
from services.claims.repo.erasures import RequestRow
from services.claims.repo.proofs import ProofRow
from services.claims.repo.rows import Page
from shared.clock import new_id
from shared.db.errors import constraints
from shared.db.pool import Connection

Kind = Literal["claimant", "person", "vehicle"]

router = APIRouter(tags=["privacy"])


class ErasureBody(Body):
    kind: Kind
    subject_id: UUID
    reason: GivenText
    actor: ActorName | None = None


class ErasureAnswer(Answer):
    id: UUID
    kind: Kind
    subject_id: UUID
    reason: str
    actor: str
    created_at: datetime
    state: Literal["waiting", "erasing", "done"]
    """waiting: records about the subject are held (rule RE1), or a device is still on the vehicle; it is done by itself when
    they no longer are.  erasing: nothing holds it here any more, the other services are still dropping what they have."""
    held_until: date | None
    """Of a waiting one, the last day; null while something open holds them."""
    done_at: datetime | None
    namesake: bool
    """Of a person who was forgotten: somebody else has borne a name of theirs.  What was done under that name stays, since
    nothing tells whose it was, and goes with the last who bears it."""


class LeafAnswer(Answer):
    path: str
    hash: str
    salt: str | None
    value: Any
    """Of personal fields null: the form or the report has it."""


class ProofAnswer(Answer):
    kind: Literal["form", "report"]
    subject_id: UUID
    edition: int
    root: str
    purged: bool
    """Its papers are gone: salts of personal fields too."""
    leaves: list[LeafAnswer]


class ProofsAnswer(Answer):
    claim_id: UUID
    items: list[ProofAnswer]


def _answer(row: RequestRow) -> ErasureAnswer:
    state = "done" if row.done_at else "erasing" if row.let_go_at else "waiting"
    return ErasureAnswer.model_validate({**vars(row), "state": state})


async def _one(conn: Connection, tenant: UUID, request_id: UUID) -> ErasureAnswer:
    found = await erasures.requests(conn, tenant, Page(1), request_id)
    if not found:
        raise not_found("erasure request", request_id)
    return _answer(found[0])


@router.post("/erasure-requests", status_code=201, response_model=ErasureAnswer)
async def post_erasure(request: Request, who: Forgetter, context: Ctx, body: ErasureBody) -> Response:
    """Forget a claimant, a person, or where a vehicle went: at once where nothing holds a record of it, else when that ends.

    Of a vehicle, days that no held licence needs go once no device is on it any more."""
    row = RequestRow(
        new_id(), body.kind, body.subject_id, body.reason, actor_of(who, body.actor), from_ms(context.clock())
    )

    async def effect(conn: Connection) -> ErasureAnswer:
        if not await erasures.is_there(conn, who.tenant_id, body.kind, body.subject_id):
            raise invalid("/subject_id", f"there is no {body.kind} {body.subject_id}", "unknown_id")
        if body.kind == "person":
            await keep_an_admin(conn, who.tenant_id, body.subject_id)
        again = already_exists("This was asked before and waits. Look at GET /v1/erasure-requests.", None)
        with constraints({"erasure_request_once": raising(again)}):
            await erasures.insert(conn, who.tenant_id, row)
        await erasures.forget(conn, who.tenant_id, row.id)
        return await _one(conn, who.tenant_id, row.id)

    return await command(request, context, who.tenant_id, 201, effect)


@router.get("/erasure-requests")
async def get_erasures(who: Reader, context: Ctx, page: Paged) -> ListAnswer[ErasureAnswer]:
    rows = await query(context, who.tenant_id, lambda conn: erasures.requests(conn, who.tenant_id, page))
    return listed(page, rows, _answer)


@router.get("/erasure-requests/{request_id}")
async def get_erasure(who: Reader, context: Ctx, request_id: UUID) -> ErasureAnswer:
    return await query(context, who.tenant_id, lambda conn: _one(conn, who.tenant_id, request_id))


@router.get("/claims/{claim_id}/proof")
async def get_proof(who: Reader, context: Ctx, claim_id: UUID) -> ProofsAnswer:
    """The roots over what was lodged, with every leaf: who has a form or report can show that a field was lodged so."""
    rows = await query(context, who.tenant_id, lambda conn: proofs.proofs(conn, who.tenant_id, claim_id))
    if not rows:
        raise not_found("claim with a proof", claim_id)
    items = await asyncio.to_thread(lambda: [_proof(row, who.tenant_id, context.sealer) for row in rows])
    return ProofsAnswer(claim_id=claim_id, items=items)


def _proof(row: ProofRow, tenant: UUID, sealer: Sealer) -> ProofAnswer:
    salt = None
    if row.salt_sealed is not None:
        salt = sealer.open(row.salt_sealed, place(tenant, f"proof-{row.kind}", row.subject_id))
    leaves = [
        LeafAnswer(
            path=leaf.path, hash=leaf.hash, value=leaf.value,
            salt=leaf.salt if salt is None else field_salt(salt, leaf.path).hex(),
        )
        for leaf in row.leaves
    ]  # fmt: skip
    return ProofAnswer.model_validate({**vars(row), "root": row.root.hex(), "purged": salt is None, "leaves": leaves})
