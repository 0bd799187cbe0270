"""What must hold for every statement, whatever the ledger and the register hold (guarantees G2, G3, G8; rules DI1-DI3)."""

import random
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from services.claims.domain.instants import from_ms
from services.claims.domain.rates import Rate, estimate_cents
from services.claims.domain.register.licence import Licence, VehicleRecord
from services.claims.domain.register.recorder import RecorderReading
from services.claims.domain.statement.closure import Part, close_parts, display_slack
from services.claims.domain.statement.statement import Statement, make_statement
from shared.closing import Piece, driven
from shared.contracts.device_day import DeviceDay, Surface
from shared.nz_days import bounds_ms, to_ordinal
from tests.unit.claims.builders import KM, RECORDER, device_day, ledger, licence, nz, record, recorder, run

FIRST = date(2026, 4, 3)
"""The days straddle the end of daylight saving."""
SURFACES: list[Surface] = ["public_road", "off_road", "off_road", "unknown", "carried"]
DAYS = 4


@dataclass(frozen=True)
class Case:
    days: list[DeviceDay]
    readings: list[RecorderReading]
    start: int
    end: int
    issued_h: int
    unit_mm: int

    def record(self, *licences: Licence) -> VehicleRecord:
        return record(licences, self.readings, recorders=[recorder("km" if self.unit_mm == KM else "mi")])

    def licence(self, number: str = "L1", start: int | None = None, end: int | None = None) -> Licence:
        return replace(
            licence(number, issued_at=nz(2026, 4, 3) + timedelta(hours=self.issued_h)),
            start_reading=self.start if start is None else start,
            end_reading=self.end if end is None else end,
        )


@st.composite
def device_days(draw: st.DrawFn, on: date) -> DeviceDay:
    hours = sorted(draw(st.lists(st.integers(0, 22 * 60), min_size=2, max_size=6, unique=True)))
    runs = []
    for begin, end in pairwise(hours):
        surface = draw(st.sampled_from(SURFACES))
        gap = surface == "unknown" and draw(st.booleans())
        mm = draw(st.integers(0, 40 * KM))
        runs.append(run(surface, mm, begin / 60, end / 60, kind="gap" if gap else "drive"))
    odometer = None
    if draw(st.booleans()):
        driven = sum(r.mm for r in runs if r.kind == "drive")
        low = (on - FIRST).days * 1000 * KM
        odometer = (low, low + max(0, driven + draw(st.integers(-5 * KM, 5 * KM))))
    return device_day(on, *runs, odometer=odometer, settled=draw(st.integers(0, 9)) > 0)


