"""What people say: declared land (rule SU7) and exclusions of faulty data and of places."""

from typing import Final

from deploy.demo.sample.scenarios import faults
from deploy.demo.sample.scenarios.lanes import ROAD, TRACK
from deploy.demo.sample.scenarios.maps import CRAWL, LANES, UNMAPPED, missing_road
from deploy.demo.sample.scenarios.plan import Declared, Excluded, MapWay, Receiver, Ring, Scenario, Site, Trip


def _own_depot(trip: Trip) -> None:
    """The depot's lane, which the map shows without an owner, is the carrier's own."""
    for _ in range(3):
        trip.go("road", (0, 0)).go("haul", (0, -900), (500, -1600)).stop(500).go("haul", (0, -900), (0, 0))
        trip.go("road", (2500, 0)).stop(100)


DEPOT_LAND: Final[Ring] = ((-150, -8), (150, -8), (150, -700), (900, -1500), (700, -1900), (200, -1700), (-150, -1000))
BLOCK: Final = Site(
    5,
    2,
    (
        MapWay(ROAD, ((-3000, 0), (3000, 0)), "Through Road"),
        MapWay((("highway", "service"),), ((0, 0), (0, 1200)), "North Lane"),
        MapWay((("highway", "service"),), ((0, 0), (0, -1200)), "South Lane"),
    ),
)
BLOCK_LAND: Final[Ring] = ((-400, -1400), (400, -1400), (400, 1400), (-400, 1400))


def _both_sides(trip: Trip) -> None:
    for _ in range(3):
        trip.go("haul", (0, 0)).go("road", (380, 0)).stop(60).go("road", (0, 0)).go("haul", (0, 1200)).stop(200)
        trip.go("haul", (0, -1200)).stop(200)


WORKS: Final = Site(
    6,
    2,
    (
        MapWay(ROAD, ((-3000, 0), (-1000, 0)), "Gorge Road"),
        MapWay(ROAD, ((-1000, 0), (1000, 0)), "Gorge Road"),
        MapWay(ROAD, ((1000, 0), (3000, 0)), "Gorge Road"),
    ),
)
WORKS_LAND: Final[Ring] = ((-1000, -60), (1000, -60), (1000, 60), (-1000, 60))


def _works(trip: Trip) -> None:
    """Spoil is carted within a length of road that is closed by order; the yard is beyond it."""
    trip.go("road", (-1000, 0))
    for _ in range(4):
        trip.go("haul", (700, 0)).stop(150).go("haul", (-800, 0)).stop(150)
    trip.go("haul", (-1000, 0)).go("road", (-2900, 0))


FAULTY: Final = Site(
    0,
    3,
    (MapWay(ROAD, ((-3500, 0), (3500, 0)), "Coach Road"), MapWay(TRACK, ((-500, 0), (-500, -1500)), "Quarry Track")),
)


def _faulty_hour(trip: Trip) -> None:
    """Up the track, and then along the road with a device whose every position is half a kilometre off."""
    trip.go("track", (-500, 0)).mark("fault").go("road", (3400, 0)).stop(60, engine_on=True).go("gravel", (-3400, 0))
    trip.stop(60, engine_on=True).go("gravel", (-500, 0)).mark("mended").go("track", (-500, -1500))


_OFFSET: Final = (faults.displaced("fault", "mended", 250.0, 450.0),)
_MISSING: Final[Ring] = ((-2420, -350), (2560, -350), (2560, 350), (-2420, 350))
SCENARIOS: Final = (
    Scenario("undeclared", "One's own lane that the map does not know", LANES, (-2500, 0), _own_depot),
    Scenario(
        "declared",
        "The same, declared as one's own land",
        LANES,
        (-2500, 0),
        _own_depot,
        tenant="declares",
        declared=(Declared("Depot", "owned", DEPOT_LAND),),
    ),
    Scenario(
        "declared_across",
        "Declared land on both sides of a public road",
        BLOCK,
        (0, -1200),
        _both_sides,
        Receiver(every_s=5),
        tenant="declares across",
        declared=(Declared("Both Blocks", "leased", BLOCK_LAND),),
    ),
    Scenario("works", "Works on a public road, closed but not declared", WORKS, (-2900, 0), _works),
    Scenario(
        "works_declared",
        "The same, declared as a closed works site over the road",
        WORKS,
        (-2900, 0),
        _works,
        tenant="works",
        declared=(Declared("Gorge Road works", "closed_works_site", WORKS_LAND, over_public=True),),
    ),
    Scenario(
        "faulty",
        "A device that lies half a kilometre off for an hour",
        FAULTY,
        (-500, -1500),
        _faulty_hour,
        faults=_OFFSET,
    ),
    Scenario(
        "faulty_excluded",
        "The same, with that hour excluded",
        FAULTY,
        (-500, -1500),
        _faulty_hour,
        faults=_OFFSET,
        tenant="excludes",
        excluded=(Excluded("fault", "mended"),),
    ),
    Scenario(
        "unmapped_excluded",
        "A missing public road at 30 km/h, inside an exclusion",
        UNMAPPED,
        (-3700, 0),
        missing_road("gravel"),
        tenant="excludes a place",
        pace=CRAWL,
        excluded=(Excluded("start", "end", _MISSING),),
    ),
)
