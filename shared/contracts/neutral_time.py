"""Instants of the neutral ping as columns: ISO 8601 text with an offset or epoch seconds or ms, to integer ms.

Clock-free: whether an instant is too old or in the future is judged by ingest alone.
"""

from collections.abc import Sequence
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

EPOCH_MS_FROM: Final = 100_000_000_000
"""A number from here on is milliseconds, below it seconds: 1e11 s is the year 5138, 1e11 ms is 1973."""
INSTANT_MS_MAX: Final = 253_402_300_799_999
"""The end of the year 9999; an instant beyond, or before 1970, is no instant of a fix."""
_DATE_TIME: Final = 19
"""Characters of `2026-03-02T18:00:01`."""
_TEXT_MAX: Final = 48
_DIGITS_AT: Final = (0, 1, 2, 3, 5, 6, 8, 9, 11, 12, 14, 15, 17, 18)
_ZERO: Final = ord("0")

Bytes2d = NDArray[np.uint8]
Int = NDArray[np.int64]
Mask = NDArray[np.bool_]


def instants(values: Sequence[str | float]) -> tuple[Int, Mask]:
    """Milliseconds since 1970-01-01T00:00Z and which rows could be read; parts of a ms round half to even.

    Text needs a date, a time with seconds and `Z`, `+HH:MM`, `+HHMM` or `+HH`; a time without offset is refused because
    it names 24 different instants.  A leap second (`:60`) is refused too."""
    out, ok = np.zeros(len(values), np.int64), np.zeros(len(values), np.bool_)
    if set(map(type, values)) == {str}:
        lengths = np.fromiter(map(len, values), np.int64, len(values))  # type: ignore[arg-type]  # all are text
    else:
        lengths = np.fromiter((len(v) if type(v) is str else 0 for v in values), np.int64, len(values))
    for length in np.unique(lengths).tolist():
        rows = np.flatnonzero(lengths == length)
        chosen: Sequence[Any] = values if len(rows) == len(values) else [values[i] for i in rows.tolist()]
        out[rows], ok[rows] = _from_texts(chosen, length) if length else _from_numbers(chosen)
    return out, ok & (out >= 0) & (out <= INSTANT_MS_MAX)


def _from_numbers(values: Sequence[Any]) -> tuple[Int, Mask]:
    pairs = [_from_number(v) for v in values]
    return (
        np.fromiter((-1 if p is None else p for p in pairs), np.int64, len(pairs)),
        np.fromiter((p is not None for p in pairs), np.bool_, len(pairs)),
    )


def _from_number(value: Any) -> int | None:
    if type(value) is int:
        ms = value if value >= EPOCH_MS_FROM else value * 1000
    elif type(value) is float:
        number = Decimal(repr(value))
        try:
            ms = int((number if value >= EPOCH_MS_FROM else number * 1000).to_integral_value(ROUND_HALF_EVEN))
        except (InvalidOperation, OverflowError, ValueError):
            return None
    else:
        return None
    return ms if 0 <= ms <= INSTANT_MS_MAX else None


def _from_texts(texts: Sequence[str], length: int) -> tuple[Int, Mask]:
    """Texts of one length, so that every layout is a matrix of characters."""
    rows = len(texts)
    joined = "\n".join(texts)
    if not joined.isascii():
        texts = [text if text.isascii() else "?" * length for text in texts]
        joined = "\n".join(texts)
    out, ok = np.zeros(rows, np.int64), np.zeros(rows, np.bool_)
    if not _DATE_TIME < length <= _TEXT_MAX:
        return out, ok
    chars = np.frombuffer(joined.encode() + b"\n", np.uint8).reshape(rows, length + 1)[:, :length]
    for zone, mask in _zones(chars, length):
        at = np.flatnonzero(mask)
        if len(at):
            out[at], ok[at] = _read(chars[at], length, zone)
    return out, ok


