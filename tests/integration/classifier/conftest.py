"""The classifier on real Postgres: a filled evidence store, and its pools."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from services.classifier.roads.dataset import RoadSet
from shared.contracts import pings
from shared.contracts.partitioning import partition_of
from shared.contracts.pings import Pings
from shared.contracts.topics import BACKFILL, PARTITIONS, PINGS
from shared.db.pool import Pool, open_pool
from tests.simulation.district import build_district
from tests.simulation.log import SimulatedLog
from tests.simulation.service import Member
from tests.stack import Database


@pytest.fixture(scope="session")
def district(tmp_path_factory: pytest.TempPathFactory) -> RoadSet:
    return build_district(tmp_path_factory.mktemp("district"))


class Store:
    """A database with the consumer's own writes, over a simulated log."""

    def __init__(self, database: Database, worker: Pool, api: Pool, district: RoadSet) -> None:
        self.database, self.worker, self.api, self.district = database, worker, api, district
        self.log = SimulatedLog()
        self.member = Member(self.log, worker, district, cache_rows_max=1_000_000)

    async def take(self, *frames: Pings, tick_ms: int = 0) -> None:
        """Fold these, each frame of a single device."""
        for frame in frames:
            self.log.append(PINGS.name, partition_of(*frame.keys[0]), pings.encode_pings(frame))
        for partition in range(PARTITIONS) if tick_ms else ():
            self.log.append(PINGS.name, partition, pings.encode_tick(tick_ms))
            self.log.append(BACKFILL.name, partition, pings.encode_tick(tick_ms))
        await self.member.round()


@pytest.fixture
async def store(database: Database, district: RoadSet) -> AsyncIterator[Store]:
    async with AsyncExitStack() as stack:
        worker = await open_pool(database.dsn("classifier", "worker"), name="test-worker", size=3)
        stack.push_async_callback(worker.close)
        api = await open_pool(database.dsn("classifier", "api"), name="test-api", size=2)
        stack.push_async_callback(api.close)
        yield Store(database, worker, api, district)
