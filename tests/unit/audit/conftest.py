"""A farm beside public roads, and drives that raise an auditor's questions."""

from collections.abc import Sequence

import numpy as np
import pytest

from services.classifier.application.explain import Asked, Explanation, examine
from services.classifier.domain.rulings import NO_BOOK, Book
from services.classifier.roads.dataset import RoadSet
from shared.contracts.pings import Pings
from shared.nz_days import day_of
from tests.unit.kernel.world import DISTRICT, NOON_MS, Way, drive, road_set, to_pings

CROSS_ROAD: Way = (6, {"highway": "tertiary", "name": "Cross Road"}, [(800, -2000), (800, 0), (900, 900), (1200, 2500)])
FARM_TRACK: Way = (
    7,
    {"highway": "track", "name": "Pā <Farm> Track & Yards"},
    [(0, 1500), (400, 1700), (700, 1600), (1030, 1600), (1500, 1800), (1900, 1700)],
)
KEY = ("t", "ute-1")


@pytest.fixture(scope="session")
def farm(tmp_path_factory: pytest.TempPathFactory) -> RoadSet:
    return road_set(tmp_path_factory.mktemp("farm"), (*DISTRICT, CROSS_ROAD, FARM_TRACK))


def paddocks() -> Pings:
    """Off River Road, up Ridge Track, over paddocks and back."""
    points = [(-400, 0), (0, 0), (0, 1500), (300, 1900), (150, 2400), (-500, 2500), (-700, 2000), (0, 1500), (0, 0)]
    return to_pings(drive(points, 7.0, 10.0), noise_m=2.5, odometer=12_345_000.0)


def crossing() -> Pings:
    """Along the farm track over Cross Road, a fix every 20 s."""
    return to_pings(drive(FARM_TRACK[2], 9.0, 20.0), noise_m=2.0, odometer=5_000.0)


def beside() -> Pings:
    """From River Road onto the track that runs 12 m beside it."""
    return to_pings(drive([(-3600, 0), (-3000, 0), (-3000, 12), (-1500, 12), (-1500, 300)], 5.0, 5.0), noise_m=2.0)


def hidden() -> Pings:
    """Up Ridge Track and down again, with no fix for seven and a half minutes far from any public road."""
    whole = drive([(0, 600), (0, 2800), (500, 2800), (0, 2800), (0, 900)], 6.0, 10.0)
    since = whole.t_ms - NOON_MS
    return to_pings(whole, noise_m=2.0, odometer=77_000.0).take((since < 150_000) | (since > 600_000))


def ask(
    pings: Pings, roads: RoadSet, after_s: float, until_s: float | None = None, book: Book = NO_BOOK
) -> Explanation:
    """A question about an instant (or a time) so many seconds after NOON_MS."""
    start = NOON_MS + round(after_s * 1_000)
    end = start if until_s is None else NOON_MS + round(until_s * 1_000)
    return examine(pings, Asked(KEY, day_of(start), start, end), roads, book=book, settled=True)


def shuffled(pings: Pings, seed: int) -> Pings:
    """The same fixes in another order, some of them twice."""
    rows: Sequence[int] = np.random.default_rng(seed).permutation(len(pings)).tolist()
    return pings.take(np.array([*rows, *rows[:5]]))
