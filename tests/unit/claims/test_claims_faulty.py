"""Faulty data: which step may follow which, and what an open mark holds back (rule EL4)."""

from dataclasses import replace
from datetime import date
from uuid import UUID

import pytest

from services.claims.domain.claim.claim_life import IllegalStep
from services.claims.domain.findings import Waiver
from services.claims.domain.statement.faulty import (
    FAULTY_STEPS,
    OPEN,
    FaultyState,
    OpenMark,
    advance_mark,
    days_touched,
)
from shared.nz_days import bounds_ms, to_ordinal
from tests.unit.claims.builders import nz
from tests.unit.claims.judging import USUAL, assessed, failing, of_rule

STATES: tuple[FaultyState, ...] = ("marked", "accepted", "refused", "withdrawn", "excluded", "applied", "lifted")
FIFTH = to_ordinal(date(2026, 3, 5))
MARK = OpenMark(UUID(int=7), "d1", FIFTH, FIFTH, "marked")


def test_a_mark_is_decided_once_and_what_is_settled_stays_so() -> None:
    for before in STATES:
        for after in STATES:
            if (before, after) in FAULTY_STEPS:
                assert advance_mark(before, after) == after
            else:
                with pytest.raises(IllegalStep):
                    advance_mark(before, after)
    settled = {state for state in STATES if not any(before == state for before, _ in FAULTY_STEPS)}
    assert settled == set(STATES) - set(OPEN)


def test_the_days_of_a_stretch_reach_over_a_midnight_that_is_near() -> None:
    start, end = bounds_ms(20_000)
    assert days_touched(start + 3_600_000, start + 7_200_000) == (20_000, 20_000)
    assert days_touched(start, end - 1) == (19_999, 20_001)


def test_EL4_an_open_mark_of_faulty_data_in_the_period_blocks_and_one_outside_does_not() -> None:
    found = assessed(context=replace(USUAL, marks=(MARK,)))
    assert (found.state, failing(found)) == ("ended", {"EL4"})
    (finding,) = [one for one in of_rule(found, "EL4") if one.outcome == "fail"]
    assert "d1 from 2026-03-05 (marked)" in finding.reason
    outside = (
        replace(MARK, device="d2"),
        replace(MARK, first_day=FIFTH + 90, last_day=FIFTH + 91),
        replace(MARK, first_day=FIFTH - 90, last_day=FIFTH - 60),
    )
    assert assessed(context=replace(USUAL, marks=outside)).state == "claimable"
    reaches_in = replace(MARK, first_day=FIFTH - 90, last_day=to_ordinal(date(2026, 3, 1)))
    assert not assessed(context=replace(USUAL, marks=(reaches_in,))).eligible


def test_EL4_no_waiver_lifts_an_open_mark() -> None:
    waiver = Waiver(
        rule="EL4", reason="the device was off the vehicle", actor="R Hill", at=nz(2026, 5, 1), covers=frozenset({""})
    )
    assert not assessed(context=replace(USUAL, marks=(MARK,), waivers=(waiver,))).eligible
