"""What a statement costs: a fixed number of queries, however many licences and days (design section 6)."""

from typing import Any
from uuid import UUID

import pytest

from services.claims.application.statement.assess import assess
from services.claims.application.statement.facts import load_facts
from shared.db.pool import tenant_tx
from tests.integration.claims.conftest import Claims
from tests.integration.claims.world import NOW_MS, Fleet

pytestmark = pytest.mark.integration


async def queries_for(claims: Claims, fleet: Fleet, licence_ids: list[str]) -> int:
    asked: list[Any] = []
    async with tenant_tx(claims.context.pool, fleet.tenant) as conn:
        with conn.query_logger(asked.append):
            facts = await load_facts(conn, fleet.tenant, [UUID(i) for i in licence_ids], claims.context.policy, NOW_MS)
    assert len(assess(facts, claims.context.policy)) == len(licence_ids)
    return len(asked)


async def test_the_number_of_queries_does_not_grow_with_the_number_of_licences(claims: Claims, fleet: Fleet) -> None:
    one = await fleet.claimable("ABC123", "imei-1", "RUC 1")
    await fleet.claimable("XYZ9", "imei-2", "RUC 2")
    assert await queries_for(claims, fleet, [one]) <= 8
    assert await queries_for(claims, fleet, list(fleet.licences.values())) == await queries_for(claims, fleet, [one])
