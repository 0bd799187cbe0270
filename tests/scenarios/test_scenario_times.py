"""Midnights, days of 23 and 25 hours, and the order of delivery."""

import pytest

from deploy.demo.sample.scenarios.answers import Answers
from shared.nz_days import bounds_ms
from tests.scenarios.judge import claims, near


def test_DI6_a_drive_over_midnight_counts_on_each_day_what_it_drove_there(answers: Answers) -> None:
    answer = answers["midnight"]
    claims(answer, 0.98)
    assert len(answer.outcomes) == 2
    for outcome, closed in zip(answer.outcomes, answer.closed, strict=True):
        said = sum(part.mm for part in closed.segments if part.surface == "off_road") / 1000.0
        assert near(said, answer.driven.off_m(outcome.day), 40)


@pytest.mark.parametrize(("name", "hours"), [("clocks_back", 25), ("clocks_forward", 23)])
def test_DI6_the_night_the_clocks_change_is_one_day(answers: Answers, name: str, hours: int) -> None:
    answer = answers[name]
    claims(answer, 0.98)
    (outcome,) = answer.outcomes
    start, end = bounds_ms(outcome.day)
    assert end - start == hours * 3_600_000


@pytest.mark.parametrize("name", ["delivered_twice", "delivered_anyhow"])
def test_DI4_duplicates_and_order_of_delivery_change_no_millimetre(answers: Answers, name: str) -> None:
    whole = answers["delivered"]
    again = answers[name]
    assert [day.totals for day in again.outcomes] == [day.totals for day in whole.outcomes]
    assert again.segments == whole.segments
    claims(whole, 0.98)


def test_DI4_two_devices_under_one_name_count_neither_and_raise_an_incident(answers: Answers) -> None:
    answer = answers["two_of_one_name"]
    claims(answer, 0.98)
    assert answer.incidents == ("4 fixes: two contents at one instant",)
