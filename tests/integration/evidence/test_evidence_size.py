"""Issue's figure: at most 10 bytes a ping with all fields, in the database with rows, indexes and out-of-line storage."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import asyncpg
import numpy as np
import pytest
from numpy.typing import NDArray

from services.classifier.application import retention
from services.classifier.repo import chunks
from shared.contracts import pings
from shared.contracts.chunk import Kept, encode_chunk
from shared.contracts.neutral import read_ndjson
from shared.contracts.pings import Pings
from shared.db.pool import tx
from shared.nz_days import days_of
from tests.integration.classifier.conftest import Store

pytestmark = [pytest.mark.integration, pytest.mark.corpus]

FLEETS = 10
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


def device_days(sent: Sent) -> list[tuple[Kept, int]]:
    """Each device-day's fixes, every identity once, and its day."""
    fixes, rounds = sent
    identity = np.column_stack([fixes.key, fixes.ts_ms, pings.content_hash(fixes).view(np.int64)])
    once = np.unique(identity, axis=0, return_index=True)[1]
    days = days_of(fixes.ts_ms)
    order = once[np.lexsort((fixes.ts_ms[once], days[once], fixes.key[once]))]
    cuts = np.flatnonzero((np.diff(fixes.key[order].astype(np.int64)) != 0) | (np.diff(days[order]) != 0)) + 1
    return [(Kept(fixes.take(rows), rounds[rows] + 1), int(days[rows[0]])) for rows in np.split(order, cuts)]


@pytest.mark.parametrize("how", [in_batches, one_by_one])
@pytest.mark.parametrize("name", ["iom-days", "real-public"])
async def test_a_ping_costs_ten_bytes_at_most(
    store: Store, corpus: Path, name: str, how: Callable[[Pings], Sent], capsys: pytest.CaptureFixture[str]
) -> None:
    """As chunks of ten such fleets: a table has a dozen pages of its own, whatever is in it."""
    days = device_days(how(read_ndjson(corpus / name / "pings.ndjson.gz", tenant=TENANT).pings))
    async with tx(store.worker) as conn:
        for day in {day for _, day in days}:
            await chunks.make_month(conn, day)
    rows = [
        (TENANT, f"{fleet}{kept.pings.keys[kept.pings.key[0]][1]}", day, 1, 0, len(kept.revs), 0, 0, encode_chunk(kept))
        for fleet in range(FLEETS)
        for kept, day in days
    ]
    owner = await asyncpg.connect(store.database.superuser)
    try:
        await owner.copy_records_to_table("fix_chunk", schema_name="classifier", records=rows)
    finally:
        await owner.close()
    (month,) = (await retention.status(store.worker, date(2026, 11, 1))).months
    size, encoded = month.month.bytes / month.counted.fixes, month.counted.encoded / month.counted.fixes
    with capsys.disabled():
        print(f"\n{name} {how.__name__}: {size:.2f} bytes a ping on disk, {encoded:.2f} encoded")
    assert month.counted.fixes == FLEETS * sum(len(kept.revs) for kept, _ in days)
    assert encoded < size <= 10
