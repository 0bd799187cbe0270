"""Rule SU7 in claims: metres on mapped public roads are told apart wherever they are counted."""

from datetime import date

from services.claims.domain.claim.claim_notes import LICENCES_NAMED_MAX, over_public_note
from tests.unit.claims.builders import KM, days_from, licence, record, run, statement_of
from tests.unit.claims.judging import FOLLOWING, READINGS, assessed, of_rule

OVER = run("off_road", 2 * KM + 345, 12, 13, basis="declared_over_public")
DAYS = days_from(date(2026, 3, 1), 10, run("public_road", 55 * KM, 7, 9), run("off_road", 38 * KM, 9, 12), OVER)


def test_SU7_the_statement_tells_metres_over_public_roads_apart_with_their_land() -> None:
    own = licence()
    statement = statement_of(own, record([own, FOLLOWING], READINGS), *DAYS)
    assert statement.totals.over_public_mm == 10 * (2 * KM + 345)
    assert statement.totals.off_road_mm == 10 * (40 * KM + 345), "they count"
    assert sum(line.amounts.over_public_mm for line in statement.lines) == statement.totals.over_public_mm
    assert statement.over_public == ("scheme",)


def test_SU7_a_licence_with_such_metres_carries_a_warning_and_may_be_claimed() -> None:
    (finding,) = of_rule(assessed(days=DAYS), "SU7")
    assert finding.outcome == "warn"
    assert "20.003 km" in finding.reason
    assert assessed(days=DAYS).eligible
    assert dict(finding.inputs) == {"declared_over_public_mm": "20003450", "land": "scheme"}


def test_SU7_a_licence_without_them_says_nothing_of_them() -> None:
    assert of_rule(assessed(), "SU7") == []
    own = licence()
    assert over_public_note([("L1", statement_of(own, record([own, FOLLOWING], READINGS)))]) == ()


def test_SU7_the_claim_prints_one_note_over_all_its_licences() -> None:
    own = licence()
    statement = statement_of(own, record([own, FOLLOWING], READINGS), *DAYS)
    (note,) = over_public_note([("L1", statement)])
    assert "20.003 km lie on ways that maps show as public roads (L1: 20.003 km)" in note
    many = [(f"L{i}", statement) for i in range(LICENCES_NAMED_MAX + 3)]
    (note,) = over_public_note(many)
    assert "140.024 km" in note
    assert "and 3 more" in note
