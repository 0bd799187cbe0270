"""What claims has let go of goes here too (rule RE2): fixes of days, names in rulings.  Part of what only claims asks."""

from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter
from pydantic import Field

from services.classifier.repo import erasure
from shared.db.pool import Pool, tenant_tx
from shared.http.erasure_bodies import DayNumber, ErasuresBody, ErasuresTaken, NamesBody
from shared.http.fields import Body

HELD_MAX: Final = 10_000


class HeldBody(Body):
    from_day: DayNumber
    to_day: DayNumber


class RulingNamesBody(NamesBody):
    held: Annotated[list[HeldBody], Field(max_length=HELD_MAX)]


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
    async def names(body: RulingNamesBody) -> ErasuresTaken:
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
