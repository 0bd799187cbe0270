"""Records of both lanes to one set of columns; what cannot be read becomes a quarantined row and stops nothing (G7)."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, Protocol
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from shared.contracts import neutral, pings
from shared.contracts.frame import read_header
from shared.contracts.neutral_columns import device_fault
from shared.contracts.partitioning import partition_of
from shared.contracts.pings import Key, Pings
from shared.contracts.quarantine import QuarantinedRow
from shared.contracts.topics import SCHEMA_TICK
from shared.errors import Poison
from shared.nz_days import FIRST_DAY, LAST_DAY, bounds_ms, days_of, to_ordinal

BROKEN_PART_BYTES: Final = 256_000
"""A broken frame is kept whole, in parts that fit a frame of their own."""
TS_MS_MIN: Final = bounds_ms(to_ordinal(FIRST_DAY) + 1)[0]
TS_MS_MAX: Final = bounds_ms(to_ordinal(LAST_DAY) - 2)[0]
"""The calendar of `shared.nz_days`, less a day on both sides for the neighbours of a day."""


class RecordLike(Protocol):
    """What the stream hands out (`shared.stream.log.Record`)."""

    @property
    def topic(self) -> str: ...
    @property
    def partition(self) -> int: ...
    @property
    def offset(self) -> int: ...
    @property
    def value(self) -> bytes: ...


class Origin(NamedTuple):
    """Where a row of a batch came from."""

    topic: str
    partition: int
    offset: int
    row: int


@dataclass(frozen=True, slots=True)
class Batch:
    """Usable rows of many records as columns, what could not be read, and the ticks."""

    pings: Pings
    hashes: NDArray[np.uint64]
    """`content_hash` of each row: with key and instant its identity (design section 5.2)."""
    days: NDArray[np.int32]
    offsets: NDArray[np.int64]
    rows: NDArray[np.int32]
    """Row within its frame.  The partition of a row is that of its key."""
    ticks: dict[tuple[str, int], int]
    """Highest tick of each topic's partition that had one, ms."""
    broken: tuple[QuarantinedRow, ...]
    topics: tuple[str, ...]
    lanes: NDArray[np.int8]
    """Which of the topics a row came from."""
    frames: dict[str, int]
    """How many frames of fixes each topic gave."""

    def __len__(self) -> int:
        return len(self.pings)

    def ticks_of(self, topic: str) -> dict[int, int]:
        """Highest tick of each partition of this topic."""
        return {partition: tick for (name, partition), tick in self.ticks.items() if name == topic}

    def rows_of(self, topic: str) -> int:
        """How many usable rows came from this topic."""
        return int(np.count_nonzero(self.lanes == self.topics.index(topic))) if topic in self.topics else 0

    def rows_each(self, topic: str) -> int:
        """Usable rows of this topic's frames on the average, at least 1; 0 where none came."""
        frames = self.frames.get(topic, 0)
        return max(1, self.rows_of(topic) // frames) if frames else 0

    def origin(self, row: int) -> Origin:
        key = self.pings.keys[int(self.pings.key[row])]
        return Origin(
            self.topics[int(self.lanes[row])], partition_of(*key), int(self.offsets[row]), int(self.rows[row])
        )


class _Part(NamedTuple):
    topic: str
    pings: Pings
    offset: int
    rows: NDArray[np.int32]


def decode(records: Iterable[RecordLike], *, code_version: str) -> Batch:
    """Never raises for any bytes.  Rows that break a limit of this service are taken out one by one."""
    parts: list[_Part] = []
    ticks: dict[tuple[str, int], int] = {}
    broken: list[QuarantinedRow] = []
    for record in records:
        try:
            if read_header(record.value).schema == SCHEMA_TICK:
                tick = _tick(record.value)
                at = (record.topic, record.partition)
                ticks[at] = max(tick, ticks.get(at, tick))
            else:  # refuses every schema but that of pings
                part, refused = _usable(pings.decode_pings(record.value), record, code_version)
                parts.append(part)
                broken += refused
        except Poison as error:
            broken += _broken_frame(record, error.code, error.detail, code_version)
        except Exception as error:  # noqa: BLE001 - a valid checksum over garbage must not stop the partition (G7)
            broken += _broken_frame(record, "frame_unreadable", repr(error), code_version)
    return _join(parts, ticks, tuple(broken))


def _join(parts: Sequence[_Part], ticks: dict[tuple[str, int], int], broken: tuple[QuarantinedRow, ...]) -> Batch:
    topics = tuple(sorted({part.topic for part in parts}))
    joined = pings.concat([part.pings for part in parts])
    empty: list[NDArray[Any]] = [np.empty(0, np.int64)]
    return Batch(
        pings=joined,
        hashes=pings.content_hash(joined),
        days=days_of(joined.ts_ms),
        offsets=np.concatenate([np.full(len(part.pings), part.offset, np.int64) for part in parts] or empty),
        rows=np.concatenate([part.rows for part in parts] or empty).astype(np.int32),
        ticks=ticks,
        broken=broken,
        topics=topics,
        frames=dict(Counter(part.topic for part in parts)),
        lanes=np.repeat(
            np.array([topics.index(part.topic) for part in parts], np.int8), [len(part.pings) for part in parts]
        ),
    )


def _tick(frame: bytes) -> int:
    tick = pings.decode_tick(frame)
    if not TS_MS_MIN <= tick < TS_MS_MAX:
        raise Poison("tick_range", f"{tick} ms is no instant that ingest can have received anything at")
    return tick


def _usable(frame: Pings, record: RecordLike, code_version: str) -> tuple[_Part, list[QuarantinedRow]]:
    """The rows that this service can hold, and the others with their reasons."""
    key_faults = [_key_fault(key, record.partition) for key in frame.keys]
    bad_key = np.array([fault is not None for fault in key_faults], np.bool_)
    checks: tuple[tuple[str, str, NDArray[np.bool_]], ...] = (
        ("bad_ts", "instant outside 2000..2100", (frame.ts_ms < TS_MS_MIN) | (frame.ts_ms >= TS_MS_MAX)),
        ("lat_range", "latitude outside -90..90", np.abs(frame.lat_e6.astype(np.int64)) > 90_000_000),
        ("lng_range", "longitude outside -180..180", np.abs(frame.lng_e6.astype(np.int64)) > 180_000_000),
    )
    bad = bad_key[frame.key] if len(frame) else np.empty(0, np.bool_)
    for _, _, mask in checks:
        bad = bad | mask
    refused: list[QuarantinedRow] = []
    for row in np.flatnonzero(bad).tolist():
        fault = key_faults[int(frame.key[row])] or next((code, why) for code, why, mask in checks if mask[row])
        origin = Origin(record.topic, record.partition, record.offset, row)
        refused.append(quarantined(frame, row, origin, *fault, code_version))
    keep = ~bad
    return _Part(record.topic, frame.take(keep), record.offset, np.flatnonzero(keep).astype(np.int32)), refused


def _key_fault(key: Key, partition: int) -> tuple[str, str] | None:
    tenant, device = key
    if not _is_tenant(tenant):
        return "tenant_unknown", "the tenant is not a UUID in its canonical form"
    fault = device_fault(device)
    if fault is not None:
        return fault
    own = partition_of(tenant, device)
    if own != partition:
        return "wrong_partition", f"this device's fixes belong into partition {own}, not {partition}"
    return None


def _is_tenant(text: str) -> bool:
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False


def quarantined(frame: Pings, row: int, origin: Origin, code: str, detail: str, code_version: str) -> QuarantinedRow:
    """Row `row` with its reason and itself as a neutral JSON object, so that replay is an ordinary POST."""
    tenant, device = frame.keys[int(frame.key[row])]
    try:
        body = neutral.rebuild(frame, row)
    except (ValueError, OverflowError):  # an instant no calendar knows: the number itself is what there is to keep
        body = repr({name: int(column[row]) for name, column in frame.columns().items()}).encode()
    return QuarantinedRow(
        tenant=tenant,
        origin=origin.topic,
        partition=origin.partition,
        offset=origin.offset,
        row=origin.row,
        device=device,
        code=code,
        detail=detail,
        body=body,
        received_ms=int(frame.received_ms[row]),
        code_version=code_version,
    )


def _broken_frame(record: RecordLike, code: str, detail: str, code_version: str) -> list[QuarantinedRow]:
    parts = [record.value[at : at + BROKEN_PART_BYTES] for at in range(0, len(record.value), BROKEN_PART_BYTES)] or [
        b""
    ]
    return [
        QuarantinedRow(
            tenant="",
            origin=record.topic,
            partition=record.partition,
            offset=record.offset,
            row=number,
            device="",
            code=code,
            detail=f"{detail} (whole frame, part {number + 1} of {len(parts)})",
            body=part,
            received_ms=0,
            code_version=code_version,
        )
        for number, part in enumerate(parts)
    ]
