"""The neutral ping: JSON or NDJSON bytes to columns, with a stable code for every row that is refused.

    {"device_id": "ute-7", "ts": "2026-03-02T18:00:01Z", "lat": -40.1, "lng": 175.2}          required
    "id", "speed_kmh", "heading_deg", "accuracy_m", "hdop", "odometer_m", "ignition", "valid"  optional, null = absent

`device_id` is kept verbatim; a JSON number is kept as its literal text.  Unknown fields are accepted and counted.
Nothing here reads a clock or knows a tenant's policy: ingest and `rucor classify` share exactly this code.

    parsed = parse_ndjson(data)                 # or parse_json(data), or read_ndjson(path) for .ndjson and .ndjson.gz
    parsed.pings                                # Pings, only the rows that fit; keys are (tenant, device_id)
    parsed.index[i]                             # line (NDJSON) or array position, from 0, of row i of parsed.pings
    parsed.refused                              # Refused(row, code, detail, device, body), by row

Codes: bad_json, not_an_object, missing_field, bad_type, bad_ts, device_id_length, device_id_chars, id_length and
{lat,lng,speed,heading,accuracy,hdop,odometer}_range (docs/guide/ingest-api.md).
A fix at 0/0 or with `valid` false is evidence and is accepted: the classifier labels it.

The typed decoder takes the whole batch at once; a batch that does not fit is read row by row, with the same result for
every row whatever stands beside it.  A data-frame reader was tried and is no quicker once its columns are checked; it
turned a device_id of 1.50 into "1.5", objects into text and a broken escape into NUL, silently.
"""

import gzip
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from shared.contracts import neutral_rows
from shared.contracts import pings as pings_contract
from shared.contracts.neutral_columns import rebuild as rebuild  # noqa: PLC0414 - part of this module's interface
from shared.contracts.neutral_columns import to_table
from shared.contracts.neutral_rows import BROKEN, Fields, LiteralRow, OpenLiteralRow, OpenRow, Row
from shared.contracts.pings import Pings
from shared.errors import Poison

BODY_BYTES_KEPT: Final = 4_096
"""Of a refused row's bytes, for the quarantine."""
CHUNK_BYTES: Final = 8_000_000
_BOM: Final = b"\xef\xbb\xbf"
_GZIP: Final = b"\x1f\x8b"
_TIERS: Final[tuple[type[Any], ...]] = (Row, LiteralRow, OpenRow, OpenLiteralRow)
_LINES: Final[dict[type, Any]] = {kind: msgspec.json.Decoder(kind) for kind in _TIERS}
_ARRAYS: Final[dict[type, Any]] = {kind: msgspec.json.Decoder(list[kind]) for kind in _TIERS}  # type: ignore[valid-type]
_FIELDS: Final = msgspec.json.Decoder(Fields)
_FIELD_ARRAY: Final = msgspec.json.Decoder(list[Fields])
_RAWS: Final = msgspec.json.Decoder(list[msgspec.Raw])


class Refused(NamedTuple):
    row: int
    """Line (NDJSON) or array position, from 0."""
    code: str
    detail: str
    device: str
    """As far as it could be read, else ""."""
    body: bytes
    """The row as it was sent, at most BODY_BYTES_KEPT."""


@dataclass(frozen=True, slots=True)
class Parsed:
    pings: Pings
    index: NDArray[np.int64]
    refused: list[Refused]
    rows: int
    """How many rows the body held, blank lines not counted."""
    unknown_fields: dict[str, int] = field(default_factory=dict)


def parse_ndjson(data: bytes, *, tenant: str = "", received_ms: int = 0, rows_max: int | None = None) -> Parsed:
    """One ping a line; a broken line is refused by itself.  Raises Poison `too_many_rows` for more than `rows_max` lines,
    nothing else for any bytes."""
    data = data.removeprefix(_BOM)
    _check_rows(_line_count(data), rows_max)
    unknown: Counter[str] = Counter()
    rows = _whole(
        lambda kind: _LINES[kind].decode_lines(data), lambda: _FIELDS.decode_lines(data), _line_count(data), unknown
    )
    if rows is not None:
        return _build(rows, np.arange(len(rows)), lambda: ndjson_rows(data), [], tenant, received_ms, unknown)
    return _one_by_one(ndjson_rows(data), tenant, received_ms, unknown)


def parse_json(data: bytes, *, tenant: str = "", received_ms: int = 0, rows_max: int | None = None) -> Parsed:
    """A JSON array of pings, an object {"pings": […]}, or one ping.

    Raises Poison `broken_body` for broken JSON, `too_many_rows` for more than `rows_max` pings."""
    data = _array_of(data)
    unknown: Counter[str] = Counter()
    rows = _whole(lambda kind: _ARRAYS[kind].decode(data), lambda: _FIELD_ARRAY.decode(data), None, unknown)
    if rows is not None:
        _check_rows(len(rows), rows_max)
        return _build(rows, np.arange(len(rows)), lambda: json_rows(data), [], tenant, received_ms, unknown)
    sent = json_rows(data)
    _check_rows(len(sent), rows_max)
    return _one_by_one(sent, tenant, received_ms, unknown)


