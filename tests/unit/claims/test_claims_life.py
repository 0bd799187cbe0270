"""What becomes of a claim after lodging: rules CL4 to CL7."""

from datetime import date

import pytest

from services.claims.domain.claim.claim_life import CLAIM_STEPS, IllegalStep, advance, answer_due_on
from services.claims.domain.claim.line_life import LineAccount, LineState, TooMuch, beyond_its_worth, is_decided
from services.claims.policy import load

POLICY = load()


def test_CL5_a_claim_is_withdrawn_only_before_it_was_sent() -> None:
    assert advance("lodged", "withdrawn") == "withdrawn"
    for later in ("sent", "received", "returned", "decided"):
        with pytest.raises(IllegalStep, match="cannot go from"):
            advance(later, "withdrawn")  # type: ignore[arg-type]


def test_CL4_nothing_leads_back_from_lodged_to_draft() -> None:
    back = {to for before, to in CLAIM_STEPS if before not in {"draft", "verified"}}
    assert not back & {"draft", "verified", "lodged"}


def test_CL6_a_returned_claim_is_the_same_claim_sent_again() -> None:
    state = advance("lodged", "sent")
    for step in ("received", "returned", "sent", "received", "decided"):
        state = advance(state, step)  # type: ignore[arg-type]
    assert state == "decided"
    with pytest.raises(IllegalStep, match="it can go to: nothing"):
        advance(state, "sent")


PENDING = LineAccount(claimed_km=560)
ACCEPTED = PENDING.after("accepted", 560, 4_256)


def test_CL6_money_may_be_taken_back_after_it_was_paid_or_set_off() -> None:
    ways: tuple[LineState, ...] = ("paid", "set_off")
    for way in ways:
        back = ACCEPTED.after(way, None, 4_256).after("recovered", None, 4_256)
        assert (back.state, back.came, back.back, back.standing_km) == ("recovered", 4_256, 4_256, 0)
    with pytest.raises(IllegalStep):
        PENDING.after("declined", None, None).after("paid", None, 1)
    with pytest.raises(IllegalStep):
        PENDING.after("paid", None, 1)


def test_CL6_a_debt_is_set_off_in_part_and_the_rest_is_paid_and_taken_back_in_parts() -> None:
    whole = ACCEPTED.after("set_off", None, 2_000).after("paid", None, 2_256)
    assert whole.came == 4_256
    with pytest.raises(TooMuch, match="4256 cents were accepted, and only 0 of them have not come yet"):
        whole.after("paid", None, 1)
    back = whole.after("recovered", None, 100).after("recovered", None, 4_000)
    assert (back.back, back.standing_km) == (4_100, -(-560 * 156 // 4_256))
    with pytest.raises(TooMuch, match="only 156 cents are left of what came"):
        back.after("recovered", None, 157)
    unsaid = PENDING.after("accepted", 560, None).after("paid", None, 4_256)
    with pytest.raises(TooMuch, match="nobody has said how many cents were accepted"):
        unsaid.after("paid", None, 4_256)


def test_CL6_an_objection_may_raise_what_was_declined_or_accepted_and_lowers_nothing() -> None:
    assert PENDING.after("declined", None, None).after("accepted", 560, 4_256).standing_km == 560
    part = PENDING.after("accepted", 420, 3_192).after("paid", None, 3_192)
    more = part.after("accepted", 560, 4_256)
    assert (more.standing_km, more.after("paid", None, 1_064).came) == (560, 4_256)
    for km, cents in ((419, 4_256), (561, 4_256), (420, 3_191)):
        with pytest.raises(TooMuch):
            part.after("accepted", km, cents)


def test_CL6_what_stands_of_a_line_is_what_the_agency_has_or_may_yet_take() -> None:
    assert (PENDING.standing_km, ACCEPTED.standing_km) == (560, 560)
    assert PENDING.after("declined", None, None).standing_km == 0
    half_paid = ACCEPTED.after("paid", None, 2_000).after("recovered", None, 2_000)
    assert half_paid.standing_km == -(-560 * 2_256 // 4_256), "the rest may still come"


def test_CL6_more_money_than_the_kilometres_are_worth_is_a_warning() -> None:
    assert beyond_its_worth("L1", ACCEPTED, 7_600) == []
    assert beyond_its_worth("L1", PENDING.after("accepted", 1, 99_999_999), None) == [], (
        "an unknown rate judges nothing"
    )
    (doubt,) = beyond_its_worth("L1", PENDING.after("accepted", 1, 99_999_999), 7_600)
    assert (doubt.rule, doubt.outcome, dict(doubt.inputs)["worth_cents"]) == ("CL6", "warn", "8")


def test_CL6_a_claim_is_decided_once_every_line_is() -> None:
    declined = PENDING.after("declined", None, None)
    assert is_decided([ACCEPTED, declined, ACCEPTED.after("paid", None, 4_256)])
    assert not is_decided([ACCEPTED, PENDING])
    assert not is_decided([])


def test_CL6_ten_working_days_run_from_receipt() -> None:
    assert answer_due_on(date(2026, 3, 30), POLICY) == date(2026, 4, 15)  # Good Friday and Easter Monday do not count


def test_CL6_what_was_said_of_the_money_holds_while_the_kilometres_stay_and_is_unknown_for_more() -> None:
    partly = PENDING.after("accepted", 420, 3_192)
    assert partly.after("accepted", 420, None).accepted_cents == 3_192
    assert partly.after("accepted", 560, None).accepted_cents is None
