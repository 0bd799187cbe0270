"""How the fixes reach the server: in delivery order, with duplicates, held back in black spots, and some a day late."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from deploy.demo.sample.fleet import Driven, generator
from deploy.demo.sample.receiver import NONE
from shared.nz_days import bounds_ms

_DUPLICATE_SHARE: Final = 0.006
_HELD_MS: Final = 120_000
"""After a gap this long the device sends what it kept in one go, some newest first."""
_MORNING_H: Final = (5.0, 12.0)
_DAY_LATE_MS: Final = 86_400_000
_END_MS: Final = 40 * 86_400_000
_HOUR_MS: Final = 3_600_000


def stream(fleet: Sequence[Driven], first_day: int, seed: int) -> pl.DataFrame:
    """All fixes in delivery order: `device_id`, `id`, the columns of `Fixes`."""
    frames = [_one(driven, first_day, generator(seed, 3, number)) for number, driven in enumerate(fleet)]
    return pl.concat(frames).sort("delivered_ms", "device_id", "ts_ms", maintain_order=True).drop("delivered_ms")


def _one(driven: Driven, first_day: int, rng: np.random.Generator) -> pl.DataFrame:
    device, fixes = driven.vehicle.device, driven.fixes
    delivered = fixes.ts_ms + np.round(rng.gamma(2.0, 900.0, len(fixes.ts_ms))).astype(np.int64)
    delivered = _held_back(fixes.ts_ms, delivered)
    for day in device.late_days:
        start = bounds_ms(first_day + abs(day))[0]
        morning = (fixes.ts_ms >= start + _MORNING_H[0] * _HOUR_MS) & (fixes.ts_ms < start + _MORNING_H[1] * _HOUR_MS)
        delivered = delivered + np.where(morning, _DAY_LATE_MS if day > 0 else _END_MS, 0)
    frame = pl.DataFrame({name: getattr(fixes, name) for name in fixes._fields}).with_columns(
        device_id=pl.lit(device.device_id), delivered_ms=pl.Series(delivered), number=pl.int_range(pl.len())
    )
    ids = (
        pl.format("{}-{}", pl.lit(device.device_id.lower().replace(" ", "")), "number") if device.message_ids else None
    )
    frame = frame.with_columns(id=ids if ids is not None else pl.lit(None, pl.String)).drop("number")
    again = np.flatnonzero(rng.uniform(0, 1, len(frame)) < _DUPLICATE_SHARE)
    later = frame[again].with_columns(pl.col("delivered_ms") + pl.Series(rng.integers(500, 900_000, len(again))))
    return pl.concat([frame, later])


def _held_back(ts: NDArray[np.int64], delivered: NDArray[np.int64]) -> NDArray[np.int64]:
    """No network where there is no sky: the first fixes after a gap come together, the last of them first."""
    gaps = np.flatnonzero(np.diff(ts) > _HELD_MS) + 1
    out = delivered.copy()
    for start in gaps[::3].tolist():
        burst = slice(start, min(start + 6, len(ts)))
        out[burst] = ts[burst][-1] + 2_000 - np.arange(len(ts[burst]))
    return out


def lines(frame: pl.DataFrame) -> bytes:
    """The neutral pings as NDJSON; a field that the device did not report is left out."""

    def decimal(column: str, places: int) -> pl.Expr:
        """The integer over 10 ** places, written from whole numbers: no binary fraction comes near it."""
        size, unit = pl.col(column).abs(), 10**places
        sign = pl.when(pl.col(column) < 0).then(pl.lit("-")).otherwise(pl.lit(""))
        whole = pl.concat_str(sign, (size // unit).cast(pl.String))
        return pl.concat_str(whole, pl.lit("."), (size % unit).cast(pl.String).str.zfill(places)) if places else whole

    def number(name: str, column: str, places: int) -> pl.Expr:
        return pl.when(pl.col(column) != NONE).then(pl.format(f'"{name}": {{}}', decimal(column, places)))

    def flag(name: str) -> pl.Expr:
        return pl.when(pl.col(name) != NONE).then(
            pl.format(f'"{name}": {{}}', pl.when(pl.col(name) == 1).then(pl.lit("true")).otherwise(pl.lit("false")))
        )

    fields = [
        pl.format('"device_id": "{}"', "device_id"),
        pl.format('"ts": "{}"', pl.from_epoch("ts_ms", time_unit="ms").dt.strftime("%Y-%m-%dT%H:%M:%S%.3fZ")),
        pl.format('"lat": {}', decimal("lat_e6", 6)),
        pl.format('"lng": {}', decimal("lng_e6", 6)),
        number("speed_kmh", "speed_dkmh", 1),
        number("heading_deg", "heading_deg", 0),
        number("accuracy_m", "accuracy_dm", 1),
        number("hdop", "hdop_e1", 1),
        number("odometer_m", "odometer_m", 0),
        flag("ignition"),
        flag("valid"),
        pl.when(pl.col("id").is_not_null()).then(pl.format('"id": "{}"', "id")),
    ]
    body = pl.concat_str(fields, separator=", ", ignore_nulls=True)
    text = frame.select(pl.concat_str(pl.lit("{"), body, pl.lit("}")))
    return ("\n".join(text.to_series().to_list()) + "\n").encode()
