"""Closing parts of stretches (rule DI1) and placing readings in time (rules VE2, DI3)."""

from datetime import date

from services.claims.domain.register.vehicle import DeviceSpan
from services.claims.domain.statement.closure import Part, close_parts, display_slack
from services.claims.domain.statement.travel import travel
from shared.closing import Piece
from tests.unit.claims.builders import KM, device_day, ms, nz, run


def off_road(mm: int) -> tuple[Piece, ...]:
    return (Piece("off_road", "drive", mm),)


def test_DI1_a_part_is_never_scaled_by_less_than_its_whole_stretch() -> None:
    # 110 driven by GPS, 100 by the recorder: each part counts at most 10/11 of its GPS, though its own recorder has room
    (closed,) = close_parts([Part(off_road(50), 60, 110, 100, whole=False)], 1)
    assert closed.mm == (45,)
    assert closed.mm[0] + closed.lack_mm + closed.rest_mm == 60


def test_DI1_a_cut_stretch_takes_part_in_no_exchange() -> None:
    parts = [Part(off_road(105), 100, 210, 205, whole=False), Part(off_road(90), 100, 90, 100, whole=True)]
    assert [closed.mm for closed in close_parts(parts, 10)] == [(100,), (90,)]


def test_DI1_more_than_one_display_unit_above_is_scaled_though_a_neighbour_lacks_it() -> None:
    assert display_slack([11, 0], [0, 50], 10) == [0, 0]
    assert display_slack([10, 0], [0, 50], 10) == [10, -10]


def test_DI1_a_lack_before_the_excess_gives_nothing_since_a_display_never_reads_ahead() -> None:
    assert display_slack([0, 5], [5, 0], 10) == [0, 0]


def test_DI1_phases_of_a_display_add_up_across_several_readings() -> None:
    assert display_slack([3, 3, 0], [0, 0, 6], 10) == [3, 3, -6]
    assert display_slack([6, 6, 0], [0, 0, 12], 10) == [4, 6, -10]


def test_VE2_the_odometers_delta_over_night_belongs_to_the_night() -> None:
    days = [
        device_day(date(2026, 3, 2), run("off_road", 10 * KM, 8, 9), odometer=(0, 10 * KM)),
        device_day(date(2026, 3, 3), run("off_road", 10 * KM, 8, 9), odometer=(40 * KM, 50 * KM)),
    ]
    found = travel([DeviceSpan(ms(nz(2026, 3, 1)), ms(nz(2026, 3, 9)), "d1")], days)
    assert found.between(ms(nz(2026, 3, 2)), ms(nz(2026, 3, 9))) == 50 * KM
    assert found.at(ms(nz(2026, 3, 2, 9))) == 10 * KM
    assert found.at(ms(nz(2026, 3, 3, 8))) == 40 * KM
    assert found.instant_of(45 * KM) == ms(nz(2026, 3, 3, 8, 30))
    assert found.instant_of(51 * KM) is None
    assert found.by_odometer


def test_VE2_without_odometer_the_segments_place_it() -> None:
    day = device_day(
        date(2026, 3, 2),
        run("off_road", 10 * KM, 8, 9),
        run("carried", 99 * KM, 9, 10),
        run("public_road", 10 * KM, 10, 11),
    )
    found = travel([DeviceSpan(ms(nz(2026, 3, 1)), ms(nz(2026, 3, 9)), "d1")], [day])
    assert found.at(ms(nz(2026, 3, 2, 9, 30))) == 10 * KM
    assert found.instant_of(15 * KM) == ms(nz(2026, 3, 2, 10, 30))
    assert not found.by_odometer


def test_VE4_travel_is_clipped_to_the_time_the_device_speaks() -> None:
    day = device_day(date(2026, 3, 2), run("off_road", 40 * KM, 8, 12), odometer=(0, 40 * KM))
    found = travel([DeviceSpan(ms(nz(2026, 3, 2, 9)), ms(nz(2026, 3, 2, 11)), "d1")], [day])
    assert found.between(0, ms(nz(2026, 3, 9))) == 20 * KM
    assert found.instant_of(10 * KM) == ms(nz(2026, 3, 2, 10))


def test_VE2_a_device_whose_odometer_was_reset_never_travels_backwards() -> None:
    days = [
        device_day(date(2026, 3, 2), run("off_road", 10 * KM, 8, 9), odometer=(90 * KM, 100 * KM)),
        device_day(date(2026, 3, 3), run("off_road", 10 * KM, 8, 9), odometer=(0, 10 * KM)),
    ]
    found = travel([DeviceSpan(ms(nz(2026, 3, 1)), ms(nz(2026, 3, 9)), "d1")], days)
    assert found.before_mm[-1] == 20 * KM
