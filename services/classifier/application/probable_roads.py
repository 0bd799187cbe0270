"""Rule SU4's batch report: probable public roads that the data set lacks.

    found = probable_roads(pl.concat([visits(computed, pings.keys), …]), roads.roads)

Two signs: travel off every way that moves like a road (basis `like_a_road`), and travel off every way along one line by
several devices of one tenant on several days, where the line is driven too fast for a farm track or joins two public roads.
It only reports, and proposes a dated exclusion for a person to confirm: no fix is ever judged by another device's."""

from typing import Final, Literal, NamedTuple

import numpy as np
import polars as pl
import polars_h3

from services.classifier.application.lines_of_cells import CellLine, lines_of
from services.classifier.application.nearby import FAR_M, DescribedRoads, nearest_public


class Policy(NamedTuple):
    """What makes a line a probable road; ours to change (policy, not law)."""

    devices_min: int = 2
    days_min: int = 2
    axis_min: float = 0.6
    """Mean resultant of the directions of travel around a cell: 1 is one axis, 0 is all ways; a right-angle bend has 0.64."""
    lateral_max_m: float = 15.0
    """Standard deviation across that axis within some 70 m: two lanes and GPS have 6 m, a worked paddock 30 m."""
    length_min_m: float = 400.0
    fast_mps: float = 8.0
    """Median speed from which repeated travel is a road's rather than a farm track's."""
    joins_m: float = 120.0
    """An end within this of a public road's edge joins it: nearer, fixes are that road's."""
    half_width_m: float = 30.0
    """Of the proposed exclusion on both sides of the line."""


POLICY: Final = Policy()
Sign = Literal["moves_like_a_road", "repeated"]
_KMH: Final = 3.6


class End(NamedTuple):
    lat_e6: int
    lng_e6: int
    road: str
    """Name of the nearest public road; "" where none is within 3 km."""
    road_m: float


class ProbableRoad(NamedTuple):
    """One probable missing road.  Metres are unclosed GPS metres of the devices inside the line's cells."""

    tenant: str
    sign: Sign
    length_m: float
    ends: tuple[End, End]
    devices: tuple[str, ...]
    days: tuple[int, ...]
    """NZ days, ascending."""
    off_road_m: float
    """At stake: counted as off road now."""
    like_a_road_m: float
    """Already unknown (paragraph 23)."""
    speed_kmh: tuple[float, float, float]
    """10th percentile, median, 90th, over visits."""
    line: CellLine


def probable_roads(visited: pl.DataFrame, roads: DescribedRoads, policy: Policy = POLICY) -> list[ProbableRoad]:
    """`visited` as `off_road_visits.visits` makes it.  By tenant, the most metres first; tenants are never mixed."""
    if visited.is_empty():
        return []
    on_line = visited.join(_line_cells(visited, policy), on=["tenant", "cell"])
    found: list[ProbableRoad] = []
    for (tenant,), mine in on_line.sort("tenant", "cell", "device", "day").group_by(["tenant"], maintain_order=True):
        for line in lines_of(mine, policy.half_width_m):
            if line.length_m >= policy.length_min_m:
                members = mine.filter(pl.col("cell").is_in(pl.Series(line.cells, dtype=pl.UInt64).implode()))
                found.append(_describe(str(tenant), line, members, roads))
    kept = [one for one in found if _is_a_road(one, policy)]
    return sorted(kept, key=lambda one: (one.tenant, -one.off_road_m - one.like_a_road_m))


