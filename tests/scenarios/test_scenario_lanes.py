"""Private ways beside, across and under public roads; yards at the roadside; streets that the sky hardly reaches."""

import pytest

from deploy.demo.sample.scenarios.answers import Answers
from tests.scenarios.judge import claims, near, says


@pytest.mark.parametrize(("beside_m", "at_least"), [(12, 0.97), (20, 0.98), (40, 0.99)])
def test_a_private_lane_beside_a_public_road_is_told_from_it(answers: Answers, beside_m: int, at_least: float) -> None:
    """§18 measures both ways' distances and §19 the pace of a lane; §21 judges the sequence, which left the road once."""
    answer = answers[f"lane_{beside_m}_m"]
    claims(answer, at_least)
    says(answer, "off_road", "private_road", "§22", "Long Lane")
    says(answer, "public_road", "mapped_public", "§21", "Verge Road")


@pytest.mark.parametrize("beside_m", [12, 20, 40])
def test_slow_travel_on_a_road_beside_a_private_lane_stays_public(answers: Answers, beside_m: int) -> None:
    """§21: whoever mows the verge never took the turn-off; nearness and pace of the lane alone do not pay a change."""
    answer = answers[f"mower_{beside_m}_m"]
    assert answer.off_m == 0
    assert near(answer.said_m("public_road"), answer.driven.true_m("public"), 60)


@pytest.mark.parametrize("name", ["crossing", "crossing_sparse"])
def test_crossing_a_public_road_from_farm_to_farm_leaves_only_the_road_out(answers: Answers, name: str) -> None:
    """§28: the leg touches the road's edge, so each end counts as far as the corridor; eight crossings cost their width."""
    answer = answers[name]
    claims(answer, 0.99)
    assert answer.said_m("unknown", "ambiguous") >= 8.0
    says(answer, "unknown", "ambiguous", "§§ 21, 27", "Station Road")
    says(answer, "off_road", "private_road", "Race")


def test_an_underpass_is_not_an_exit_but_the_road_above_stays_in_doubt(answers: Answers) -> None:
    """§10: no shared point and another layer, so the race goes on; what §28 cannot rule out near the bridge is unknown."""
    answer = answers["underpass"]
    claims(answer, 0.97)
    assert answer.said_m("public_road") == 0


def test_a_highway_over_a_farm_race_is_never_claimed(answers: Answers) -> None:
    answer = answers["overbridge"]
    assert answer.off_m == 0
    assert near(answer.said_m("public_road"), answer.driven.true_m("public"), 20)


def test_a_yard_15_m_from_the_road_counts_from_its_entrance(answers: Answers) -> None:
    """§27: from the yard the certain part ends at the road's edge; the apron is unknown."""
    answer = answers["yard"]
    claims(answer, 0.93)
    says(answer, "off_road", "private_road", "service=driveway")


def test_stops_on_the_road_at_a_yards_gate_are_not_the_yard(answers: Answers) -> None:
    answer = answers["past_the_yard"]
    assert answer.off_m == 0
    assert answer.said_m("unknown") <= 30


def test_canyon_error_on_streets_beside_private_yards_claims_nothing(answers: Answers) -> None:
    """§18's long tail: errors of tens of metres under a reported 6 m cost too little to pay §21's price of leaving the road."""
    assert answers["canyon"].off_m == 0
