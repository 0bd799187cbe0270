"""Where devices went off every way, as columns: one row for a device, an NZ day and an H3 cell (rule SU4's batch report)."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import polars as pl
import polars_h3
from numpy.typing import NDArray

from services.classifier.domain.passes import Computed
from services.classifier.domain.pieces import DRIVE, LIKE_A_ROAD, NO_ROAD
from shared.contracts.pings import Key

CELL_RES: Final = 11
"""Cells of 29 m edge: a road is one or two of them wide."""
STEP_M: Final = 20.0
"""Legs are looked at this often, so that no cell on the way is left out."""
COLUMNS: Final = {
    "tenant": pl.String, "device": pl.String, "day": pl.Int32, "cell": pl.UInt64, "ts_ms": pl.Int64, "lat_e6": pl.Float64,
    "lng_e6": pl.Float64, "axis_cos": pl.Float64, "axis_sin": pl.Float64, "speed_mps": pl.Float64, "no_road_mm": pl.Float64,
    "like_a_road_mm": pl.Float64,
}  # fmt: skip
"""`axis_cos` and `axis_sin`: of twice the direction of travel, so that there and back are one axis; positions and speed are
means; `ts_ms` is the first instant."""


def visits(computed: Computed, keys: Sequence[Key]) -> pl.DataFrame:
    """Visits of the devices' own days (not of the context around them), in no promised order.  Unclosed millimetres."""
    pieces, fixes = computed.pieces, computed.fixes
    basis, window = pieces.basis[: computed.piece_count], pieces.window[: computed.piece_count]
    start = pieces.start_ms[: computed.piece_count]
    off = ((basis == NO_ROAD) | (basis == LIKE_A_ROAD)) & (pieces.kind[: computed.piece_count] == DRIVE)
    own = (start >= fixes.start_ms[window]) & (start < fixes.end_ms[window])
    rows = np.flatnonzero(off & own)
    i, j = pieces.fix[rows], pieces.until[rows]
    count = np.maximum(1, np.ceil(pieces.mm[rows] / (STEP_M * 1000.0)).astype(np.int64))
    piece = np.repeat(np.arange(len(rows)), count)
    place = np.arange(len(piece)) - np.repeat(np.cumsum(count) - count, count)
    ts = start[rows][piece] + (pieces.end_ms[rows] - start[rows])[piece] * (place + 0.5) / count[piece]
    span = np.maximum(1, fixes.ts_ms[j] - fixes.ts_ms[i])[piece]
    share = (ts - fixes.ts_ms[i][piece]) / span
    lat, lng = (_between(column, i, j, piece, share) for column in (fixes.lat_e6, fixes.lng_e6))
    axis = 2.0 * _direction(fixes.lat_e6, fixes.lng_e6, i, j)
    mm = (pieces.mm[rows] / count)[piece]
    like = (basis[rows] == LIKE_A_ROAD)[piece]
    key = fixes.key[window[rows]][piece]
    frame = pl.DataFrame(
        {
            "key": key, "day": fixes.day[window[rows]][piece], "ts_ms": ts.astype(np.int64), "lat_e6": lat, "lng_e6": lng,
            "axis_cos": np.cos(axis)[piece], "axis_sin": np.sin(axis)[piece], "speed_mps": _speed(computed, rows)[piece],
            "no_road_mm": np.where(like, 0.0, mm), "like_a_road_mm": np.where(like, mm, 0.0),
        }
    )  # fmt: skip
    names = pl.DataFrame(
        {"key": np.arange(len(keys)), "tenant": [key[0] for key in keys], "device": [key[1] for key in keys]},
        schema_overrides={"tenant": pl.String, "device": pl.String},
    )
    return (
        frame.with_columns(pl.col("lat_e6") / 1e6, pl.col("lng_e6") / 1e6)
        .with_columns(cell=polars_h3.latlng_to_cell("lat_e6", "lng_e6", CELL_RES, return_dtype=pl.UInt64))
        .group_by("key", "day", "cell")
        .agg(
            pl.col("ts_ms").min(),
            pl.col("lat_e6", "lng_e6").mean() * 1e6,
            pl.col("axis_cos", "axis_sin", "speed_mps").mean(),
            pl.col("no_road_mm", "like_a_road_mm").sum(),
        )
        .join(names, on="key")
        .select(pl.col(name).cast(kind) for name, kind in COLUMNS.items())
    )


def _between(
    column: NDArray[np.int32],
    i: NDArray[np.int64],
    j: NDArray[np.int64],
    piece: NDArray[np.int64],
    share: NDArray[np.float64],
) -> NDArray[np.float64]:
    """On the straight line from fix i to fix j."""
    first, step = column[i].astype(np.float64), column[j].astype(np.float64) - column[i]
    return np.asarray(first[piece] + step[piece] * share)


def _direction(
    lat_e6: NDArray[np.int32], lng_e6: NDArray[np.int32], i: NDArray[np.int64], j: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Radians of each leg's straight line, from east."""
    east = (lng_e6[j].astype(np.float64) - lng_e6[i]) * np.cos(np.radians(lat_e6[i] / 1e6))
    return np.asarray(np.arctan2(lat_e6[j].astype(np.float64) - lat_e6[i], east))


def _speed(computed: Computed, rows: NDArray[np.int64]) -> NDArray[np.float64]:
    """Doppler at the leg's ends where it is reported, else its length over its time."""
    pieces, speed = computed.pieces, computed.fixes.speed_mps
    i, j = pieces.fix[rows], pieces.until[rows]
    seconds = np.maximum(1, computed.fixes.ts_ms[j] - computed.fixes.ts_ms[i]) / 1000.0
    reported = (speed[i] >= 0.0) & (speed[j] >= 0.0)
    return np.asarray(np.where(reported, (speed[i] + speed[j]) / 2.0, computed.lengths.path_m[j] / seconds))
