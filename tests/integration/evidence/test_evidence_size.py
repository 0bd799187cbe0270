"""Issue's figure: at most 10 bytes a ping with all fields, in the database with rows, indexes and out-of-line storage."""

from datetime import date
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from services.classifier.application import retention
from services.classifier.application.effect import evidence_frames
from services.classifier.repo import evidence, fold_state
from shared.contracts import pings
from shared.contracts.neutral import read_ndjson
from shared.contracts.pings import Pings
from shared.contracts.topics import PARTITIONS, PINGS
from shared.db.pool import tx
from shared.nz_days import days_of
from shared.stream import positions
from shared.stream.positions import Position
from tests.integration.classifier.conftest import Store
from tests.integration.evidence.conftest import Keeper

pytestmark = [pytest.mark.integration, pytest.mark.corpus]

TENANT = "00000000-0000-0000-0000-000000000001"
Sent = tuple[Pings, NDArray[np.int64]]
"""Fixes, each identity once, with the round that took each."""


def in_batches(fixes: Pings) -> Sent:
    """A thousand a request in the file's order, three requests a round."""
    row = np.arange(len(fixes))
    return stamped(fixes, int(fixes.ts_ms.max()) + row // 1_000 * 137), row // 3_000


def one_by_one(fixes: Pings) -> Sent:
    """Each by itself as it is measured, 0.3 to 4 s later, now and then ten minutes; rounds of a second."""
    rng = np.random.default_rng(1)
    late = (rng.random(len(fixes)) < 0.02) * 600_000
    received = fixes.ts_ms + rng.gamma(4, 300, len(fixes)).astype(np.int64) + late
    return stamped(fixes, received), (received - received.min()) // 1_000


def stamped(fixes: Pings, received_ms: NDArray[np.int64]) -> Pings:
    return pings.make(fixes.keys, fixes.columns() | {"received_ms": received_ms})


async def keep(store: Store, sent: Sent) -> int:
    """Write them as the consumer does, without computing anything, and let a tick far beyond pass."""
    fixes, rounds = sent
    names = [(PINGS.name, partition) for partition in range(PARTITIONS)]
    async with tx(store.worker) as conn:
        await positions.load(conn, names, {tp: Position(*tp, "test", 0, None, 10_000_000) for tp in names})
        await fold_state.write_ticks(conn, {partition: 1 for _, partition in names})
    _, first = np.unique(np.column_stack([fixes.key, fixes.ts_ms, pings.content_hash(fixes).view(np.int64)]), axis=0, return_index=True)  # fmt: skip
    kept = np.sort(first)
    order = kept[np.argsort(rounds[kept], kind="stable")]
    cuts = np.flatnonzero(np.diff(rounds[order])) + 1
    for at in range(0, len(cuts) + 1, 200):
        async with tx(store.worker) as conn:
            for rows in np.split(order, cuts)[at : at + 200]:
                some = fixes.take(rows)
                revs = dict.fromkeys(range(PARTITIONS), int(rounds[rows[0]]) + 1)
                await evidence.append(conn, evidence_frames(some, days_of(some.ts_ms), revs))
    async with tx(store.worker) as conn:
        last = int(fixes.ts_ms.max()) + 9 * 86_400_000
        await fold_state.write_ticks(conn, {partition: last for _, partition in names})
    return len(kept)


@pytest.mark.parametrize("how", [in_batches, one_by_one])
@pytest.mark.parametrize("name", ["iom-days", "real-public"])
async def test_a_ping_costs_ten_bytes_at_most(
    store: Store, keeper: Keeper, corpus: Path, name: str, how: object, capsys: pytest.CaptureFixture[str]
) -> None:
    fixes = read_ndjson(corpus / name / "pings.ndjson.gz", tenant=TENANT).pings
    if how is one_by_one:  # a frame a fix takes its time: every fourth device
        fixes = fixes.take(fixes.key % 4 == 0)
    sent = how(fixes)
    count = await keep(store, sent)
    before = await keeper.read(*fixes.keys) if name == "real-public" else None
    bites = await keeper.drain()
    assert sum(one.fixes for one in bites) == count
    status = await retention.status(store.worker, date(2026, 11, 1))
    size = sum(one.month.bytes for one in status.months) / count
    encoded = sum(one.counted.encoded for one in status.months) / count
    with capsys.disabled():
        print(f"\n{name} {how.__name__}: {count:,} fixes, {size:.2f} bytes a fix on disk, {encoded:.2f} encoded")
    assert size <= 10
    assert before is None or await keeper.read(*fixes.keys) == before
