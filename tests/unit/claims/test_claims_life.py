"""What becomes of a claim after lodging: rules CL4 to CL7."""

from datetime import date

import pytest

from services.claims.domain.claim.claim_life import (
    CLAIM_STEPS,
    IllegalStep,
    advance,
    advance_line,
    answer_due_on,
    is_decided,
    letter,
    over_claim,
)
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


def test_CL6_money_may_be_taken_back_after_it_was_paid_or_set_off() -> None:
    assert advance_line(advance_line("accepted", "paid"), "recovered") == "recovered"
    assert advance_line(advance_line("accepted", "set_off"), "recovered") == "recovered"
    with pytest.raises(IllegalStep):
        advance_line("declined", "paid")
    with pytest.raises(IllegalStep):
        advance_line("pending", "paid")


def test_CL6_a_claim_is_decided_once_every_line_is() -> None:
    assert is_decided(["accepted", "declined", "paid"])
    assert not is_decided(["accepted", "pending"])
    assert not is_decided([])


def test_CL6_ten_working_days_run_from_receipt() -> None:
    assert answer_due_on(date(2026, 3, 30), POLICY) == date(2026, 4, 15)  # Good Friday and Easter Monday do not count


def test_CL7_an_over_claim_is_told_in_kilometres_and_dollars_rounded_against_the_claimant() -> None:
    found = over_claim(560, 500, 7_600, 1)
    assert found is not None
    assert (found.claimed_km, found.now_km, found.cents) == (560, 500, 456)
    assert over_claim(560, 559, 7_601, 1).cents == 8  # type: ignore[union-attr]
    assert over_claim(560, 560, 7_600, 1) is None
    assert over_claim(560, 700, 7_600, 1) is None, "never more than was claimed: a late top-up is impossible (rule EL4)"
    assert over_claim(560, 500, 0, 0).cents is None  # type: ignore[union-attr]
    words = letter("RUCOR-000001", "L1", "ABC123", found)
    assert "60 km, worth $4.56" in words
