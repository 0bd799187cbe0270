"""What claims has let go of goes here too (rule RE2): fixes of days, names in rulings.  Part of what only claims asks."""

from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, Field

from services.classifier.repo import erasure
from shared.db.pool import Pool, tenant_tx
from shared.http.fields import Body

STRETCHES_MAX: Final = 100
DAY_MAX: Final = 50_000
HELD_MAX: Final = 10_000


class ForgottenBody(Body):
    id: UUID
    device: Annotated[str, Field(min_length=1, max_length=128)]
    from_day: Annotated[int, Field(ge=0, le=DAY_MAX)]
    to_day: Annotated[int, Field(ge=0, le=DAY_MAX)]


class ErasuresBody(Body):
    """As shared.contracts.erasure has it."""

    tenant: UUID
    stretches: Annotated[list[ForgottenBody], Field(max_length=STRETCHES_MAX)]


class NameBody(Body):
    id: UUID
    name: Annotated[str, Field(min_length=1, max_length=2_000)]
    put_away: Annotated[str, Field(min_length=1, max_length=100)]


class HeldBody(Body):
    from_day: Annotated[int, Field(ge=0, le=DAY_MAX)]
    to_day: Annotated[int, Field(ge=0, le=DAY_MAX)]


class NamesBody(Body):
    """As shared.contracts.erasure has it."""

    tenant: UUID
    names: Annotated[list[NameBody], Field(max_length=STRETCHES_MAX)]
    held: Annotated[list[HeldBody], Field(max_length=HELD_MAX)]


class ErasuresTaken(BaseModel):
    gone: list[UUID]
    """Stretches of which no fix is left, names that no ruling has."""


def router(pool: Pool) -> APIRouter:
    """`pool` is the API role's: every transaction sees one tenant."""
    routes = APIRouter()

    @routes.post("/erasures")
    async def erasures(body: ErasuresBody) -> ErasuresTaken:
        """Drop the fixes of these device-days: claims holds none of them any more (rule RE2).

        A hold that stands here keeps its days."""
        gone: list[UUID] = []
        for one in body.stretches:
            async with tenant_tx(pool, body.tenant) as conn:
                if not await erasure.forget_days(conn, body.tenant, one.device, one.from_day, one.to_day):
                    gone.append(one.id)
        return ErasuresTaken(gone=gone)

    @routes.post("/erasures/names")
    async def names(body: NamesBody) -> ErasuresTaken:
        """Put these names away in declared land and exclusions (rule RE2).

        What decides a day that a held licence needs, or that a hold here keeps, stays as it is (rule RE1)."""
        held = [(one.from_day, one.to_day) for one in body.held]
        gone: list[UUID] = []
        for one in body.names:
            async with tenant_tx(pool, body.tenant) as conn:
                if not await erasure.forget_name(conn, body.tenant, one.name, one.put_away, held):
                    gone.append(one.id)
        return ErasuresTaken(gone=gone)

    return routes
