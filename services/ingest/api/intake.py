"""Take a batch of pings: admit, read, judge, make durable, answer.  Nothing is acknowledged that is not durable."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, ParamSpec, TypeVar

import numpy as np
from fastapi import Request

from services.ingest.adapters.admission import BytesInFlight, FreeSpace
from services.ingest.adapters.group_commit import GroupCommit
from services.ingest.adapters.refusals import HTTP_ORIGIN, RefusedRows, origin_of
from services.ingest.domain.acceptance import ClockPolicy, duplicates_within, judge_clocks
from services.ingest.providers import neutral
from services.ingest.providers.encoding import ENCODINGS, decode
from services.ingest.settings import BODY_BYTES_MAX, PINGS_MAX
from shared.allowance import Allowance
from shared.clock import Clock
from shared.contracts.neutral import BODY_BYTES_KEPT, Parsed, Refused
from shared.contracts.pings import Pings
from shared.errors import Poison, Retryable
from shared.http.problems import Problem, unavailable
from shared.observability.metrics import INGEST_PINGS

UNKNOWN_NAMES_MAX: Final = 20
IN_THREAD_FROM_BYTES: Final = 16_384
"""A smaller body is read faster than a thread is woken."""

P = ParamSpec("P")
T = TypeVar("T")


def _unheard(_pings: Pings, _received_ms: int) -> None:
    """A tenant's own pings need no note of when a device was heard: its ledger tells."""


