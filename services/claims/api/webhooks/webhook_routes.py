"""Webhooks of a tenant: endpoints, secrets, the delivery log (docs/guide/webhooks.md)."""

import json
from collections.abc import Awaitable, Callable
from datetime import timedelta
from uuid import UUID

from fastapi import APIRouter, Request, Response

from services.claims.api.context import Context, Ctx, Integrator, Reader, command, query
from services.claims.api.fields import Ref
from services.claims.api.paging import ListAnswer, Paged, listed
from services.claims.api.standing import still_holds
from services.claims.api.webhooks.webhook_schemas import (
    SUBSCRIBED,
    AgainAnswer,
    AgainBody,
    AttemptAnswer,
    DeliveryAnswer,
    DeliveryState,
    EventTypeAnswer,
    EventTypesAnswer,
    RotateWebhookBody,
    SwitchBody,
    TestAnswer,
    WebhookAnswer,
    WebhookBody,
    WebhookChange,
    WebhookMade,
)
from services.claims.application.refusals import invalid
from services.claims.application.webhooks import webhooks as use
from services.claims.domain.instants import from_ms
from services.claims.domain.webhooks.webhook_address import NotAllowed, target_of
from services.claims.domain.webhooks.webhook_events import EVENT_TYPES
from services.claims.domain.webhooks.webhook_signing import secret_text
from services.claims.repo import webhook_events, webhooks
from services.claims.repo.webhooks import EndpointRow
from shared.clock import new_id
from shared.db.pool import Connection
from shared.http.auth import Principal

router = APIRouter(tags=["webhooks"])
SWITCHED_OFF = "switched off by the tenant"


def _allowed(context: Context, url: str) -> None:
    """Whether it may lead anywhere at all; where its name leads to is looked at anew by every delivery."""
    try:
        target_of(url, context.webhook_hosts)
    except NotAllowed as error:
        raise invalid("/url", str(error), "not_allowed") from None


async def _answer(conn: Connection, tenant: UUID, webhook_id: UUID) -> WebhookAnswer:
    return WebhookAnswer.model_validate(await use.read_endpoint(conn, tenant, webhook_id))


async def _with_secret(
    request: Request,
    context: Context,
    who: Principal,
    status: int,
    make: Callable[[Connection], Awaitable[tuple[UUID, bytes]]],
) -> Response:
    """The secret is in the first answer alone: what is stored for the Idempotency-Key lacks it."""
    made: list[bytes] = []

    async def effect(conn: Connection) -> WebhookMade:
        await still_holds(conn, context, who)
        webhook_id, secret = await make(conn)
        made.append(secret)
        row = await use.read_endpoint(conn, who.tenant_id, webhook_id)
        return WebhookMade.model_validate(row)

    response = await command(request, context, who.tenant_id, status, effect)
    if not made:
        return response
    body = json.loads(bytes(response.body)) | {"secret": secret_text(made[-1])}
    headers = {"Cache-Control": "no-store"}
    return Response(json.dumps(body), response.status_code, headers, "application/json")


@router.get("/webhook-event-types")
async def get_event_types(_who: Reader) -> EventTypesAnswer:
    """What a webhook can be told of."""
    return EventTypesAnswer(items=[EventTypeAnswer(type=name, description=EVENT_TYPES[name]) for name in SUBSCRIBED])


@router.post("/webhooks", status_code=201, response_model=WebhookMade)
async def post_webhook(request: Request, who: Integrator, context: Ctx, body: WebhookBody) -> Response:
    """The answer shows the secret, this once."""
    _allowed(context, body.url)
    row = EndpointRow(id=new_id(), created_at=from_ms(context.clock()), **body.model_dump())

    async def make(conn: Connection) -> tuple[UUID, bytes]:
        return row.id, await use.add_endpoint(conn, who.tenant_id, row, context.sealer)

    return await _with_secret(request, context, who, 201, make)


@router.get("/webhooks")
async def get_webhooks(who: Reader, context: Ctx, page: Paged, ref: Ref | None = None) -> ListAnswer[WebhookAnswer]:
    async def read(conn: Connection) -> ListAnswer[WebhookAnswer]:
        rows = await webhooks.endpoints(conn, who.tenant_id, page, ref)
        return listed(page, rows, WebhookAnswer.model_validate)

    return await query(context, who.tenant_id, read)


@router.get("/webhooks/{webhook_id}")
async def get_webhook(who: Reader, context: Ctx, webhook_id: UUID) -> WebhookAnswer:
    return await query(context, who.tenant_id, lambda conn: _answer(conn, who.tenant_id, webhook_id))


