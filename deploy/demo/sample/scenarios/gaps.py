"""Where nothing is received: tunnels, restarts, slow cadence."""

from typing import Final

from deploy.demo.sample.scenarios import faults
from deploy.demo.sample.scenarios.lanes import HIGHWAY, ROAD, TRACK
from deploy.demo.sample.scenarios.plan import MapWay, Receiver, Scenario, Site, Tags, Trip

TUNNEL_TAGS: Final[Tags] = (("tunnel", "yes"), ("layer", "-1"))
TUNNEL: Final = Site(
    1,
    1,
    (
        MapWay(HIGHWAY, ((-3500, 0), (-700, 0))),
        MapWay((*HIGHWAY, *TUNNEL_TAGS), ((-700, 0), (700, 0))),
        MapWay(HIGHWAY, ((700, 0), (3500, 0))),
        MapWay((*TRACK, ("access", "forestry")), ((-900, -600), (-300, -40), (300, 60), (900, 500)), "Summit Track"),
    ),
)


def _tunnel(trip: Trip) -> None:
    trip.go("highway", (-700, 0)).mark("in").go("highway", (700, 0)).mark("out").go("highway", (3400, 0)).stop(60)
    trip.go("highway", (720, 0)).mark("in again").go("highway", (-680, 0)).mark("out again").go("highway", (-3400, 0))


MINE: Final = Site(
    2,
    1,
    (
        MapWay(ROAD, ((-3000, 0), (0, 0), (3000, 0)), "Mine Road"),
        MapWay((("highway", "service"), ("access", "private")), ((0, 0), (0, -600)), "Mine Access"),
        MapWay((("highway", "service"), ("access", "private"), *TUNNEL_TAGS), ((0, -600), (0, -1200)), "Mine Adit"),
        MapWay((("highway", "service"), ("access", "private")), ((0, -1200), (300, -2000)), "Mine Access"),
    ),
)


def _mine(trip: Trip) -> None:
    trip.go("road", (0, 0)).go("haul", (0, -600)).mark("in").go("haul", (0, -1200)).mark("out").go("haul", (300, -2000))
    trip.stop(400).go("haul", (0, -1200)).mark("in again").go("haul", (0, -600)).mark("out again")
    trip.go("haul", (0, 0)).go("road", (2500, 0))


STATION: Final = Site(
    3,
    1,
    (
        MapWay(ROAD, ((-3500, 3000), (0, 3000), (3500, 3000)), "Back Road"),
        MapWay(TRACK, ((0, 3000), (0, 0), (400, -1500)), "Station Track"),
    ),
)


def _hour_without_sky(trip: Trip) -> None:
    """To the back of the station; the device is off for an hour while stock is shifted there."""
    trip.go("road", (0, 3000)).go("track", (0, 0), (400, -1500)).wander((700, -1700), (1000, -1500)).mark("off")
    trip.wander((1300, -1200), (1200, -800), (900, -900), (1000, -1300)).stop(2400, engine_on=True).mark("on")
    trip.wander((800, -1500), (400, -1500)).go("track", (0, 0), (0, 3000)).go("road", (2500, 3000))


def _hour_on_the_road(trip: Trip) -> None:
    """The device is off for an hour, in which the truck goes to town and comes back to the same paddock."""
    trip.go("road", (0, 3000)).go("track", (0, 0), (400, -1500)).stop(120, engine_on=True).mark("off")
    trip.go("track", (0, 0), (0, 3000)).go("road", (3400, 3000)).stop(1500).go("road", (0, 3000))
    trip.go("track", (0, 0), (400, -1500)).mark("on").stop(120, engine_on=True).go("track", (0, 0), (0, 3000))
    trip.go("road", (2500, 3000))


MIXED: Final = Site(
    4,
    1,
    (
        MapWay(ROAD, ((-3800, 0), (-2000, 150), (0, 0), (2000, -150), (3800, 0)), "Mill Road"),
        MapWay(TRACK, ((0, 0), (200, 500), (-100, 1100), (300, 1900), (900, 2400)), "Hill Track"),
        MapWay(TRACK, ((-100, 1100), (-900, 1300), (-1500, 2000)), "Dam Track"),
    ),
)


def mixed(trip: Trip) -> None:
    for _ in range(4):
        trip.go("road", (-2000, 150), (0, 0)).go("track", (200, 500), (-100, 1100), (300, 1900), (900, 2400))
        trip.wander((1200, 2700), (1700, 2600), (1600, 2100), (1200, 2200), (900, 2400)).stop(420)
        trip.go("track", (300, 1900), (-100, 1100), (-900, 1300), (-1500, 2000)).mark("at the dam").stop(300)
        trip.go("track", (-900, 1300), (-100, 1100), (200, 500), (0, 0)).go("road", (2000, -150), (3700, 0)).stop(300)
        trip.go("road", (2000, -150), (0, 0), (-2000, 150), (-3700, 50)).stop(60)


def _sparse(every_s: int, odometer_m: int) -> Scenario:
    words = {0: "no odometer", 1: "an odometer of 1 m", 100: "an odometer of 100 m", 1000: "an odometer of 1 km"}
    return Scenario(
        f"sparse_{every_s}_s_{odometer_m}",
        f"A fix every {every_s} s, {words[odometer_m]}",
        MIXED,
        (-3700, 50),
        mixed,
        Receiver(every_s=every_s, odometer_m=odometer_m),
    )


CADENCES: Final = (1, 5, 15, 30, 60, 170)
ODOMETERS: Final = (1, 100, 1000, 0)
_OFF: Final = (faults.silent("off", "on"),)
_TUNNELS: Final = (faults.silent("in", "out"), faults.silent("in again", "out again"))
SCENARIOS: Final = (
    Scenario(
        "tunnel_public", "A road tunnel under forest land", TUNNEL, (-3400, 0), _tunnel, Receiver(every_s=5), _TUNNELS
    ),
    Scenario("tunnel_private", "A mine's own tunnel", MINE, (-2500, 0), _mine, Receiver(every_s=5), _TUNNELS),
    Scenario(
        "hour_off_proved",
        "An hour without a fix at the back of a station, with an odometer",
        STATION,
        (-2500, 3000),
        _hour_without_sky,
        Receiver(every_s=15),
        _OFF,
    ),
    Scenario(
        "hour_off_unproved",
        "The same hour without an odometer",
        STATION,
        (-2500, 3000),
        _hour_without_sky,
        Receiver(every_s=15, odometer_m=0),
        _OFF,
    ),
    Scenario(
        "hour_off_to_town",
        "An hour without a fix in which the truck went to town",
        STATION,
        (-2500, 3000),
        _hour_on_the_road,
        Receiver(every_s=15),
        _OFF,
    ),
    Scenario(
        "hour_off_to_town_unproved",
        "The same trip to town without an odometer",
        STATION,
        (-2500, 3000),
        _hour_on_the_road,
        Receiver(every_s=15, odometer_m=0),
        _OFF,
    ),
    *(_sparse(every_s, odometer_m) for every_s in CADENCES for odometer_m in ODOMETERS),
)
