"""Stream a file of neutral pings to a running ingest, as a provider would: in batches, patiently, resumable.

Sending a batch twice is harmless (each fix counts once), so whatever is not acknowledged is simply sent again."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path
from typing import Any, Final

import httpx
import zstandard

from services.ingest.settings import BODY_BYTES_MAX, PINGS_MAX
from shared.contracts.neutral import ndjson_rows, read_chunks
from shared.errors import Retryable

BATCH_PINGS: Final = 5_000
REQUESTS_AT_ONCE: Final = 4
GIVE_UP_S: Final = 120.0
"""A batch that is not acknowledged for so long ends the replay."""
RETRY_STATUS: Final = frozenset({408, 429, 500, 502, 503, 504})
PAUSE_S_MAX: Final = 30.0
_HALF: Final = 0.5

Progress = Callable[["Replayed"], None]
Waiting = Callable[[str], None]


class ReplayFailed(Retryable):
    """Ingest refused the batch as a whole or stayed away; the message says which lines and how to go on."""


@dataclass(slots=True)
class Replayed:
    """What has been answered so far.  `lines` is a safe place to go on from: everything before it is acknowledged."""

    lines: int = 0
    accepted: int = 0
    duplicates: int = 0
    refused: int = 0
    reasons: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Batch:
    first: int
    """Line of the file, from 0."""
    lines: list[bytes]


def batches(path: Path, size: int, skip: int) -> Iterator[_Batch]:
    """The file's lines in batches, from line `skip` on.  Raises OSError."""
    lines = islice(chain.from_iterable(map(ndjson_rows, read_chunks(path))), skip, None)
    first = skip
    while batch := list(islice(lines, size)):
        yield _Batch(first, batch)
        first += len(batch)


def _pause_s(answer: httpx.Response | None, attempt: int) -> float:
    """Retry-After where the service names it, else doubling from 0.25 s; a little chance keeps clients apart."""
    named = answer.headers.get("retry-after", "") if answer is not None else ""
    base = float(named) if named.isdigit() else 0.25 * 2 ** min(attempt, 7)
    return min(PAUSE_S_MAX, base) * (1 + _HALF * random.random())  # noqa: S311 - jitter, no secret


async def _send(client: httpx.AsyncClient, batch: _Batch, give_up_s: float, waiting: Waiting | None) -> dict[str, Any]:
    """Until answered.  Raises ReplayFailed."""
    body = zstandard.ZstdCompressor(level=3).compress(b"\n".join(batch.lines))
    give_up = time.monotonic() + give_up_s
    attempt = 0
    while True:
        answer: httpx.Response | None = None
        try:
            answer = await client.post("/v1/pings", content=body)
            why = f"status {answer.status_code}: {answer.text[:300]}"
            if answer.status_code in {202, 207, 422}:
                receipt: dict[str, Any] = answer.json()
                if "accepted" in receipt:
                    return receipt
        except httpx.TransportError as error:
            why = f"no connection ({error!r})"
        if (answer is not None and answer.status_code not in RETRY_STATUS) or time.monotonic() > give_up:
            raise ReplayFailed(
                f"lines {batch.first + 1} to {batch.first + len(batch.lines)} are not acknowledged: {why}. "
                f"Everything before is; to go on: --skip {batch.first}"
            )
        if attempt == 0 and waiting is not None:
            waiting(f"lines {batch.first + 1} to {batch.first + len(batch.lines)}: {why}; trying for {give_up_s:.0f} s")
        await asyncio.sleep(_pause_s(answer, attempt))
        attempt += 1


async def replay(
    path: Path,
    url: str,
    key: str,
    *,
    batch_pings: int = BATCH_PINGS,
    at_once: int = REQUESTS_AT_ONCE,
    skip: int = 0,
    progress: Progress | None = None,
    waiting: Waiting | None = None,
    give_up_s: float = GIVE_UP_S,
) -> Replayed:
    """Send an .ndjson or .ndjson.gz file to `url` (ingest's base URL), `at_once` batches at a time, in the file's order.

    `progress` is called after each answer, `waiting` with the reason for each batch that is not taken at once.  429, 503
    and lost connections are waited out (Retry-After is kept to);
    rows that ingest refuses are counted by code.  Raises ReplayFailed, OSError."""
    if not 1 <= batch_pings <= PINGS_MAX:
        raise ValueError(f"a batch holds 1 to {PINGS_MAX} pings")
    headers = {
        "Authorization": f"Bearer {key}",
        "Content-Type": "application/x-ndjson",
        "Content-Encoding": "zstd",
    }
    total = Replayed(lines=skip)
    async with httpx.AsyncClient(base_url=url, headers=headers, timeout=30.0) as client:
        pending: list[tuple[_Batch, asyncio.Task[dict[str, Any]]]] = []
        try:
            async for batch in _in_steps(batches(path, batch_pings, skip)):
                if len(pending) >= at_once:
                    await _settle(pending.pop(0), total, progress)
                pending.append((batch, asyncio.create_task(_send(client, batch, give_up_s, waiting))))
            while pending:
                await _settle(pending.pop(0), total, progress)
        finally:
            for _, task in pending:
                task.cancel()
            await asyncio.gather(*(task for _, task in pending), return_exceptions=True)
    return total


async def _in_steps(made: Iterator[_Batch]) -> AsyncIterator[_Batch]:
    """Read the file in a thread, so that requests go on meanwhile."""
    while (batch := await asyncio.to_thread(next, made, None)) is not None:
        yield batch


async def _settle(sent: tuple[_Batch, Awaitable[dict[str, Any]]], total: Replayed, progress: Progress | None) -> None:
    batch, answer = sent
    receipt = await answer
    total.lines = batch.first + len(batch.lines)
    total.accepted += receipt["accepted"]
    total.duplicates += receipt["duplicates"]
    total.refused += len(receipt["refused"])
    for one in receipt["refused"]:
        total.reasons[one["code"]] = total.reasons.get(one["code"], 0) + 1
    if progress is not None:
        progress(total)


assert BATCH_PINGS * 1_000 <= BODY_BYTES_MAX  # noqa: S101 - a batch of usual pings fits in one body
