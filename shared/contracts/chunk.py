"""Chunk: the fixes of one device and NZ day as the evidence store keeps them for years.  Nothing of a fix is lost.

Rows lie in the order of their instants.  Each column is kept as its first value and the differences from row to row, or
the differences of those, whichever are smaller; divided by their greatest common divisor (readings have a resolution);
as bit planes, the lowest first, so that bits that never change cost nothing; all columns under one zstd frame in the
header of `shared.contracts.frame`.  The choice and what it was measured against: docs/adr/0016.

    payload: u32 length of the meta · `ChunkMeta` as msgpack · for each column of `COLUMNS` its bit planes

A plane is ceil((rows - order) / 8) bytes, the first row in the highest bit.  `received_ms` may be kept as its difference
to `ts_ms`: pings that come in by themselves have a steady delay, those of one batch one instant.
"""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from shared.contracts import pings
from shared.contracts.frame import CODEC_BIT_PLANES_ZSTD, seal, unseal
from shared.contracts.pings import LAYOUT, Key, Pings
from shared.contracts.topics import SCHEMA_CHUNK
from shared.errors import Poison

VERSION: Final = 1
LEVEL: Final = 9
"""Of zstd.  Bit planes leave it little to find: level 19 saves another 1 % at ten times the time."""
ROWS_MAX: Final = 500_000
"""Of one chunk; a device-day with more has several."""
COLUMNS: Final = (*(name for name, _ in LAYOUT if name != "key"), "rev")
"""Version 1: a column more is another version, with a reader of its own."""
_RELATIVE: Final = "received_ms"


class Kept(NamedTuple):
    """Fixes with the revision number under which each came into evidence."""

    pings: Pings
    revs: NDArray[np.int64]

    def take(self, rows: NDArray[Any]) -> "Kept":
        """The rows of a mask or index array."""
        return Kept(self.pings.take(rows), self.revs[rows])


class _Column(msgspec.Struct, array_like=True, frozen=True):
    start: int
    step: int
    """The first difference; 0 where `order` is 1."""
    order: int
    """1: differences, 2: differences of differences."""
    scale: int
    planes: int
    relative: bool = False
    """The values are differences to `ts_ms`."""


class ChunkMeta(msgspec.Struct, array_like=True):
    version: int
    key: Key
    columns: list[_Column]


def concat(parts: Sequence[Kept]) -> Kept:
    """One set of columns from many."""
    revs = [part.revs for part in parts] or [np.empty(0, np.int64)]
    return Kept(pings.concat([part.pings for part in parts]), np.concatenate(revs))


def encode_chunk(kept: Kept) -> bytes:
    """One chunk of fixes that all have the same key.  Raises ValueError for no rows, too many, or several keys."""
    rows = len(kept.pings)
    codes = np.unique(kept.pings.key)
    if len(codes) != 1 or rows > ROWS_MAX:
        raise ValueError(f"a chunk holds up to {ROWS_MAX} fixes of one device, not {rows} of {len(codes)}")
    order = np.lexsort((kept.revs, kept.pings.ts_ms))
    values = {name: column[order].astype(np.int64) for name, column in kept.pings.columns().items() if name != "key"}
    values["rev"] = kept.revs[order].astype(np.int64)
    columns: list[_Column] = []
    bodies: list[bytes] = []
    for name in COLUMNS:
        column, codes_of, _ = _best(values[name])
        if name == _RELATIVE:
            column, codes_of = _relative(values[name], values["ts_ms"])
        columns.append(column)
        bodies.append(_planes(codes_of, column.planes))
    meta = msgspec.msgpack.encode(ChunkMeta(VERSION, kept.pings.keys[int(codes[0])], columns))
    raw = b"".join([len(meta).to_bytes(4, "little"), meta, *bodies])
    return seal(SCHEMA_CHUNK, CODEC_BIT_PLANES_ZSTD, rows, raw, LEVEL)


