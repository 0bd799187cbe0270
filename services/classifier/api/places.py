"""`POST /v1/places`: for claims only, with the internal token.  Every read is confined to the tenant asked for."""

from functools import partial
from typing import Annotated, Final
from uuid import UUID

import msgspec
from fastapi import APIRouter, Depends, Response
from pydantic import Field, SecretStr

from services.classifier.api.ruling_schemas import DeviceId
from services.classifier.application.place_names import Namer
from shared.contracts.places import PlacesAsked
from shared.db.pool import Pool, tenant_tx
from shared.http.fields import Body
from shared.http.guards import require_internal
from shared.nz_days import FIRST_DAY, LAST_DAY, to_ordinal

DAYS_MAX: Final = 100
SPANS_MAX: Final = 5_000
"""Of one device-day; a day at one fix a second has a few hundred."""
_FIRST: Final = to_ordinal(FIRST_DAY) + 1
_LAST: Final = to_ordinal(LAST_DAY) - 2
Number = Annotated[int, Field(ge=-(2**53), le=2**53)]


class DaySpansBody(Body):
    device: DeviceId
    day: Annotated[int, Field(ge=_FIRST, le=_LAST)]
    road_set: Annotated[str, Field(max_length=64)]
    spans: Annotated[list[tuple[Number, Number, Number, Number, Number, Number]], Field(max_length=SPANS_MAX)]


class PlacesBody(Body):
    """As shared.contracts.places has it."""

    tenant: UUID
    days: Annotated[list[DaySpansBody], Field(max_length=DAYS_MAX)]


def router(pool: Pool, token: SecretStr, namer: Namer) -> APIRouter:
    """`pool` is the API role's."""
    routes = APIRouter(prefix="/v1", tags=["claims"], dependencies=[Depends(require_internal(token))])

    @routes.post("/places", response_class=Response)
    async def places(body: PlacesBody) -> Response:
        """Where each segment lies, in words: declared land, else the nearest named road, else coordinates (rule DI6)."""
        asked = msgspec.convert(body.model_dump(mode="json"), PlacesAsked)
        told = await namer.name(partial(tenant_tx, pool, body.tenant), asked)
        return Response(msgspec.json.encode(told), media_type="application/json")

    return routes
