"""Overlap, surrender, recorder change and exemption: rules OT1-OT3, EX1, EX2, EX5, with the documents' own examples."""

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.claims.domain.exemption.exemption import Application, advise, judge
from services.claims.domain.rates import Rate, fee_cents
from services.claims.domain.refunds.overlap import OverlapRefused, plan_overlap
from services.claims.domain.refunds.recorder_change import Estimate, RecorderChange, check_change
from services.claims.domain.refunds.surrender import BANK_EVIDENCE, advise_surrender, assess_surrender
from services.claims.domain.refunds.unused import divide
from services.claims.domain.statement.statement_parts import Amounts
from services.claims.policy import load
from tests.unit.claims.builders import KM, licence, nz

POLICY = load()
OLD = Rate(cents=7600, units=1, source="paid")
NEW = Rate(cents=4900, units=1, source="table")


def test_OT1_the_reduction_pages_example() -> None:
    fee = fee_cents("online", date(2022, 5, 1), POLICY.fees)
    plan = plan_overlap(
        old_start=4000, old_end=5000, old_rate=OLD, reading=4250, unit="km", new_rate=NEW, fee_cents=fee
    )
    assert (plan.unused, plan.credit_cents) == (750, 57_00)
    assert (plan.units, plan.charge_cents, plan.pay_cents) == (2, 98_00, 41_00)
    assert (plan.start_reading, plan.end_reading, plan.further) == (4250, 6250, 1250)
    assert plan.pay_with_fee_cents == 41_00 + 4_80
    assert "4250" in plan.start_tip
    assert "declares" in plan.declaration


def test_OT1_one_unit_leaves_credit_and_is_refused_with_the_pages_reason() -> None:
    with pytest.raises(OverlapRefused, match="all of it must be used, at least 2 units") as refused:
        plan_overlap(
            old_start=4000, old_end=5000, old_rate=OLD, reading=4250, unit="km", new_rate=NEW, fee_cents=None, units=1
        )
    assert refused.value.fault == "credit_left"


def test_OT1_a_new_end_that_is_not_past_the_old_one_is_refused() -> None:
    with pytest.raises(OverlapRefused, match="not past the old end 9000") as refused:
        plan_overlap(
            old_start=4000, old_end=9000, old_rate=OLD, reading=5000, unit="km", new_rate=OLD, fee_cents=None, units=4
        )
    assert refused.value.fault == "end_not_past"  # 5000 + 4000 = 9000: at the end is not past it


@pytest.mark.parametrize("reading", [3999, 5000, 5001])
def test_OT1_outside_the_old_range_nothing_overlaps(reading: int) -> None:
    with pytest.raises(OverlapRefused) as refused:
        plan_overlap(
            old_start=4000, old_end=5000, old_rate=OLD, reading=reading, unit="km", new_rate=NEW, fee_cents=None
        )
    assert refused.value.fault == "not_in_range"


@given(
    start=st.integers(0, 900_000), units=st.integers(1, 40), used=st.integers(0, 39_999), unit=st.sampled_from(["km", "mi"]),
    old=st.integers(100, 90_000), new=st.integers(100, 90_000),
)  # fmt: skip
def test_OT1_the_least_units_meet_both_conditions_and_one_less_does_not(
    start: int, units: int, used: int, unit: str, old: int, new: int
) -> None:
    one = {"km": 1000, "mi": 621}[unit]
    asked = {
        "old_start": start, "old_end": start + units * one, "old_rate": Rate(cents=old, units=1, source="paid"),
        "reading": start + used % (units * one), "unit": unit, "new_rate": Rate(cents=new, units=1, source="paid"),
        "fee_cents": None,
    }  # fmt: skip
    plan = plan_overlap(**asked)  # type: ignore[arg-type]
    assert plan.end_reading > start + units * one
    assert plan.charge_cents >= plan.credit_cents
    assert plan.pay_cents == plan.charge_cents - plan.credit_cents
    if plan.units > 1:
        with pytest.raises(OverlapRefused):
            plan_overlap(**asked, units=plan.units - 1)  # type: ignore[arg-type]


def _surrender(end: int, reading: int, on: date, evidence: tuple[str, ...] = BANK_EVIDENCE) -> dict[str, object]:
    paper = licence(start=0, end=end, issued_at=nz(2021, 6, 1), plate_at_issue="ABC123")
    result = assess_surrender(paper, "km", reading, on, OLD, evidence, POLICY)  # type: ignore[arg-type]
    return {"allowed": result.allowed, "outcomes": [one.outcome for one in result.findings], "result": result}


def test_OT2_more_than_8000_km_unused_and_young_is_allowed_and_worth_the_rate_paid() -> None:
    found = _surrender(10_000, 1_000, date(2022, 5, 2))
    assert found["allowed"]
    result = found["result"]
    assert (result.unused, result.refund_cents) == (9_000, 684_00)  # type: ignore[attr-defined]
    assert result.decided_by == date(2022, 5, 16)  # type: ignore[attr-defined]
    assert "destroy" in result.afterwards  # type: ignore[attr-defined]


def test_OT2_exactly_8000_warns_since_the_page_is_silent_and_less_fails() -> None:
    assert _surrender(10_000, 2_000, date(2022, 5, 2))["outcomes"] == ["pass", "warn", "pass"]
    assert not _surrender(10_000, 2_001, date(2022, 5, 2))["allowed"]


def test_OT2_over_two_years_old_fails() -> None:
    assert _surrender(10_000, 0, date(2023, 6, 1))["allowed"]
    assert not _surrender(10_000, 0, date(2023, 6, 2))["allowed"]


