"""Fixes out of evidence: short transactions for the frames, a thread for unpacking them."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Final

from services.classifier.repo import evidence
from services.classifier.repo.evidence import Stretch
from shared.contracts import pings
from shared.contracts.pings import Pings
from shared.db.pool import Connection

FRAMES_PER_READ: Final = 256
"""Read and unpacked together: the transaction stays short, memory bounded, the event loop free."""


async def read_fixes(
    transaction: Callable[[], AbstractAsyncContextManager[Connection]], stretches: Sequence[Stretch]
) -> Pings:
    """The fixes of the stretches.  `transaction` opens one with the caller's rights: the worker's, or one tenant's."""
    async with transaction() as conn:
        ids = await evidence.find(conn, stretches)
    parts: list[Pings] = []
    for at in range(0, len(ids), FRAMES_PER_READ):
        async with transaction() as conn:
            frames = await evidence.fetch(conn, ids[at : at + FRAMES_PER_READ])
        parts.append(await asyncio.to_thread(evidence.select, frames, stretches))
    return pings.concat(parts)
