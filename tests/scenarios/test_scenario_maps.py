"""Where the map is silent, wrong or ends."""

import pytest

from deploy.demo.sample.scenarios.answers import Answers
from tests.scenarios.judge import near, says

LIKE_A_ROAD_ENDS_M = 300.0
"""Turning in and out of the missing road at either end is slower than a road."""


def test_SU4_a_missing_public_road_at_speed_is_unknown(answers: Answers) -> None:
    """§23: a minute and more at 58 km/h off every way moves like a road; only its ends, where it turns in, are slow."""
    answer = answers["unmapped_fast"]
    assert answer.off_m <= LIKE_A_ROAD_ENDS_M
    assert answer.said_m("unknown", "like_a_road") > 0.9 * 4 * 5_100
    says(answer, "unknown", "like_a_road", "§23", "missing road")


def test_SU4_a_missing_public_road_at_45_km_h_is_unknown(answers: Answers) -> None:
    assert answers["unmapped_slow"].off_m <= LIKE_A_ROAD_ENDS_M


@pytest.mark.xfail(
    strict=True,
    reason="docs/scheme/1.md, Limits: a public road that the source lacks, driven below 36 km/h, counts as off road",
)
def test_SU4_a_missing_public_road_driven_slowly_is_unknown(answers: Answers) -> None:
    assert answers["unmapped_crawl"].off_m <= LIKE_A_ROAD_ENDS_M


def test_SU2_a_way_whose_maintainer_nobody_mapped_is_unknown(answers: Answers) -> None:
    answer = answers["unknown_maintainer"]
    assert answer.off_m <= 20
    assert near(answer.said_m("unknown", "unknown_way"), answer.driven.true_m("unknown_owner"), 500)
    says(answer, "unknown", "unknown_way", "§22", "Depot Lane")


def test_SU5_beyond_the_edge_of_coverage_nothing_is_claimed(answers: Answers) -> None:
    """§9: the track runs 2 km on either side of the edge; only the covered part counts."""
    answer = answers["coverage_edge"]
    covered_m = 2 * 2 * (1_000 + 2_062 + 500)
    assert covered_m * 0.8 < answer.off_m < covered_m
    says(answer, "unknown", "outside_coverage", "§9")


@pytest.mark.parametrize("name", ["car_park", "beach"])
def test_SU2_an_area_whose_maintainer_nobody_mapped_is_unknown(answers: Answers, name: str) -> None:
    answer = answers[name]
    whole = answer.driven.true_m("unknown_owner")
    assert answer.off_m <= 0.06 * whole  # fixes that lie clear of its outline: docs/scheme/1.md, Limits
    assert near(answer.said_m("unknown"), whole, 0.1 * whole)
