"""Standing still, waking up, and fixes that lie elsewhere."""

from typing import Final

from deploy.demo.sample.scenarios import faults
from deploy.demo.sample.scenarios.lanes import ROAD, TRACK
from deploy.demo.sample.scenarios.plan import MapWay, Receiver, Scenario, Site, Trip

FARM: Final = Site(
    0,
    1,
    (
        MapWay(ROAD, ((-3000, 0), (0, 0), (3000, 0)), "Valley Road"),
        MapWay(TRACK, ((0, 0), (150, -400), (100, -1500), (600, -2500)), "Ridge Track"),
    ),
)


def _parked_at_the_road(trip: Trip) -> None:
    """Four hours at a customer's gate, engine running for the cool box, 9 m from the road's middle."""
    trip.go("road", (1000, 0)).go("yard", (1004, -9)).mark("parked").stop(4 * 3600, engine_on=True).mark("off again")
    trip.go("yard", (1000, 0)).go("road", (2500, 0))


def _parked_in_the_paddock(trip: Trip) -> None:
    """Four hours beside a pump, engine running, 600 m from any road."""
    trip.go("track", (150, -400), (125, -900)).wander((300, -900), (420, -600))
    trip.mark("parked").stop(4 * 3600, engine_on=True).mark("off again")
    trip.wander((300, -900), (125, -900)).go("track", (150, -400), (0, 0)).go("road", (2500, 0))


def _work(trip: Trip) -> None:
    """Down the ridge, a round of the paddock, and home over the road."""
    trip.go("road", (0, 0)).go("track", (150, -400), (100, -1500)).mark("on the ridge").go("track", (600, -2500))
    trip.wander((900, -2700), (1300, -2400), (1100, -2000), (700, -2200), (600, -2500)).mark("out of the paddock")
    trip.stop(200).go("track", (100, -1500), (150, -400), (0, 0)).go("road", (1200, 0)).mark("on the road")
    trip.go("road", (2800, 0))


def _out_from_home(trip: Trip) -> None:
    """Starts in a shed at the end of the ridge track."""
    trip.stop(60, engine_on=True).go("track", (100, -1500), (150, -400), (0, 0)).go("road", (2500, 0))


SCENARIOS: Final = (
    Scenario(
        "parked_drift_road",
        "Four hours parked at a gate beside the road",
        FARM,
        (-500, 0),
        _parked_at_the_road,
        Receiver(every_s=10, odometer_m=0),
        (faults.drifting("parked", "off again", 9.0),),
    ),
    Scenario(
        "parked_drift_paddock",
        "Four hours parked in a paddock",
        FARM,
        (0, 0),
        _parked_in_the_paddock,
        Receiver(every_s=10, odometer_m=0),
        (faults.drifting("parked", "off again", 9.0),),
    ),
    Scenario(
        "parked_drift_no_doppler",
        "The same with a device that says position and time only",
        FARM,
        (0, 0),
        _parked_in_the_paddock,
        Receiver(every_s=10, odometer_m=0, doppler=False, heading=False, reports="none", ignition=False),
        (faults.drifting("parked", "off again", 9.0),),
    ),
    Scenario(
        "cold_start_on_the_road",
        "A cold start beside the road: the first fixes come in from over the paddocks",
        FARM,
        (-500, 0),
        lambda trip: trip.stop(60, engine_on=True).go("road", (2800, 0)),
        Receiver(every_s=5, odometer_m=0, boasts_m=12),
        (faults.cold_start(10, 2400),),
    ),
    Scenario(
        "cold_start_in_the_shed",
        "A cold start in the shed: the first fixes come in from afar",
        FARM,
        (600, -2500),
        _out_from_home,
        Receiver(every_s=5, odometer_m=0, boasts_m=12),
        (faults.cold_start(10, 2400),),
    ),
    Scenario(
        "jump",
        "Single fixes that jump: from the ridge to the road, and from the road into the hills",
        FARM,
        (-1500, 0),
        _work,
        Receiver(every_s=15),
        (faults.jump("on the ridge", -300, 1500), faults.jump("on the road", 400, -1900)),
    ),
    Scenario(
        "jump_run",
        "Four fixes in a row two kilometres off the road, into the hills",
        FARM,
        (-1500, 0),
        _work,
        Receiver(every_s=15, odometer_m=0),
        (faults.jump("on the road", 500, -2600, count=4),),
    ),
    Scenario(
        "jump_run_paddock",
        "Four fixes in a row a kilometre off, while working in a paddock",
        FARM,
        (-1500, 0),
        _work,
        Receiver(every_s=15, odometer_m=0),
        (faults.jump("on the ridge", -800, -900, count=4),),
    ),
    Scenario(
        "jump_near_run",
        "A minute of fixes 150 m beside the road, as from a reflected signal",
        FARM,
        (-1500, 0),
        _work,
        Receiver(every_s=15, odometer_m=0, boasts_m=8),
        (faults.jump("on the road", 20, -150, count=4),),
    ),
)
