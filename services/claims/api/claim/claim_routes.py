"""Claims: preview, lodge, read, the form; and how far the ledger is complete."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Final, TypeVar
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from services.claims.api.claim.claim_convert import to_api_claim, to_api_preview, to_api_summary
from services.claims.api.claim.claim_schemas import (
    LICENCES_MAX,
    ClaimAnswer,
    ClaimSummaryAnswer,
    DeviceProgressAnswer,
    LodgeBody,
    LodgedState,
    PreviewAnswer,
    PreviewBody,
    ProgressAnswer,
)
from services.claims.api.context import Context, Ctx, Lodger, Reader, Writer, command, query, replayed
from services.claims.api.fields import Day
from services.claims.api.paging import ListAnswer, Paged
from services.claims.application.claim.claim_request import ClaimRequest, LineRequest
from services.claims.application.claim.doubts import doubts
from services.claims.application.claim.lodge_claim import lodge, prepare_lodging
from services.claims.application.claim.preview_claim import (
    ATTEMPTS_MAX,
    LedgerMoved,
    draft_from_ledger,
    licences_for,
    store_preview,
)
from services.claims.application.claim.read_form import read_form
from services.claims.application.policies import holds
from services.claims.application.refusals import invalid, not_found
from services.claims.domain.instants import from_ms, nz_date
from services.claims.repo import claims, devices, documents, ledger
from shared.contracts.partitioning import partition_of
from shared.db.pool import Connection
from shared.http.problem_schemas import GONE
from shared.http.problems import Problem
from shared.observability.metrics import CLAIMS_LODGED, CLAIMS_REFUSED

PDF: Final = "application/pdf"
EDITION_MAX: Final = 1_000_000
T = TypeVar("T")

router = APIRouter(tags=["claims"])


async def _again_while_moving(attempt: Callable[[], Awaitable[T]]) -> T:
    """The ledger may move between reading and writing: read again, a few times."""
    for _ in range(ATTEMPTS_MAX - 1):
        try:
            return await attempt()
        except LedgerMoved:
            continue
    return await attempt()


async def request_of(context: Context, tenant: UUID, body: PreviewBody) -> ClaimRequest:
    """The exact licences of a body, a filter resolved (rule CL3).  Raises Problem 422."""
    ids = tuple(body.licence_ids or ())
    left_out: tuple[str, ...] = ()
    if body.filter is not None:
        wanted, now_ms = body.filter, context.clock()
        ids, left_out = await query(
            context,
            tenant,
            lambda conn: licences_for(
                conn, tenant, body.claimant_id, wanted.state, wanted.vehicle_id, context.policy, now_ms
            ),
        )
        if len(ids) > LICENCES_MAX:
            raise invalid("/filter", f"{len(ids)} licences fit, a claim holds {LICENCES_MAX}: claim vehicle by vehicle")
    fields = body.model_dump(exclude={"licence_ids", "filter", "lines"})
    lines = {key: LineRequest(**line.model_dump()) for key, line in body.lines.items() if key in ids}
    return ClaimRequest(licence_ids=ids, left_out=left_out, lines=lines, **fields)


@router.post("/claims/preview", response_model=PreviewAnswer)
async def post_preview(request: Request, who: Writer, context: Ctx, body: PreviewBody) -> Response:
    """A person who signed in completes the form, unless another is named (rules PA2, CL1)."""
    if who.person is not None and not body.person_completing:
        body = body.model_copy(update={"person_completing": who.person})

    async def attempt() -> Response:
        now_ms = context.clock()
        asked = await request_of(context, who.tenant_id, body)
        _, drafted = await draft_from_ledger(
            context.pool, who.tenant_id, asked, context.policy, context.sealer, context.hasher, now_ms
        )

        async def effect(conn: Connection) -> PreviewAnswer:
            return to_api_preview(await store_preview(conn, who.tenant_id, drafted, now_ms))

        return await command(request, context, who.tenant_id, 200, effect)

    earlier = await replayed(request, context, who.tenant_id)
    return await _again_while_moving(attempt) if earlier is None else earlier


@router.post("/claims", status_code=201, response_model=ClaimAnswer)
async def post_claim(request: Request, who: Lodger, context: Ctx, body: LodgeBody) -> Response:
    try:
        preview_id = UUID(body.preview_token)
    except ValueError:
        raise invalid("/preview_token", "is no token of a preview: send it unchanged") from None

    async def attempt() -> Response:
        now_ms = context.clock()
        policy = await context.policies.refresh(context.pool)
        ready = await prepare_lodging(
            context.pool, who.tenant_id, preview_id, policy, context.sealer, context.hasher, now_ms
        )

        async def effect(conn: Connection) -> ClaimAnswer:
            if not await holds(conn, policy, context.policies.shipped):
                raise LedgerMoved("the policy changed while the claim was lodged")
            claim_id = await lodge(conn, who.tenant_id, ready, policy, context.sealer, context.hasher, now_ms)
            return await _claim(conn, who.tenant_id, claim_id, context)

        return await command(request, context, who.tenant_id, 201, effect)

    earlier = await replayed(request, context, who.tenant_id)
    if earlier is not None:
        return earlier
    try:
        response = await _again_while_moving(attempt)
    except Problem as problem:
        earlier = await replayed(request, context, who.tenant_id)  # the same command, sent twice at once, was quicker
        if earlier is not None:
            return earlier
        CLAIMS_REFUSED.labels(problem.code).inc()
        raise
    CLAIMS_LODGED.inc()
    return response


async def _claim(conn: Connection, tenant: UUID, claim_id: UUID, context: Context) -> ClaimAnswer:
    row = await claims.claim(conn, tenant, claim_id)
    if row is None:
        raise not_found("claim", claim_id)
    lines = await claims.lines(conn, tenant, claim_id)
    revisions = await claims.revisions_of(conn, tenant, claim_id)
    head = await documents.head(conn, tenant, claim_id, "form")
    today = nz_date(from_ms(context.clock()))
    return to_api_claim(row, lines, revisions, head, await doubts(conn, tenant, row, context.policy, today))


@router.get("/claims")
async def get_claims(
    who: Reader,
    context: Ctx,
    page: Paged,
    state: LodgedState | None = None,
    claimant_id: UUID | None = None,
    licence_id: UUID | None = None,
    number: Annotated[str | None, Query(max_length=40)] = None,
    lodged_from: Annotated[Day | None, Query(description="First NZ day, included.")] = None,
    lodged_to: Annotated[Day | None, Query(description="Last NZ day, included.")] = None,
) -> ListAnswer[ClaimSummaryAnswer]:
    wanted = claims.Wanted(state, claimant_id, number, lodged_from, lodged_to, licence_id)

    async def read(conn: Connection) -> ListAnswer[ClaimSummaryAnswer]:
        rows = await claims.claims(conn, who.tenant_id, page, wanted)
        heads = await documents.heads(conn, who.tenant_id, [row.id for row in rows], "form")
        cursor = page.of.cursor_of(rows[-1].lodged_at, rows[-1].id) if len(rows) == page.limit else None
        return ListAnswer(items=[to_api_summary(row, heads.get(row.id)) for row in rows], next_cursor=cursor)

    return await query(context, who.tenant_id, read)


@router.get("/claims/{claim_id}")
async def get_claim(who: Reader, context: Ctx, claim_id: UUID) -> ClaimAnswer:
    return await query(context, who.tenant_id, lambda conn: _claim(conn, who.tenant_id, claim_id, context))


@router.get("/claims/{claim_id}/form.pdf", response_class=Response, responses={200: {"content": {PDF: {}}}, **GONE})
async def get_form(
    who: Reader, context: Ctx, claim_id: UUID, *, voided: bool = False,
    edition: Annotated[int | None, Query(ge=1, le=EDITION_MAX)] = None,
) -> Response:  # fmt: skip
    """The exact bytes, for ever (rule FO3): of the latest edition, or of the one asked for (1: as lodged, rule CL6).  The
    form of a withdrawn claim is void: only `voided=true` shows it (rule CL5)."""

    pdf = await read_form(context.pool, who.tenant_id, claim_id, context.sealer, voided=voided, edition=edition)
    return Response(pdf, media_type=PDF)


@router.get("/progress")
async def get_progress(who: Reader, context: Ctx) -> ProgressAnswer:
    async def read(conn: Connection) -> ProgressAnswer:
        ticks = await ledger.progress(conn)
        known = []
        for device in await devices.devices(conn, who.tenant_id):
            partition = partition_of(str(who.tenant_id), device)
            at = ticks.get(partition)
            through = None if at is None else from_ms(at)
            known.append(DeviceProgressAnswer(device=device, partition=partition, complete_through=through))
        reached = [device.complete_through for device in known]
        least = min((at for at in reached if at is not None), default=None) if None not in reached else None
        return ProgressAnswer(complete_through=least, devices=known)

    return await query(context, who.tenant_id, read)
