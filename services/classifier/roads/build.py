"""`roads build`: sources → columns of a road data set (scheme 1, paragraphs 5 to 11)."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl
import polars_h3
from numpy.typing import NDArray

from services.classifier.domain import cells, tables
from services.classifier.domain.areas import areas_at
from services.classifier.domain.geometry import CLEAR_MAX_M, Roads
from services.classifier.domain.way_kinds import AREA_PUBLIC, FERRY, IGNORED, PRIVATE, PUBLIC, UNKNOWN
from services.classifier.roads import areas, cover, coverage, dataset, exits, nearest, trust
from services.classifier.roads.sources import read_all
from services.classifier.roads.ways import Ways, join

EXIT_STEP_M: Final = 4.0
"""Private ways are looked at this often; less than the half-width of any public way, so that no crossing is missed."""
DERIVED_WARNING: Final = (
    "coverage is derived: the cells within 3 km of any way of the source. Where the source lacks public roads, travel on them "
    "would count as off-road; give --coverage with the polygon for which the source is known to be complete"
)


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a caller says about a data set beyond its sources."""

    polygon: Path | None = None
    """GeoJSON polygon for which the sources hold every public road."""
    date: str = ""
    """ISO date of the sources, where they have none or a wrong one."""
    valid_from: str = ""
    supersedes: str = ""
    warnings: tuple[str, ...] = ()
    """What reading the sources brought to light."""


def build(
    sources: Sequence[Path],
    out: Path,
    polygon: Path | None = None,
    date: str = "",
    valid_from: str = "",
    supersedes: str = "",
    mappings: Sequence[str] = (),
) -> dataset.RoadSet:
    """Build, write and open.  Deterministic: the same files and options give the same bytes.  Raises SourceError.

    `sources` stand in order of trust; `mappings` (built-in names, or files) are for those that are not OpenStreetMap."""
    read = read_all(sources, mappings)
    wishes = Wishes(polygon, date, valid_from, supersedes, tuple(said for one in read for said in one.warnings))
    ways, decided_by = trust.settle(join([one.ways for one in read]), [one.private for one in read])
    columns, covered = columns_of(ways, polygon)
    columns["way_decided"] = decided_by
    return dataset.RoadSet.open(dataset.write(out, columns, meta_of(ways, columns, covered, wishes)))


def meta_of(ways: Ways, columns: dict[str, NDArray[Any]], covered: str, wishes: Wishes) -> dataset.Meta:
    """What the data set says about itself; its name is added when it is written."""
    length = _km_by_kind(ways, columns["vertex_cm"])
    source_date = wishes.date or max(one.date for one in ways.sources)
    warnings = [*([] if wishes.polygon else [DERIVED_WARNING]), *wishes.warnings]
    if not source_date:
        warnings.append("the source has no date; give --date")
    return dataset.Meta(
        format=dataset.FORMAT,
        source=" + ".join(one.name for one in ways.sources),
        source_date=source_date,
        valid_from=wishes.valid_from or source_date,
        supersedes=wishes.supersedes,
        sources=ways.sources,
        coverage=covered,
        warnings=tuple(warnings),
        ways=len(ways.way_id),
        vertices=len(ways.lat_e6),
        public_km=length[PUBLIC],
        private_km=length[PRIVATE],
        unknown_km=length[UNKNOWN],
        areas=len(np.unique(ways.areas[ways.kind >= AREA_PUBLIC])),
        fine_cells=len(columns["fine_first"]) - 1,
        coarse_cells=len(columns["coarse_public_m"]),
    )


def columns_of(ways: Ways, polygon: Path | None) -> tuple[dict[str, NDArray[Any]], str]:
    """All columns, and how coverage was found."""
    vertex_way = ways.vertex_way
    segments = np.flatnonzero(vertex_way[1:] == vertex_way[:-1]).astype(np.int32)
    kinds = ways.kind[vertex_way[segments]]
    fine = _fine_columns(ways, vertex_way, segments[kinds != IGNORED])
    land = segments[(kinds != FERRY) & (kinds <= AREA_PUBLIC)]
    if polygon is None:
        keys, way_m = nearest.cells_near(nearest.Buckets.of(ways.lat_e6, ways.lng_e6, land, np.zeros(len(land))))
        edge, covered = coverage.derived(keys, way_m, ways.box), "derived"
    else:
        keys, edge = coverage.from_polygon(polygon)
        covered = "polygon:" + hashlib.sha256(polygon.read_bytes()).hexdigest()
    assert_h3(keys, cells.COARSE_RES, cells.COARSE_SCALE)
    public = segments[(kinds == PUBLIC) | (kinds == AREA_PUBLIC)]
    half_m = ways.half_dm[vertex_way[public]] * 0.1
    public_m = nearest.distance_to(nearest.Buckets.of(ways.lat_e6, ways.lng_e6, public, half_m), keys)
    coarse_table, coarse_rows = tables.make_table(keys)
    roads = Roads(
        faces=cells.FACES,
        lat_e6=ways.lat_e6,
        lng_e6=ways.lng_e6,
        vertex_way=vertex_way,
        vertex_cm=_cumulative_cm(ways, vertex_way),
        exit_dm=np.full(len(vertex_way), -1, dtype=np.int32),
        way_kind=ways.kind,
        half_dm=ways.half_dm,
        **fine,
        coarse_table=coarse_table,
        coarse_rows=coarse_rows,
        coarse_public_m=np.floor(np.clip(public_m, 0.0, CLEAR_MAX_M)).astype(np.int16),
        coarse_edge_m=np.floor(np.clip(edge, -30_000.0, 30_000.0)).astype(np.int16),
    )
    lat, lng = (np.rint(one * 1e6).astype(np.int32) for one in coverage.centres(keys))
    roads.coarse_public_m[areas_at(roads, lat, lng)[0] > 0] = 0
    node, nodes = exits.nodes_of(ways.lat_e6, ways.lng_e6)
    exit_dm = exits.exits(roads, ways.flags, node, nodes, EXIT_STEP_M)
    columns: dict[str, NDArray[Any]] = {name: getattr(roads, name) for name in dataset.COLUMNS}
    columns["exit_dm"] = exit_dm
    columns |= _extra(ways)
    return columns, covered