@st.composite
def cases(draw: st.DrawFn, issued_h: int | None = None) -> Case:
    days = [draw(device_days(FIRST + timedelta(days=i))) for i in range(DAYS) if draw(st.integers(0, 5))]
    unit_mm = draw(st.sampled_from([KM, KM, 1_609_344]))
    base, _ = bounds_ms(to_ordinal(FIRST))
    hours = sorted(draw(st.lists(st.integers(0, DAYS * 24 * 4), min_size=2, max_size=9, unique=True)))
    value, readings, last = 1000, [], hours[0]
    for quarter in hours:
        seen = _driven(days, base + last * 900_000, base + quarter * 900_000)
        value += max(0, seen // unit_mm + draw(st.sampled_from([-2, -1, 0, 0, 0, 1, 1, 2, 8, 40])))
        at = from_ms(base + quarter * 900_000)
        readings.append(RecorderReading(recorder_id=RECORDER, at=at, value=value))
        last = quarter
    start = draw(st.integers(1000, max(1000, value - 1)))
    end = draw(st.integers(start + 1, max(start + 1, value)))
    return Case(days, readings, start, end, draw(st.integers(0, 80)) if issued_h is None else issued_h, unit_mm)


def _driven(days: list[DeviceDay], from_ms_: int, until_ms: int) -> int:
    runs = [s for day in days for s in (day.segments or ())]
    return sum(s.mm for s in runs if s.kind == "drive" and from_ms_ <= s.start_ms and s.end_ms <= until_ms)


def _made(case: Case) -> Statement:
    return make_statement(case.licence(), case.record(case.licence()), ledger(*case.days), ())


@settings(max_examples=120, deadline=None)
@given(cases())
def test_G3_every_recorded_metre_is_exactly_one_thing_and_they_close_on_the_recorder(case: Case) -> None:
    found = _made(case)
    amounts = [found.totals, *(line.amounts for line in found.lines)]
    for one in amounts:
        assert min(one.public_mm, one.off_road_mm, one.unknown_mm, one.carried_mm, one.uncovered_mm) >= 0
        assert sum(mm for _, mm in one.off_road_by_basis) == one.off_road_mm
        assert sum(mm for _, mm in one.unknown_by_basis) == one.unknown_mm
    if found.recorder_mm is not None:
        assert found.totals.counted_mm == found.recorder_mm
        exact = found.start.located == found.end.located == "reading"
        assert (
            not exact
            or found.window.until_ms is not None
            or found.recorder_mm == (case.end - case.start) * case.unit_mm
        )
    by_day = sum(line.amounts.counted_mm for line in found.lines)
    assert by_day + found.lack_mm + found.rest_mm + found.uncovered_lack_mm == found.totals.counted_mm
    assert sum(line.amounts.off_road_mm for line in found.lines) == found.totals.off_road_mm


@settings(max_examples=120, deadline=None)
@given(cases())
def test_DI1_closing_never_creates_claimable_metres(case: Case) -> None:
    found = _made(case)
    gps = {(day.day): sum(t.mm for t in day.totals if t.surface == "off_road") for day in case.days}
    for line in found.lines:
        assert line.amounts.off_road_mm <= gps[to_ordinal(line.on)]


@settings(max_examples=200, deadline=None)
@given(cases(issued_h=0), st.data())
def test_DI3_cutting_a_licence_range_in_two_never_raises_what_is_claimable(case: Case, data: st.DataObject) -> None:
    if case.end - case.start < 2:
        return
    middle = data.draw(st.integers(case.start + 1, case.end - 1))
    whole = _made(case)
    parts = [case.licence("A", case.start, middle), case.licence("B", middle, case.end)]
    both = case.record(*parts)
    cut = [make_statement(part, both, ledger(*case.days), ()) for part in parts]
    if whole.recorder_mm is None or any(one.recorder_mm is None for one in cut):
        return
    assert sum(one.recorder_mm or 0 for one in cut) == whole.recorder_mm
    assert sum(one.totals.off_road_mm for one in cut) <= whole.totals.off_road_mm


@settings(max_examples=80, deadline=None)
@given(cases(), st.randoms(use_true_random=False))
def test_G2_the_order_of_no_input_matters(case: Case, chance: random.Random) -> None:
    mixed = replace(
        case, days=chance.sample(case.days, len(case.days)), readings=chance.sample(case.readings, len(case.readings))
    )
    other = case.licence("L2", case.end, case.end + 1000)
    one = make_statement(case.licence(), case.record(case.licence(), other), ledger(*case.days), ())
    two = make_statement(case.licence(), mixed.record(other, case.licence()), ledger(*mixed.days, *mixed.days), ())
    assert one == two


@given(
    st.lists(st.tuples(st.integers(0, 3000), st.integers(0, 3000)), max_size=12),
    st.integers(1, 1500),
    st.integers(0, 12),
)
def test_DI1_display_slack_only_moves_and_cutting_takes_exchanges_away(
    pairs: list[tuple[int, int]], unit: int, at: int
) -> None:
    excess = [max(0, g - d) for g, d in pairs]
    lack = [max(0, d - g) for g, d in pairs]
    moved = display_slack(excess, lack, unit)
    assert sum(moved) == 0
    at = min(at, len(pairs))
    cut = display_slack(excess[:at], lack[:at], unit) + display_slack(excess[at:], lack[at:], unit)
    shift = 0
    for i, more in enumerate(moved):
        assert -lack[i] <= more <= excess[i]
        assert cut[i] <= more or more < 0
        assert max(0, cut[i]) <= max(0, more)
        shift += more
        assert 0 <= shift <= unit, "a reading R means [R, R + 1)"


pieces = st.lists(
    st.builds(
        Piece,
        st.sampled_from(["public_road", "off_road", "unknown"]),
        st.sampled_from(["drive", "drive", "gap"]),
        st.integers(0, 5000),
    ),
    max_size=5,
)


@given(st.lists(st.tuples(pieces, st.integers(0, 9000)), max_size=6), st.integers(1, 2000))
def test_DI1_parts_close_exactly_together(stretches: list[tuple[list[Piece], int]], unit: int) -> None:
    parts = [Part(tuple(mine), mm, driven(mine), mm, whole=True) for mine, mm in stretches]
    closed = close_parts(parts, unit)
    assert sum(sum(c.mm) + c.lack_mm + c.rest_mm for c in closed) == sum(part.recorder_mm for part in parts)
    for part, one in zip(parts, closed, strict=True):
        assert all(0 <= mm <= piece.mm for piece, mm in zip(part.pieces, one.mm, strict=True))


@given(st.integers(0, 10**6), st.integers(0, 10**6), st.integers(1, 10**8), st.integers(1, 200))
def test_LI5_the_estimate_is_monotone_and_never_above_the_exact_refund(a: int, b: int, cents: int, units: int) -> None:
    rate = Rate(cents=cents, units=units, source="paid")
    low, high = sorted((a, b))
    assert (estimate_cents(low, rate) or 0) <= (estimate_cents(high, rate) or 0)
    assert (estimate_cents(high, rate) or 0) * units * 1000 <= high * cents
    apart = (estimate_cents(low, rate) or 0) + (estimate_cents(high, rate) or 0)
    assert apart <= (estimate_cents(low + high, rate) or 0)
