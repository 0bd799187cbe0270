"""What becomes of a claim: sent, received, returned, withdrawn, decided; disclosures (rules CL5, CL6, CL7)."""

from collections.abc import Awaitable, Callable
from datetime import date
from uuid import UUID

from fastapi import APIRouter, Request, Response

from services.claims.api.actors import actor_of
from services.claims.api.claim.life_schemas import (
    BrokenAnswer,
    ClosedAnswer,
    CloseDisclosureBody,
    ConsentBody,
    DisclosureAnswer,
    GroundAnswer,
    HistoryAnswer,
    LineStepAnswer,
    OutcomesBody,
    ReceivedBody,
    ReturnedBody,
    ReviewAnswer,
    SentBody,
    StepAnswer,
    WithdrawBody,
)
from services.claims.api.context import Context, Ctx, Lodger, Reader, Writer, command, query, replayed
from services.claims.api.ledger.faulty_schemas import FaultyReviewAnswer
from services.claims.api.paging import ListAnswer, Paged
from services.claims.api.statement.convert import to_api_finding
from services.claims.application.claim.claim_steps import take_step, withdraw
from services.claims.application.claim.consent import consent
from services.claims.application.claim.decide_lines import decide
from services.claims.application.claim.doubts import doubts
from services.claims.application.claim.review_claim import NOTHING, close_disclosure, compare, store_compared
from services.claims.application.happened import check_day_happened
from services.claims.application.refusals import invalid, not_found
from services.claims.domain.claim.claim_life import answer_due_on
from services.claims.domain.instants import from_ms, nz_date
from services.claims.domain.policy import Policy
from services.claims.repo import claim_life, claims, faulty
from services.claims.repo.claim_life import DisclosureRow, LineStep, Step
from services.claims.repo.rows import Page
from shared.clock import new_id
from shared.db.pool import Connection
from shared.http.auth import Principal
from shared.http.paging import LIMIT_MAX

router = APIRouter(tags=["claims"])


async def _history(conn: Connection, tenant: UUID, claim_id: UUID, policy: Policy, today: date) -> HistoryAnswer:
    row = await claims.claim(conn, tenant, claim_id)
    if row is None:
        raise not_found("claim", claim_id)
    steps = await claim_life.steps(conn, tenant, claim_id)
    received = [step.on_day for step in steps if step.kind == "received"]
    return HistoryAnswer(
        claim_id=claim_id,
        number=row.number,
        state=row.state,
        answer_due_on=answer_due_on(received[-1], policy) if row.state == "received" else None,
        steps=[StepAnswer.model_validate(step) for step in steps],
        lines=[LineStepAnswer.model_validate(step) for step in await claim_life.line_steps(conn, tenant, claim_id)],
        reviews=[
            FaultyReviewAnswer.model_validate(one) for one in await faulty.reviews(conn, tenant, claim_id=claim_id)
        ],
        findings=[to_api_finding(finding) for finding in await doubts(conn, tenant, row, policy, today)],
    )


def today_of(context: Context) -> date:
    """The NZ day; nothing that happened to a claim lies after it."""
    return nz_date(from_ms(context.clock()))


async def record(
    request: Request, context: Context, who: Principal, claim_id: UUID, act: Callable[[Connection], Awaitable[None]]
) -> Response:
    """What `act` records of a claim, in one transaction with the history that it leads to."""

    async def effect(conn: Connection) -> HistoryAnswer:
        await act(conn)
        return await _history(conn, who.tenant_id, claim_id, context.policy, today_of(context))

    return await command(request, context, who.tenant_id, 200, effect)


async def _take(request: Request, context: Context, who: Principal, claim_id: UUID, step: Step) -> Response:
    """A step that is no more than its record."""
    return await record(
        request, context, who, claim_id, lambda conn: take_step(conn, who.tenant_id, claim_id, step, today_of(context))
    )


@router.get("/claims/{claim_id}/history")
async def get_history(who: Reader, context: Ctx, claim_id: UUID) -> HistoryAnswer:
    """Every step in order, and what the Agency said of each line."""
    today = today_of(context)
    return await query(
        context, who.tenant_id, lambda conn: _history(conn, who.tenant_id, claim_id, context.policy, today)
    )


@router.post("/claims/{claim_id}/sent", response_model=HistoryAnswer)
async def post_sent(request: Request, who: Writer, context: Ctx, claim_id: UUID, body: SentBody) -> Response:
    """The signed form went to the Agency.  From here on the claim cannot be withdrawn (rule CL5)."""
    step = Step(
        id=new_id(), kind="sent", on_day=body.on, channel=body.channel, attachment_id=body.attachment_id,
        actor=actor_of(who, body.actor),
    )  # fmt: skip
    return await _take(request, context, who, claim_id, step)


@router.post("/claims/{claim_id}/received", response_model=HistoryAnswer)
async def post_received(request: Request, who: Writer, context: Ctx, claim_id: UUID, body: ReceivedBody) -> Response:
    """The Agency has the form: its ten working days run (rule CL6)."""
    step = Step(id=new_id(), kind="received", on_day=body.on, reference=body.reference, actor=actor_of(who, body.actor))
    return await _take(request, context, who, claim_id, step)


@router.post("/claims/{claim_id}/returned", response_model=HistoryAnswer)
async def post_returned(request: Request, who: Writer, context: Ctx, claim_id: UUID, body: ReturnedBody) -> Response:
    """The Agency sent the form back: correct what it names and send the same claim again (rule CL6)."""
    step = Step(id=new_id(), kind="returned", on_day=body.on, reason=body.reason, actor=actor_of(who, body.actor))
    return await _take(request, context, who, claim_id, step)


