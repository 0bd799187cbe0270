"""Fixes out of evidence as neutral NDJSON, so that they can be read, classified or sent again anywhere."""

import asyncio
from collections.abc import AsyncIterator
from typing import Final

import numpy as np

from services.classifier.application.reading import Transaction, read_fixes
from services.classifier.repo.evidence import Stretch
from shared.contracts import neutral
from shared.contracts.pings import Key, Pings
from shared.nz_days import bounds_ms

DAYS_PER_STEP: Final = 31


async def export(transaction: Transaction, key: Key, first_day: int, last_day: int) -> AsyncIterator[bytes]:
    """Lines of a device's fixes of these NZ days, both included, by time; a month in memory at once.

    The neutral format has every measured field; when and under which revision a fix came is not part of it."""
    for day in range(first_day, last_day + 1, DAYS_PER_STEP):
        end = min(day + DAYS_PER_STEP - 1, last_day)
        stretch = Stretch(key, day, end, bounds_ms(day)[0], bounds_ms(end)[1] - 1)
        fixes = await read_fixes(transaction, [stretch])
        if len(fixes):
            yield await asyncio.to_thread(_lines, fixes)


def _lines(fixes: Pings) -> bytes:
    order = np.argsort(fixes.ts_ms, kind="stable").tolist()
    return b"".join(neutral.rebuild(fixes, row) + b"\n" for row in order)
