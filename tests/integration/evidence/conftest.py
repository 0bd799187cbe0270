"""An evidence store with real writes, and its compactor."""

from collections.abc import Mapping
from dataclasses import dataclass

import pytest

from services.classifier.application.compaction import Compactor, Done, Policy
from services.classifier.application.reading import read_kept
from services.classifier.domain.scheme import V1
from services.classifier.repo.evidence import Stretch
from shared.contracts import pings
from shared.contracts.chunk import Kept
from shared.contracts.pings import Key
from shared.contracts.topics import PARTITIONS, PINGS
from shared.db.pool import Pool, tx
from shared.nz_days import bounds_ms
from shared.stream import positions
from shared.stream.positions import TP, Position
from tests.integration.classifier.conftest import Store, district, store  # noqa: F401 - fixtures

HOUR_MS = 3_600_000
POLICY = Policy(gap_ms=V1.gap_limit_ms, delay_ms=3 * HOUR_MS, quiet_ms=HOUR_MS)
Row = tuple[str, str, int, int, int, int]


def everything(key: Key) -> Stretch:
    """A stretch from before until after all fixes of the tests."""
    return Stretch(key, 18_000, 25_000, 0, 2**42)


def rows_of(kept: Kept) -> list[Row]:
    """Each fix: tenant, device, instant, content, when received, under which revision."""
    fixes = kept.pings
    names = [fixes.keys[key] for key in fixes.key.tolist()]
    columns = [fixes.ts_ms, pings.content_hash(fixes), fixes.received_ms, kept.revs]
    return sorted((*name, *rest) for name, *rest in zip(names, *[column.tolist() for column in columns], strict=True))


@dataclass
class Keeper:
    """Compacts as the consumer does between two rounds, and reads."""

    store: Store
    pool: Pool
    compactor: Compactor

    async def positions(self) -> Mapping[TP, Position]:
        async with tx(self.pool) as conn:
            return await positions.load(conn, [(PINGS.name, partition) for partition in range(PARTITIONS)])

    async def step(self) -> Done | None:
        done = await self.compactor.step(await self.positions())
        if done is not None:
            self.store.member.source.accept(done.positions)
        return done

    async def drain(self) -> list[Done]:
        """Every bite there is."""
        bites: list[Done] = []
        while (done := await self.step()) is not None:
            bites.append(done)
        return bites

    async def read(self, *keys: Key) -> list[Row]:
        return rows_of(await read_kept(lambda: tx(self.pool), [everything(key) for key in keys]))

    async def count(self, table: str) -> int:
        async with tx(self.pool) as conn:
            return await conn.fetchval(f"select count(*) from classifier.{table}")


@pytest.fixture
def keeper(store: Store) -> Keeper:  # noqa: F811 - the fixture
    return Keeper(store, store.worker, Compactor(store.worker, POLICY))


def tick_after(day: int, hours: int = 5) -> int:
    """A tick at which frames of this NZ day that came before its end may be compacted."""
    return bounds_ms(day)[1] + hours * HOUR_MS
