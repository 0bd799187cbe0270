"""What people say: declared land, a closed works site, exclusions; polygons as the API takes them."""

import pytest

from deploy.demo.sample.scenarios.answers import Answers
from tests.scenarios.judge import claims, near, says


def test_SU2_ones_own_lane_that_the_map_does_not_know_is_unknown_until_declared(answers: Answers) -> None:
    assert answers["undeclared"].off_m == 0
    says(answers["undeclared"], "unknown", "unknown_way", "§22", "Depot Lane")


def test_SU7_the_same_lane_declared_as_ones_own_counts(answers: Answers) -> None:
    """§37: up to the land's boundary, which leaves out the road it starts from."""
    answer = answers["declared"]
    claims(answer, 0.97)
    assert near(answer.off_m, answer.said_m("off_road", "declared_land"), 1)
    says(answer, "off_road", "declared_land", "§37", "Depot")
    assert all(outcome.land for outcome in answer.outcomes)


def test_SU7_a_public_road_through_declared_land_is_cut_out(answers: Answers) -> None:
    answer = answers["declared_across"]
    claims(answer, 0.97)
    assert answer.said_m("public_road") > 0.9 * answer.driven.true_m("public")
    says(answer, "public_road", "mapped_public", "Through Road")


def test_SU7_works_on_a_public_road_are_public_until_the_closed_site_is_declared(answers: Answers) -> None:
    """§37: only land declared over public roads, for a written reason, counts them, under a basis of their own."""
    assert answers["works"].off_m == 0
    declared = answers["works_declared"]
    claims(declared, 0.97)
    assert near(declared.off_m, declared.said_m("off_road", "declared_over_public"), 1)
    assert near(declared.said_m("public_road"), declared.driven.true_m("public"), 400)
    says(declared, "off_road", "declared_over_public", "Gorge Road works")


def test_an_excluded_hour_of_a_faulty_device_takes_no_part(answers: Answers) -> None:
    """§38: believed, its slow positions half a kilometre off the road would be claimed; excluded, the hour is a lack (DI1)."""
    assert answers["faulty"].over_m > 300
    answer = answers["faulty_excluded"]
    claims(answer, 0.97)
    assert near(answer.said_m("unknown", "recorder_lack"), answer.driven.true_m("public"), 150)
    assert any("excluded" in words for words in answer.incidents)


def test_SU4_an_excluded_place_takes_a_missing_public_road_out(answers: Answers) -> None:
    answer = answers["unmapped_excluded"]
    assert answer.off_m <= 100
    assert answer.said_m("unknown", "excluded") == pytest.approx(answers["unmapped_crawl"].off_m, rel=0.06)
