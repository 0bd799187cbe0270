"""What only claims tells, with the internal token: of which tenants everything is kept, and what may be forgotten."""

from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import Field, SecretStr

from services.ingest.adapters.retention import Retention
from shared.http.erasure_bodies import ErasuresBody, ErasuresTaken, NamesBody
from shared.http.fields import Body
from shared.http.guards import require_internal

TENANTS_MAX: Final = 100_000


class KeptBody(Body):
    """As shared.contracts.holds has it."""

    tenants: Annotated[list[UUID], Field(max_length=TENANTS_MAX)]


def router(retention: Retention, token: SecretStr) -> APIRouter:
    routes = APIRouter(prefix="/v1", tags=["claims"], dependencies=[Depends(require_internal(token))])

    @routes.post("/kept-tenants", status_code=204)
    async def kept(body: KeptBody) -> None:
        """Everything of these tenants is kept, and of no other: for some minutes, refused rows of four years ago may go."""
        retention.told(body.tenants)

    @routes.post("/erasures")
    async def erasures(body: ErasuresBody) -> ErasuresTaken:
        """Drop the refused rows of these device-days: claims holds none of them any more (rule RE2)."""
        return ErasuresTaken(
            gone=[
                one.id
                for one in body.stretches
                if await retention.forget(body.tenant, one.device, (one.from_day, one.to_day))
            ]
        )

    @routes.post("/erasures/names")
    async def names(body: NamesBody) -> ErasuresTaken:
        """Put these names away in consents to providers: claims has forgotten who bore them (rule RE2)."""
        for one in body.names:
            await retention.forget_name(body.tenant, one.name, one.put_away)
        return ErasuresTaken(gone=[one.id for one in body.names])

    return routes
