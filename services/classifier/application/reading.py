"""Fixes out of evidence: short transactions for the frames and chunks, a thread for unpacking them."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Final

from services.classifier.repo import evidence
from services.classifier.repo.evidence import Pieces, Stretch
from shared.contracts import chunk
from shared.contracts.chunk import Kept
from shared.contracts.pings import Pings
from shared.db.errors import DatabaseUnavailable
from shared.db.pool import Connection

PIECES_PER_READ: Final = 256
"""Read and unpacked together: the transaction stays short, memory bounded, the event loop free."""
ATTEMPTS: Final = 6
"""A device-day is compacted about once: to meet it twice in one reading is rare."""

Transaction = Callable[[], AbstractAsyncContextManager[Connection]]
"""Opens one with the caller's rights: the worker's, or one tenant's."""


class CompactedMeanwhile(DatabaseUnavailable):
    """Evidence kept being compacted while it was read."""


async def read_fixes(transaction: Transaction, stretches: Sequence[Stretch]) -> Pings:
    """The fixes of the stretches."""
    return (await read_kept(transaction, stretches)).pings


async def fixes_at(transaction: Transaction, stretches: Sequence[Stretch], rev: int) -> Pings:
    """The fixes of the stretches that were known at revision `rev`: what it was computed from (design G5)."""
    kept = await read_kept(transaction, stretches)
    return kept.take(kept.revs <= rev).pings


async def read_kept(transaction: Transaction, stretches: Sequence[Stretch]) -> Kept:
    """The fixes of the stretches, each with its revision, as one moment had them.

    One statement lists the pieces.  They never change: so those that are still there when their turn comes hold what they
    held at that moment, and where one is gone (its fixes lie in a new chunk) reading begins again.  No snapshot is held
    while pieces are unpacked.  Raises CompactedMeanwhile after ATTEMPTS."""
    for _ in range(ATTEMPTS):
        async with transaction() as conn:
            pieces = await evidence.find(conn, stretches)
        kept = await _read(transaction, pieces, stretches)
        if kept is not None:
            return kept
    raise CompactedMeanwhile(f"evidence was compacted {ATTEMPTS} times while it was read")


async def _read(transaction: Transaction, pieces: Pieces, stretches: Sequence[Stretch]) -> Kept | None:
    """None where a piece is gone."""
    parts: list[Kept] = []
    for at in range(0, len(pieces.frames), PIECES_PER_READ):
        frame_ids = pieces.frames[at : at + PIECES_PER_READ]
        async with transaction() as conn:
            frames = await evidence.fetch_frames(conn, frame_ids)
        if len(frames) < len(frame_ids):
            return None
        parts.append(await asyncio.to_thread(_of_frames, frames, stretches))
    for at in range(0, len(pieces.chunks), PIECES_PER_READ):
        chunk_ids = pieces.chunks[at : at + PIECES_PER_READ]
        async with transaction() as conn:
            chunks = await evidence.fetch_chunks(conn, chunk_ids)
        if len(chunks) < len(chunk_ids):
            return None
        parts.append(await asyncio.to_thread(_of_chunks, chunks, stretches))
    return chunk.concat(parts)


def _of_frames(frames: Sequence[tuple[int, bytes]], stretches: Sequence[Stretch]) -> Kept:
    return evidence.select(evidence.unpack_frames(frames), stretches)


def _of_chunks(chunks: Sequence[bytes], stretches: Sequence[Stretch]) -> Kept:
    return evidence.select(map(chunk.decode_chunk, chunks), stretches)
