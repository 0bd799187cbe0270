"""Rule DI6: whatever has a name and whatever has none, the places of a statement sum to its off-road metres exactly."""

from dataclasses import replace
from datetime import timedelta
from uuid import uuid5

from hypothesis import given, settings
from hypothesis import strategies as st

from services.claims.domain.statement.log_entry import LogEntry
from services.claims.domain.statement.places import Named, NamedMm, off_road_of, places_of, sum_up
from services.claims.domain.statement.statement import make_statement
from shared.contracts.device_day import DeviceDay, hash_of
from shared.contracts.places import Place
from tests.property.claims.test_claims_statement_properties import DAYS, FIRST, Case, cases
from tests.unit.claims.builders import KM, NAMESPACE, device_day, ledger, licence, nz, reading, record, run

somewhere = st.builds(Place, st.sampled_from(["land", "road", "coordinates"]), st.sampled_from(["A", "B", "C"]))


def named_as(day: DeviceDay, places: list[Place]) -> tuple[tuple[str, int], tuple[bytes, tuple[NamedMm, ...]]]:
    return (day.device, day.day), (hash_of(day), sum_up(day.segments, places))


@settings(max_examples=150, deadline=None)
@given(cases(), st.data())
def test_DI6_places_sum_to_the_off_road_total_to_the_millimetre(case: Case, data: st.DataObject) -> None:
    """Days named as they are, named as they were, or not named at all; boundaries, closing and a manual log in between."""
    entry = LogEntry(
        id=uuid5(NAMESPACE, "e"), licence_id=uuid5(NAMESPACE, "L1"), on=FIRST + timedelta(days=data.draw(st.integers(0, DAYS))),
        mm=data.draw(st.integers(1, 60 * KM)), reason="r", actor="a", attachment_id=uuid5(NAMESPACE, "s"), at=nz(2026, 5, 1),
    )  # fmt: skip
    named: dict[tuple[str, int], tuple[bytes, tuple[NamedMm, ...]]] = {}
    for day in case.days:
        state = data.draw(st.sampled_from(["named", "named", "stale", "none"]))
        count = len(off_road_of(day.segments))
        if state != "none":
            key, (content, parts) = named_as(day, data.draw(st.lists(somewhere, min_size=count, max_size=count)))
            named[key] = (b"other" if state == "stale" else content, parts)
    register = replace(case.record(case.licence()), log=(entry,))
    statement = make_statement(case.licence(), register, ledger(*case.days), ())
    found = places_of(statement, named)
    assert sum(one.off_road_mm for one in found) == statement.totals.off_road_mm
    assert all(one.off_road_mm > 0 and 1 <= one.days <= len(statement.lines) for one in found)
    by_basis: dict[str, int] = {}
    for one in found:
        by_basis[one.basis] = by_basis.get(one.basis, 0) + one.off_road_mm
    assert by_basis == {basis: mm for basis, mm in statement.totals.off_road_by_basis if mm}
    assert sum(one.off_road_mm for one in found if one.kind == "manual_log") == statement.logged_mm
    remainders = [one for one in found if one.kind == "remainder"]
    assert sum(one.off_road_mm for one in remainders) <= sum(len(day.segments) for day in case.days)


def test_DI6_a_day_is_shared_over_its_places_as_they_were_driven_and_a_new_revision_has_no_name_yet() -> None:
    days = [
        device_day(
            FIRST + timedelta(days=i),
            run("off_road", 30 * KM, 9, 10),
            run("public_road", 20 * KM, 10, 11),
            run("off_road", 10 * KM, 11, 12, basis="private_road"),
            run("off_road", 10 * KM, 12, 13),
        )
        for i in range(2)
    ]
    of = licence(start=4000, end=5000, issued_at=nz(2026, 4, 3))
    register = record([of], [reading(nz(2026, 4, 3), 4000), reading(nz(2026, 4, 5), 5000)])
    statement = make_statement(of, register, ledger(*days), ())
    places = [Place("land", "Home Block"), Place("road", "Ridge Road"), Place("road", "Ridge Road")]
    named: Named = dict(named_as(day, places) for day in days)
    assert [(one.kind, one.place, one.basis, one.off_road_mm, one.days) for one in places_of(statement, named)] == [
        ("land", "Home Block", "no_road", 60 * KM, 2),
        ("road", "Ridge Road", "no_road", 20 * KM, 2),
        ("road", "Ridge Road", "private_road", 20 * KM, 2),
    ]
    again = device_day(FIRST, run("off_road", 50 * KM, 9, 10))
    later = make_statement(of, register, ledger(again, days[1]), ())
    unnamed = [one for one in places_of(later, named) if one.kind == "not_named_yet"]
    assert [(one.place, one.off_road_mm, one.days) for one in unnamed] == [("not named yet", 50 * KM, 1)]
