"""What a statement costs: a fixed number of queries, however many licences and days (design section 6)."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest

from services.claims.application.facts import assess, load_facts
from services.claims.repo import devices, licences, parties, recorders
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
    assert await queries_for(claims, fleet, [one]) <= 15
    assert await queries_for(claims, fleet, list(fleet.licences.values())) == await queries_for(claims, fleet, [one])


async def test_a_natural_key_is_looked_up_by_an_index_even_in_a_table_without_statistics(
    claims: Claims, fleet: Fleet
) -> None:
    """An import asks this once a line while the table grows: a scan would make it quadratic."""
    one, at = uuid4(), datetime(2026, 5, 1, tzinfo=UTC)
    asked: list[tuple[str, list[Any]]] = [
        (parties.CLAIMANT_BY_NAME, ["n", "r"]),
        (recorders.SAME_RECORDER, [one, "s", "r"]),
        (recorders.SAME_READING, [one, at, "person", "r"]),
        (devices.SAME_ASSIGNMENT, ["d", at, "r"]),
        (devices.SAME_COUPLING, [one, at, "r"]),
        (licences.SAME_LICENCE, ["n", "r"]),
    ]
    async with tenant_tx(claims.context.pool, fleet.tenant) as conn:
        for statement, parameters in asked:
            plan = "\n".join(row[0] for row in await conn.fetch("explain " + statement, fleet.tenant, *parameters))
            assert "Seq Scan" not in plan, plan
