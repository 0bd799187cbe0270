"""Rule LI8 and guarantee G3: manual log entries move metres from unknown to off road, and never make one."""

import random
from dataclasses import replace
from datetime import timedelta
from uuid import uuid5

from hypothesis import given, settings
from hypothesis import strategies as st

from services.claims.domain.statement.log_entry import LogEntry
from services.claims.domain.statement.statement import Statement, make_statement
from tests.property.claims.test_claims_statement_properties import DAYS, FIRST, Case, cases
from tests.unit.claims.builders import KM, NAMESPACE, ledger, nz


@st.composite
def entries(draw: st.DrawFn) -> list[LogEntry]:
    days = draw(st.lists(st.integers(-1, DAYS), max_size=DAYS + 2))
    return [
        LogEntry(
            id=uuid5(NAMESPACE, f"entry {i}"),
            licence_id=uuid5(NAMESPACE, "L1"),
            on=FIRST + timedelta(days=day),
            mm=draw(st.integers(1, 60 * KM)),
            reason="r",
            actor="a",
            attachment_id=uuid5(NAMESPACE, "scan"),
            at=nz(2026, 5, 1 + draw(st.integers(0, 3))),
        )
        for i, day in enumerate(days)
    ]


def made(case: Case, log: list[LogEntry]) -> Statement:
    record = replace(case.record(case.licence()), log=tuple(log))
    return make_statement(case.licence(), record, ledger(*case.days), ())


@settings(max_examples=150, deadline=None)
@given(cases(), entries(), st.randoms(use_true_random=False))
def test_LI8_G3_entries_only_move_unknown_to_off_road_and_closing_stays_exact(
    case: Case, log: list[LogEntry], chance: random.Random
) -> None:
    before, after = made(case, []), made(case, log)
    moved = sum(one.counted_mm for one in after.log)
    assert after.totals.off_road_mm == before.totals.off_road_mm + moved
    assert after.totals.unknown_mm == before.totals.unknown_mm - moved >= 0
    assert dict(after.totals.off_road_by_basis).get("manual_log", 0) == moved == after.logged_mm
    for name in ("public_mm", "carried_mm", "uncovered_mm", "counted_mm"):
        assert getattr(after.totals, name) == getattr(before.totals, name)
    if after.recorder_mm is not None:
        assert after.totals.counted_mm == after.recorder_mm
    by_day = sum(line.amounts.counted_mm for line in after.lines)
    assert by_day + after.lack_mm + after.rest_mm + after.uncovered_lack_mm == after.totals.counted_mm
    assert after.uncovered_lack_mm == before.uncovered_lack_mm
    assert all(one.counted_mm == 0 for one in after.log if one.entry.on < case.licence().issued_on), "rule LI2"
    assert 0 <= after.lack_mm <= before.lack_mm
    known = {line.on: line.amounts for line in before.lines}
    for line in after.lines:
        assert min(mm for _, mm in (*line.amounts.unknown_by_basis, ("", 0))) >= 0
        if line.on in known:
            assert line.amounts.public_mm == known[line.on].public_mm
    assert all(0 <= one.counted_mm <= one.entry.mm for one in after.log)
    assert made(case, chance.sample(log, len(log))) == after


@settings(max_examples=80, deadline=None)
@given(cases(), entries())
def test_LI8_only_the_statement_with_entries_has_another_hash(case: Case, log: list[LogEntry]) -> None:
    assert (made(case, log).hash == made(case, []).hash) == (not log)
