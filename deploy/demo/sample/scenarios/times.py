"""Days that are not 24 hours, drives over midnight, and how fixes are delivered (rules DI4 to DI6)."""

from typing import Final

from deploy.demo.sample.scenarios import faults
from deploy.demo.sample.scenarios.gaps import MIXED, mixed
from deploy.demo.sample.scenarios.plan import Fault, Receiver, Scenario, Trip


def _night(trip: Trip) -> None:
    """Stock is shifted up and down the hill all night, road and track in turn."""
    for _ in range(6):
        trip.go("road", (-2000, 150), (0, 0)).go("track", (200, 500), (-100, 1100), (300, 1900), (900, 2400)).stop(900)
        trip.go("track", (300, 1900), (-100, 1100), (200, 500), (0, 0)).go("road", (-2000, 150), (-3700, 50)).stop(900)


def _over_midnight(trip: Trip) -> None:
    trip.go("road", (0, 0)).go("track", (200, 500), (-100, 1100), (300, 1900), (900, 2400))
    trip.go("track", (300, 1900), (-100, 1100), (200, 500), (0, 0)).go("road", (2000, -150), (3700, 0))


def _delivered(name: str, title: str, *what: Fault) -> Scenario:
    return Scenario(name, title, MIXED, (-3700, 50), mixed, Receiver(every_s=15), what, alike="delivery")


_START: Final = (-3700.0, 50.0)
SCENARIOS: Final = (
    Scenario(
        "midnight",
        "On the hill at midnight",
        MIXED,
        _START,
        _over_midnight,
        Receiver(every_s=15),
        begins="2026-09-09T23:53",
    ),
    Scenario("clocks_back", "The night of 25 hours' day", MIXED, _START, _night, begins="2026-04-05T00:10"),
    Scenario("clocks_forward", "The night of 23 hours' day", MIXED, _START, _night, begins="2026-09-27T00:10"),
    _delivered("delivered", "A morning, delivered as it was driven"),
    _delivered("delivered_twice", "The same with a third of its fixes sent again", faults.twice(0.33)),
    _delivered("delivered_anyhow", "The same in any order, the early half last", faults.shuffled()),
    _delivered("two_of_one_name", "Two devices under one name for a minute", faults.clash("at the dam", 400.0, 4)),
)