def _fine_columns(ways: Ways, vertex_way: NDArray[np.int32], segments: NDArray[np.int32]) -> dict[str, NDArray[Any]]:
    """The fine cells: those that list a way or a ring, and those inside an area."""
    faces = areas.faces_of(ways)[vertex_way[segments]]
    listed = cover.fine_cells(ways.lat_e6, ways.lng_e6, segments, faces, ways.kind[vertex_way])
    held = areas.area_cells(ways, listed)
    keys = np.union1d(listed.keys, held.keys)
    assert_h3(keys, cells.FINE_RES, cells.FINE_SCALE)
    counts = np.zeros(len(keys), dtype=np.int64)
    counts[np.searchsorted(keys, listed.keys)] = np.diff(listed.first)
    area = np.full(len(keys), -1, dtype=np.int32)
    area[np.searchsorted(keys, held.keys)] = np.arange(len(held.keys), dtype=np.int32)
    table, rows = tables.make_table(keys)
    return {
        "fine_table": table,
        "fine_rows": rows,
        "fine_first": np.concatenate(([0], np.cumsum(counts))).astype(np.int32),
        "fine_vertex": listed.vertex,
        "fine_kind": listed.kind,
        "fine_metres": listed.metres,
        "fine_area": area,
        "area_lat_e6": held.lat_e6,
        "area_lng_e6": held.lng_e6,
        "area_public": held.public,
        "area_unknown": held.unknown,
        "area_way": held.way,
    }


def _cumulative_cm(ways: Ways, vertex_way: NDArray[np.int32]) -> NDArray[np.int32]:
    """Length of each way from its first vertex, WGS84."""
    steps = np.zeros(len(vertex_way), dtype=np.float64)
    per_e6 = cells.scales(ways.lat_e6)
    dx = (ways.lng_e6[1:].astype(np.float64) - ways.lng_e6[:-1]) * (per_e6[1:, 0] + per_e6[:-1, 0]) / 2.0
    dy = (ways.lat_e6[1:].astype(np.float64) - ways.lat_e6[:-1]) * (per_e6[1:, 1] + per_e6[:-1, 1]) / 2.0
    steps[1:] = np.sqrt(dx * dx + dy * dy)
    total = np.cumsum(np.rint(steps * 100.0).astype(np.int64))
    return np.asarray(total - total[ways.first[:-1]][vertex_way], dtype=np.int32)


def _extra(ways: Ways) -> dict[str, NDArray[Any]]:
    encoded = [text.encode("utf-8") for text in ways.texts]
    first = np.zeros(len(encoded) + 1, dtype=np.int64)
    first[1:] = np.cumsum([len(text) for text in encoded])
    return {
        "way_id": ways.way_id,
        "way_rule": ways.rule,
        "way_name": ways.name,
        "way_source": ways.source,
        "way_decided": np.full(len(ways.way_id), -1, dtype=np.int32),
        "text_first": first,
        "text_bytes": np.frombuffer(b"".join(encoded), dtype=np.uint8),
    }


def _km_by_kind(ways: Ways, vertex_cm: NDArray[np.int32]) -> dict[int, float]:
    length = vertex_cm[ways.first[1:] - 1]
    return {kind: round(float(length[ways.kind == kind].sum()) / 1e5, 1) for kind in (PUBLIC, PRIVATE, UNKNOWN)}


def assert_h3(keys: NDArray[np.int64], res: int, scale: float) -> None:
    """Our lattice and H3 agree on every cell written: H3 puts its centre into a cell whose own centre has our key.

    Cells across an edge of the icosahedron have a key on each side, and are left out.  Raises AssertionError."""
    for chunk in np.array_split(keys, len(keys) // 200_000 + 1):
        points = cells.centres(cells.FACES, chunk, scale)
        lat, lng = np.degrees(np.arcsin(points[:, 2])), np.degrees(np.arctan2(points[:, 1], points[:, 0]))
        h3_cells = pl.DataFrame({"lat": lat, "lng": lng}).select(
            cell=polars_h3.latlng_to_cell("lat", "lng", res, return_dtype=pl.UInt64)
        )
        back = h3_cells.select(lat=polars_h3.cell_to_lat("cell"), lng=polars_h3.cell_to_lng("cell"))
        at = 0 if res == cells.FINE_RES else 1
        dots = points @ cells.FACES[:, 0, :].T
        best = np.sort(dots, axis=1)
        inner = (best[:, -1] - best[:, -2] > 1e-3) & (np.argmax(dots, axis=1) == chunk >> 58)
        again = cells.keys_of(cells.FACES, back["lat"].to_numpy(), back["lng"].to_numpy())[at]
        if np.any((again != chunk) & inner):
            raise AssertionError(f"{int(np.sum((again != chunk) & inner))} cells of resolution {res} differ from H3")
