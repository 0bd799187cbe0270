"""Typed rows of the neutral ping, and the reason why a row is none.  Internal to `shared.contracts.neutral`."""

import math
from collections import Counter
from collections.abc import Iterable
from typing import Final

import msgspec

_NAN: Final = float("nan")
UNKNOWN_NAME_CHARS_MAX: Final = 64
BROKEN: Final = (msgspec.DecodeError, RecursionError, ValueError, OverflowError)
"""Everything the decoder raises for bytes of a stranger; UnicodeDecodeError and over-long integers are ValueErrors."""


class Row(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    """A ping as most providers send it: the whole batch is tried with this type first."""

    device_id: str
    ts: str | int | float
    lat: float
    lng: float
    id: str | None = None
    speed_kmh: float | None = _NAN
    heading_deg: float | None = _NAN
    accuracy_m: float | None = _NAN
    hdop: float | None = _NAN
    odometer_m: float | None = _NAN
    ignition: bool | None = None
    valid: bool | None = None


class LiteralRow(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    """`device_id` and `id` as the bytes they were sent as, so that a number keeps its literal text."""

    device_id: msgspec.Raw
    ts: str | int | float
    lat: float
    lng: float
    id: msgspec.Raw = msgspec.Raw()
    speed_kmh: float | None = _NAN
    heading_deg: float | None = _NAN
    accuracy_m: float | None = _NAN
    hdop: float | None = _NAN
    odometer_m: float | None = _NAN
    ignition: bool | None = None
    valid: bool | None = None


class OpenRow(Row, gc=False, forbid_unknown_fields=False):
    """A Row with fields that we do not know."""


class OpenLiteralRow(LiteralRow, gc=False, forbid_unknown_fields=False):
    """A LiteralRow with fields that we do not know."""


Fields = dict[str, msgspec.Raw]
FIELDS: Final = frozenset(Row.__struct_fields__)
_KINDS: Final = {b'"': "text", b"{": "an object", b"[": "an array", b"t": "true", b"f": "false", b"n": "null"}
_NUMBER: Final = "a number"
_ALLOWED: Final[dict[str, tuple[str, ...]]] = {
    "device_id": ("text", _NUMBER),
    "ts": ("text", _NUMBER),
    "id": ("text", _NUMBER),
    "ignition": ("true", "false"),
    "valid": ("true", "false"),
}
_REQUIRED: Final = ("device_id", "ts", "lat", "lng")
_RANGE_CODES: Final = {
    "lat": "lat_range", "lng": "lng_range", "speed_kmh": "speed_range", "heading_deg": "heading_range",
    "accuracy_m": "accuracy_range", "hdop": "hdop_range", "odometer_m": "odometer_range",
}  # fmt: skip

_ROW: Final = msgspec.json.Decoder(Row)
_OPEN: Final = msgspec.json.Decoder(OpenLiteralRow)
_FIELDS: Final = msgspec.json.Decoder(Fields)
_TEXT: Final = msgspec.json.Decoder(str)


def text_of(raw: msgspec.Raw) -> str | None:
    """The text of a JSON string, the literal of a JSON number, None of anything else or nothing."""
    literal = bytes(raw)
    if literal[:1] == b'"':
        return _TEXT.decode(literal)
    return literal.decode() if _kind(literal) == _NUMBER else None


def unquote(row: LiteralRow) -> bool:
    """Put text in place of the raw `device_id` and `id`; False where one is neither text nor a number."""
    device, own = text_of(row.device_id), text_of(row.id)
    if device is None or (own is None and bytes(row.id) not in {b"", b"null"}):
        return False
    row.device_id = device  # type: ignore[assignment]  # from here on it reads like a Row
    row.id = own  # type: ignore[assignment]
    return True


def count_unknown(rows: Iterable[Fields], unknown: Counter[str]) -> None:
    """Add how many rows carry each field that is not ours."""
    for names, count in Counter(map(tuple, rows)).items():
        for name in set(names) - FIELDS:
            unknown[name[:UNKNOWN_NAME_CHARS_MAX]] += count


def read_row(raw: bytes, unknown: Counter[str]) -> Row | OpenLiteralRow | tuple[str, str]:
    """One row by itself: typed, or (code, detail) of what is wrong with it."""
    try:
        return _ROW.decode(raw)
    except BROKEN:
        pass
    try:
        fields = _FIELDS.decode(raw)
    except msgspec.ValidationError:
        return "not_an_object", f"a ping is a JSON object, not {_kind(raw.lstrip())}"
    except BROKEN as error:
        return "bad_json", str(error)
    try:
        fault = _fault(fields)
        if fault is not None:
            return fault
        row = _OPEN.decode(raw)
        unquote(row)
    except BROKEN as error:
        return "bad_json", str(error)
    count_unknown((fields,), unknown)
    return row


def device_of(raw: bytes) -> str:
    """The device that a refused row names, as far as it can be read, else ""."""
    try:
        return text_of(_FIELDS.decode(raw).get("device_id", msgspec.Raw())) or ""
    except BROKEN:
        return ""


def _kind(literal: bytes) -> str:
    return _KINDS.get(literal[:1], _NUMBER if literal[:1] in b"-0123456789" and literal else "nothing")


def _fault(fields: Fields) -> tuple[str, str] | None:
    literals = {name: bytes(raw) for name, raw in fields.items() if name in FIELDS}
    present = {name: literal for name, literal in literals.items() if literal != b"null"}
    missing = [name for name in _REQUIRED if name not in present]
    if missing:
        return (
            "missing_field",
            f"{', '.join(missing)} {'is' if len(missing) == 1 else 'are'} required and missing or null",
        )
    for name, literal in present.items():
        allowed = _ALLOWED.get(name, (_NUMBER,))
        if _kind(literal) not in allowed:
            return "bad_type", f"{name} must be {' or '.join(allowed)}, not {_kind(literal)}"
        if name in _RANGE_CODES and not math.isfinite(float(literal)):
            return _RANGE_CODES[name], f"{name} is too large for any unit"
    return None