@router.post("/claims/{claim_id}/withdraw", response_model=HistoryAnswer)
async def post_withdraw(request: Request, who: Lodger, context: Ctx, claim_id: UUID, body: WithdrawBody) -> Response:
    """Take back a claim whose form was never sent: its licences are free again, its form is void (rule CL5)."""
    step = Step(id=new_id(), kind="withdrawn", on_day=body.on, reason=body.reason, actor=actor_of(who, body.actor))
    return await record(
        request, context, who, claim_id, lambda conn: withdraw(conn, who.tenant_id, claim_id, step, today_of(context))
    )


@router.post("/claims/{claim_id}/second-application", response_model=HistoryAnswer)
async def post_consent(request: Request, who: Lodger, context: Ctx, claim_id: UUID, body: ConsentBody) -> Response:
    """The Agency agreed in writing to another application for licences of a sent claim (rule CL5; Act s 35(3)).  The claim
    holds them until that one is lodged, which claims only what this one left out."""
    step = Step(
        id=new_id(), kind="consent", on_day=body.on, reference=body.reference, reason=body.reason,
        actor=actor_of(who, body.actor),
    )  # fmt: skip
    return await record(
        request, context, who, claim_id,
        lambda conn: consent(conn, who.tenant_id, claim_id, body.licence_ids, step, today_of(context)),
    )  # fmt: skip


@router.post("/claims/{claim_id}/outcomes", response_model=HistoryAnswer)
async def post_outcomes(request: Request, who: Writer, context: Ctx, claim_id: UUID, body: OutcomesBody) -> Response:
    """What the Agency decided, line by line, and what was paid, set off or recovered (rule CL6)."""
    actor = actor_of(who, body.actor)
    steps = [LineStep(id=new_id(), on_day=one.on, actor=actor, **one.model_dump(exclude={"on"})) for one in body.lines]
    return await record(
        request, context, who, claim_id,
        lambda conn: decide(conn, who.tenant_id, claim_id, steps, today_of(context), context.reviews),
    )  # fmt: skip


@router.post("/claims/{claim_id}/review", response_model=ReviewAnswer)
async def post_review(request: Request, who: Writer, context: Ctx, claim_id: UUID) -> Response:
    """Hold the claim against today's statements, rates and rules; what it would not be given today becomes a disclosure task
    (rule CL7)."""
    if (earlier := await replayed(request, context, who.tenant_id)) is not None:
        return earlier
    now_ms = context.clock()
    policy = context.policy
    compared = await compare(context.pool, who.tenant_id, claim_id, policy, now_ms)

    async def effect(conn: Connection) -> ReviewAnswer:
        found = NOTHING
        if compared is not None:
            found = await store_compared(conn, who.tenant_id, compared, policy, now_ms)
        rows = await claim_life.disclosures(conn, who.tenant_id, Page(LIMIT_MAX), claim_id)
        return ReviewAnswer(
            over_claimed=found.owing,
            broken=[BrokenAnswer(licence_id=one.row.id, words=one.words) for one in found.broken],
            disclosures=[_disclosure(row) for row in rows],
        )

    return await command(request, context, who.tenant_id, 200, effect)


def _disclosure(row: DisclosureRow) -> DisclosureAnswer:
    grounds = [GroundAnswer(rule=rule, reason=why) for rule, why in zip(row.rules, row.grounds, strict=True)]
    return DisclosureAnswer.model_validate(vars(row) | {"grounds": grounds})


@router.get("/disclosures")
async def get_disclosures(
    who: Reader,
    context: Ctx,
    page: Paged,
    claim_id: UUID | None = None,
    licence_id: UUID | None = None,
    *,
    only_open: bool = False,
) -> ListAnswer[DisclosureAnswer]:
    rows = await query(
        context,
        who.tenant_id,
        lambda conn: claim_life.disclosures(conn, who.tenant_id, page, claim_id, licence_id, only_open=only_open),
    )
    cursor = page.of.cursor_of(rows[-1].found_at, rows[-1].id) if len(rows) == page.limit else None
    return ListAnswer(items=[_disclosure(row) for row in rows], next_cursor=cursor)


@router.post("/disclosures/{disclosure_id}/close", response_model=ClosedAnswer)
async def post_close(
    request: Request, who: Writer, context: Ctx, disclosure_id: UUID, body: CloseDisclosureBody
) -> Response:
    """All of the amount was repaid or set off, or nothing more is owed (with the Agency's reference)."""
    actor = actor_of(who, body.actor)

    async def effect(conn: Connection) -> ClosedAnswer:
        check_day_happened("/on", body.on, today_of(context))
        owed = await claim_life.owed_cents(conn, who.tenant_id, disclosure_id) or 0
        if body.closed_as != "nothing_owed" and body.cents < owed:  # or the rest would never be asked for again
            raise invalid(
                "/cents", f"{owed} cents are owed: where the Agency asks for less, close it as `nothing_owed`"
            )
        if body.closed_as == "nothing_owed" and not body.reference:
            raise invalid("/reference", "the Agency's word that nothing, or no more, is owed", "missing")
        claim_id = await close_disclosure(
            conn, who.tenant_id, disclosure_id, body.on, body.closed_as, body.cents, body.reference, actor
        )
        if claim_id is None:
            raise not_found("open disclosure", disclosure_id)
        return ClosedAnswer(id=disclosure_id, claim_id=claim_id)

    return await command(request, context, who.tenant_id, 200, effect)
