"""The one list of topics and schema ids.  `rucor topics` creates or checks exactly these; nothing else may."""

from typing import Final, NamedTuple

from shared.contracts.frame import FRAME_BYTES_MAX

PARTITIONS: Final = 12
RECORD_OVERHEAD_BYTES: Final = 4_096
MESSAGE_BYTES_MAX: Final = FRAME_BYTES_MAX + RECORD_OVERHEAD_BYTES


class Topic(NamedTuple):
    name: str
    partitions: int
    retention_ms: int
    purpose: str


_DAY_MS: Final = 86_400_000
PINGS: Final = Topic("ruc.pings.v1", PARTITIONS, 14 * _DAY_MS, "accepted fixes (and ticks), ingest to classifier")
BACKFILL: Final = Topic(
    "ruc.backfill.v1", PARTITIONS, 14 * _DAY_MS, "accepted fixes that came late (and ticks), beside the live ones"
)
"""Partitioned as PINGS: partition p of both holds the same devices and has the same owner."""
DAYS: Final = Topic(
    "ruc.days.v1", PARTITIONS, 14 * _DAY_MS, "device-day revisions, progress and holds, classifier to claims"
)
QUARANTINE: Final = Topic(
    "ruc.quarantine.v1", PARTITIONS, 14 * _DAY_MS, "refused and poisonous rows, to ingest's table"
)
TOPICS: Final = (PINGS, BACKFILL, DAYS, QUARANTINE)

SCHEMA_PINGS: Final = 1
SCHEMA_TICK: Final = 2
SCHEMA_DEVICE_DAYS: Final = 10
SCHEMA_PROGRESS: Final = 11
SCHEMA_HOLDS: Final = 12
SCHEMA_QUARANTINE: Final = 20
SCHEMA_CHUNK: Final = 30
"""Fixes of one device-day as the evidence store keeps them; never on a topic."""
