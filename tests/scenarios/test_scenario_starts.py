"""Parked drift, cold starts, jumps."""

from deploy.demo.sample.scenarios.answers import Answers
from tests.scenarios.judge import claimed_at_most_the_truth, claims, near


def test_four_hours_of_drift_parked_at_a_gate_add_no_metre(answers: Answers) -> None:
    """§25: both speeds below 0.5 m/s and the chord within the noise."""
    answer = answers["parked_drift_road"]
    assert answer.off_m == 0
    assert near(answer.said_m("public_road"), answer.driven.true_m("public"), 60)


def test_four_hours_of_drift_parked_in_a_paddock_add_no_metre(answers: Answers) -> None:
    answer = answers["parked_drift_paddock"]
    claims(answer, 0.98)


def test_parked_drift_of_a_device_without_speed_adds_no_metre(answers: Answers) -> None:
    """§25: without Doppler speed a leg counts the chord less its noise; the price is some of the true drive."""
    claims(answers["parked_drift_no_doppler"], 0.90)


def test_a_cold_start_beside_a_road_claims_nothing(answers: Answers) -> None:
    """§16 labels the first fixes, which no vehicle's speed connects; the last of them are unknown."""
    answer = answers["cold_start_on_the_road"]
    assert answer.off_m == 0
    assert any("implausible jump" in words for words in answer.incidents)


def test_a_cold_start_in_a_shed_adds_no_metre(answers: Answers) -> None:
    claims(answers["cold_start_in_the_shed"], 0.98)


def test_single_jumps_change_nothing(answers: Answers) -> None:
    """§16: neither the way there nor the way back is possible, and leaving the fix out is."""
    answer = answers["jump"]
    claims(answer, 0.99)
    assert answer.incidents == ("2 fixes: implausible jump",)


def test_a_run_of_jumps_from_the_road_into_the_hills_claims_nothing(answers: Answers) -> None:
    claims(answers["jump_run"], 0.98)


def test_a_minute_of_reflections_beside_the_road_claims_nothing(answers: Answers) -> None:
    """§§ 18, 21: a minute 150 m off is more than error explains, but at a road's speed it is §23's missing road."""
    answer = answers["jump_near_run"]
    claimed_at_most_the_truth(answer, 0.007)
    assert answer.said_m("unknown", "like_a_road") > 0


def test_a_run_of_jumps_in_a_paddock_adds_no_metre(answers: Answers) -> None:
    claims(answers["jump_run_paddock"], 0.98)
