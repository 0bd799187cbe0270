"""What only claims asks and tells, with the internal token: the days that audits hold, and when land was declared."""

from datetime import datetime
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field, SecretStr

from services.classifier.repo import retention, ruling_versions
from services.classifier.repo.ruling_versions import LandRow
from shared.db.pool import Pool, tenant_tx
from shared.http.auth import require_internal
from shared.http.fields import Body, GivenText
from shared.http.paging import START

BATCH_MAX: Final = 1_000
LANDS_MAX: Final = 10_000
"""Of one tenant; far above any fleet's."""


class OpenedBody(Body):
    id: UUID
    from_day: int
    to_day: int
    reason: GivenText


class HoldsBody(Body):
    """As shared.contracts.holds has it."""

    tenant: UUID
    opened: Annotated[list[OpenedBody], Field(max_length=BATCH_MAX)]
    released: Annotated[list[UUID], Field(max_length=BATCH_MAX)]


class HoldsTaken(BaseModel):
    open: int
    """Holds of the tenant that stand now."""


class LandFact(BaseModel):
    """The newest version of a declared land, and when it was first declared."""

    id: UUID
    name: str
    kind: str
    over_public: bool
    reason: str
    first_day: int
    last_day: int
    declared_at: datetime
    south_e6: int
    west_e6: int
    north_e6: int
    east_e6: int


class LandFacts(BaseModel):
    lands: list[LandFact]


def router(pool: Pool, token: SecretStr) -> APIRouter:
    """`pool` is the API role's: every transaction sees one tenant."""
    routes = APIRouter(prefix="/v1", tags=["claims"], dependencies=[Depends(require_internal(token))])

    @routes.post("/holds")
    async def holds(body: HoldsBody) -> HoldsTaken:
        """Keep the months of these days, or let go of what was kept (rule RE1). Telling it twice changes nothing."""
        async with tenant_tx(pool, body.tenant) as conn:
            for one in body.opened:
                await retention.open_hold_once(conn, body.tenant, one.id, (one.from_day, one.to_day), one.reason)
            for hold_id in body.released:
                await retention.close_hold(conn, body.tenant, hold_id)
            return HoldsTaken(open=len(await retention.read_holds(conn)))

    @routes.get("/land-facts")
    async def land_facts(tenant: UUID) -> LandFacts:
        """Land that the tenant declares now, with its days, its box and when it was first declared."""
        async with tenant_tx(pool, tenant) as conn:
            found = await ruling_versions.lands(conn, tenant, START, LANDS_MAX, state="declared", on=None)
        return LandFacts(lands=[LandFact(declared_at=row.created_at, **_fields(row)) for row in found])

    return routes


def _fields(row: LandRow) -> dict[str, Any]:
    return {name: getattr(row, name) for name in LandFact.model_fields if name != "declared_at"}
