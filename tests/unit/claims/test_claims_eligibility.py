"""May a licence be claimed: rules EL1-EL6, LI1-LI3, LI5, LI7, VE5, CL1, DI3."""

from dataclasses import replace
from datetime import date, timedelta
from uuid import uuid5

import pytest

from services.claims.domain.claim.deadlines import latest_receipt_on, safe_send_on
from services.claims.domain.claim.eligibility import ClaimContext, ClaimedMark, Waiver
from services.claims.domain.claim.line_life import LineAccount, LineState
from services.claims.domain.claim.second_application import Consent, EarlierLine, before_it
from services.claims.domain.register.vehicle import Assignment, Ending, Vehicle
from shared.contracts.device_day import DeviceDay, Hold
from shared.nz_days import to_ordinal
from tests.unit.claims.builders import (
    CLAIMANT,
    KM,
    NAMESPACE,
    RECORDER,
    days_from,
    device_day,
    licence,
    ms,
    nz,
    reading,
    record,
    run,
    vehicle,
)
from tests.unit.claims.judging import (
    DAYS,
    FOLLOWING,
    LATE,
    READINGS,
    USUAL,
    assessed,
    failing,
    of_rule,
    warning,
)

# EL1


def test_EL1_a_deregistered_vehicle_has_ended() -> None:
    gone = vehicle(Ending(kind="deregistered", at=nz(2026, 3, 6), recorder_id=RECORDER, reading=4500))
    found = assessed(vehicle_record=record([licence()], READINGS[:1], of=gone), days=DAYS[:5])
    assert of_rule(found, "EL1")[0].outcome == "pass"
    assert found.state == "claimable"


@pytest.mark.parametrize(
    ("of", "unknown"), [(vehicle(gross_kg=23_000), False), (vehicle(ruc_type="14"), True)], ids=["weighed", "unknown"]
)
def test_EL1_LI3_a_heavy_licence_killed_by_a_rate_rise_warns(of: Vehicle, unknown: bool) -> None:
    bought = licence(issued_at=nz(2019, 6, 1), gross_cents=None)
    newer = licence("L2", start=5000, end=6000, issued_at=nz(2019, 8, 1), gross_cents=None)
    readings = (reading(nz(2019, 6, 1), 4000), reading(nz(2019, 8, 1), 4600))
    whole = record([bought, newer], readings, of=of)
    days = [device_day(date(2019, 6, 1) + timedelta(days=i), run("off_road", 9 * KM, 9, 12)) for i in range(62)]
    found = assessed(bought, whole, days, ClaimContext(today=date(2019, 9, 1), complete_through_ms=LATE))
    ended = of_rule(found, "EL1")[0]
    assert (ended.outcome, "rate rise of 2019-07-01" in ended.reason) == ("warn", True)
    assert ("its weight is not known and counts as heavy" in ended.reason) is unknown
    assert (found.state, found.claimable_km) == ("claimable", 549)


def test_EL1_devices_beyond_the_end_without_a_reading_mean_ended_and_waiting() -> None:
    days = days_from(date(2026, 3, 1), 12, run("off_road", 100 * KM, 9, 12))
    found = assessed(vehicle_record=record([licence(), FOLLOWING], READINGS[:1]), days=days)
    assert found.state == "ended"
    assert "though the devices say that it was passed" in of_rule(found, "EL1")[0].reason


# EL2


@pytest.mark.parametrize(
    ("issued", "purchased", "latest"),
    [
        (nz(2024, 3, 15), date(2024, 3, 15), date(2026, 3, 14)),
        (nz(2024, 3, 15), date(2024, 3, 1), date(2026, 2, 28)),
        (nz(2024, 3, 1), date(2024, 3, 15), date(2026, 2, 28)),
        (nz(2026, 1, 1, 0, 30), date(2026, 1, 1), date(2027, 12, 31)),
    ],
)
def test_EL2_counts_two_years_from_the_earlier_of_issue_and_purchase(issued, purchased, latest) -> None:  # noqa: ANN001 - pytest hands them over
    assert latest_receipt_on(licence(issued_at=issued, purchased_on=purchased), 2) == latest


def test_EL2_29_february_counts_as_the_28th_first() -> None:
    assert latest_receipt_on(licence(issued_at=nz(2024, 2, 29)), 2) == date(2026, 2, 27)


