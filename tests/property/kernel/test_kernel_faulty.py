"""A stretch that was marked as faulty is taken out as a place that is everywhere: on any stream it only lowers what is off
road, by what lies in it, and moves nothing else (docs/guide/faulty-data.md)."""

from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.classifier.application.faulty import EVERYWHERE
from services.classifier.domain.device_day import DayOutcome, classify_days
from services.classifier.domain.rulings import Exclusion, Rulings
from services.classifier.domain.scheme import V1
from services.classifier.roads.dataset import RoadSet
from tests.property.kernel.rulings import district_book
from tests.property.kernel.streams import wild_stream
from tests.unit.kernel.world import road_set

LANDS = district_book()["t"].lands
SLOW = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="session")
def district(tmp_path_factory: pytest.TempPathFactory) -> RoadSet:
    return road_set(tmp_path_factory.mktemp("faulty-district"))


def surfaces(day: DayOutcome) -> Counter[str]:
    sums: Counter[str] = Counter()
    for total in day.totals:
        sums[total.surface] += total.mm
    return sums


def driven_mm(day: DayOutcome) -> int:
    """What rule DI1 sums and, where it exceeds the recorder, scales every part by."""
    return sum(total.mm for total in day.totals if total.kind == "drive")


@SLOW
@given(seed=st.integers(0, 2**32 - 1), share=st.tuples(st.floats(0, 1), st.floats(0, 1)), landed=st.booleans())
def test_SU7_EL4_a_faulty_stretch_only_takes_away(
    district: RoadSet, seed: int, share: tuple[float, float], landed: bool
) -> None:
    pings = wild_stream(seed, 1_500)
    first, last = int(pings.ts_ms.min()), int(pings.ts_ms.max())
    low, high = sorted(first + int((last - first) * one) for one in share)
    device = pings.keys[seed % len(pings.keys)][1]
    lands = LANDS if landed else ()
    marked = Exclusion("m", device, low, high, EVERYWHERE.wkb)
    before, after = (
        classify_days(pings, None, district, V1, {"t": Rulings(lands, exclusions)}) for exclusions in ((), (marked,))
    )
    assert len(before) == len(after)
    for old, new in zip(before, after, strict=True):
        assert (old.key, old.day) == (new.key, new.day)
        if old.key[1] != device:
            assert old == new
            continue
        was, now = surfaces(old), surfaces(new)
        assert now["off_road"] <= was["off_road"]
        assert (now["public_road"], now["carried"]) == (was["public_road"], was["carried"])
        taken = was["off_road"] - now["off_road"]
        assert driven_mm(old) - driven_mm(new) <= taken, "so no other metre is scaled down less than before"
        for part in new.segments:
            if part.surface == "off_road":
                assert part.end_ms <= low or part.start_ms >= high, "nothing in the stretch counts"
