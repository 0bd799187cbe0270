"""Where a recorder stands now and how the vehicle travelled lately: rules LI2, LI6."""

from datetime import date

from services.claims.domain.instants import to_ms
from services.claims.domain.register.licence import Licence, VehicleRecord
from services.claims.domain.statement.present import (
    Present,
    follower,
    licensed_before,
    licensed_until,
    present,
    present_spans,
)
from shared.contracts.device_day import DeviceDay
from tests.unit.claims.builders import KM, days_from, licence, nz, reading, record, recorder, run, statement_of

NOW = to_ms(nz(2026, 5, 1, 8))


def _drove(first: date, count: int, km: int) -> list[DeviceDay]:
    return days_from(first, count, run("public_road", km * KM, 9, 10))


def _present(of: Licence, known: VehicleRecord, days: list[DeviceDay]) -> Present:
    spans = present_spans(of, known, NOW)
    assert spans is not None
    return present(of, known, spans, days, NOW)


def test_LI6_usage_is_the_vehicles_not_the_licences() -> None:
    """Bought sixty days ahead and begun two days ago at 100 km a day: the vehicle travelled so all the month."""
    old, new = (
        licence(number="L1", start=0, end=3_000),
        licence(number="L2", start=3_000, end=5_000, issued_at=nz(2026, 3, 1)),
    )
    known = record([old, new], [reading(nz(2026, 3, 30), 0), reading(nz(2026, 4, 29), 3_000)])
    found = _present(new, known, _drove(date(2026, 3, 30), 32, 100))
    assert found.position_mm == 3_200 * KM
    assert found.usage.days == 30
    assert 2_900 * KM <= found.usage.mm <= 3_100 * KM


def test_LI6_usage_comes_from_readings_where_no_device_speaks() -> None:
    of = licence(start=4_000, end=5_000)
    known = record([of], [reading(nz(2026, 4, 5), 4_000), reading(nz(2026, 4, 25), 4_400)])
    found = _present(of, known, [])
    assert (found.position_mm, found.usage.mm) == (4_400 * KM, 400 * KM)
    assert found.usage.days == 26


def test_LI6_the_recorder_stands_on_its_series_after_a_turn_of_the_display() -> None:
    of = licence(start=500, end=5_500, issued_at=nz(2026, 4, 1))
    turning = recorder(rollover_at=100_000)
    shown = [reading(nz(2026, 3, 1), 99_000), reading(nz(2026, 4, 1), 500), reading(nz(2026, 4, 20), 1_000)]
    known = record([of], shown, recorders=[turning])
    assert _present(of, known, []).position_mm == 101_000 * KM
    assert statement_of(of, known).window.end * KM - 101_000 * KM == 4_500 * KM


def test_LI6_a_licence_that_was_passed_and_is_followed_needs_nothing_more() -> None:
    first, second = licence(number="L1", start=0, end=1_000), licence(number="L2", start=1_000, end=2_000)
    known = record([first, second], [reading(nz(2026, 3, 30), 0), reading(nz(2026, 4, 29), 1_500)])
    assert present_spans(first, known, NOW) is None
    assert present_spans(second, known, NOW) is not None
    assert present_spans(licence(kind="additional"), known, NOW) is None


def test_LI2_licences_follow_each_other_without_a_hole_or_with_one() -> None:
    first, second, far = (
        licence(number=n, start=s, end=s + 1_000) for n, s in (("L1", 0), ("L2", 1_000), ("L3", 3_000))
    )
    known = record([first, second, far], [reading(nz(2026, 3, 30), 500)])
    line = known.timeline_of(first)
    assert (follower(first, known), follower(second, known)) == (second, None)
    assert (licensed_until(known, line, 500), licensed_until(known, line, 2_500)) == (2_000, 2_500)
    assert (licensed_before(first, known), licensed_before(far, known)) == (None, 2_000)


def test_LI2_a_licence_that_is_not_reached_yet_holds_nothing_of_the_one_before() -> None:
    ahead = licence(number="L2", start=14_000, end=15_000, issued_at=nz(2026, 3, 1))
    known = record([licence(number="L1", start=8_000, end=9_000), ahead], [reading(nz(2026, 3, 1), 8_000)])
    found = statement_of(ahead, known, *_drove(date(2026, 3, 2), 20, 25))
    assert found.totals.counted_mm == 0 and found.totals.uncovered_mm == 0
    assert found.end.ms is None and not found.start.between_readings


def test_LI2_a_licence_bought_ahead_begins_where_the_devices_reach_its_start() -> None:
    ahead = licence(number="L2", start=8_200, end=9_200, issued_at=nz(2026, 3, 1))
    known = record([ahead], [reading(nz(2026, 3, 1), 8_000)])
    found = statement_of(ahead, known, *_drove(date(2026, 3, 2), 20, 25))
    assert found.start.located == "extrapolated"
    assert found.totals.counted_mm == 300 * KM