def test_EL2_the_issue_date_is_the_nz_date() -> None:
    late_evening = licence(issued_at=nz(2024, 5, 1, 0, 5), purchased_on=date(2024, 5, 1))
    assert late_evening.issued_at.day == 30
    assert latest_receipt_on(late_evening, 2) == date(2026, 4, 30)


def test_EL2_safe_send_days_skip_weekends_and_nz_holidays() -> None:
    assert safe_send_on(date(2026, 4, 27), 2) == date(2026, 4, 22)  # Anzac Day observed, a weekend
    assert safe_send_on(date(2027, 1, 3), 7) == date(2026, 12, 18)  # Christmas and New Year


@pytest.mark.parametrize(
    ("today", "outcome"),
    [
        (date(2028, 2, 18), "pass"),
        (date(2028, 2, 21), "warn"),  # post is too slow
        (date(2028, 2, 28), "warn"),
        (date(2028, 2, 29), "warn"),  # the last day
        (date(2028, 3, 1), "fail"),
    ],
)
def test_EL2_warns_when_a_channel_is_too_slow_and_fails_after_the_last_day(today: date, outcome: str) -> None:
    found = assessed(context=replace(USUAL, today=today))
    assert of_rule(found, "EL2")[0].outcome == outcome


# EL4


def test_EL4_a_licence_claimed_here_is_lodged() -> None:
    mark = ClaimedMark(where="here", reference="RUCOR-000001", on=date(2026, 4, 1))
    assert assessed(context=replace(USUAL, mark=mark)).state == "lodged"


def test_EL4_waits_until_the_late_window_behind_the_licences_end_has_passed() -> None:
    end_ms = ms(nz(2026, 3, 11))
    for through, state in ((end_ms + 72 * 3_600_000 - 1, "ended"), (end_ms + 72 * 3_600_000, "claimable")):
        found = assessed(context=replace(USUAL, complete_through_ms={"d1": through}))
        assert found.state == state
    assert assessed(context=replace(USUAL, complete_through_ms={})).state == "ended"


def test_EL4_an_open_hold_in_the_period_blocks_and_one_outside_does_not() -> None:
    inside = Hold(tenant="t1", device="d1", day=to_ordinal(date(2026, 3, 5)), kind="quarantine", open=True, rev=1)
    found = assessed(context=replace(USUAL, holds=(inside,)))
    assert (found.state, failing(found)) == ("ended", {"EL4"})
    others = (
        replace_hold(inside, open=False),
        replace_hold(inside, device="d2"),
        replace_hold(inside, day=to_ordinal(date(2026, 5, 5))),
    )
    assert assessed(context=replace(USUAL, holds=others)).state == "claimable"


def replace_hold(hold: Hold, **changes: object) -> Hold:
    return Hold(**{**{name: getattr(hold, name) for name in hold.__struct_fields__}, **changes})


def test_EL4_a_waiver_with_a_reason_lets_it_pass_with_a_warning() -> None:
    late = replace(USUAL, complete_through_ms={})
    against = frozenset(name for finding in of_rule(assessed(context=late), "EL4") for name in finding.waivable)
    waiver = Waiver(
        rule="EL4", reason="the device was off the vehicle", actor="R Hill", at=nz(2026, 5, 1), covers=against
    )
    found = assessed(context=replace(late, waivers=(waiver,)))
    assert (found.state, found.eligible) == ("claimable", True)
    assert any("R Hill decided to go on: the device was off the vehicle" in f.reason for f in of_rule(found, "EL4"))


def test_EL4_a_waiver_lets_no_other_hold_pass_nor_the_same_begun_again() -> None:
    day = to_ordinal(date(2026, 3, 5))
    one = Hold(tenant="t1", device="d1", day=day, kind="reprocess", open=True, rev=1)
    (name,) = [name for f in assessed(context=replace(USUAL, holds=(one,))).findings for name in f.waivable]
    waiver = Waiver(rule="EL4", reason="seen", actor="R Hill", at=nz(2026, 5, 1), covers=frozenset({name}))
    assert assessed(context=replace(USUAL, holds=(one,), waivers=(waiver,))).eligible
    for other in (
        replace_hold(one, rev=3),
        replace_hold(one, day=day + 1),
        replace_hold(one, kind="dirty"),
    ):
        for holds in ((other,), (one, other)):
            assert not assessed(context=replace(USUAL, holds=holds, waivers=(waiver,))).eligible
    late = replace(USUAL, complete_through_ms={}, holds=(one,), waivers=(waiver,))
    assert not assessed(context=late).eligible, "a hold that was waived says nothing of data that may still come"