def _zones(chars: Bytes2d, length: int) -> list[tuple[int, Mask]]:
    """How many characters at the end are the offset, row by row."""

    def signed(back: int) -> Mask:
        column = chars[:, length - back]
        return np.asarray((column == ord("+")) | (column == ord("-")), np.bool_)

    last = chars[:, -1]
    found = [(1, np.asarray((last == ord("Z")) | (last == ord("z")), np.bool_))]
    if length >= _DATE_TIME + 6:
        found.append((6, signed(6) & (chars[:, -3] == ord(":"))))
    if length >= _DATE_TIME + 5:
        found.append((5, signed(5) & (chars[:, -3] != ord(":"))))
    if length >= _DATE_TIME + 3:
        found.append((3, signed(3)))
    return found


def _number(chars: Bytes2d, start: int, stop: int) -> Int:
    value = np.zeros(len(chars), np.int64)
    for i in range(start, stop):
        value = value * 10 + (chars[:, i].astype(np.int64) - _ZERO)
    return value


def _are_digits(chars: Bytes2d, columns: Sequence[int]) -> Mask:
    part = chars[:, list(columns)]
    return np.asarray(((part >= _ZERO) & (part <= ord("9"))).all(axis=1), np.bool_)


def _read(chars: Bytes2d, length: int, zone: int) -> tuple[Int, Mask]:
    """One layout: date, time, a fraction of the characters that are left, an offset of `zone` characters."""
    fraction = length - _DATE_TIME - zone
    columns = [*_DIGITS_AT]
    ok = (chars[:, 4] == ord("-")) & (chars[:, 7] == ord("-")) & (chars[:, 13] == ord(":")) & (chars[:, 16] == ord(":"))
    ok &= np.isin(chars[:, 10], np.frombuffer(b"Tt ", np.uint8))
    if fraction:
        ok &= np.isin(chars[:, _DATE_TIME], np.frombuffer(b".,", np.uint8)) & (2 <= fraction <= 19)
        columns += range(_DATE_TIME + 1, _DATE_TIME + fraction)
    offset_at = length - zone + 1
    minute_at = offset_at + (3 if zone == 6 else 2)
    if zone > 1:
        columns += [offset_at, offset_at + 1, *((minute_at, minute_at + 1) if zone > 3 else ())]
    ok &= _are_digits(chars, columns)
    month, day = _number(chars, 5, 7), _number(chars, 8, 10)
    hour, minute, second = _number(chars, 11, 13), _number(chars, 14, 16), _number(chars, 17, 19)
    ok &= (month >= 1) & (month <= 12) & (day >= 1) & (hour < 24) & (minute < 60) & (second < 60)
    months = np.where(ok, (_number(chars, 0, 4) - 1970) * 12 + month - 1, 0).astype("datetime64[M]")
    days = months.astype("datetime64[D]") + (day - 1)
    ok &= days.astype("datetime64[M]") == months
    ms = days.astype(np.int64) * 86_400_000 + hour * 3_600_000 + minute * 60_000 + second * 1000
    if 2 <= fraction <= 19:
        ms += _milliseconds(_number(chars, _DATE_TIME + 1, _DATE_TIME + fraction), fraction - 1)
    if zone > 1:
        hours, minutes = _number(chars, offset_at, offset_at + 2), np.zeros(len(chars), np.int64)
        if zone > 3:
            minutes = _number(chars, minute_at, minute_at + 2)
        ok &= (hours < 24) & (minutes < 60)
        sign = np.where(chars[:, length - zone] == ord("-"), -1, 1)
        ms -= sign * (hours * 60 + minutes) * 60_000
    return ms, np.asarray(ok, np.bool_)


def _milliseconds(fraction: Int, digits: int) -> Int:
    """A fraction of `digits` decimals as ms, half to even, in integers."""
    if digits <= 3:
        return fraction * int(10 ** (3 - digits))
    unit = int(10 ** (digits - 3))
    whole, rest = np.divmod(fraction, unit)
    up = (rest * 2 > unit) | ((rest * 2 == unit) & (whole % 2 == 1))
    return np.asarray(whole + up, np.int64)