@dataclass(frozen=True, slots=True)
class Sender:
    """For whom a batch is sent, and by which key.  `origin`: how the places of its refused rows begin."""

    tenant: str
    key_id: str
    origin: str = HTTP_ORIGIN
    heard: Callable[[Pings, int], None] = _unheard
    """Told of the pings that are durable, and when they came in (ms)."""


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch after reading and judging."""

    pings: Pings
    refused: list[Refused]
    duplicates: int
    unknown_fields: dict[str, int]
    origin: str


@dataclass(frozen=True, slots=True)
class Intake:
    commit: GroupCommit
    refused_rows: RefusedRows
    rate: Allowance
    in_flight: BytesInFlight
    space: FreeSpace
    clock: Clock
    policy: ClockPolicy
    reader: Executor
    """One thread: reading holds the interpreter's lock, so that more of them would only fight for it."""

    async def take(self, request: Request, sender: Sender) -> tuple[int, dict[str, Any]]:
        """Status (202 or 207) and receipt.  Raises Problem."""
        media = self._admit(request, sender)
        declared = request.headers.get("content-length", "")
        size = int(declared) if declared.isdigit() else BODY_BYTES_MAX
        try:
            with self.in_flight.hold(sender.tenant, min(size, BODY_BYTES_MAX)):
                sent = await request.body()
                body = await self._run(len(sent), decode, sent, _encoding(request), BODY_BYTES_MAX)
                with self.in_flight.hold(sender.tenant, max(0, len(body) - size)):
                    return await self._take_body(body, media, sender)
        except Retryable as error:
            raise unavailable(
                f"Nothing of this batch is acknowledged ({error}): send it again after the time in Retry-After."
            ) from error

    async def _run(self, size: int, function: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
        """CPU work off the event loop, so that heartbeats live; small work on it."""
        if size < IN_THREAD_FROM_BYTES:
            return function(*arguments, **named)
        return await asyncio.get_running_loop().run_in_executor(self.reader, partial(function, *arguments, **named))

    def _admit(self, request: Request, sender: Sender) -> str:
        """Everything that can be said before a byte of the body is read."""
        now = self.clock()
        wait = self.rate.wait_s(sender.key_id, now / 1000)
        if wait:
            raise Problem(
                429, "too_many_requests", "This key sends more than it may",
                f"The limit is {self.rate.per_s:.0f} pings a second: wait {wait} s, then send the batch again.",
                retry_after_s=wait, limit_pings_per_s=self.rate.per_s,
            )  # fmt: skip
        shortage = self.space.shortage(now)
        if shortage is not None:
            raise unavailable(
                f"The disk is nearly full ({shortage}): nothing is taken until there is room.", retry_after_s=30
            )
        media = neutral.media_type(request.headers.get("content-type", ""))
        if media not in neutral.MEDIA_TYPES:
            raise Problem(
                415, "unsupported_media_type", "The body's type is not supported",
                f"Content-Type {media[:80]!r} is not known here: send application/json (an array of pings) or "
                "application/x-ndjson (one ping a line).",
            )  # fmt: skip
        if _encoding(request) not in ENCODINGS:
            raise Problem(
                415, "unsupported_encoding", "The body's encoding is not supported",
                f"Content-Encoding {_encoding(request)[:40]!r} is not known here: send gzip, zstd, deflate or none.",
            )  # fmt: skip
        return media

    async def _take_body(self, body: bytes, media: str, sender: Sender) -> tuple[int, dict[str, Any]]:
        now = self.clock()
        tenant = sender.tenant
        try:
            batch = await self._run(len(body), read_batch, body, media, tenant, now, self.policy, sender.origin)
        except Poison as error:
            raise _unreadable(error) from error
        self.rate.charge(sender.key_id, len(batch.pings) + len(batch.refused), now / 1000)
        kept, _ = await asyncio.gather(
            self.refused_rows.keep(tenant, batch.origin, batch.refused, now), self.commit.put(batch.pings)
        )
        _count(batch)
        sender.heard(batch.pings, now)
        receipt: dict[str, Any] = {
            "accepted": len(batch.pings),
            "duplicates": batch.duplicates,
            "refused": [{"index": one.row, "code": one.code, "detail": one.detail} for one in batch.refused],
            "quarantined": kept,
            "unknown_fields": batch.unknown_fields,
        }
        if batch.refused and not len(batch.pings):
            raise Problem(
                422, "nothing_usable", "No ping of this batch can be used",
                "Correct the pings as `refused` says and send them again; sent unchanged they are refused again.",
                **receipt,
            )  # fmt: skip
        return (207 if batch.refused else 202), receipt


def read_batch(
    body: bytes, media: str, tenant: str, now_ms: int, policy: ClockPolicy, origin_prefix: str = HTTP_ORIGIN
) -> Batch:
    """Parse and judge.  Raises Poison where the body as a whole can't be used."""
    parsed = neutral.read(body, media, tenant, PINGS_MAX)
    taken, refusals = judge_clocks(parsed.pings.ts_ms, now_ms, policy)
    pings, refused = parsed.pings, parsed.refused
    if refusals:
        sent = neutral.sent_rows(body, media)
        refused = sorted([*refused, *(_clock_refusal(parsed, sent, *one) for one in refusals)])
        pings = pings.take(taken)
    top = sorted(parsed.unknown_fields.items(), key=lambda item: (-item[1], item[0]))[:UNKNOWN_NAMES_MAX]
    origin = origin_of(tenant, body, origin_prefix) if refused else ""
    return Batch(pings, refused, duplicates_within(pings), dict(top), origin)


def _clock_refusal(parsed: Parsed, sent: Sequence[bytes], at: int, code: str, detail: str) -> Refused:
    row = int(parsed.index[at])
    device = parsed.pings.keys[int(parsed.pings.key[at])][1]
    return Refused(row, code, detail, device, sent[row][:BODY_BYTES_KEPT])


def _encoding(request: Request) -> str:
    return request.headers.get("content-encoding", "").strip().lower()


def _unreadable(error: Poison) -> Problem:
    if error.code == "broken_body":
        return Problem(
            400, "broken_body", "The body can't be read",
            f"{error.detail[:1].upper()}{error.detail[1:]}. Nothing was taken: correct the body and send it again.",
        )  # fmt: skip
    return Problem(
        413, "too_many_pings", "The batch is too large",
        f"{error.detail[:1].upper()}{error.detail[1:]}, at most {PINGS_MAX} pings and {neutral.VALUES_MAX} values are "
        "taken at once: send it in smaller batches.",
        limit_pings=PINGS_MAX, limit_values=neutral.VALUES_MAX,
    )  # fmt: skip


def _count(batch: Batch) -> None:
    INGEST_PINGS.labels("accepted").inc(len(batch.pings))
    codes, counts = np.unique([one.code for one in batch.refused], return_counts=True)
    for code, count in zip(codes.tolist(), counts.tolist(), strict=True):
        INGEST_PINGS.labels(code).inc(count)
