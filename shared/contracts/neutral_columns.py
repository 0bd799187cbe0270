"""Rows of the neutral ping to the integer columns of `shared.contracts.pings`, with a reason where a row does not fit.

Every number is read as the decimal it was sent as and rounded half to even into the contract's unit, exactly (G8).
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from operator import attrgetter
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from shared.contracts.neutral_time import instants
from shared.contracts.pings import NONE, Pings

DEVICE_ID_CHARS_MAX: Final = 128
ID_CHARS_MAX: Final = 128
SPEED_KMH_MAX: Final = 1_000.0
ACCURACY_M_MAX: Final = 1_000_000.0
HDOP_MAX: Final = 10_000.0
ODOMETER_M_MAX: Final = 10_000_000_000.0
"""Ten million km: above it the unit is wrong."""

Float = NDArray[np.float64]
Mask = NDArray[np.bool_]


class Fault(NamedTuple):
    """Why row `at` of the batch was refused."""

    at: int
    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class Table:
    """Columns of every row of a batch; rows that `ok` leaves out hold zeros and have a Fault."""

    devices: list[str]
    columns: dict[str, NDArray[Any]]
    ids: list[str] | None
    ok: Mask
    faults: list[Fault]


def half_even(values: Float, numerator: int, denominator: int) -> NDArray[np.int64]:
    """`values` * numerator / denominator to the nearest integer, ties to even, of the decimals that were written.

    A float is the double nearest to its decimal, and a tie (2k+1)·denominator / (2·numerator), a quotient of two exact
    integers, is divided to the double nearest to that tie: comparing the two decides as the decimals would.
    Exact while (2k+1)·denominator < 2^53 and the decimal has at most 15 digits."""
    below = np.floor(values * numerator / denominator)
    tie = (2 * below + 1) * denominator / (2 * numerator)
    up = (values > tie) | ((values == tie) & (below % 2 != 0))
    return np.asarray(below + up, np.int64)


_TERNARY: Final[Callable[[Any], int]] = {None: NONE, False: 0, True: 1}.__getitem__


def _floats(rows: Sequence[Any], field: str) -> Float:
    """NaN where the field is absent or null."""
    try:
        return np.fromiter(map(attrgetter(field), rows), np.float64, len(rows))
    except TypeError:
        return np.array(list(map(attrgetter(field), rows)), np.float64)


class _Check(NamedTuple):
    field: str
    code: str
    column: str
    numerator: int
    denominator: int
    """column = field * numerator / denominator."""
    low: float
    high: float
    hint: str
    unknown: tuple[float, ...] = (-1.0,)
    """Values that devices send for "not known"."""
    zero_is_unknown: bool = False


_CHECKS: Final = (
    _Check("lat", "lat_range", "lat_e6", 1_000_000, 1, -90, 90, "degrees north; are lat and lng swapped?", ()),
    _Check("lng", "lng_range", "lng_e6", 1_000_000, 1, -180, 180, "degrees east", ()),
    _Check("speed_kmh", "speed_range", "speed_mmps", 2_500, 9, 0, SPEED_KMH_MAX, "km/h, -1 where unknown"),
    _Check("heading_deg", "heading_range", "heading_cdeg", 100, 1, 0, 360, "degrees from north, -1 where unknown"),
    _Check(
        "accuracy_m", "accuracy_range", "accuracy_mm", 1_000, 1, 0, ACCURACY_M_MAX, "metres, 0 where unknown",
        zero_is_unknown=True,
    ),
    _Check("hdop", "hdop_range", "hdop_e2", 100, 1, 0, HDOP_MAX, "0 where unknown", zero_is_unknown=True),
    _Check("odometer_m", "odometer_range", "odometer_mm", 1_000, 1, 0, ODOMETER_M_MAX, "metres in total", ()),
)  # fmt: skip
_REQUIRED: Final = ("lat", "lng")


def _measure(rows: Sequence[Any], check: _Check) -> tuple[NDArray[np.int64], Mask, Float]:
    """The column in the contract's unit, which rows lie outside the range, and the values as sent."""
    values = _floats(rows, check.field)
    absent = np.isnan(values)
    for sentinel in check.unknown:
        absent |= values == sentinel
    outside = ~absent & ~((values >= check.low) & (values <= check.high))
    column = half_even(np.where(absent | outside, 0.0, values), check.numerator, check.denominator)
    if check.zero_is_unknown:
        absent |= column == 0
    if check.field not in _REQUIRED:
        column[absent] = NONE
    return column, outside, values