def _line_cells(visited: pl.DataFrame, policy: Policy) -> pl.DataFrame:
    """(tenant, cell) of the cells that are part of a line: visited, and by what happened in them and the six around them."""
    around = visited.with_columns(around=polars_h3.grid_disk("cell", 1)).explode("around")
    around = around.with_columns(
        lat0=polars_h3.cell_to_lat("around") * 1e6, lng0=polars_h3.cell_to_lng("around") * 1e6
    ).with_columns(
        y=(pl.col("lat_e6") - pl.col("lat0")) * 0.111_1,
        x=(pl.col("lng_e6") - pl.col("lng0")) * 0.111_3 * (pl.col("lat0") / 1e6).radians().cos(),
    )
    moments = around.group_by("tenant", pl.col("around").alias("cell").cast(pl.UInt64)).agg(
        pl.col("device").n_unique().alias("devices"),
        pl.col("day").n_unique().alias("days"),
        pl.col("axis_cos").mean(),
        pl.col("axis_sin").mean(),
        pl.col("x").var(ddof=0).alias("xx"),
        pl.col("y").var(ddof=0).alias("yy"),
        pl.cov("x", "y", ddof=0).alias("xy"),
    )
    # variance across the axis: with double angles, (xx + yy - (xx - yy) cos 2a - 2 xy sin 2a) / 2
    size = (pl.col("axis_cos") ** 2 + pl.col("axis_sin") ** 2).sqrt()
    across = (
        pl.col("xx") + pl.col("yy")
        - ((pl.col("xx") - pl.col("yy")) * pl.col("axis_cos") + 2.0 * pl.col("xy") * pl.col("axis_sin")) / (size + 1e-9)
    ) / 2.0  # fmt: skip
    own = visited.group_by("tenant", "cell").agg(pl.col("like_a_road_mm").sum())
    repeated = (
        (pl.col("devices") >= policy.devices_min)
        & (pl.col("days") >= policy.days_min)
        & (size >= policy.axis_min)
        & (across <= policy.lateral_max_m**2)
    )
    return (
        own.join(moments, on=["tenant", "cell"])
        .filter(repeated | (pl.col("like_a_road_mm") > 0))
        .select("tenant", "cell")
    )


def _describe(tenant: str, line: CellLine, members: pl.DataFrame, roads: DescribedRoads) -> ProbableRoad:
    off_mm, like_mm = float(members["no_road_mm"].sum()), float(members["like_a_road_mm"].sum())
    speeds = [float(members["speed_mps"].quantile(share, "nearest") or 0.0) * _KMH for share in (0.1, 0.5, 0.9)]
    return ProbableRoad(
        tenant=tenant,
        sign="moves_like_a_road" if like_mm >= off_mm else "repeated",
        length_m=line.length_m,
        ends=_ends(line, roads),
        devices=tuple(sorted(members["device"].unique().to_list())),
        days=tuple(sorted(members["day"].unique().to_list())),
        off_road_m=off_mm / 1000.0,
        like_a_road_m=like_mm / 1000.0,
        speed_kmh=(speeds[0], speeds[1], speeds[2]),
        line=line,
    )


def _ends(line: CellLine, roads: DescribedRoads) -> tuple[End, End]:
    lat, lng = (np.rint(column[[0, -1]]).astype(np.int32) for column in (line.lat_e6, line.lng_e6))
    near = nearest_public(roads.roads, lat, lng)
    first, last = (End(int(lat[k]), int(lng[k]), _name(roads, int(near.way[k])), float(near.metres[k])) for k in (0, 1))
    return first, last


def _name(roads: DescribedRoads, way: int) -> str:
    return (roads.road_name(way) or "unnamed road") if way >= 0 else ""


def _is_a_road(one: ProbableRoad, policy: Policy) -> bool:
    if one.sign == "moves_like_a_road":
        return True
    if len(one.devices) < policy.devices_min or len(one.days) < policy.days_min:
        return False
    joins = all(end.road_m <= policy.joins_m for end in one.ends)
    return joins or one.speed_kmh[1] >= policy.fast_mps * _KMH


def place_of(end: End) -> str:
    """In words (rule DI6): the nearest named road, else coordinates."""
    where = f"{end.lat_e6 / 1e6:.5f}, {end.lng_e6 / 1e6:.5f}"
    if not end.road or end.road_m >= FAR_M:
        return where
    return f"{where} ({end.road_m:,.0f} m from {end.road})"


def reason_of(one: ProbableRoad) -> str:
    """What a person who confirms the exclusion reads."""
    sign = "moves like on a road" if one.sign == "moves_like_a_road" else "is driven along one line"
    return (
        f"Probable missing public road (rule SU4): travel off every mapped way {sign}, {one.length_m:,.0f} m, "
        f"{len(one.devices)} devices on {len(one.days)} days, median {one.speed_kmh[1]:.0f} km/h"
    )
