"""Two years run to the day on which the claim is received, not to the day on which it is lodged (rule EL2)."""

from datetime import date

import pytest

from services.claims.domain.claim.deadlines import Receipt, late_receipt
from services.claims.domain.statement.forecast import claimed_receipt_alert
from tests.unit.claims.builders import licence, nz
from tests.unit.claims.judging import POLICY

LAST = date(2028, 2, 29)
PAPER = licence(issued_at=nz(2026, 3, 1))
BEFORE, BEHIND = date(2028, 2, 28), date(2028, 3, 1)


@pytest.mark.parametrize(
    ("state", "on", "today", "outcome"),
    [
        ("lodged", None, LAST, None),
        ("lodged", None, BEHIND, "warn"),
        ("sent", BEFORE, LAST, None),
        ("sent", BEFORE, BEHIND, "warn"),  # it may have been received, and the day may only be missing
        ("sent", BEHIND, BEHIND, "fail"),  # nobody receives what was not sent
        ("received", LAST, BEHIND, None),
        ("received", BEHIND, BEHIND, "fail"),
        ("returned", BEFORE, BEHIND, "warn"),
        ("withdrawn", BEHIND, BEHIND, None),
        ("decided", BEHIND, BEHIND, None),
    ],
)
def test_EL2_the_recorded_day_decides_whether_a_lodged_line_is_lost(
    state: str, on: date | None, today: date, outcome: str | None
) -> None:
    found = list(late_receipt("L1", LAST, Receipt("RUCOR-000001", state, on), today))
    assert [one.outcome for one in found] == ([] if outcome is None else [outcome])
    for one in found:
        assert (one.rule, dict(one.inputs)["latest_receipt_on"]) == ("EL2", "2028-02-29")
        assert "RUCOR-000001" in one.reason and "licence L1" in one.reason and "35(2)" in one.source


@pytest.mark.parametrize(
    ("state", "on", "today", "kind"),
    [
        ("lodged", None, LAST, "latest_receipt"),
        ("sent", BEFORE, BEHIND, "latest_receipt"),
        ("sent", BEHIND, BEHIND, "too_late"),
        ("received", BEHIND, BEHIND, "too_late"),
        ("received", LAST, BEHIND, None),
    ],
)
def test_LI6_the_radar_tells_a_line_that_came_too_late(
    state: str, on: date | None, today: date, kind: str | None
) -> None:
    found = claimed_receipt_alert(PAPER, POLICY, Receipt("RUCOR-000001", state, on), today)
    assert (None if found is None else found.kind) == kind
    assert found is None or (found.due_on == LAST and "RUCOR-000001" in found.words)
