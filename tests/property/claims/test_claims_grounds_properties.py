"""Days in which nothing changes are read without their segments and hourly readings: the statement is the same, to the last
byte of its hash."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace as changed

from services.claims.domain.instants import from_ms
from services.claims.domain.register.licence import Licence, VehicleRecord
from services.claims.domain.register.vehicle import Assignment, Ending
from services.claims.domain.statement.statement import Revision, grounds_of, make_statement, wanted_whole
from services.claims.domain.statement.statement_parts import over_public_names
from shared.contracts.device_day import Basis, DeviceDay, Kind, Reading, Surface, Total
from shared.errors import Poison
from shared.nz_days import bounds_ms, to_ordinal
from tests.property.claims.test_claims_statement_properties import DAYS, FIRST, Case, cases
from tests.unit.claims.builders import (
    KM,
    RECORDER,
    VEHICLE,
    device_day,
    ledger,
    licence,
    nz,
    reading,
    record,
    run,
    vehicle,
)

ROUNDS_MAX = 4
"""The first names what the summaries show; whole days may then name a day beside theirs."""


def summary(revision: Revision, *, names: bool) -> Revision:
    """As the ledger is read first; `names`: written since names are kept apart."""
    known = over_public_names(revision.day.segments) if names else None
    return Revision(changed(revision.day, segments=(), readings=()), revision.content_hash, known)


def loaded(
    of: Licence, register: VehicleRecord, whole: list[Revision], *, names: bool
) -> tuple[list[Revision], set[tuple[str, int]]]:
    """What loading by need ends with, and the days that it took whole."""
    by_key = {(one.day.device, one.day.day): one for one in whole}
    known = {key: summary(one, names=names) for key, one in by_key.items()}
    asked: set[tuple[str, int]] = set()
    for _ in range(ROUNDS_MAX):
        revisions = list(known.values())
        wanted = set(wanted_whole(grounds_of(of, register, revisions, ()), revisions)) - asked
        if not wanted:
            return revisions, asked
        asked |= wanted
        known |= {key: by_key[key] for key in wanted}
    pytest.fail("loading by need does not come to an end")


@st.composite
def worlds(draw: st.DrawFn) -> tuple[Case, VehicleRecord]:
    """Readings inside days, two devices in turn, a sale, fixes that begin after and end before the day's segments do, as where
    a leg crosses midnight."""
    case = draw(cases())
    base, _ = bounds_ms(to_ordinal(FIRST))
    turn = from_ms(base + draw(st.integers(-1, DAYS * 24 * 4)) * 900_000)
    gone = from_ms(base + draw(st.integers(1, DAYS * 24 * 4)) * 900_000)
    devices = [
        Assignment(device="d1", vehicle_id=VEHICLE, from_at=nz(2010, 1, 1), until_at=turn),
        Assignment(device="d2", vehicle_id=VEHICLE, from_at=turn),
    ]
    sold = vehicle(Ending(kind="sold", at=gone)) if draw(st.integers(0, 3)) == 0 else vehicle()
    days = []
    for day in case.days:
        for device in ("d1", "d2"):
            if draw(st.integers(0, 3)):
                days.append(draw(twisted(day, device)))
    register = replace(case.record(case.licence()), assignments=tuple(devices), vehicle=sold)
    return replace(case, days=days), register


@st.composite
def twisted(draw: st.DrawFn, day: DeviceDay, device: str) -> DeviceDay:
    segments = tuple(
        changed(one, basis="declared_over_public", why=f"§22: land {draw(st.integers(1, 3))}")
        if one.surface == "off_road" and draw(st.booleans())
        else one
        for one in day.segments
    )
    span = max(0, day.last_fix_ms - day.first_fix_ms)
    late, early = draw(st.integers(0, span // 2)), draw(st.integers(0, span // 2))
    totals = day.totals
    if segments:
        sums: dict[tuple[Surface, Basis, Kind, bool], int] = {}
        for one in segments:
            key = (one.surface, one.basis, one.kind, one.in_stretch)
            sums[key] = sums.get(key, 0) + one.mm
        totals = tuple(Total(*key, mm) for key, mm in sums.items())
    return changed(
        day, device=device, segments=segments, totals=totals, readings=draw(hourly(day)),
        first_fix_ms=day.first_fix_ms + late, last_fix_ms=day.last_fix_ms - early,
    )  # fmt: skip


@st.composite
def hourly(draw: st.DrawFn, day: DeviceDay) -> tuple[Reading, ...]:
    """The ends of the day's stretch and a few readings between them: the way was not driven at one speed."""
    first, last = day.first_reading, day.last_reading
    if first is None or last is None:
        return ()
    inside = range(first.ts_ms + 1, last.ts_ms)
    at = sorted(draw(st.sets(st.sampled_from(inside), max_size=4))) if inside else []
    driven = sorted(draw(st.integers(first.odometer_mm, last.odometer_mm)) for _ in at)
    return (first, *(Reading(*one) for one in zip(at, driven, strict=True)), last)


@settings(max_examples=400, deadline=None)
@given(worlds(), st.booleans())
def test_DI2_a_statement_of_days_loaded_by_need_is_the_statement_of_whole_days(
    world: tuple[Case, VehicleRecord], names: bool
) -> None:
    case, register = world
    whole = ledger(*case.days)
    revisions, _ = loaded(case.licence(), register, whole, names=names)
    by_need = make_statement(case.licence(), register, revisions, ())
    assert by_need == make_statement(case.licence(), register, whole, ())


def test_DI2_only_days_with_a_boundary_inside_are_taken_whole() -> None:
    """Forty days, readings at the start, the end and once in between: the days of the readings, and the last one's night."""
    first = FIRST
    days = [device_day(first + timedelta(days=i), run("off_road", 50 * KM, 9, 12)) for i in range(40)]
    readings = [
        reading(nz(2026, 4, 3), 4000), reading(nz(2026, 4, 20, 10), 4900), reading(nz(2026, 5, 12, 20), 6000),
    ]  # fmt: skip
    of = licence(start=4000, end=6000, issued_at=nz(2026, 4, 3))
    revisions, taken = loaded(of, record([of], readings), ledger(*days), names=True)
    assert {number - to_ordinal(first) for _, number in taken} == {0, 17, 39}
    assert sum(bool(one.day.segments) for one in revisions) == len(taken)
    assert {one.recorder_id for one in readings} == {RECORDER}


def test_DI2_a_day_whose_segments_count_is_never_taken_for_one_without() -> None:
    day = device_day(FIRST, run("off_road", 50 * KM, 9, 12))
    readings = [reading(nz(2026, 4, 3, 10), 4000), reading(nz(2026, 4, 3, 14), 4030)]
    of = licence(issued_at=nz(2026, 4, 3))
    with pytest.raises(Poison, match="no segments"):
        make_statement(of, record([of], readings), [summary(Revision.of(day), names=True)], ())
