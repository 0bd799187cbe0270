"""By when the Agency answers: rules CL6, OT2, EX1."""

from datetime import date, timedelta

import pytest

from services.claims.domain.claim.awaited import Awaited, What, due_on, is_overdue, words
from services.claims.policy import load
from shared.clock import new_id

POLICY = load()


@pytest.mark.parametrize(
    ("what", "since", "due"),
    [
        ("claim", date(2026, 3, 30), date(2026, 4, 15)),  # Good Friday and Easter Monday do not count
        ("application", date(2026, 11, 23), date(2026, 12, 7)),
        ("exemption", date(2026, 11, 20), date(2026, 11, 25)),
    ],
)
def test_CL6_OT2_EX1_an_answer_is_overdue_from_the_day_after_its_last_working_day(
    what: What, since: date, due: date
) -> None:
    one = Awaited(what=what, id=new_id(), name="RUCOR-000001", since=since)
    assert due_on(one, POLICY) == due
    assert not is_overdue(one, due, POLICY)
    assert is_overdue(one, due + timedelta(days=1), POLICY)
    assert f"by {due}" in words(one, due, POLICY)
    assert words(one, due + timedelta(days=1), POLICY).endswith("ask the Agency")
