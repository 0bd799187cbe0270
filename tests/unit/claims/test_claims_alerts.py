"""Forecasts, alerts and what is usual: rules LI6, OT5, EL7."""

from datetime import date, timedelta

import pytest

from services.claims.domain.rates import Rate
from services.claims.domain.statement.forecast import Forecast, forecast, receipt_alert
from services.claims.domain.statement.present import Usage
from services.claims.domain.statement.statement_parts import Amounts
from services.claims.domain.statement.usual_share import as_usual, share_of
from services.claims.domain.working_days import working_days_after
from services.claims.policy import load
from tests.unit.claims.builders import KM, licence, nz

POLICY = load()
TODAY = date(2026, 9, 1)
PAPER = licence(start=0, end=10_000, issued_at=nz(2026, 3, 1), gross_cents=76_000)
RATE = Rate(cents=76_000, units=10, source="paid")


def _forecast(reading: int, km_in_30_days: int, today: date = TODAY) -> Forecast:
    left_mm = (PAPER.end_reading - reading) * KM
    return forecast(PAPER, "km", left_mm, Usage(mm=km_in_30_days * KM, days=30), RATE, today, POLICY)


@pytest.mark.parametrize(
    ("reading", "kinds"),
    [(7_999, []), (8_000, ["run_out"]), (9_499, ["run_out"]), (9_500, ["run_out_soon"]), (10_000, ["used_up"])],
)
def test_LI6_2000_and_500_km_left_are_told(reading: int, kinds: list[str]) -> None:
    assert [alert.kind for alert in _forecast(reading, 3_000).alerts] == kinds


def test_LI6_the_run_out_day_follows_the_present_rate_of_travel() -> None:
    found = _forecast(8_500, 3_000)  # 1,500 km at 100 km a day
    assert found.left_mm == 1_500 * KM
    assert found.run_out_on == date(2026, 9, 16)
    assert "2026-09-16" in found.alerts[0].words
    assert _forecast(8_500, 0).run_out_on is None


def test_LI6_a_licence_that_outlives_its_two_years_is_to_be_overlapped_or_its_refund_is_lost() -> None:
    slow = _forecast(2_000, 150)  # 8,000 km at 5 km a day: over four years
    (alert,) = slow.alerts
    assert alert.kind == "will_not_be_used_up"
    assert alert.due_on == date(2028, 2, 25)  # two working days before 29 February 2028
    assert alert.amount_cents == 760_00
    assert "lose its refund, up to $760.00" in alert.words
    assert _forecast(2_000, 3_000).alerts == ()


@pytest.mark.parametrize(("days", "told"), [(541, False), (542, True)])
def test_LI6_a_licence_that_runs_out_on_the_last_day_to_send_it_is_too_late(days: int, told: bool) -> None:
    found = forecast(PAPER, "km", 8_000 * KM, Usage(mm=8_000 * KM, days=days), RATE, TODAY, POLICY)
    assert found.run_out_on == date(2028, 2, 25) - timedelta(days=542 - days)
    assert ([alert.kind for alert in found.alerts] == ["will_not_be_used_up"]) is told


def test_LI6_what_is_lost_on_a_mile_recorder_is_of_units_of_621_miles() -> None:
    paper = licence(start=0, end=6_210, issued_at=nz(2026, 3, 1), gross_cents=76_000)
    (alert,) = forecast(paper, "mi", 6_000 * KM, Usage(mm=0, days=30), RATE, TODAY, POLICY).alerts
    assert alert.amount_cents == 76_000


def test_LI6_the_latest_receipt_day_of_an_unclaimed_licence_is_told() -> None:
    alert = receipt_alert(PAPER, POLICY)
    assert alert.due_on == date(2028, 2, 29)
    assert "e-mail it by 2028-02-25" in alert.words


def test_OT5_used_up_says_buy_before_you_travel_and_what_travel_without_costs() -> None:
    (alert,) = _forecast(10_400, 3_000).alerts
    assert "buy before you travel" in alert.words
    assert "full rate" in alert.words and "400 km driven beyond it" in alert.words


def test_LI6_nothing_runs_out_where_the_next_licence_is_bought_already() -> None:
    found = forecast(PAPER, "km", 400 * KM, Usage(mm=3_000 * KM, days=30), RATE, TODAY, POLICY, followed=True)
    assert (found.left_mm, found.alerts) == (400 * KM, ())


@pytest.mark.parametrize(
    ("share", "own", "peers", "outcome"),
    [
        (400, [300, 310, 290], [], "pass"),  # median 30.0 + 10 points
        (401, [300, 310, 290], [], "warn"),
        (600, [300, 500, 400, 200, 600], [], "pass"),  # MAD 10 points: up to 40 + 30
        (701, [300, 500, 400, 200, 600], [], "warn"),
        (401, [300, 310, 290, 300, 300, 990, 990, 990], [], "warn"),  # only the last five count
        (800, [700, 710], [300, 300, 300], "warn"),  # too few of its own: the fleet's
        (400, [], [300, 310, 290], "pass"),
        (400, [300], [300, 300], "unknown"),
    ],
)
def test_EL7_above_median_and_spread_must_be_looked_at(
    share: int, own: list[int], peers: list[int], outcome: str
) -> None:
    assert as_usual(share, own, peers, POLICY).outcome == outcome


def test_EL7_the_share_is_of_what_counts() -> None:
    assert share_of(Amounts(public_mm=60 * KM, off_road_mm=30 * KM, unknown_mm=10 * KM, carried_mm=900 * KM)) == 300
    assert share_of(Amounts(carried_mm=KM)) is None


def test_CL6_ten_working_days_run_from_receipt_over_nz_holidays() -> None:
    assert working_days_after(date(2026, 3, 2), 10) == date(2026, 3, 16)
    assert working_days_after(date(2025, 12, 22), 3) == date(2025, 12, 29)  # 25 and 26 December do not count
