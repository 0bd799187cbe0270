"""What a recomputation would change: millimetres by surface, whole kilometres and cents by licence."""

from datetime import date
from uuid import UUID

import msgspec

from services.claims.domain.rates import Rate
from services.claims.domain.statement.difference import (
    SURFACES,
    Figures,
    LicenceDifference,
    compare_days,
    sum_known,
    total_mm,
)
from tests.unit.claims.builders import KM, device_day, run

ON = date(2026, 3, 1)


def test_a_day_that_says_the_same_on_other_grounds_does_not_change() -> None:
    day = device_day(ON, run("public_road", 5 * KM, 7, 9), run("off_road", 4 * KM, 9, 12))
    renamed = msgspec.structs.replace(day, road_set="roads2", land="0" * 16, rev=9, incidents=("one",))
    assert compare_days(day, renamed) is None


def test_a_change_is_told_by_surface_and_sums_up() -> None:
    before = device_day(ON, run("public_road", 5 * KM, 7, 9), run("unknown", 4 * KM, 9, 12))
    after = device_day(ON, run("public_road", 5 * KM, 7, 9), run("unknown", KM, 9, 10), run("off_road", 3 * KM, 10, 12))
    found = compare_days(before, after)
    assert found is not None
    assert {surface: found.mm(surface) for surface in SURFACES} == {
        "public_road": 0, "off_road": 3 * KM, "unknown": -3 * KM, "carried": 0,
    }  # fmt: skip
    assert total_mm([found, found])["off_road"] == 6 * KM


def test_a_day_that_the_ledger_lacks_is_new_and_counts_whole() -> None:
    found = compare_days(None, device_day(ON, run("off_road", 4 * KM, 9, 12)))
    assert found is not None
    assert (found.before_mm, found.mm("off_road")) == (None, 4 * KM)


def test_a_move_in_time_alone_is_a_change_for_boundaries_lie_in_time() -> None:
    assert (
        compare_days(device_day(ON, run("off_road", KM, 9, 10)), device_day(ON, run("off_road", KM, 9, 11))) is not None
    )


def figures(off_road_mm: int, rate: Rate | None) -> Figures:
    km = off_road_mm // KM
    cents = None if rate is None else km * rate.cents // (rate.units * 1000)
    return Figures(public_mm=0, off_road_mm=off_road_mm, unknown_mm=0, claimable_km=km, estimate_cents=cents)


def licence_difference(before_mm: int, after_mm: int, rate: Rate | None) -> LicenceDifference:
    return LicenceDifference(
        licence_id=UUID(int=1), number="L1", plate="ABC123", state="claimable", claimed_as="", rate=rate,
        before=figures(before_mm, rate), after=figures(after_mm, rate),
    )  # fmt: skip


def test_DI7_money_goes_by_whole_kilometres_and_by_metres_beside_them() -> None:
    rate = Rate(cents=7600, units=1, source="paid")
    small = licence_difference(10_900_000, 10_999_999, rate)
    assert (small.cents, small.metre_cents) == (0, 1), "7.6 cents a kilometre, 0.1 km"
    over = licence_difference(10_900_000, 20_100_000, rate)
    assert (over.cents, over.metre_cents) == (20 * 7600 // 1000 - 10 * 7600 // 1000, 152 - 82)
    assert licence_difference(20_100_000, 10_900_000, rate).cents == -(over.cents or 0)


def test_LI5_an_unknown_rate_leaves_the_difference_unknown_never_a_guess() -> None:
    unknown = licence_difference(0, 50 * KM, None)
    assert (unknown.cents, unknown.metre_cents) == (None, None)
    known = licence_difference(0, 50 * KM, Rate(cents=7600, units=1, source="paid"))
    assert sum_known([known.cents, unknown.cents]) is None
    assert sum_known([known.cents, known.cents]) == 2 * 380
