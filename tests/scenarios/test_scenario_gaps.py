"""Tunnels, hours without a fix, slow cadence; with odometers of every kind and with none."""

import pytest

from deploy.demo.sample.scenarios.answers import Answers
from tests.scenarios.judge import claimed_at_most_the_truth, claims, near, says


def test_a_public_tunnel_under_private_land_is_public(answers: Answers) -> None:
    """§21: both ends of the silent leg are on the highway, so is the leg; the forest track above never had a fix."""
    answer = answers["tunnel_public"]
    assert answer.off_m == 0
    assert near(answer.said_m("public_road"), answer.driven.true_m("public"), 20)


def test_a_mines_own_tunnel_counts_as_its_ends_do(answers: Answers) -> None:
    """§26: both ends off road, and no public road can lie between."""
    answer = answers["tunnel_private"]
    claims(answer, 0.97)
    says(answer, "off_road", "private_road", "Mine")


def test_an_hour_without_a_fix_is_off_road_where_the_odometer_proves_it(answers: Answers) -> None:
    """§29: the odometer shows less than the way to the nearest public road and back."""
    answer = answers["hour_off_proved"]
    claims(answer, 0.98)
    assert answer.said_m("off_road", "odometer_bound") > 1_400
    says(answer, "off_road", "odometer_bound", "§29")


def test_the_same_hour_without_an_odometer_counts_no_more_than_the_straight_line(answers: Answers) -> None:
    answer = answers["hour_off_unproved"]
    claimed_at_most_the_truth(answer)
    assert answer.said_m("off_road", "odometer_bound") <= 250


def test_an_hour_in_which_the_truck_went_to_town_counts_only_the_way_to_the_road(answers: Answers) -> None:
    """§29: the odometer shows too much; whatever it did, it had to follow the track out and in. The rest is a lack (DI1)."""
    answer = answers["hour_off_to_town"]
    claims(answer, 0.98)
    true_town_m = 6_800
    assert near(answer.said_m("unknown", "recorder_lack"), true_town_m, 150)


def test_the_trip_to_town_without_an_odometer_is_not_seen_at_all(answers: Answers) -> None:
    answer = answers["hour_off_to_town_unproved"]
    claimed_at_most_the_truth(answer)
    assert answer.said_m("off_road", "odometer_bound") == 0


@pytest.mark.parametrize("odometer_m", [1, 100, 1000, 0])
@pytest.mark.parametrize(
    ("every_s", "at_least"), [(1, 0.98), (5, 0.98), (15, 0.98), (30, 0.97), (60, 0.95), (170, 0.85)]
)
def test_sparse_sampling_loses_little_and_invents_nothing(
    answers: Answers, every_s: int, odometer_m: int, at_least: float
) -> None:
    """§24 lengths, §27 certain parts, §29 above the gap limit: fewer fixes move metres to unknown, never to off road."""
    proved = every_s <= 150 or odometer_m > 0  # §29: a gap without an odometer counts nothing
    claims(answers[f"sparse_{every_s}_s_{odometer_m}"], at_least if proved else 0.0)


def test_above_the_gap_limit_everything_off_road_is_proved_leg_by_leg(answers: Answers) -> None:
    answer = answers["sparse_170_s_1"]
    assert answer.said_m("off_road", "odometer_bound") > 0.9 * answer.off_m
    assert answer.said_m("unknown", "recorder_lack") > 0.8 * answer.driven.true_m("public")
