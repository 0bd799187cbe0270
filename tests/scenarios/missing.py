"""Fleets of several tenants on a road that the map lacks, in paddocks, and on farm tracks that nobody mapped."""

from dataclasses import replace

from deploy.demo.sample.scenarios.catalogue import ALL
from deploy.demo.sample.scenarios.maps import UNMAPPED
from deploy.demo.sample.scenarios.plan import Receiver, Scenario, Trip

BY_NAME = {scenario.name: scenario for scenario in ALL}
TWO_TRUCKS, ONE_FAST, LONE, APART, FARM, TRACKS = (
    f"00000000-0000-4000-8000-00000000000{number}" for number in range(1, 7)
)


def like(base: str, name: str, tenant: str, day: int, **changed: object) -> Scenario:
    one: Scenario = replace(
        BY_NAME[base], name=name, tenant=tenant, begins=f"2026-09-{day:02d}T08:00", weather=day, faults=(), **changed
    )
    return one


def _dead_end(trip: Trip) -> None:
    """A farm's own track that the map lacks: slow, and it ends at a shed."""
    for _ in range(2):
        trip.wander((-2300, 60), (-1900, 250), (-1500, 180), (-1100, 400), (-900, 900), ground="track").stop(300)
        trip.wander((-1100, 400), (-1500, 180), (-1900, 250), (-2300, 60), (-2500, 0), ground="track").stop(60)


def _worked(trip: Trip) -> None:
    """Up and down a paddock, row beside row."""
    for row in range(14):
        y = 600.0 + 30.0 * row
        trip.go("paddock", (300.0, y), (900.0, y), (900.0, y + 15.0), (300.0, y + 15.0))


def fleets() -> list[Scenario]:
    return [
        like("unmapped_crawl", "truck 1", TWO_TRUCKS, 1),
        like("unmapped_crawl", "truck 2", TWO_TRUCKS, 2),
        like("unmapped_fast", "ute", ONE_FAST, 3),
        like("unmapped_crawl", "lone truck", LONE, 1),
        like("unmapped_crawl", "lone truck again", APART, 2),
        *(
            Scenario(
                f"tractor {day}", "", UNMAPPED, (300, 600), _worked, Receiver(every_s=10), tenant=FARM,
                begins=f"2026-09-{day:02d}T08:00",
            )
            for day in (1, 2)
        ),
        *(
            Scenario(f"farm ute {day}", "", UNMAPPED, (-2500, 0), _dead_end, tenant=TRACKS, begins=f"2026-09-{day:02d}T08:00")
            for day in (1, 2)
        ),
    ]  # fmt: skip
