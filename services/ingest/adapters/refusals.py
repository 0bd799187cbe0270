"""Refused rows to the quarantine topic, bounded for each tenant, durable before the answer where the broker is there."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Sequence
from hashlib import blake2b
from typing import Final
from uuid import UUID

from services.ingest.adapters.group_commit import Append
from shared.allowance import Allowance
from shared.contracts.frame import pack_structs
from shared.contracts.neutral import BODY_BYTES_KEPT, Refused
from shared.contracts.neutral_columns import DEVICE_ID_CHARS_MAX
from shared.contracts.partitioning import partition_of
from shared.contracts.quarantine import QuarantinedRow
from shared.contracts.topics import QUARANTINE, SCHEMA_QUARANTINE
from shared.errors import Retryable
from shared.observability.logging import get_logger
from shared.observability.metrics import INGEST_QUARANTINED

DETAIL_CHARS_MAX: Final = 500
DEADLINE_S: Final = 3.0
"""The answer is not held up longer for the quarantine."""
HTTP_ORIGIN: Final = "http:"

log = get_logger(__name__)


def provider_origin(provider: UUID) -> str:
    """How the origins of what a provider sent begin: by it a provider finds its own."""
    return f"provider:{provider}:"


def origin_of(tenant: str, body: bytes, prefix: str = HTTP_ORIGIN) -> str:
    """Names a request by what it sent: a client that sends the same bad body again and again fills one place only."""
    return prefix + blake2b(tenant.encode() + b"\0" + body, digest_size=16).hexdigest()


def storable(text: str, chars_max: int) -> str:
    """Text that every database takes: no NUL, not longer than `chars_max`."""
    return text[:chars_max].replace("\0", "\ufffd")


class RefusedRows:
    """Keeps refused rows.  `rows_per_hour` bounds what one tenant may fill the quarantine with."""

    def __init__(self, append: Append, rows_per_hour: int, code_version: str) -> None:
        self._append = append
        self._allowance = Allowance(rows_per_hour / 3600, rows_per_hour)
        self._code_version = code_version

    async def keep(self, tenant: str, origin: str, refused: Sequence[Refused], now_ms: int) -> int:
        """How many of the rows, from the first on, are durable in the topic: all, what the tenant's bound leaves, or 0
        where the broker is away.  The client has every reason in its answer anyway."""
        taken = self._allowance.take_up_to(tenant, len(refused), now_ms / 1000)
        rows = [
            QuarantinedRow(
                tenant=tenant, origin=origin, partition=0, offset=0, row=one.row,
                device=storable(one.device, DEVICE_ID_CHARS_MAX), code=one.code,
                detail=storable(one.detail, DETAIL_CHARS_MAX), body=one.body[:BODY_BYTES_KEPT], received_ms=now_ms,
                code_version=self._code_version,
            )
            for one in refused[:taken]
        ]  # fmt: skip
        frames = await asyncio.to_thread(_frames, rows)
        try:
            await asyncio.gather(
                *(self._append(QUARANTINE.name, partition, frame, deadline_s=DEADLINE_S) for partition, frame in frames)
            )
        except Retryable as error:
            log.warning("refused rows not kept", rows=len(rows), error=str(error))
            return 0
        for code, count in Counter(row.code for row in rows).items():
            INGEST_QUARANTINED.labels(code).inc(count)
        return len(rows)


def _frames(rows: Sequence[QuarantinedRow]) -> list[tuple[int, bytes]]:
    by_partition: dict[int, list[QuarantinedRow]] = defaultdict(list)
    for row in rows:
        by_partition[partition_of(row.tenant, row.device)].append(row)
    return [
        (partition, frame)
        for partition, mine in by_partition.items()
        for frame in pack_structs(SCHEMA_QUARANTINE, mine)
    ]
