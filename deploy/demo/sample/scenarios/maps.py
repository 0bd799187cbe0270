"""Where the map is silent, wrong or ends: missing roads, ways of unknown maintainer, car parks, beaches, coverage."""

from collections.abc import Callable
from typing import Final

from deploy.demo.sample.scenarios.lanes import ROAD, TRACK
from deploy.demo.sample.scenarios.plan import MapWay, Receiver, Scenario, Site, Trip

UNMAPPED: Final = Site(
    0,
    2,
    (
        MapWay(ROAD, ((-3800, 0), (-2500, 0), (-2500, 3000)), "Old Road"),
        MapWay(ROAD, ((3800, 0), (2600, 0), (2600, -3000)), "Far Road"),
    ),
)
_NEW_ROAD: Final = ((-1500.0, -250.0), (-400.0, -100.0), (700.0, 250.0), (1700.0, 150.0), (2600.0, 0.0))


def missing_road(ground: str, laps: int = 2) -> Callable[[Trip], None]:
    """Over a public road that the map lacks, from Old Road to Far Road and back."""

    def story(trip: Trip) -> None:
        for _ in range(laps):
            trip.go("road", (-2500, 0)).wander(*_NEW_ROAD, ground=ground).go("road", (3700, 0)).stop(240)
            trip.go("road", (2600, 0)).wander(*_NEW_ROAD[-2::-1], (-2500, 0), ground=ground)
            trip.go("road", (-3700, 0)).stop(240)

    return story


LANES: Final = Site(
    1,
    2,
    (
        MapWay(ROAD, ((-3000, 0), (0, 0), (3000, 0)), "Depot Road"),
        MapWay((("highway", "service"),), ((0, 0), (0, -900), (500, -1600)), "Depot Lane"),
    ),
)


def _depot(trip: Trip) -> None:
    for _ in range(3):
        trip.go("road", (0, 0)).go("lane", (0, -900), (500, -1600)).stop(500).go("lane", (0, -900), (0, 0))
        trip.go("road", (2500, 0)).stop(100)


CAR_PARK: Final = Site(
    2,
    2,
    (
        MapWay(ROAD, ((-3000, 0), (0, 0), (3000, 0)), "Show Road"),
        MapWay(
            (("amenity", "parking"), ("access", "yes")), ((-100, -60), (300, -60), (300, -360), (-100, -360), (-100, -60)),
            "Showgrounds Car Park",
        ),
    ),
)  # fmt: skip


def _car_park(trip: Trip) -> None:
    for _ in range(3):
        trip.go("road", (0, 0)).go("car_park", (0, -60), (0, -150), (250, -150), (250, -300), (-50, -300), (-50, -180))
        trip.stop(300).go("car_park", (100, -180), (100, -320), (200, -320), (200, -100), (0, -100), (0, 0))
        trip.go("road", (2500, 0)).stop(100)


BEACH: Final = Site(
    3,
    2,
    (
        MapWay(ROAD, ((-3000, 0), (0, 0), (3000, 0)), "Surf Road"),
        MapWay(
            (("natural", "beach"),), ((-1500, -100), (1500, -100), (1500, -260), (-1500, -260), (-1500, -100)),
            "Long Beach",
        ),
    ),
)  # fmt: skip


def _beach(trip: Trip) -> None:
    for _ in range(3):
        trip.go("road", (0, 0)).go("beach", (0, -100), (50, -170), (1400, -190)).stop(200)
        trip.go("beach", (-1400, -170)).stop(200).go("beach", (-50, -180), (0, -100), (0, 0)).go(
            "road", (2500, 0)
        ).stop(99)


EDGE: Final = Site(
    4,
    2,
    (
        MapWay(ROAD, ((-3500, 0), (3500, 0)), "Boundary Road"),
        MapWay(TRACK, ((-1500, 0), (-1500, -1000), (500, -1500), (3000, -1500)), "Border Track"),
    ),
    uncovered=((1000, 3000), (3800, 3000), (3800, -3000), (1000, -3000)),
)


def _edge(trip: Trip) -> None:
    for _ in range(2):
        trip.go("track", (-1500, -1000), (500, -1500), (2800, -1500)).stop(200)
        trip.go("track", (500, -1500), (-1500, -1000), (-1500, 0)).go("road", (3300, 0)).stop(200).go(
            "road", (-1500, 0)
        )


CRAWL: Final = 2 / 3
"""Of 45 km/h: slower than what §23 takes for a road."""
SCENARIOS: Final = (
    Scenario(
        "unmapped_fast", "A public road that the map lacks, at 70 km/h", UNMAPPED, (-3700, 0), missing_road("road")
    ),
    Scenario(
        "unmapped_slow", "The same road at 45 km/h", UNMAPPED, (-3700, 0), missing_road("gravel")
    ),
    Scenario(
        "unmapped_crawl", "The same road at 30 km/h", UNMAPPED, (-3700, 0), missing_road("gravel"), pace=CRAWL
    ),
    Scenario("unknown_maintainer", "A service way whose maintainer nobody mapped", LANES, (-2500, 0), _depot),
    Scenario("car_park", "Round a showground's car park", CAR_PARK, (-2500, 0), _car_park, Receiver(every_s=5)),
    Scenario("beach", "Along a beach", BEACH, (-2500, 0), _beach, Receiver(every_s=5)),
    Scenario("coverage_edge", "A farm at the edge of what the map covers", EDGE, (-1500, 0), _edge),
)  # fmt: skip
