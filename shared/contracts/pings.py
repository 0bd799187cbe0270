"""Normalised pings as columns: what ingest appends, Kafka carries, the classifier folds and the evidence store keeps.

Units are fixed and integer so that every later sum is exact (design G8): micro-degrees, millimetres, milliseconds.
A measured field that the device did not report is `NONE` (-1); `valid` and `ignition` are -1, 0 or 1.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from shared.contracts.frame import decode_columns, encode_columns
from shared.contracts.topics import SCHEMA_PINGS, SCHEMA_TICK
from shared.errors import Poison

NONE: Final = -1
LAYOUT: Final = (
    ("key", "<u4"),
    ("ts_ms", "<i8"),
    ("lat_e6", "<i4"),
    ("lng_e6", "<i4"),
    ("speed_mmps", "<i4"),
    ("heading_cdeg", "<i4"),
    ("accuracy_mm", "<i4"),
    ("hdop_e2", "<i4"),
    ("odometer_mm", "<i8"),
    ("ignition", "<i1"),
    ("valid", "<i1"),
    ("received_ms", "<i8"),
)
MEASURED: Final = (
    "lat_e6", "lng_e6", "speed_mmps", "heading_cdeg", "accuracy_mm", "hdop_e2", "odometer_mm", "ignition", "valid",
)  # fmt: skip

Key = tuple[str, str]
"""(tenant id, device id), both verbatim text."""


class PingsMeta(msgspec.Struct, array_like=True):
    keys: list[Key]
    ids: list[str] | None = None


@dataclass(frozen=True, slots=True)
class Pings:
    """Columns of equal length; `keys[key[i]]` is the (tenant, device) of row i.  No order is promised."""

    keys: tuple[Key, ...]
    key: NDArray[np.uint32]
    ts_ms: NDArray[np.int64]
    lat_e6: NDArray[np.int32]
    lng_e6: NDArray[np.int32]
    speed_mmps: NDArray[np.int32]
    heading_cdeg: NDArray[np.int32]
    accuracy_mm: NDArray[np.int32]
    hdop_e2: NDArray[np.int32]
    odometer_mm: NDArray[np.int64]
    ignition: NDArray[np.int8]
    valid: NDArray[np.int8]
    received_ms: NDArray[np.int64]
    ids: tuple[str, ...] | None = None
    """The provider's own ids, row by row, "" where none; transport only, never part of a fix's identity."""

    def __len__(self) -> int:
        return len(self.ts_ms)

    def columns(self) -> dict[str, NDArray[Any]]:
        return {name: getattr(self, name) for name, _ in LAYOUT}

    def take(self, rows: NDArray[Any]) -> "Pings":
        """The rows of a mask or index array, keys kept as they are."""
        ids = None
        if self.ids is not None:
            index = np.flatnonzero(rows) if rows.dtype == np.bool_ else rows
            ids = tuple(self.ids[i] for i in index.tolist())
        return Pings(keys=self.keys, ids=ids, **{name: column[rows] for name, column in self.columns().items()})


def make(keys: Sequence[Key], columns: dict[str, NDArray[Any]], ids: Sequence[str] | None = None) -> Pings:
    """Pings from columns; every column of LAYOUT must be there and is cast to its dtype."""
    cast = {name: np.ascontiguousarray(columns[name], dtype=dtype) for name, dtype in LAYOUT}
    return Pings(keys=tuple(keys), ids=tuple(ids) if ids is not None else None, **cast)


def concat(parts: Sequence[Pings]) -> Pings:
    """One set of columns from many, keys merged."""
    index: dict[Key, int] = {}
    codes: list[NDArray[np.uint32]] = []
    for part in parts:
        mapped = np.array([index.setdefault(key, len(index)) for key in part.keys], dtype=np.uint32)
        codes.append(mapped[part.key] if len(part) else np.empty(0, dtype=np.uint32))
    ids: list[str] | None = None
    if any(part.ids is not None for part in parts):
        ids = [text for part in parts for text in (part.ids or ("",) * len(part))]
    columns: dict[str, NDArray[Any]] = {
        name: np.concatenate([getattr(part, name) for part in parts]) if parts else np.empty(0, dtype=dtype)
        for name, dtype in LAYOUT
    }
    columns["key"] = np.concatenate(codes) if codes else np.empty(0, dtype=np.uint32)
    return make(tuple(index), columns, ids)


def _mix(state: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The splitmix64 finaliser (public domain algorithm, S. Vigna), wrapping in 64 bits."""
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return state ^ (state >> np.uint64(31))


def content_hash(pings: Pings) -> NDArray[np.uint64]:
    """Hash of the measured fields of each row, version 1, without tenant, device, instant, `id` or `received_ms`.

    With (tenant, device, ts_ms) it is a fix's identity (design section 5.2)."""
    state = np.full(len(pings), 0x9E3779B97F4A7C15, dtype=np.uint64)
    with np.errstate(over="ignore"):
        for name in MEASURED:
            state = _mix(state + getattr(pings, name).astype(np.int64).view(np.uint64) + np.uint64(0x9E3779B97F4A7C15))
    return state


def encode_pings(pings: Pings) -> bytes:
    """One frame.  Unused keys are left out."""
    used, codes = np.unique(pings.key, return_inverse=True)
    columns = pings.columns() | {"key": codes.astype(np.uint32)}
    meta = PingsMeta([pings.keys[i] for i in used.tolist()], list(pings.ids) if pings.ids is not None else None)
    return encode_columns(SCHEMA_PINGS, LAYOUT, columns, len(pings), meta)


def decode_pings(frame: bytes) -> Pings:
    """The inverse of `encode_pings`.  Raises Poison."""
    meta, columns = decode_columns(SCHEMA_PINGS, LAYOUT, PingsMeta, frame)
    pings = make(meta.keys, columns, meta.ids)
    if len(pings) and int(pings.key.max()) >= len(meta.keys):
        raise Poison("frame_broken", "a row names a key that is not there")
    return pings


def encode_tick(received_ms: int) -> bytes:
    """A tick: everything ingest received before this instant has been appended before it."""
    return encode_columns(SCHEMA_TICK, (("received_ms", "<i8"),), {"received_ms": np.array([received_ms])}, 1, None)


def decode_tick(frame: bytes) -> int:
    _, columns = decode_columns(SCHEMA_TICK, (("received_ms", "<i8"),), type(None), frame)
    return int(columns["received_ms"][0])


assert [f.name for f in fields(Pings)][1:-1] == [name for name, _ in LAYOUT]  # noqa: S101 - layout and class are one list