def read_ndjson(path: Path, *, tenant: str = "") -> Parsed:
    """A whole .ndjson or .ndjson.gz file (told by its first bytes), read in chunks.  OSError, EOFError if broken."""
    parts: list[Parsed] = []
    first = 0
    for chunk in read_chunks(path, CHUNK_BYTES):
        part = parse_ndjson(chunk, tenant=tenant)
        refused = [one._replace(row=one.row + first) for one in part.refused]
        parts.append(Parsed(part.pings, part.index + first, refused, part.rows, part.unknown_fields))
        first += _line_count(chunk)
    unknown = sum((Counter(part.unknown_fields) for part in parts), Counter[str]())
    return Parsed(
        pings_contract.concat([part.pings for part in parts]),
        np.concatenate([part.index for part in parts]) if parts else np.empty(0, np.int64),
        [row for part in parts for row in part.refused],
        sum(part.rows for part in parts),
        dict(unknown),
    )


def read_chunks(path: Path, chunk_bytes: int = CHUNK_BYTES) -> Iterator[bytes]:
    """The file's decoded bytes in pieces that end at the end of a line."""
    with path.open("rb") as probe:
        packed = probe.read(2) == _GZIP
    with gzip.open(path, "rb") if packed else path.open("rb") as source:
        rest = b""
        while block := source.read(chunk_bytes):
            whole, newline, tail = block.rpartition(b"\n")
            if newline:
                yield rest + whole + newline
                rest = tail
            else:
                rest += block
        if rest:
            yield rest


def ndjson_rows(data: bytes) -> list[bytes]:
    """The lines of an NDJSON body, blank ones included, so that their positions are the rows' indexes."""
    lines = data.removeprefix(_BOM).split(b"\n")
    return lines[:-1] if not lines[-1].strip() else lines


def json_rows(data: bytes) -> list[bytes]:
    """The elements of a JSON body as they were sent.  Raises Poison `broken_body`."""
    try:
        return [bytes(raw) for raw in _RAWS.decode(_array_of(data))]
    except BROKEN as error:
        raise Poison("broken_body", str(error)) from error


def _check_rows(rows: int, rows_max: int | None) -> None:
    if rows_max is not None and rows > rows_max:
        raise Poison("too_many_rows", f"the body holds {rows} rows")


def _line_count(data: bytes) -> int:
    return data.count(b"\n") + (not data.endswith(b"\n") and bool(data))


def _array_of(data: bytes) -> bytes:
    """The body as a JSON array: itself, the array under "pings", or the one object in brackets."""
    data = data.removeprefix(_BOM).strip()
    if not data.startswith(b"{"):
        return data
    try:
        inner = _FIELDS.decode(data).get("pings")
    except BROKEN as error:
        raise Poison("broken_body", str(error)) from error
    return bytes(inner) if inner is not None else b"[" + data + b"]"


def _whole(
    decode: Callable[[type], list[Any]], fields: Callable[[], list[Fields]], rows: int | None, unknown: Counter[str]
) -> list[Any] | None:
    """The batch by the first type that fits all of it; None where none does or lines and rows do not match."""
    for kind in _TIERS:
        try:
            decoded = decode(kind)
            if rows is not None and len(decoded) != rows:
                return None
            if issubclass(kind, LiteralRow) and not all(map(neutral_rows.unquote, decoded)):
                return None
            if issubclass(kind, OpenRow | OpenLiteralRow):
                neutral_rows.count_unknown(fields(), unknown)
        except BROKEN:
            continue
        return decoded
    return None


def _one_by_one(raws: Sequence[bytes], tenant: str, received_ms: int, unknown: Counter[str]) -> Parsed:
    rows: list[Any] = []
    index: list[int] = []
    refused: list[Refused] = []
    for at, raw in enumerate(raws):
        if not raw.strip():
            continue
        outcome = neutral_rows.read_row(raw, unknown)
        if isinstance(outcome, tuple):
            refused.append(Refused(at, *outcome, neutral_rows.device_of(raw), raw[:BODY_BYTES_KEPT]))
        else:
            rows.append(outcome)
            index.append(at)
    return _build(rows, np.array(index, np.int64), lambda: raws, refused, tenant, received_ms, unknown)


def _build(
    rows: list[Any],
    index: NDArray[np.int64],
    raws: Callable[[], Sequence[bytes]],
    refused: list[Refused],
    tenant: str,
    received_ms: int,
    unknown: Counter[str],
) -> Parsed:
    table = to_table(rows)
    count = len(rows) + len(refused)
    columns = table.columns | {"received_ms": np.full(len(rows), received_ms, np.int64)}
    pings = pings_contract.make([(tenant, device) for device in table.devices], columns, table.ids)
    if table.faults:
        sent = raws()
        for at, code, detail in table.faults:
            place = int(index[at])
            refused.append(Refused(place, code, detail, rows[at].device_id, sent[place][:BODY_BYTES_KEPT]))
        refused.sort()
        pings, index = pings.take(table.ok), index[table.ok]
    return Parsed(pings, index, refused, count, dict(unknown))
