"""Applications other than off-road claims: begun, made ready, followed to their end (rules OT2, OT3, OT4)."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Final
from uuid import UUID

from fastapi import APIRouter, Request, Response

from services.claims.api.actors import actor_of
from services.claims.api.context import Context, Ctx, Reader, Writer, command, query
from services.claims.api.paging import ListAnswer, Paged, listed
from services.claims.api.refunds.application_bodies import (
    AmendBody,
    ApplicationBody,
    DocumentBody,
    Kind,
    ReadyBody,
    State,
)
from services.claims.api.refunds.application_convert import to_api_application, to_api_papers, to_api_summary
from services.claims.api.refunds.application_schemas import (
    ApplicationAnswer,
    ApplicationSummary,
    PapersAnswer,
    RefundedAnswer,
    RefundedParts,
)
from services.claims.application.refunds.application_steps import add_document, amend, make_ready
from services.claims.application.refunds.apply import begin_application, locked, step_at
from services.claims.application.refunds.show_application import Shown, show_application
from services.claims.application.refusals import not_found
from services.claims.domain.instants import from_ms
from services.claims.repo import applications, licences
from services.claims.repo.applications import ApplicationRow
from shared.clock import new_id
from shared.db.pool import Connection
from shared.http.auth import Principal
from shared.http.problems import Problem

NOT_DETAILS: Final = frozenset({"kind", "licence_id", "ref", "actor"})
JSON: Final = "application/json"

router = APIRouter(tags=["applications"])


async def show(conn: Connection, context: Context, tenant: UUID, application_id: UUID) -> ApplicationAnswer:
    policy = context.policy
    found = await show_application(conn, tenant, application_id, policy, context.clock())
    return to_api_application(found, policy)


async def record(
    request: Request,
    context: Context,
    who: Principal,
    application_id: UUID,
    act: Callable[[Connection, ApplicationRow], Awaitable[None]],
) -> Response:
    """What `act` does to a locked application, in one transaction with what it then is."""

    async def effect(conn: Connection) -> ApplicationAnswer:
        await act(conn, await locked(conn, who.tenant_id, application_id))
        return await show(conn, context, who.tenant_id, application_id)

    return await command(request, context, who.tenant_id, 200, effect)


@router.post("/applications", status_code=201, response_model=ApplicationAnswer)
async def post_application(request: Request, who: Writer, context: Ctx, body: ApplicationBody) -> Response:
    """A draft: nothing is asked for yet, and nothing of the licence changes."""
    actor = actor_of(who, body.actor)
    given = body.model_dump(exclude=set(NOT_DETAILS), exclude_unset=True)
    row = ApplicationRow(
        id=new_id(), ref=body.ref, kind=body.kind, state="draft", vehicle_id=body.licence_id, licence_id=body.licence_id,
        claimant_id=None, details=b"", created_at=from_ms(context.clock()),
    )  # fmt: skip

    async def effect(conn: Connection) -> ApplicationAnswer:
        await begin_application(conn, who.tenant_id, row, given, actor)
        return await show(conn, context, who.tenant_id, row.id)

    return await command(request, context, who.tenant_id, 201, effect)


@router.get("/applications")
async def get_applications(
    who: Reader,
    context: Ctx,
    page: Paged,
    kind: Kind | None = None,
    state: State | None = None,
    licence_id: UUID | None = None,
    vehicle_id: UUID | None = None,
    ref: str | None = None,
) -> ListAnswer[ApplicationSummary]:
    rows = await query(
        context,
        who.tenant_id,
        lambda conn: applications.applications(
            conn, who.tenant_id, page, kind=kind, state=state, licence_id=licence_id, vehicle_id=vehicle_id, ref=ref
        ),
    )
    return listed(page, rows, to_api_summary)


@router.get("/applications/{application_id}")
async def get_application(who: Reader, context: Ctx, application_id: UUID) -> ApplicationAnswer:
    """With its findings, duties, documents, money and every step."""
    return await query(context, who.tenant_id, lambda conn: show(conn, context, who.tenant_id, application_id))


@router.get("/applications/{application_id}/inputs", response_class=Response, responses={200: {"content": {JSON: {}}}})
async def get_inputs(who: Reader, context: Ctx, application_id: UUID) -> Response:
    """The exact bytes that were frozen when it was made ready; their SHA-256 is `inputs_sha256`."""

    async def read(conn: Connection) -> bytes | None:
        row = await applications.application(conn, who.tenant_id, application_id)
        if row is None:
            raise not_found("application", application_id)
        frozen = row.inputs_sha256 is not None
        return await applications.inputs(conn, who.tenant_id, application_id) if frozen else None

    exact = await query(context, who.tenant_id, read)
    if exact is None:
        raise Problem(
            409, "not_ready", "Nothing is frozen yet", "Make the application ready: what it stands on is frozen then."
        )
    return Response(exact, media_type=JSON)


@router.get("/applications/{application_id}/papers")
async def get_papers(who: Reader, context: Ctx, application_id: UUID) -> PapersAnswer:
    """What a person sends, field by field, where to, and a draft of the words."""

    async def read(conn: Connection) -> Shown:
        return await show_application(conn, who.tenant_id, application_id, context.policy, context.clock())

    return to_api_papers(await query(context, who.tenant_id, read))


@router.post("/applications/{application_id}/details", response_model=ApplicationAnswer)
async def post_details(request: Request, who: Writer, context: Ctx, application_id: UUID, body: AmendBody) -> Response:
    """Say more, or otherwise: only the fields that are sent change.  What was ready is a draft again."""
    actor = actor_of(who, body.actor)
    given = body.model_dump(exclude={"actor"}, exclude_unset=True)
    at = from_ms(context.clock())

    async def act(conn: Connection, row: ApplicationRow) -> None:
        await amend(conn, who.tenant_id, row, given, at, actor, context.reviews)

    return await record(request, context, who, application_id, act)


@router.post("/applications/{application_id}/documents", response_model=ApplicationAnswer)
async def post_document(
    request: Request, who: Writer, context: Ctx, application_id: UUID, body: DocumentBody
) -> Response:
    """Name an attachment as one of the documents; of several of one code the last counts."""
    actor, at = actor_of(who, body.actor), from_ms(context.clock())

    async def act(conn: Connection, row: ApplicationRow) -> None:
        step = step_at("document", row.state, at, actor)
        step = replace(step, code=body.code, shows=body.shows, attachment_id=body.attachment_id)
        await add_document(conn, who.tenant_id, row, step, context.reviews)

    return await record(request, context, who, application_id, act)


@router.post("/applications/{application_id}/ready", response_model=ApplicationAnswer)
async def post_ready(request: Request, who: Writer, context: Ctx, application_id: UUID, body: ReadyBody) -> Response:
    """Freeze what it stands on; the licence's claimable range ends at its reading from now on."""
    actor = actor_of(who, body.actor)

    async def act(conn: Connection, row: ApplicationRow) -> None:
        await make_ready(conn, who.tenant_id, row, actor, context.reviews)

    return await record(request, context, who, application_id, act)


@router.get("/licences/{licence_id}/refunded")
async def get_refunded(who: Reader, context: Ctx, licence_id: UUID) -> RefundedParts:
    """Which parts of the licence were refunded or are asked for: never two of the same kilometre."""

    async def read(conn: Connection) -> RefundedParts:
        row = await licences.licence(conn, who.tenant_id, licence_id)
        if row is None:
            raise not_found("licence", licence_id)
        found = await applications.refunded(conn, who.tenant_id, [licence_id])
        return RefundedParts(
            licence_id=licence_id,
            start_reading=row.start_reading,
            end_reading=row.end_reading,
            parts=[RefundedAnswer.model_validate(one) for one in found],
        )

    return await query(context, who.tenant_id, read)