def test_EL4_a_decision_about_days_that_are_not_settled_is_of_what_they_said_then() -> None:
    def unsettled(off_road_km: int) -> list[DeviceDay]:
        day = device_day(date(2026, 3, 10), run("off_road", off_road_km * KM, 9, 12), settled=False)
        return [*DAYS[:-1], day]

    seen = assessed(days=unsettled(10))
    covers = frozenset(name for finding in of_rule(seen, "EL4") for name in finding.waivable)
    waiver = Waiver(rule="EL4", reason="its last hour is missing", actor="R Hill", at=nz(2026, 5, 1), covers=covers)
    again = replace(USUAL, waivers=(waiver,))
    assert assessed(days=unsettled(10), context=again).eligible
    assert failing(assessed(days=unsettled(9), context=again)) == {"EL4"}


def test_EL4_a_decision_about_data_to_come_says_nothing_of_days_that_are_not_settled() -> None:
    late = replace(USUAL, complete_through_ms={})
    covers = frozenset(name for finding in of_rule(assessed(context=late), "EL4") for name in finding.waivable)
    waiver = Waiver(rule="EL4", reason="no signal", actor="R Hill", at=nz(2026, 5, 1), covers=covers)
    again = replace(late, waivers=(waiver,))
    assert assessed(context=again).eligible
    begun_again = [*DAYS[:-1], device_day(date(2026, 3, 10), run("off_road", 10 * KM, 9, 12), settled=False)]
    found = assessed(days=begun_again, context=again)
    assert (found.state, failing(found)) == ("ended", {"EL4"})
    (finding,) = [one for one in of_rule(found, "EL4") if one.outcome == "fail"]
    assert "data may still arrive for d1" in finding.reason
    assert "1 device-days of the licence are not settled yet" in finding.reason


def test_EL4_a_hold_on_the_first_and_on_the_last_day_blocks() -> None:
    for on in (date(2026, 3, 1), date(2026, 3, 10)):
        hold = Hold(tenant="t1", device="d1", day=to_ordinal(on), kind="reprocess", open=True, rev=1)
        assert failing(assessed(context=replace(USUAL, holds=(hold,)))) == {"EL4"}, on


def test_EL4_an_interpolated_end_waits_for_what_lies_before_the_reading_behind_it() -> None:
    behind = nz(2026, 3, 14)
    whole = record([licence(), FOLLOWING], (reading(nz(2026, 3, 1), 4000), reading(behind, 5200)))
    for through, waits in ((ms(behind) + 72 * 3_600_000 - 1, True), (ms(behind) + 72 * 3_600_000, False)):
        found = assessed(vehicle_record=whole, context=replace(USUAL, complete_through_ms={"d1": through}))
        assert ("EL4" in failing(found)) is waits, failing(found)


def test_EL4_a_waiver_does_not_undo_a_claim_made_before() -> None:
    waiver = Waiver(rule="EL4", reason="again", actor="R Hill", at=nz(2026, 5, 1), covers=frozenset({""}))
    mark = ClaimedMark(where="here", reference="RUCOR-000001", on=date(2026, 4, 1))
    assert not assessed(context=replace(USUAL, mark=mark, waivers=(waiver,))).eligible


def earlier(km: int, number: str = "RUCOR-000001", *steps: tuple[LineState, int | None, int | None]) -> EarlierLine:
    """A line of a claim of 1 April, with the Agency's consent to another application."""
    account = LineAccount(claimed_km=km)
    for step in steps:
        account = account.after(*step)
    return EarlierLine(
        claim_id=uuid5(NAMESPACE, number), number=number, lodged_at=nz(2026, 4, 1), lodged_on=date(2026, 4, 1),
        account=account, estimate_cents=km * 76 // 10, consent=Consent(reference="letter 17", on=date(2026, 5, 2)),
    )  # fmt: skip


