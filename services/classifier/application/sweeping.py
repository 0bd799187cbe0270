"""Device-days whose road data set has changed become due a few at a time, under the compare-and-set of their owner."""

from collections.abc import Collection
from typing import Final, NamedTuple

from services.classifier.repo import road_sets
from services.classifier.repo.fold_state import Due, Owed
from services.classifier.repo.road_sets import Sweep
from shared.contracts.partitioning import partition_of
from shared.contracts.pings import Key
from shared.db.pool import Connection

DEVICES_PER_STEP: Final = 1_000
"""Of all partitions: about a twelfth is of the one that is swept."""
DAYS_PER_STEP: Final = 1_000


class Step(NamedTuple):
    """What one transaction does for a sweep."""

    sweep: Sweep
    owed: tuple[Owed, ...]
    after: Key | None
    """How far the sweep has come with it; None: it is over."""


async def next_step(conn: Connection, partitions: Collection[int]) -> Step | None:
    """The next device-days to become due in these partitions; None where nothing is swept.

    One device is never split, so a step may be a device's days above DAYS_PER_STEP."""
    sweep = await road_sets.next_sweep(conn, partitions)
    if sweep is None:
        return None
    devices = await road_sets.next_devices(conn, sweep.after, DEVICES_PER_STEP)
    mine = [key for key in devices if partition_of(*key) == sweep.partition]
    days = await road_sets.days_of(conn, mine, sweep.first_day, sweep.last_day)
    after = devices[-1] if len(devices) == DEVICES_PER_STEP else None
    if len(days) > DAYS_PER_STEP:
        last = days[DAYS_PER_STEP - 1][:2]
        days = [one for one in days if one[:2] <= last]
        after = last
    owed = tuple(Owed(Due(*one, "reprocess"), sweep.partition, 0) for one in days)
    return Step(sweep, owed, after)
