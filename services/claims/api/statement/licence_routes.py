"""Licences: register, list by state, statement, eligibility, report, claimed outside."""

from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from services.claims.api.actors import actor_of
from services.claims.api.context import Context, Ctx, Reader, Verifier, Writer, command, query
from services.claims.api.paging import ListAnswer, Paged
from services.claims.api.register.creations import create_licence, create_outside
from services.claims.api.statement.convert import state_of, to_api_eligibility, to_api_licence, to_api_statement
from services.claims.api.statement.licence_schemas import (
    BROKEN,
    EligibilityAnswer,
    LicenceAnswer,
    LicenceBody,
    ListedState,
    OutsideAnswer,
    OutsideBody,
    StatementAnswer,
    VerificationAnswer,
    VerifyBody,
)
from services.claims.api.statement.outlook import to_api_look
from services.claims.application.claim.make_report import make_report
from services.claims.application.claim.payee import payee_of
from services.claims.application.peers import PeerUnavailable
from services.claims.application.refusals import not_found
from services.claims.application.statement.assess import Assessed, Judged, assess, judge
from services.claims.application.statement.expected import load_earlier, with_expected
from services.claims.application.statement.facts import Facts, load_facts
from services.claims.application.statement.quick import worked_out
from services.claims.application.statement.verify_licence import verify_licence
from services.claims.domain.instants import from_ms
from services.claims.domain.statement.places import places_of
from services.claims.domain.statement.verification import WORDING, present
from services.claims.repo import licences, parties, places
from services.claims.repo.licences import VerificationRow
from services.claims.repo.rows import Page
from shared.clock import new_id
from shared.db.pool import Connection, tenant_tx
from shared.http.fields import Instant, Until
from shared.http.problem_schemas import GONE
from shared.http.problems import unavailable

EXAMINED_MAX: Final = 2_000
"""Licences looked at in one request for a state; the cursor goes on from there."""
CHUNK: Final = 100
PDF: Final = "application/pdf"

router = APIRouter(tags=["licences"])


async def _facts(context: Context, tenant: UUID, licence_ids: list[UUID]) -> Facts:
    now_ms = context.clock()
    return await query(context, tenant, lambda conn: load_facts(conn, tenant, licence_ids, context.policy, now_ms))


async def _judged(context: Context, tenant: UUID, licence_ids: list[UUID]) -> Judged:
    facts = await _facts(context, tenant, licence_ids)
    return await worked_out([facts.days], judge, facts, context.policy)


async def _one(context: Context, tenant: UUID, licence_id: UUID) -> Assessed:
    facts = await _facts(context, tenant, [licence_id])
    if not facts.bound:
        raise not_found("licence", licence_id)
    (item,) = await worked_out([facts.days], assess, facts, context.policy)
    return item


async def _expected(context: Context, tenant: UUID, licence_id: UUID) -> Assessed:
    """As `_one`, with rule EL7 among the findings."""
    now_ms = context.clock()
    async with tenant_tx(context.pool, tenant) as conn:
        facts = await load_facts(conn, tenant, [licence_id], context.policy, now_ms)
        if not facts.bound:
            raise not_found("licence", licence_id)
        earlier = await load_earlier(conn, tenant, facts, context.policy, now_ms)
    days = [facts.days, earlier.rest.days if earlier.rest else {}]
    (item,) = await worked_out(
        days, lambda: with_expected(facts, assess(facts, context.policy), earlier, context.policy)
    )
    return item


@router.post("/licences", status_code=201, response_model=LicenceAnswer)
async def post_licence(request: Request, who: Writer, context: Ctx, body: LicenceBody) -> Response:
    async def effect(conn: Connection) -> LicenceAnswer:
        row = await create_licence(conn, who.tenant_id, context, body)
        facts = await load_facts(conn, who.tenant_id, [row.id], context.policy, context.clock())
        judged = await worked_out([facts.days], judge, facts, context.policy)
        return to_api_licence(judged.by_id()[row.id], context.policy)

    return await command(request, context, who.tenant_id, 201, effect)


@router.get("/licences")
async def get_licences(
    who: Reader,
    context: Ctx,
    page: Paged,
    state: ListedState | None = None,
    ref: str | None = None,
    vehicle_id: UUID | None = None,
    claimant_id: UUID | None = None,
    issued_from: Annotated[Instant | None, Query(description="Instant or NZ day (its start), included.")] = None,
    issued_to: Annotated[Until | None, Query(description="Instant or NZ day (its end), included.")] = None,
) -> ListAnswer[LicenceAnswer]:
    items: list[LicenceAnswer] = []
    at, after, examined = page.after_at, page.after_id, 0
    while True:
        chunk = Page(min(CHUNK, page.limit) if state is None else CHUNK, at, after)
        async with tenant_tx(context.pool, who.tenant_id) as conn:
            rows = await licences.licences(
                conn, who.tenant_id, chunk, ref, vehicle_id, claimant_id, issued_from, issued_to
            )
        judged = (await _judged(context, who.tenant_id, [row.id for row in rows])).by_id()
        for row in rows:
            at, after, examined = row.created_at, row.id, examined + 1
            item = judged[row.id]
            if state is None or state_of(item) == state:
                items.append(to_api_licence(item, context.policy))
            if len(items) == page.limit or examined == EXAMINED_MAX:
                return ListAnswer(items=items, next_cursor=page.of.cursor_of(at, after))
        if len(rows) < chunk.limit:
            return ListAnswer(items=items, next_cursor=None)