def again(*lines: EarlierLine) -> ClaimContext:
    mark = ClaimedMark(where="here", reference=lines[-1].number, on=date(2026, 4, 1), consent=lines[-1].consent)
    return replace(USUAL, mark=mark, earlier=lines)


def test_CL5_EL4_with_consent_only_what_was_not_claimed_before_may_be_claimed() -> None:
    found = assessed(context=again(earlier(340)))
    assert (found.state, found.claimable_km, found.estimate_cents) == ("claimable", 60, 456)
    (warned,) = [finding for finding in of_rule(found, "EL4") if finding.outcome == "warn"]
    assert "340 km ($25.84) in RUCOR-000001 of 2026-04-01, pending" in warned.reason
    assert "letter 17, 2026-05-02" in warned.reason
    assert dict(warned.inputs) == {
        "claims": "RUCOR-000001", "earlier_km": "340", "earlier_cents": "2584", "left_km": "60", "consent": "letter 17"
    }  # fmt: skip


def test_CL5_EL4_with_consent_and_nothing_left_there_is_nothing_to_claim() -> None:
    for km in (400, 401):
        found = assessed(context=again(earlier(km)))
        assert (found.state, found.claimable_km, failing(found)) == ("lodged", 0, {"CL1"})


def test_CL5_EL4_what_was_declined_or_taken_back_may_be_claimed_again_with_consent() -> None:
    declined = earlier(400, "RUCOR-000001", ("declined", None, None))
    assert assessed(context=again(declined)).claimable_km == 400
    back = earlier(400, "RUCOR-000001", ("accepted", 400, 3_040), ("paid", None, 3_040), ("recovered", None, 3_040))
    assert assessed(context=again(back)).claimable_km == 400
    assert assessed(context=again(declined, earlier(350, "RUCOR-000002"))).claimable_km == 50


def test_CL5_EL4_without_consent_an_earlier_application_blocks_whatever_became_of_it() -> None:
    line = replace(earlier(1, "RUCOR-000001", ("declined", None, None)), consent=None)
    assert failing(assessed(context=again(line))) == {"EL4"}
    assert failing(assessed(context=replace(USUAL, earlier=(line,)))) == {"EL4"}, "also where its mark is gone"


def test_CL5_LI7_a_claim_outside_blocks_though_an_earlier_one_here_had_the_agencys_consent() -> None:
    outside = ClaimedMark(where="outside", reference="paper 1", on=date(2026, 5, 3))
    found = assessed(context=replace(again(earlier(340)), mark=outside))
    assert failing(found) == {"EL4"}
    assert "outside this system (paper 1)" in next(f.reason for f in of_rule(found, "EL4") if f.outcome == "fail")


def test_CL5_what_is_told_of_an_earlier_claim_is_what_is_left_of_its_money() -> None:
    line = earlier(400, "RUCOR-000001", ("accepted", 400, 3_040), ("paid", None, 3_040), ("recovered", None, 1_520))
    (warned,) = [one for one in of_rule(assessed(context=again(line)), "EL4") if one.outcome == "warn"]
    assert (dict(warned.inputs)["earlier_km"], dict(warned.inputs)["earlier_cents"]) == ("200", "1520")


def test_CL5_before_a_claim_come_those_lodged_before_it_and_never_itself() -> None:
    lines = [earlier(100, f"RUCOR-00000{number}") for number in (1, 2, 3)]  # of one instant: the numbers tell
    assert before_it(lines, lines[1].claim_id) == (lines[0],)
    assert before_it(lines, uuid5(NAMESPACE, "not lodged")) == tuple(lines)


def test_EL4_days_not_settled_wait() -> None:
    days = [*DAYS[:-1], device_day(date(2026, 3, 10), run("off_road", 10 * KM, 9, 12), settled=False)]
    assert assessed(days=days).state == "ended"


# EL5, PA1


def test_EL5_another_claimants_licence_fails() -> None:
    found = assessed(context=replace(USUAL, claimant_id=uuid5(NAMESPACE, "another")))
    assert failing(found) == {"EL5"}
    assert assessed(context=replace(USUAL, claimant_id=CLAIMANT)).eligible


# EL6


def test_EL6_gps_more_than_5_percent_above_the_recorder_fails() -> None:
    for share, fails in ((1050, set()), (1051, {"EL6"})):
        days = [device_day(date(2026, 3, 2), run("off_road", share * KM, 9, 12))]
        assert failing(assessed(days=days)) == fails