def device_fault(device: str) -> tuple[str, str] | None:
    """Why a device id cannot be a key, or None.  It is kept verbatim, spaces and all."""
    if not 1 <= len(device) <= DEVICE_ID_CHARS_MAX:
        return "device_id_length", f"device_id has {len(device)} characters; 1 to {DEVICE_ID_CHARS_MAX} are allowed"
    if "\0" in device:
        return "device_id_chars", "device_id holds a NUL character, which no database text can hold"
    return None


def _keys(rows: Sequence[Any], faults: dict[int, Fault]) -> tuple[list[str], NDArray[np.uint32]]:
    texts = list(map(attrgetter("device_id"), rows))
    devices = list(dict.fromkeys(texts))
    index = dict(zip(devices, range(len(devices)), strict=True))
    key = np.fromiter(map(index.__getitem__, texts), np.uint32, len(rows))
    lengths = list(map(len, devices))
    if min(lengths, default=1) < 1 or max(lengths, default=1) > DEVICE_ID_CHARS_MAX or "\0" in "".join(devices):
        for device in devices:
            fault = device_fault(device)
            for at in np.flatnonzero(key == index[device]).tolist() if fault is not None else ():
                faults.setdefault(at, Fault(at, *fault))  # type: ignore[misc]  # it is not None here
    return devices, key


def _ids(rows: Sequence[Any], faults: dict[int, Fault]) -> list[str] | None:
    ids = list(map(attrgetter("id"), rows))
    if ids.count(None) == len(ids):
        return None
    for at, text in enumerate(ids):
        if text is not None and len(text) > ID_CHARS_MAX:
            faults.setdefault(
                at, Fault(at, "id_length", f"id has {len(text)} characters; at most {ID_CHARS_MAX} are allowed")
            )
    return [text or "" for text in ids]


def to_table(rows: Sequence[Any]) -> Table:
    """Rows are objects with the neutral ping's fields as attributes, of the right types (`neutral_rows.Row`)."""
    faults: dict[int, Fault] = {}
    devices, key = _keys(rows, faults)
    stamps = list(map(attrgetter("ts"), rows))
    ts_ms, readable = instants(stamps)
    for at in np.flatnonzero(~readable).tolist():
        faults.setdefault(at, Fault(at, "bad_ts", _ts_detail(stamps[at])))
    columns: dict[str, NDArray[Any]] = {"key": key, "ts_ms": ts_ms}
    for check in _CHECKS:
        column, outside, values = _measure(rows, check)
        columns[check.column] = column
        for at in np.flatnonzero(outside).tolist():
            faults.setdefault(at, Fault(at, check.code, _range_detail(check, values[at])))
    columns["heading_cdeg"] = np.where(columns["heading_cdeg"] == 36_000, 0, columns["heading_cdeg"])
    for field in ("ignition", "valid"):
        columns[field] = np.fromiter(map(_TERNARY, map(attrgetter(field), rows)), np.int8, len(rows))
    ids = _ids(rows, faults)
    ok = np.ones(len(rows), np.bool_)
    ok[list(faults)] = False
    return Table(devices, columns, ids, ok, [faults[at] for at in sorted(faults)])


def _range_detail(check: _Check, value: float) -> str:
    return f"{check.field} {value:.15g} is outside {check.low:.15g}..{check.high:.15g} ({check.hint}); wrong unit?"


def _ts_detail(value: Any) -> str:
    wanted = "ISO 8601 with seconds and an offset (Z, +13:00, +1300), nor epoch seconds or milliseconds as a number"
    return f"ts {repr(value)[:60]} is not {wanted}"


def rebuild(pings: Pings, row: int) -> bytes:
    """Row `row` as a neutral JSON object that parses back to the same columns (for the quarantine of later stages)."""

    known = {name: int(column[row]) for name, column in pings.columns().items()}
    ping: dict[str, object] = {
        "device_id": pings.keys[known["key"]][1],
        "ts": f"{np.datetime64(known['ts_ms'], 'ms')}Z",
    }
    if pings.ids is not None and pings.ids[row]:
        ping["id"] = pings.ids[row]
    for check in _CHECKS:
        value = known[check.column]
        if value != NONE or check.field in _REQUIRED:
            sent = float(Decimal(value) * check.denominator / check.numerator)
            ping[check.field] = min(sent, check.high)  # 1000 km/h is stored as 277,778 mm/s, a hair above it
    for name in ("ignition", "valid"):
        if known[name] != NONE:
            ping[name] = bool(known[name])
    return json.dumps(ping, ensure_ascii=False, separators=(",", ":")).encode()