def test_OT2_bank_evidence_shows_logo_name_and_number() -> None:
    found = _surrender(10_000, 0, date(2022, 5, 2), ("logo", "number"))
    assert not found["allowed"]
    assert "shows the name" in found["result"].findings[2].reason  # type: ignore[attr-defined]


def test_OT2_surrender_is_advised_beyond_five_months_worth() -> None:
    assert advise_surrender(5_000, 1_000, POLICY) is None
    words = advise_surrender(5_001, 1_000, POLICY)
    assert words is not None
    assert "surrender" in words
    assert advise_surrender(5_001, 0, POLICY) is None


def test_OT3_each_missing_field_of_a_changed_recorder_is_named() -> None:
    change = RecorderChange(cause="unserviceable", old_serial="H1", powered=True)
    reasons = [one.reason for one in check_change(change)]
    assert reasons == [
        "the reading when it was found unserviceable is needed",
        "the odometer reading (powered vehicles) is needed",
        "the new serial number is needed",
        "the new recorder's start reading is needed",
        "the replacement licence, bought first is needed",
    ]
    full = replace(
        change, old_reading=41_300, odometer_reading=90_000, new_serial="H2", new_start=0, replacement_licence="L9"
    )
    assert [one.outcome for one in check_change(full)] == ["pass"]
    trailer = replace(full, powered=False, odometer_reading=None)
    assert [one.outcome for one in check_change(trailer)] == ["pass"]


def test_OT3_a_lost_recorder_needs_a_calculated_estimate_rounded_against_the_claimant() -> None:
    lost = RecorderChange(
        cause="lost", old_serial="H1", powered=False, new_serial="H2", new_start=0, replacement_licence="L9"
    )
    assert "estimate" in check_change(lost)[0].reason
    estimate = Estimate(
        last_reading=41_000, last_read_on=date(2026, 3, 1), since_mm=299_000_001, until_on=date(2026, 4, 1), unit="km"
    )
    assert estimate.reading == 41_300
    assert "41000 km on 2026-03-01" in estimate.calculation
    assert divide(1_000, 42_000 - estimate.reading, OLD, "km").unused_cents == 53_20


APPLICATION = Application(
    applied_on=date(2026, 3, 2), fuel="diesel", gross_kg=3_500, applicant_is="operator", purpose="agriculture", odometer=12_000,
    odometer_read_on=date(2026, 3, 2), address="12 Ridge Road, RD 15, Palmerston North", locality="RD 15, Palmerston North",
    weekly_km=80, contact="A. Farmer", contact_time="morning", pays_by="card", wants_gst_receipt=True, has_current_licence=True,
)  # fmt: skip
FARM = Amounts(public_mm=100 * KM, off_road_mm=3_800 * KM, unknown_mm=100 * KM)


def test_EX1_the_word_diesel_counts_however_it_is_written() -> None:
    assert judge(replace(APPLICATION, fuel=" Diesel"), FARM, POLICY).can_apply


def test_EX1_the_share_is_shown_but_has_no_pass_mark() -> None:
    judged = judge(APPLICATION, FARM, POLICY)
    assert judged.can_apply
    assert (judged.fee_cents, judged.decided_by) == (39_08, date(2026, 3, 5))
    share = next(one for one in judged.findings if "off road" in one.reason)
    assert share.outcome == "warn"
    assert "95.0 %" in share.reason
    assert "97.5 %" in share.reason


@pytest.mark.parametrize("change", [{"gross_kg": 3_501}, {"fuel": "electric"}, {"has_current_licence": False}])
def test_EX1_heavy_other_fuel_or_unlicensed_cannot_apply(change: dict[str, object]) -> None:
    assert not judge(replace(APPLICATION, **change), FARM, POLICY).can_apply  # type: ignore[arg-type]


@pytest.mark.parametrize(("purpose", "outcome"), [("viticulture", "pass"), ("forestry", "warn"), ("other", "warn")])
def test_EX1_a_purpose_that_our_sources_do_not_settle_warns_before_the_fee_is_paid(purpose: str, outcome: str) -> None:
    judged = judge(replace(APPLICATION, purpose=purpose), FARM, POLICY)  # type: ignore[arg-type]
    (found,) = (one for one in judged.findings if "listed purpose" in one.reason)
    assert found.outcome == outcome
    assert judged.can_apply


def test_EX2_the_odometer_is_read_on_the_day_and_the_locality_kept_apart() -> None:
    judged = judge(replace(APPLICATION, odometer_read_on=date(2026, 3, 1)), FARM, POLICY)
    assert [one.reason for one in judged.findings if one.rule == "EX2"] == [
        "the odometer is read on the day of the application (2026-03-02)"
    ]
    same = judge(replace(APPLICATION, locality=APPLICATION.address), FARM, POLICY)
    assert not same.can_apply


def test_EX2_each_missing_field_is_named() -> None:
    judged = judge(replace(APPLICATION, purpose=None, weekly_km=None), FARM, POLICY)
    assert [one.reason for one in judged.findings if one.outcome == "fail"] == [
        "the purpose is needed",
        "the average weekly distance is needed",
    ]


def test_EX5_exemption_against_refunds_in_dollars_and_risk() -> None:
    advice = advise(FARM, 7600, 0, date(2026, 3, 2), POLICY)
    assert (advice.charges_cents, advice.refunds_cents) == (304_00, 288_80)
    assert advice.saved_cents == 15_20 - 39_08
    risky = advise(FARM, 7600, 12 * KM, date(2026, 3, 2), POLICY)
    assert "12 km of public road lay more than 10 km" in risky.words
