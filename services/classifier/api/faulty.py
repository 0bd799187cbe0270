"""`/v1/faulty-stretches`: for our own services only, with the internal token.  Every transaction sees the tenant asked for."""

from typing import Annotated, Final
from uuid import UUID

import msgspec
from fastapi import APIRouter, Depends, Response
from pydantic import AfterValidator, Field, SecretStr, StringConstraints

from services.classifier.api.ruling_context import Ctx
from services.classifier.api.ruling_schemas import DeviceId, Reason
from services.classifier.application import faulty
from services.classifier.application.land import By
from services.classifier.application.ruling_refusals import invalid
from shared.contracts.faulty import FaultyStretch, KnownDay, PendingAsked, StretchTaken
from shared.db.pool import Pool, tenant_tx
from shared.http.fields import Body, printable
from shared.http.guards import require_internal
from shared.nz_days import FIRST_DAY, LAST_DAY, bounds_ms, instant_of, to_ordinal

SPAN_MS_MAX: Final = 800 * 86_400_000
"""No fix is older than that when it comes in."""
DAYS_MAX: Final = 1_000
KEY_ID: Final = "claims"
"""What the exclusion names in the place of a tenant's key."""
_FIRST_MS: Final = bounds_ms(to_ordinal(FIRST_DAY))[0]
_LAST_MS: Final = bounds_ms(to_ordinal(LAST_DAY) - 2)[1]


class StretchBody(Body):
    tenant: UUID
    device: DeviceId
    from_ms: int = Field(ge=_FIRST_MS, lt=_LAST_MS)
    to_ms: int = Field(ge=_FIRST_MS, lt=_LAST_MS)
    reason: Reason
    actor: Annotated[str, StringConstraints(max_length=500), AfterValidator(printable)]


class PendingBody(Body):
    tenant: UUID
    known: list[tuple[int, Annotated[str, StringConstraints(max_length=64)]]] = Field(max_length=DAYS_MAX)


def router(pool: Pool, token: SecretStr) -> APIRouter:
    """`pool` is the API role's."""
    routes = APIRouter(
        prefix="/v1/faulty-stretches", dependencies=[Depends(require_internal(token))], tags=["faulty data"]
    )

    @routes.put("/{stretch_id}", response_class=Response)
    async def take_out(context: Ctx, stretch_id: UUID, body: StretchBody) -> Response:
        """Nothing of the stretch counts as off road from now on.  The same again changes nothing."""
        if not body.from_ms <= body.to_ms <= body.from_ms + SPAN_MS_MAX:
            raise invalid("/to_ms", "must not lie before from_ms, nor more than 800 days after it")
        stretch = FaultyStretch(id=stretch_id, **body.model_dump())
        by = By(body.actor, KEY_ID, instant_of(context.clock()))
        async with tenant_tx(pool, body.tenant) as conn:
            days = await faulty.take_out(conn, stretch, by, context.gap_ms)
        return _json(StretchTaken(id=stretch_id, device_days=days))

    @routes.post("/{stretch_id}/pending", response_class=Response)
    async def pending(context: Ctx, stretch_id: UUID, body: PendingBody) -> Response:
        """Which days of it are still to be computed again, or have not reached the caller."""
        known = tuple(KnownDay(*one) for one in body.known)
        async with tenant_tx(pool, body.tenant) as conn:
            found = await faulty.pending(
                conn, PendingAsked(tenant=body.tenant, id=stretch_id, known=known), context.gap_ms
            )
        return _json(found)

    return routes


def _json(answer: msgspec.Struct) -> Response:
    return Response(msgspec.json.encode(answer), media_type="application/json")