def test_EL6_one_display_unit_above_a_short_stretch_is_no_fault() -> None:
    short = licence(start=4000, end=4010)
    newer = licence("L2", start=4010, end=5010, issued_at=nz(2026, 3, 2))
    readings = (reading(nz(2026, 3, 1), 4000), reading(nz(2026, 3, 2), 4010))
    days = [device_day(date(2026, 3, 1), run("off_road", 11 * KM, 9, 12))]
    assert failing(assessed(short, record([short, newer], readings), days)) == set()


def test_EL6_coverage_is_printed() -> None:
    assert any("100.0 % of the engine-on time" in finding.reason for finding in assessed().findings)
    coverage = of_rule(assessed(days=[]), "EL6")[2]
    assert coverage.outcome == "unknown"


def test_EL6_exactly_10_percent_unknown_does_not_warn() -> None:
    for off_road, expected in ((345, set()), (344, {"EL6"})):
        days = [device_day(date(2026, 3, 2), run("public_road", 555 * KM, 6, 9), run("off_road", off_road * KM, 9, 12))]
        assert warning(assessed(days=days)) == expected


# the others


def test_VE5_an_exempt_vehicle_has_nothing_to_claim() -> None:
    exempt = vehicle(exempt=True, exempt_reason="agricultural tractor")
    found = assessed(vehicle_record=record([licence(), FOLLOWING], READINGS, of=exempt))
    assert (found.state, failing(found)) == ("not_claimable", {"VE5"})
    assert "agricultural tractor" in of_rule(found, "VE5")[0].reason


def test_LI1_an_additional_licence_is_never_claimable() -> None:
    extra = licence(kind="additional")
    found = assessed(extra, record([extra, FOLLOWING], READINGS))
    assert found.state == "not_claimable"
    assert {"LI1", "CL1"} <= failing(found)


def test_LI2_uncovered_travel_warns_with_its_kilometres() -> None:
    bought = licence(issued_at=nz(2026, 3, 2))
    found = assessed(bought, record([bought, FOLLOWING], READINGS))
    assert "95.000 km were driven before the licence was issued" in of_rule(found, "LI2")[0].reason
    assert found.claimable_km == 360


def test_LI5_an_unknown_rate_is_unknown_and_does_not_block_the_licence() -> None:
    bought = licence(gross_cents=None)
    found = assessed(bought, record([bought, FOLLOWING], READINGS))
    assert found.estimate_cents is None
    assert [of_rule(found, rule)[0].outcome for rule in ("LI5", "EL3")] == ["unknown", "unknown"]
    assert found.eligible


def test_CL1_less_than_one_whole_kilometre_is_nothing_to_claim() -> None:
    days = [device_day(date(2026, 3, 2), run("public_road", 950 * KM, 6, 9), run("off_road", KM - 1, 9, 12))]
    found = assessed(days=days)
    assert (found.state, failing(found)) == ("not_claimable", {"CL1"})


def test_DI3_an_actual_reading_must_lie_at_or_beyond_both_ends() -> None:
    found = assessed(vehicle_record=record([licence(), FOLLOWING], READINGS[1:]))
    assert failing(found) == {"DI3"}
    assert "at or below 4000" in of_rule(found, "DI3")[0].reason


def test_VE2_contradicting_readings_fail_until_corrected() -> None:
    readings = (*READINGS, reading(nz(2026, 3, 4), 4900), reading(nz(2026, 3, 6), 4300))
    assert failing(assessed(vehicle_record=record([licence(), FOLLOWING], readings))) == {"VE2"}


def test_every_finding_names_rule_reason_and_source() -> None:
    for finding in assessed(days=[], vehicle_record=record([licence()], (), assignments=[])).findings:
        assert finding.rule
        assert finding.reason
        assert finding.source


def test_a_vehicle_without_device_is_all_unknown_and_says_so() -> None:
    nobody = [Assignment(device="d9", vehicle_id=uuid5(NAMESPACE, "x"), from_at=nz(2020, 1, 1))]
    found = assessed(vehicle_record=record([licence(), FOLLOWING], READINGS, assignments=nobody))
    assert failing(found) == {"CL1"}
