"""Frame: the unit of everything on a topic and in the evidence store.

Layout (little endian): magic `RUCF` · version u8 · codec u8 · schema u16 · rows u32 · raw_bytes u32 · crc u32 · payload.
The CRC32C covers the whole frame with its own field as zero.  A frame is self-describing: a reader needs the schema list
of this package and nothing else.  Readers take schema versions N and N-1 on topics and every version for ever in evidence.
"""

import struct
from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple, TypeVar

import google_crc32c
import msgspec
import numpy as np
import zstandard
from numpy.typing import NDArray

from shared.errors import Poison

MAGIC: Final = b"RUCF"
VERSION: Final = 1
FRAME_BYTES_MAX: Final = 512_000
"""One constant for the client and the topics (design section 3)."""
RAW_BYTES_MAX: Final = 64_000_000
"""A frame that claims to unpack to more is refused before anything is allocated."""
CODEC_COLUMNS_ZSTD: Final = 1
CODEC_MSGPACK_ZSTD: Final = 2
CODEC_BIT_PLANES_ZSTD: Final = 3
"""Differences of columns as bit planes (`shared.contracts.chunk`)."""
_HEADER: Final = struct.Struct("<4sBBHII")
_CRC_AT: Final = _HEADER.size
HEADER_BYTES: Final = _HEADER.size + 4
_LEVEL: Final = 3

Columns = dict[str, NDArray[Any]]
M = TypeVar("M")
S = TypeVar("S", bound=msgspec.Struct)


class Header(NamedTuple):
    schema: int
    codec: int
    rows: int
    raw_bytes: int
    crc: int


def seal(schema: int, codec: int, rows: int, raw: bytes, level: int = _LEVEL) -> bytes:
    """A frame round a payload, compressed at a zstd level."""
    head = _HEADER.pack(MAGIC, VERSION, codec, schema, rows, len(raw))
    body = zstandard.ZstdCompressor(level=level).compress(raw)
    crc = google_crc32c.value(head + b"\0\0\0\0" + body)
    return b"".join((head, crc.to_bytes(4, "little"), body))


def read_header(frame: bytes) -> Header:
    """Check magic, version and CRC.  Raises Poison `frame_broken` or `frame_version`."""
    if len(frame) < HEADER_BYTES or frame[:4] != MAGIC:
        raise Poison("frame_broken", "no frame header")
    _, version, codec, schema, rows, raw_bytes = _HEADER.unpack_from(frame)
    if version != VERSION:
        raise Poison("frame_version", f"frame version {version} is not known to this release")
    crc = int.from_bytes(frame[_CRC_AT:HEADER_BYTES], "little")
    if google_crc32c.value(frame[:_CRC_AT] + b"\0\0\0\0" + frame[HEADER_BYTES:]) != crc:
        raise Poison("frame_broken", "checksum does not match")
    if raw_bytes > RAW_BYTES_MAX:
        raise Poison("frame_broken", f"claims {raw_bytes} bytes, more than {RAW_BYTES_MAX}")
    return Header(schema, codec, rows, raw_bytes, crc)


def crc_of(frame: bytes) -> int:
    """The CRC field of a frame: what a position remembers of the last frame it passed."""
    return int.from_bytes(frame[_CRC_AT:HEADER_BYTES], "little")


def unseal(frame: bytes, schema: int, codec: int) -> tuple[int, bytes]:
    """Rows and payload of a frame.  Raises Poison where it is not whole or of another schema or codec."""
    header = read_header(frame)
    if (header.schema, header.codec) != (schema, codec):
        raise Poison("frame_schema", f"schema {header.schema}/{header.codec} where {schema}/{codec} was expected")
    raw = zstandard.ZstdDecompressor().decompress(frame[HEADER_BYTES:], max_output_size=header.raw_bytes)
    if len(raw) != header.raw_bytes:
        raise Poison("frame_broken", "payload is shorter than it claims")
    return header.rows, raw


def encode_columns(schema: int, layout: Sequence[tuple[str, str]], columns: Columns, rows: int, meta: object) -> bytes:
    """Payload: u32 length of `meta` as msgpack, `meta`, then the columns in `layout` order as raw little-endian numbers.

    `meta` holds what is not a number: dictionaries of keys, sparse texts."""
    blob = msgspec.msgpack.encode(meta)
    parts = [len(blob).to_bytes(4, "little"), blob]
    for name, dtype in layout:
        column = columns[name]
        if len(column) != rows:
            raise ValueError(f"column {name} has {len(column)} of {rows} rows")
        parts.append(np.ascontiguousarray(column, dtype=dtype).tobytes())
    return seal(schema, CODEC_COLUMNS_ZSTD, rows, b"".join(parts))


def decode_columns(schema: int, layout: Sequence[tuple[str, str]], meta: type[M], frame: bytes) -> tuple[M, Columns]:
    """The inverse of `encode_columns`; columns are read-only views.  Raises Poison on anything that does not fit."""
    rows, raw = unseal(frame, schema, CODEC_COLUMNS_ZSTD)
    columns: Columns = {}
    try:
        at = 4 + int.from_bytes(raw[:4], "little")
        head = msgspec.msgpack.decode(raw[4:at], type=meta)
        for name, dtype in layout:
            columns[name] = np.frombuffer(raw, dtype, rows, at)
            at += np.dtype(dtype).itemsize * rows
    except (ValueError, msgspec.DecodeError) as error:
        raise Poison("frame_broken", str(error)) from error
    if at != len(raw):
        raise Poison("frame_broken", f"{len(raw) - at} bytes are left over")
    return head, columns


_ENCODER: Final = msgspec.msgpack.Encoder()


def encode_structs(schema: int, rows: Sequence[msgspec.Struct]) -> bytes:
    """A frame of msgspec structs, one array."""
    return seal(schema, CODEC_MSGPACK_ZSTD, len(rows), _ENCODER.encode(list(rows)))


def decode_structs(schema: int, kind: type[S], frame: bytes) -> list[S]:
    """The inverse of `encode_structs`.  Raises Poison on anything that does not fit the type."""
    rows, raw = unseal(frame, schema, CODEC_MSGPACK_ZSTD)
    try:
        out = msgspec.msgpack.decode(raw, type=list[kind])  # type: ignore[valid-type]
    except msgspec.DecodeError as error:
        raise Poison("frame_broken", str(error)) from error
    if len(out) != rows:
        raise Poison("frame_broken", f"{len(out)} rows where the header says {rows}")
    return out


def pack_structs(schema: int, rows: Iterable[S]) -> list[bytes]:
    """As many frames as needed so that none is above FRAME_BYTES_MAX; halves until each fits."""
    pending = [list(rows)]
    frames: list[bytes] = []
    while pending:
        chunk = pending.pop()
        if not chunk:
            continue
        frame = encode_structs(schema, chunk)
        if len(frame) <= FRAME_BYTES_MAX:
            frames.append(frame)
        elif len(chunk) == 1:
            raise Poison("frame_too_large", f"one row of {len(frame)} bytes is above {FRAME_BYTES_MAX}")
        else:
            middle = len(chunk) // 2
            pending += [chunk[middle:], chunk[:middle]]
    return frames
