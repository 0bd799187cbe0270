"""What one transaction writes: evidence frames, outbox frames, and the debts it makes and pays.  Built outside of it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.classifier.application.sweeping import Step
from services.classifier.application.windows import Window, WindowKey
from services.classifier.repo.evidence import EvidenceFrame, Span
from services.classifier.repo.fold_state import Due, Owed
from shared.contracts import pings
from shared.contracts.device_day import DeviceDay, Progress
from shared.contracts.frame import pack_structs
from shared.contracts.partitioning import partition_of
from shared.contracts.pings import Pings
from shared.contracts.quarantine import QuarantinedRow
from shared.contracts.topics import (
    DAYS,
    QUARANTINE,
    SCHEMA_DEVICE_DAYS,
    SCHEMA_PROGRESS,
    SCHEMA_QUARANTINE,
)
from shared.errors import Poison

ROWS_PER_FRAME: Final = 20_000
OutboxRow = tuple[str, int, bytes]
"""(topic, partition, frame)."""


@dataclass(slots=True)
class Effect:
    """Everything that one round changes, in the database and then in memory."""

    versions: dict[int, int]
    """The version each partition's position has after it."""
    ticks: dict[int, int]
    """The tick of each partition after it."""
    windows: dict[WindowKey, Window] = field(default_factory=dict)
    evidence: list[EvidenceFrame] = field(default_factory=list)
    outbox: list[OutboxRow] = field(default_factory=list)
    owed: list[Owed] = field(default_factory=list)
    """Settled revisions that are due when their day is over."""
    held: list[Owed] = field(default_factory=list)
    """Days to be computed again, each under an open hold: they could not be now, or another road data set counts."""
    swept: Step | None = None
    """How far a sweep has come with this."""
    paid: list[Due] = field(default_factory=list)
    """What was computed; a hold behind it closes where nobody has asked again meanwhile."""
    fixes: int = 0
    settled: int = 0
    unsettled: int = 0
    quarantined: int = 0
    book_version: int = 0
    """Of the rulings that it was judged by: it may be committed only while they stand."""
    stuck: dict[WindowKey, Exception] = field(default_factory=dict)
    """Device-days that the kernel could not compute although no new row is to blame."""


def evidence_frames(fresh: Pings, days: NDArray[np.int32], revs: Mapping[int, int]) -> list[EvidenceFrame]:
    """Frames of one tenant and partition each, sorted by device and time, with their spans.

    `revs` is the revision of each partition's transaction."""
    groups: dict[tuple[str, int], int] = {}
    of_key = np.array([groups.setdefault((key[0], partition_of(*key)), len(groups)) for key in fresh.keys], np.int64)
    group = of_key[fresh.key] if len(fresh) else np.empty(0, np.int64)
    order = np.lexsort((fresh.ts_ms, fresh.key, group))
    heads = np.searchsorted(group[order], np.arange(len(groups) + 1))
    frames: list[EvidenceFrame] = []
    for (tenant, partition), code in groups.items():
        rows = order[heads[code] : heads[code + 1]]
        for part, at in enumerate(range(0, len(rows), ROWS_PER_FRAME)):
            some = rows[at : at + ROWS_PER_FRAME]
            body = fresh.take(some)
            frame = pings.encode_pings(pings.make(body.keys, body.columns()))
            spans = _spans(body, days[some])
            frames.append(EvidenceFrame(tenant, partition, revs[partition], part, len(some), frame, spans))
    return frames


def _spans(rows: Pings, days: NDArray[np.int32]) -> tuple[Span, ...]:
    """Runs of one device and day; `rows` are sorted by device and time."""
    heads = np.flatnonzero(np.r_[True, (rows.key[1:] != rows.key[:-1]) | (days[1:] != days[:-1])])
    ends = np.r_[heads[1:], len(rows)]
    return tuple(
        Span(rows.keys[key][1], day, end - head, first, last)
        for key, day, head, end, first, last in zip(
            rows.key[heads].tolist(),
            days[heads].tolist(),
            heads.tolist(),
            ends.tolist(),
            rows.ts_ms[heads].tolist(),
            rows.ts_ms[ends - 1].tolist(),
            strict=True,
        )
    )


def revision_rows(revisions: Iterable[DeviceDay]) -> tuple[list[OutboxRow], list[DeviceDay]]:
    """Frames for the outbox by partition, and the revisions that no frame can hold (a day of countless segments)."""
    by_partition: dict[int, list[DeviceDay]] = {}
    for revision in revisions:
        by_partition.setdefault(partition_of(revision.tenant, revision.device), []).append(revision)
    rows: list[OutboxRow] = []
    oversize: list[DeviceDay] = []
    for partition, some in by_partition.items():
        try:
            frames = pack_structs(SCHEMA_DEVICE_DAYS, some)
        except Poison:
            fitting, too_large = _fitting(some)
            oversize += too_large
            frames = pack_structs(SCHEMA_DEVICE_DAYS, fitting)
        rows += [(DAYS.name, partition, frame) for frame in frames]
    return rows, oversize


def _fitting(revisions: Sequence[DeviceDay]) -> tuple[list[DeviceDay], list[DeviceDay]]:
    fitting: list[DeviceDay] = []
    too_large: list[DeviceDay] = []
    for revision in revisions:
        try:
            pack_structs(SCHEMA_DEVICE_DAYS, [revision])
        except Poison:
            too_large.append(revision)
        else:
            fitting.append(revision)
    return fitting, too_large


def quarantine_rows(rows: Iterable[QuarantinedRow]) -> list[OutboxRow]:
    """Rows for the quarantine, on the partition that they came from."""
    by_partition: dict[int, list[QuarantinedRow]] = {}
    for row in rows:
        by_partition.setdefault(row.partition, []).append(row)
    return [
        (QUARANTINE.name, partition, frame)
        for partition, some in by_partition.items()
        for frame in pack_structs(SCHEMA_QUARANTINE, some)
    ]


def progress_rows(ticks: Mapping[int, int]) -> list[OutboxRow]:
    """Complete-through of pings partition p, on days partition p."""
    return [
        (DAYS.name, partition, frame)
        for partition, tick in ticks.items()
        for frame in pack_structs(SCHEMA_PROGRESS, [Progress(partition=partition, tick_ms=tick)])
    ]
