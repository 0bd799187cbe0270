"""All scenarios."""

from typing import Final

from deploy.demo.sample.scenarios import carried, gaps, lanes, maps, rulings, starts, times
from deploy.demo.sample.scenarios.plan import Scenario

ALL: Final[tuple[Scenario, ...]] = (
    *lanes.SCENARIOS,
    *starts.SCENARIOS,
    *gaps.SCENARIOS,
    *carried.SCENARIOS,
    *maps.SCENARIOS,
    *times.SCENARIOS,
    *rulings.SCENARIOS,
)
