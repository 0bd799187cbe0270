"""Rule SU5 for every kind of source: cutting the data and its coverage in two never raises what can be claimed."""

from pathlib import Path

import pytest
import shapely

from services.classifier.domain.device_day import classify_days
from services.classifier.roads.build import build
from services.classifier.roads.dataset import RoadSet
from shared.contracts.pings import Key, Pings
from tests.property.kernel.streams import wild_stream
from tests.property.kernel.test_kernel_properties import cut_ways, polygon_file
from tests.unit.kernel.world import DISTRICT, Way, drive, osm_file, to_pings
from tests.unit.roads.sources import line, mapping_file, square, vector_file

COUNCIL = """
name = "council"
geometry = "centrelines"
[maintainer]
column = "by"
public = ["council"]
private = ["farm"]
"""
LAND = """
name = "land"
geometry = "parcels"
[maintainer]
column = "use"
public = ["road"]
private = ["title"]
"""
YARD: Way = (20, {"amenity": "parking"}, [(-900, 300), (700, 300), (700, 700), (-900, 700), (-900, 300)])
REGISTER = [
    (line(*[(x, 3) for x in range(-5000, 5001, 250)]), "council"),
    (line((4, 0), (4, 1200)), "council"),
    (line((2000, 0), (2000, 1000)), "farm"),
    (line(*[(x, 900) for x in range(-2000, 2001, 250)]), ""),
]
PARCELS = [
    (square(-5000, -12, 5000, 14), "road"),
    (square(-1200, 1000, 1500, 1600), "reserve"),
    (square(200, 1500, 260, 3000), "road"),
]


def by_day(pings: Pings, roads: RoadSet) -> dict[tuple[Key, int], int]:
    """Claimable millimetres of every device-day."""
    return {
        (day.key, day.day): sum(total.mm for total in day.totals if total.surface == "off_road")
        for day in classify_days(pings, None, roads)
    }


def build_side(folder: Path, west: float, east: float) -> RoadSet:
    """Everything between two lines north to south."""
    folder.mkdir()
    box = square(west, -9_000, east, 9_000)
    ways = cut_ways(tuple(cut_ways((*DISTRICT,), west, west=False)), east, west=True)
    yard = shapely.Polygon(YARD[2]).intersection(box)
    if not yard.is_empty:
        ways.append((YARD[0], YARD[1], [(round(x), round(y)) for x, y in yard.exterior.coords]))
    register = [(shape.intersection(box), by) for shape, by in REGISTER if shape.intersection(box).length > 0]
    parcels = [(shape.intersection(box), use) for shape, use in PARCELS if shape.intersection(box).area > 0]
    sources = [
        vector_file(folder / "council.gpkg", [one for one, _ in register], {"by": [by for _, by in register]}),
        vector_file(folder / "land.geojson", [one for one, _ in parcels], {"use": [use for _, use in parcels]}),
        osm_file(folder / "a.osm", ways),
    ]
    mappings = [mapping_file(folder / "c.toml", COUNCIL), mapping_file(folder / "l.toml", LAND)]
    return build(sources, folder / "sets", polygon_file(folder / "area.json", west, east), mappings=mappings)


@pytest.mark.parametrize("cut_x", [0.0, 250.0, -1500.0])
def test_SU5_cutting_vector_sources_and_areas_in_two_never_raises_claimable_metres(
    tmp_path: Path, cut_x: float
) -> None:
    whole = build_side(tmp_path / "whole", -6_000, 6_000)
    west, east = build_side(tmp_path / "west", -6_000, cut_x), build_side(tmp_path / "east", cut_x, 6_000)
    streams = [wild_stream(seed, 900) for seed in range(25)]
    streams += [
        to_pings(drive([(0, 2_500), (0, 40), (900, 60), (-900, 700)], 6.0, 10.0), noise_m=3.0),
        to_pings(drive([(-1_400, 500), (1_400, 500)], 5.0, 10.0), noise_m=2.0),
        to_pings(drive([(-1_900, 1_300), (1_900, 1_300)], 5.0, 15.0), noise_m=4.0),
        to_pings(drive([(230, 2_900), (230, 100)], 4.0, 20.0), odometer=4_000.0),
    ]
    claimed = 0
    for stream in streams:
        left, right = by_day(stream, west), by_day(stream, east)
        for day, all_of_it in by_day(stream, whole).items():
            claimed += all_of_it
            assert left[day] + right[day] <= all_of_it
    assert claimed > 0
