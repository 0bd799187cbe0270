"""Rule SU8: ferries and low-loaders."""

import pytest

from deploy.demo.sample.scenarios.answers import Answers
from tests.scenarios.judge import claims, near, says


def test_SU8_a_ferry_crossing_is_carried(answers: Answers) -> None:
    answer = answers["ferry"]
    claims(answer, 0.97)
    assert near(answer.said_m("carried"), answer.driven.true_m("carried"), 80)
    says(answer, "carried", "carried", "§31", "ferry")


def test_SU8_a_ferry_crossing_without_odometer_and_ignition_claims_nothing(answers: Answers) -> None:
    claims(answers["ferry_no_odometer"], 0.97)


@pytest.mark.parametrize("name", ["low_loader", "low_loader_no_odometer", "low_loader_no_ignition"])
def test_SU8_a_low_loader_is_carried_and_the_work_between_counts(answers: Answers, name: str) -> None:
    """§31: moving with the ignition off; or moving on while the odometer shows one reading."""
    answer = answers[name]
    claims(answer, 0.96)
    assert answer.said_m("carried") > 0.9 * answer.driven.true_m("carried")
    assert answer.said_m("public_road") == 0


def test_SU8_a_low_loader_with_a_sleeping_device_claims_nothing_of_the_way(answers: Answers) -> None:
    claims(answers["low_loader_asleep"], 0.9)