def decode_chunk(chunk: bytes) -> Kept:
    """The inverse of `encode_chunk`, in the order of instants.  Raises Poison on anything that does not fit."""
    rows, raw = unseal(chunk, SCHEMA_CHUNK, CODEC_BIT_PLANES_ZSTD)
    if rows > ROWS_MAX:
        raise Poison("chunk_broken", f"claims {rows} rows, more than {ROWS_MAX}")
    try:
        at = 4 + int.from_bytes(raw[:4], "little")
        meta = msgspec.msgpack.decode(raw[4:at], type=ChunkMeta)
        if meta.version != VERSION or len(meta.columns) != len(COLUMNS):
            raise Poison("chunk_version", f"chunk version {meta.version} is not known to this release")
        values: dict[str, NDArray[np.int64]] = {}
        for name, column in zip(COLUMNS, meta.columns, strict=True):
            size = column.planes * _plane_bytes(rows - column.order)
            values[name] = _restore(column, raw[at : at + size], rows)
            at += size
            if column.relative:
                values[name] += values["ts_ms"]
    except (ValueError, IndexError, OverflowError, msgspec.DecodeError) as error:
        raise Poison("chunk_broken", str(error)) from error
    if at != len(raw):
        raise Poison("chunk_broken", f"{len(raw) - at} bytes are left over")
    revs = values.pop("rev")
    return Kept(pings.make([meta.key], values | {"key": np.zeros(rows, np.uint32)}), revs)


def _best(values: NDArray[np.int64]) -> tuple[_Column, NDArray[np.uint64], float]:
    """The smaller of both orders: its description, its codes, and about how many bits they need."""
    first = np.diff(values)  # wraps in 64 bits, as its inverse does
    coded = [_coded(values, first, 1)]
    if len(first) > 1:
        coded.append(_coded(values, first, 2))
    return min(coded, key=lambda one: one[2])


def _relative(values: NDArray[np.int64], ts_ms: NDArray[np.int64]) -> tuple[_Column, NDArray[np.uint64]]:
    column, codes, bits = _best(values)
    delay, delay_codes, delay_bits = _best(values - ts_ms)
    if bits <= delay_bits:
        return column, codes
    return msgspec.structs.replace(delay, relative=True), delay_codes


def _coded(
    values: NDArray[np.int64], first: NDArray[np.int64], order: int
) -> tuple[_Column, NDArray[np.uint64], float]:
    differences = first if order == 1 else np.diff(first)
    scale = _scale(differences)
    codes = _zigzag(differences // scale if scale > 1 else differences)
    planes = int(codes.max(initial=0)).bit_length()
    step = int(first[0]) if order == 2 else 0
    bits = float(np.log2(codes.astype(np.float64) + 1).sum())
    return _Column(int(values[0]), step, order, scale, planes), codes, bits


def _scale(differences: NDArray[np.int64]) -> int:
    """The greatest number that divides all of them; 1 where that is none, or where 64 bits are too few to tell."""
    scale = int(np.gcd.reduce(differences)) if len(differences) else 1
    return scale if scale > 1 and not (differences % scale).any() else 1


def _zigzag(values: NDArray[np.int64]) -> NDArray[np.uint64]:
    """0, -1, 1, -2, 2 … as 0, 1, 2, 3, 4 …"""
    return ((values << 1) ^ (values >> 63)).view(np.uint64)


def _plane_bytes(bits: int) -> int:
    return (max(bits, 0) + 7) // 8


def _planes(codes: NDArray[np.uint64], planes: int) -> bytes:
    """Bit 0 of every code, then bit 1 of every code, and so on."""
    octets = codes.astype("<u8").view(np.uint8).reshape(-1, 8)[:, : _plane_bytes(planes)]
    bits = np.unpackbits(octets, axis=1, bitorder="little")[:, :planes]
    return np.packbits(bits.T, axis=1).tobytes()


def _restore(column: _Column, body: bytes, rows: int) -> NDArray[np.int64]:
    count = max(rows - column.order, 0)
    packed = np.frombuffer(body, np.uint8).reshape(column.planes, _plane_bytes(count))
    bits = np.zeros((count, 64), np.uint8)
    bits[:, : column.planes] = np.unpackbits(packed, axis=1, count=count).T if column.planes else 0
    codes = np.packbits(bits, axis=1, bitorder="little").reshape(-1).view("<u8").astype(np.uint64)
    differences = ((codes >> np.uint64(1)).view(np.int64) ^ -(codes & np.uint64(1)).view(np.int64)) * column.scale
    if column.order == 2:
        differences = np.cumsum(np.r_[np.int64(column.step), differences])
    return np.cumsum(np.r_[np.int64(column.start), differences])
