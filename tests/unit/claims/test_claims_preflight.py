"""The preflight attacks a claim as an auditor would: each attack catches its planted fault and is silent on a clean claim."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from random import Random

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from services.claims.domain.preflight.attacks import PROBES, attack
from services.claims.domain.preflight.case import (
    Case,
    Lodged,
    worst,
)
from services.claims.domain.preflight.ground import BEFORE_FIRST
from services.claims.domain.preflight.papers import evidence_until, is_thin
from services.claims.domain.register.vehicle import Assignment
from services.classifier.application import road_sets
from tests.unit.claims.builders import (
    KM,
    nz,
)
from tests.unit.claims.planted import (
    OTHER_VEHICLE,
    PLANTED,
    banded,
    case,
    far_away,
    found,
    logged,
    moved,
    on_land,
    received,
    same_time_on_another_recorder,
    subject,
    unknown,
    waived,
)


def test_a_clean_claim_holds_against_every_attack() -> None:
    attacks = attack(case())
    assert {one.id: one.answer for one in attacks if one.outcome != "holds"} == {}
    assert worst(attacks) == "holds"
    assert all(one.answer and one.question.endswith("?") and not one.to_do and not one.hits for one in attacks)
    assert len({one.id for one in attacks}) == len(PROBES) == 22


def test_a_clean_lodged_claim_holds_too() -> None:
    one = subject()
    lodged = Lodged(on=date(2026, 5, 20), sent_on=date(2026, 5, 21), received_on=date(2026, 5, 22))
    attacks = attack(case(replace(one, lodged_hash=one.statement.hash), lodged=lodged))
    assert {one.id: one.answer for one in attacks if one.outcome != "holds"} == {}


@pytest.mark.parametrize(
    ("name", "outcome", "planted"), PLANTED, ids=[f"{p[0]}-{p[1]}-{i}" for i, p in enumerate(PLANTED)]
)
def test_a_planted_fault_is_caught_by_its_attack(name: str, outcome: str, planted: Callable[[], Case]) -> None:
    one = found(planted())[name]
    assert one.outcome == outcome, one
    assert one.to_do
    assert one.answer == one.hits[0].answer


def test_every_attack_has_a_planted_fault() -> None:
    assert {name for name, _, _ in PLANTED} == {probe.id for probe in PROBES}


def test_what_is_below_its_limit_is_silent() -> None:
    quiet = [
        ("boundaries", banded(3)), ("boundaries", unknown(5 * KM, "drift_band")), ("unknown_distance", unknown(90 * KM, "gap")),
        ("manual_log", logged(10 * KM)), ("like_roads", unknown(5 * KM, "like_a_road")), ("far_place", far_away(4_000)),
        ("land_in_time", on_land("declared_land", nz(2026, 2, 1), date(2026, 1, 1))),
        ("evidence_kept", case(subject(held_until=None), today=date(2031, 6, 1))),
        ("evidence_kept", case(today=date(2030, 3, 31))),
        ("thin_reasons", waived("the device was off the vehicle for repair")), ("late_receipt", received(date(2028, 2, 29))),
        ("device_on_two_vehicles", case(assignments=(Assignment(device="d2", vehicle_id=OTHER_VEHICLE, from_at=nz(2010, 1, 1)),))),
    ]  # fmt: skip
    assert [(name, found(asked)[name].answer) for name, asked in quiet if found(asked)[name].outcome != "holds"] == []


def test_VE1_a_trailer_proved_by_the_truck_in_front_is_no_double_use() -> None:
    made = subject()
    towed = replace(made.statement.spans[0], towed=True)
    behind = replace(made, statement=replace(made.statement, spans=(towed,)))
    in_front = Assignment(device="d1", vehicle_id=OTHER_VEHICLE, from_at=nz(2010, 1, 1))
    assert found(case(behind, assignments=(in_front,)))["device_on_two_vehicles"].outcome == "holds"


def test_without_the_classifier_declared_land_is_weak_and_the_rest_is_answered() -> None:
    declared = replace(on_land("declared_land", nz(2026, 1, 1), date(2026, 1, 1)), ground=None)
    assert found(declared)["land_in_time"].outcome == "weak"
    assert found(case(ground=None))["land_in_time"].outcome == "holds"


def test_SU9_the_classifiers_mark_of_an_early_day_is_the_one_looked_for() -> None:
    assert BEFORE_FIRST == road_sets.BEFORE_FIRST


def test_RE1_fixes_are_kept_four_years_after_their_month() -> None:
    assert evidence_until(date(2026, 3, 5)) == date(2030, 3, 31)
    assert evidence_until(date(2024, 2, 5)) == date(2028, 2, 29)


@pytest.mark.parametrize(
    ("reason", "thin"),
    [("", True), ("ok ok ok", True), ("12345 67890 12345", True), ("the device was off the vehicle", False)],
)
def test_a_reason_is_thin_when_it_could_convince_nobody(reason: str, thin: bool) -> None:
    assert is_thin(reason) is thin


def test_hits_that_say_the_same_of_two_licences_have_one_order() -> None:
    """Two licences of one number (which preflight has to survive), and what is found of both in the same words."""
    one, two = same_time_on_another_recorder().subjects
    two = replace(two, licence=replace(two.licence, number=one.licence.number))
    assignments = moved(3, 5).assignments
    for name in ("device_on_two_vehicles", "same_kilometres"):
        first, second = (found(case(*pair, assignments=assignments))[name] for pair in ((one, two), (two, one)))
        assert first.hits
        assert first == second


@example([0, 2], Random(0))
@example([0, 2], Random(1))
@given(
    st.lists(st.sampled_from(range(len(PLANTED))), min_size=1, max_size=4, unique=True),
    st.randoms(use_true_random=False),
)
def test_answers_do_not_depend_on_the_order_of_anything(chosen: list[int], luck: Random) -> None:
    """The subjects, lands and assignments of several planted cases together, shuffled."""
    cases = [PLANTED[at][2]() for at in chosen]
    subjects = [
        replace(one, licence=replace(one.licence, number=f"L{at}"))
        for at, made in enumerate(cases)
        for one in made.subjects
    ]
    assignments = [one for made in cases for one in made.assignments]
    answers = []
    for _ in range(2):
        luck.shuffle(subjects)
        luck.shuffle(assignments)
        answers.append(found(case(*subjects, assignments=tuple(assignments))))
    for name, one in answers[0].items():
        other = answers[1][name]
        assert one.outcome == other.outcome, name
        assert one.hits == other.hits, name
        assert one.outcome == max(
            (hit.outcome for hit in one.hits), key=["holds", "weak", "fails"].index, default="holds"
        )