@router.get("/licences/{licence_id}")
async def get_licence(who: Reader, context: Ctx, licence_id: UUID) -> LicenceAnswer:
    found = (await _judged(context, who.tenant_id, [licence_id])).by_id()
    if licence_id not in found:
        raise not_found("licence", licence_id)
    return to_api_licence(found[licence_id], context.policy)


@router.get("/licences/{licence_id}/statement", response_model=StatementAnswer, responses=BROKEN)
async def get_statement(who: Reader, context: Ctx, licence_id: UUID) -> Response:
    """Written as JSON once: a licence of two years has seven hundred days."""
    now_ms = context.clock()
    async with tenant_tx(context.pool, who.tenant_id) as conn:
        facts = await load_facts(conn, who.tenant_id, [licence_id], context.policy, now_ms)
        if not facts.bound:
            raise not_found("licence", licence_id)
        named = await places.of_days(conn, who.tenant_id, facts.bound[0].period.device_days)
        claimant = await parties.claimant(conn, who.tenant_id, facts.bound[0].row.claimant_id)

    waivers, sealer, hasher = facts.register.waivers, context.sealer, context.hasher
    payee = None if claimant is None else payee_of(who.tenant_id, claimant, waivers, sealer, hasher)

    def made() -> tuple[Assessed, StatementAnswer]:
        (item,) = assess(facts, context.policy)
        places_named = places_of(item.statement, named)
        return item, to_api_statement(item, context.policy, places_named, payee, facts.today)

    item, answer = await worked_out([facts.days], made)
    if answer.state == "claimable" and not answer.to_do:  # other licences are read for it: only where all else is done
        async with tenant_tx(context.pool, who.tenant_id) as conn:
            earlier = await load_earlier(conn, who.tenant_id, facts, context.policy, now_ms)
        (looked,) = await worked_out(
            [earlier.rest.days if earlier.rest else {}], with_expected, facts, [item], earlier, context.policy
        )
        answer = answer.model_copy(update={"to_do": to_api_look(looked)})
    return Response(answer.model_dump_json(), media_type="application/json")


@router.get("/licences/{licence_id}/eligibility", responses=BROKEN)
async def get_eligibility(who: Reader, context: Ctx, licence_id: UUID) -> EligibilityAnswer:
    """With what is usual for the vehicle or the fleet (rule EL7)."""
    return to_api_eligibility(await _expected(context, who.tenant_id, licence_id))


def _verification(item: Assessed) -> VerificationAnswer:
    found = present(item.statement.hash, item.verifications)
    return VerificationAnswer(
        licence_id=item.row.id,
        statement_hash=item.statement.hash,
        wording=WORDING,
        verified_by=found.actor if found else None,
        verified_at=found.at if found else None,
    )


@router.get("/licences/{licence_id}/verification", responses=BROKEN)
async def get_verification(who: Reader, context: Ctx, licence_id: UUID) -> VerificationAnswer:
    """What a person is asked to answer for, in which words, and whether one has (rule CL2)."""
    return _verification(await _one(context, who.tenant_id, licence_id))


@router.post("/licences/{licence_id}/verification", status_code=201, response_model=VerificationAnswer)
async def post_verification(
    request: Request, who: Verifier, context: Ctx, licence_id: UUID, body: VerifyBody
) -> Response:
    """A named person verifies exactly this statement; any change of it asks again (rule CL2)."""
    actor = actor_of(who, body.actor)
    item = await _one(context, who.tenant_id, licence_id)
    row = VerificationRow(
        id=new_id(), licence_id=licence_id, statement_hash=bytes.fromhex(body.statement_hash), wording=body.wording,
        actor=actor, person_id=who.person_id, created_at=from_ms(context.clock()),
    )  # fmt: skip

    async def effect(conn: Connection) -> VerificationAnswer:
        await verify_licence(conn, who.tenant_id, row, item.statement.hash, body.wording)
        return VerificationAnswer(
            licence_id=licence_id, statement_hash=body.statement_hash, wording=WORDING, verified_by=actor,
            verified_at=row.created_at,
        )  # fmt: skip

    return await command(request, context, who.tenant_id, 201, effect)


@router.get(
    "/licences/{licence_id}/report.pdf",
    response_class=Response,
    responses={200: {"content": {PDF: {}}}, **GONE, **BROKEN},
)
async def get_report(who: Reader, context: Ctx, licence_id: UUID) -> Response:
    try:
        pdf = await make_report(
            context.pool, who.tenant_id, licence_id, context.policy, context.sealer, context.classifier, context.pdf,
            context.clock(),
        )  # fmt: skip
    except PeerUnavailable as error:
        raise unavailable(f"The report cannot be made at the moment ({error}). Ask again.") from error
    return Response(pdf, media_type=PDF)


@router.post("/licences/{licence_id}/claimed-outside", status_code=201, response_model=OutsideAnswer)
async def post_outside(request: Request, who: Writer, context: Ctx, licence_id: UUID, body: OutsideBody) -> Response:
    async def effect(conn: Connection) -> OutsideAnswer:
        outside_id = await create_outside(conn, who, context, licence_id, body)
        return OutsideAnswer(id=outside_id, licence_id=licence_id)

    return await command(request, context, who.tenant_id, 201, effect)