@router.patch("/webhooks/{webhook_id}", response_model=WebhookAnswer)
async def patch_webhook(
    request: Request, who: Integrator, context: Ctx, webhook_id: UUID, body: WebhookChange
) -> Response:
    if body.url is not None:
        _allowed(context, body.url)

    async def effect(conn: Connection) -> WebhookAnswer:
        await still_holds(conn, context, who)
        await use.change_endpoint(conn, who.tenant_id, webhook_id, use.Change(**body.model_dump()))
        return await _answer(conn, who.tenant_id, webhook_id)

    return await command(request, context, who.tenant_id, 200, effect)


@router.post("/webhooks/{webhook_id}/rotate-secret", response_model=WebhookMade)
async def post_rotation(
    request: Request, who: Integrator, context: Ctx, webhook_id: UUID, body: RotateWebhookBody
) -> Response:
    """Another secret; both sign until the overlap ends."""
    now, overlap = from_ms(context.clock()), timedelta(hours=body.overlap_hours)

    async def make(conn: Connection) -> tuple[UUID, bytes]:
        return webhook_id, await use.rotate_secret(conn, who.tenant_id, webhook_id, context.sealer, now, overlap)

    return await _with_secret(request, context, who, 200, make)


async def _switch(
    request: Request, context: Context, who: Principal, webhook_id: UUID, *, on: bool, reason: str = ""
) -> Response:
    async def effect(conn: Connection) -> WebhookAnswer:
        await use.switch(conn, who.tenant_id, webhook_id, on=on, reason=reason)
        return await _answer(conn, who.tenant_id, webhook_id)

    return await command(request, context, who.tenant_id, 200, effect)


@router.post("/webhooks/{webhook_id}/disable", response_model=WebhookAnswer)
async def post_disable(request: Request, who: Integrator, context: Ctx, webhook_id: UUID, body: SwitchBody) -> Response:
    """Nothing is sent any more; what waits goes on when it is enabled."""
    return await _switch(request, context, who, webhook_id, on=False, reason=body.reason or SWITCHED_OFF)


@router.post("/webhooks/{webhook_id}/enable", response_model=WebhookAnswer)
async def post_enable(request: Request, who: Integrator, context: Ctx, webhook_id: UUID) -> Response:
    """Events of the time between were not kept for it: ask for them with `redeliver`."""
    return await _switch(request, context, who, webhook_id, on=True)


@router.post("/webhooks/{webhook_id}/test", status_code=202, response_model=TestAnswer)
async def post_test(request: Request, who: Integrator, context: Ctx, webhook_id: UUID) -> Response:
    """Sends `webhook.test` to this endpoint; the delivery log says what became of it."""

    async def effect(conn: Connection) -> TestAnswer:
        return TestAnswer(event_id=await use.send_test(conn, who.tenant_id, webhook_id))

    return await command(request, context, who.tenant_id, 202, effect)


@router.post("/webhooks/{webhook_id}/redeliver", status_code=202, response_model=AgainAnswer)
async def post_redelivery(
    request: Request, who: Integrator, context: Ctx, webhook_id: UUID, body: AgainBody
) -> Response:
    """Send events once more, with the same `webhook-id`."""

    async def effect(conn: Connection) -> AgainAnswer:
        count = await use.deliver_again(conn, who.tenant_id, webhook_id, body.event_ids, body.since)
        return AgainAnswer(deliveries=count)

    return await command(request, context, who.tenant_id, 202, effect)


@router.get("/webhooks/{webhook_id}/deliveries")
async def get_deliveries(
    who: Reader, context: Ctx, page: Paged, webhook_id: UUID, state: DeliveryState | None = None
) -> ListAnswer[DeliveryAnswer]:
    """Oldest first, each with its attempts; kept for 90 days."""

    async def read(conn: Connection) -> ListAnswer[DeliveryAnswer]:
        await use.read_endpoint(conn, who.tenant_id, webhook_id)
        rows = await webhook_events.deliveries(conn, who.tenant_id, webhook_id, page, state)
        tried: dict[UUID, list[AttemptAnswer]] = {}
        for one in await webhook_events.attempts(conn, who.tenant_id, [row.id for row in rows]):
            tried.setdefault(one.delivery_id, []).append(AttemptAnswer.model_validate(one))
        return listed(
            page, rows, lambda row: DeliveryAnswer.model_validate(vars(row) | {"attempts": tried.get(row.id, [])})
        )

    return await query(context, who.tenant_id, read)
