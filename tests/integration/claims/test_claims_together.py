"""Queries that are asked in one round trip give the rows that they give one by one."""

from dataclasses import fields
from uuid import UUID

import pytest

from services.claims.repo.records import OF_LICENCES, OF_VEHICLES, register_around
from services.claims.repo.rows import Asked, all_of, all_together
from shared.db.pool import tenant_tx
from tests.integration.claims.conftest import Claims

pytestmark = pytest.mark.integration


@pytest.mark.parametrize("asked", [OF_VEHICLES, OF_LICENCES], ids=["vehicles", "licences"])
async def test_columns_are_the_fields_of_their_rows_in_order(claims: Claims, asked: tuple[Asked, ...]) -> None:
    """What is read together has lost the names of its columns."""
    async with claims.worker.acquire() as conn:
        for kind, query in asked:
            columns = [one.name for one in (await conn.prepare(query)).get_attributes()]
            assert columns == [one.name for one in fields(kind)][: len(columns)], kind.__name__


async def test_a_register_read_together_is_the_one_read_query_by_query(claims: Claims) -> None:
    fleet = await claims.fleet("together")
    licence = UUID(await fleet.claimable())
    await fleet.verify(str(licence))
    async with tenant_tx(claims.context.pool, fleet.tenant) as conn:
        register = await register_around(conn, fleet.tenant, [licence])
        vehicles, claimants = [one.id for one in register.vehicles], [one.claimant_id for one in register.licences]
        of_both: tuple[tuple[tuple[Asked, ...], list[list[UUID]]], ...] = (
            (OF_VEHICLES, [vehicles]),
            (OF_LICENCES, [[licence], claimants]),
        )
        for asked, ids in of_both:
            apart = []
            for kind, query in asked:
                alone = await conn.prepare(query)
                wanted = [fleet.tenant, *ids][: len(alone.get_parameters())]
                apart.append(all_of(kind, await alone.fetch(*wanted)))
            assert await all_together(conn, asked, fleet.tenant, *ids) == apart
            assert any(apart)
