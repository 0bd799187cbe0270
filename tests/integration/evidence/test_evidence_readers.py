"""Readers beside compaction: whoever reads, at every moment, sees each fix exactly once."""

import asyncio
import uuid
from datetime import date

import numpy as np
import pytest

from services.classifier.application.reading import CompactedMeanwhile, Transaction, read_kept
from services.classifier.repo import evidence
from services.classifier.repo.evidence import Pieces
from shared.db.pool import tenant_tx, tx
from shared.nz_days import bounds_ms, to_ordinal
from tests.integration.classifier.conftest import Store
from tests.integration.evidence.conftest import Keeper, Row, everything, rows_of, tick_after
from tests.simulation.district import drive

pytestmark = pytest.mark.integration

DAY = to_ordinal(date(2026, 3, 2))
DAYS = 3
TENANT = uuid.UUID(int=1)
KEYS = [(str(TENANT), f"ute-{n}") for n in range(5)]
STRETCHES = [everything(key) for key in KEYS]


async def fill(store: Store) -> None:
    """Three days of five devices in three pieces each."""
    for piece in range(3):
        some = np.arange(piece * 4, piece * 4 + 4)
        await store.take(
            *[drive(key, bounds_ms(DAY + day)[0] + 30_000_000, 12).take(some) for key in KEYS for day in range(DAYS)]
        )


class Readers:
    """Two who read on and on, one with the API role's rights and one with the worker's."""

    def __init__(self, store: Store) -> None:
        self.known: frozenset[Row] = frozenset()
        self.readings = 0
        self._stop = asyncio.Event()
        self._tasks = [
            asyncio.create_task(self._read(lambda: tenant_tx(store.api, TENANT))),
            asyncio.create_task(self._read(lambda: tx(store.worker))),
        ]

    async def _read(self, transaction: Transaction) -> None:
        while not self._stop.is_set():
            known = self.known
            seen = rows_of(await read_kept(transaction, STRETCHES))
            assert len(seen) == len(set(seen)), "a fix was seen twice"
            assert known <= set(seen), "a fix was missing"
            self.readings += 1

    async def stop(self) -> None:
        self._stop.set()
        await asyncio.gather(*self._tasks)


async def test_no_reader_ever_misses_a_fix_or_sees_one_twice(
    store: Store, keeper: Keeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While every frame is compacted in small bites, late fixes come in, and their days' chunks are replaced."""
    monkeypatch.setattr("services.classifier.application.compaction.FRAMES_MAX", 2)
    monkeypatch.setattr("services.classifier.application.reading.PIECES_PER_READ", 3)
    monkeypatch.setattr("services.classifier.application.reading.ATTEMPTS", 1_000)
    await fill(store)
    await store.take(tick_ms=tick_after(DAY + DAYS))
    readers = Readers(store)
    readers.known = frozenset(await keeper.read(*KEYS))
    bites = await keeper.drain()
    for turn in range(3):
        await store.take(*[drive(key, bounds_ms(DAY)[0] + 40_000_000 + turn, 2) for key in KEYS])
        readers.known = frozenset(await keeper.read(*KEYS))
        await store.take(tick_ms=tick_after(DAY + DAYS, 10 + 5 * turn))
        bites += await keeper.drain()
    await readers.stop()
    assert len(bites) > 10
    assert readers.readings > 5
    assert await keeper.count("evidence_frame") == 0
    assert len(readers.known) == len(KEYS) * (DAYS * 12 + 3 * 2)


async def test_a_reading_that_meets_a_compaction_begins_again(
    store: Store, keeper: Keeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fill(store)
    before = await keeper.read(*KEYS)
    await store.take(tick_ms=tick_after(DAY + DAYS))
    found, listings = evidence.find, 0

    async def find(*arguments: object) -> Pieces:
        """Everything is compacted between the list and the pieces."""
        nonlocal listings
        listings += 1
        pieces = await found(*arguments)
        await keeper.drain()
        return pieces

    monkeypatch.setattr(evidence, "find", find)
    assert await keeper.read(*KEYS) == before
    assert listings == 2


async def test_a_reading_that_never_comes_to_an_end_says_so(
    store: Store, keeper: Keeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fill(store)
    async with tx(store.worker) as conn:
        stale = await evidence.find(conn, STRETCHES)
    await store.take(tick_ms=tick_after(DAY + DAYS))
    await keeper.drain()

    async def find(*_: object) -> Pieces:
        return stale

    monkeypatch.setattr(evidence, "find", find)
    with pytest.raises(CompactedMeanwhile):
        await keeper.read(*KEYS)
