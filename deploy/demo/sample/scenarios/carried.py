"""Movement that is not the vehicle's own: afloat, or on another's wheels (rule SU8)."""

from typing import Final

from deploy.demo.sample.scenarios import faults
from deploy.demo.sample.scenarios.lanes import ROAD, TRACK
from deploy.demo.sample.scenarios.plan import MapWay, Receiver, Scenario, Site, Tags, Trip

FERRY_ROUTE: Final[Tags] = (("route", "ferry"), ("motor_vehicle", "yes"))
HARBOUR: Final = Site(
    5,
    1,
    (
        MapWay(ROAD, ((-3500, 0), (-1800, 0)), "Quay Road"),
        MapWay(FERRY_ROUTE, ((-1800, 0), (-500, 250), (800, 200), (1800, 0)), "Harbour Ferry"),
        MapWay(ROAD, ((1800, 0), (3500, 0)), "Landing Road"),
        MapWay(TRACK, ((2600, 0), (2600, -1200)), "Point Track"),
    ),
)


def _ferry(trip: Trip) -> None:
    trip.go("road", (-1800, 0)).stop(600).mark("aboard").go("ferry", (-500, 250), (800, 200), (1800, 0)).stop(120)
    trip.mark("ashore").go("road", (2600, 0)).go("track", (2600, -1200)).stop(300).go("track", (2600, 0))
    trip.go("road", (3400, 0))


HAUL: Final = Site(
    6,
    1,
    (
        MapWay(ROAD, ((-3500, 0), (3500, 0)), "Contractors Road"),
        MapWay(TRACK, ((-3000, 0), (-3000, -900)), "Depot Track"),
        MapWay(TRACK, ((2500, 0), (2500, -900)), "Block Track"),
    ),
)


def _low_loader(trip: Trip) -> None:
    """A digger is carried to the block, over a forest road that is not mapped for the last 900 m, works there, and back."""
    for _ in range(2):
        trip.stop(300).mark("loaded").go("low_loader", (-3000, 0), (2500, 0), (2500, -900)).stop(240)
        trip.wander((2600, -1100), (2900, -1300), (3100, -1000), (2800, -800), (2500, -900)).stop(200)
        trip.go("low_loader", (2500, 0), (-3000, 0), (-3000, -900)).stop(240)


SCENARIOS: Final = (
    Scenario("ferry", "A ferry across the harbour", HARBOUR, (-3400, 0), _ferry, Receiver(every_s=15)),
    Scenario(
        "ferry_no_odometer",
        "The same with neither odometer nor ignition",
        HARBOUR,
        (-3400, 0),
        _ferry,
        Receiver(every_s=15, odometer_m=0, ignition=False),
    ),
    Scenario(
        "low_loader", "On a low-loader to the block and back", HAUL, (-3000, -900), _low_loader, Receiver(every_s=15)
    ),
    Scenario(
        "low_loader_no_odometer",
        "The same without an odometer: the ignition is off",
        HAUL,
        (-3000, -900),
        _low_loader,
        Receiver(every_s=15, odometer_m=0),
    ),
    Scenario(
        "low_loader_asleep",
        "The same with a device that sleeps while the ignition is off",
        HAUL,
        (-3000, -900),
        _low_loader,
        Receiver(every_s=15, odometer_m=0),
        (faults.parked_silence(900),),
    ),
    Scenario(
        "low_loader_no_ignition",
        "The same without an ignition signal: the odometer stands still",
        HAUL,
        (-3000, -900),
        _low_loader,
        Receiver(every_s=15, ignition=False),
    ),
)
