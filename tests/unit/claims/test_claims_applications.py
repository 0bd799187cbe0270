"""Applications other than off-road claims: their steps, duties, payments and documents (rules OT2, OT3, OT4)."""

from collections.abc import Iterator
from datetime import date
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.claims.domain.claim.claim_life import IllegalStep
from services.claims.domain.refunds.application_life import (
    APPLICATION_STEPS,
    DUTIES,
    NEEDS,
    OVER,
    ApplicationKind,
    ApplicationState,
    DocumentGiven,
    Payment,
    TooMuchBack,
    advance_application,
    answer_due_on,
    lacking,
    next_states,
    open_duties,
    paid_so_far,
)
from services.claims.policy import load

POLICY = load()
KINDS: tuple[ApplicationKind, ...] = get_args(ApplicationKind)
STATES: tuple[ApplicationState, ...] = get_args(ApplicationState)


def _from(state: ApplicationState) -> Iterator[ApplicationState]:
    reached, seen = [state], {state}
    while reached:
        for then in next_states(reached.pop()):
            if then not in seen:
                seen.add(then)
                reached.append(then)
    yield from seen


def test_OT2_every_state_is_reached_from_a_draft_and_an_end_is_an_end() -> None:
    assert set(_from("draft")) == set(STATES)
    for over in (*OVER, "granted"):
        assert next_states(over) == ()


@pytest.mark.parametrize("before", STATES)
@pytest.mark.parametrize("then", STATES)
def test_OT2_a_step_that_is_not_named_is_refused_with_those_that_are(
    before: ApplicationState, then: ApplicationState
) -> None:
    if (before, then) in APPLICATION_STEPS:
        assert advance_application(before, then) == then
        return
    with pytest.raises(IllegalStep) as refused:
        advance_application(before, then)
    assert refused.value.allowed == next_states(before)


def test_OT2_ten_working_days_from_receipt() -> None:
    assert answer_due_on(date(2026, 11, 23), POLICY) == date(2026, 12, 7)


def test_OT3_the_old_hubodometer_is_kept_until_the_refund_is_decided() -> None:
    keeping = {
        state: "keep_old_recorder" in [one.code for one in open_duties("recorder_change", state, ())]
        for state in STATES
    }
    assert keeping == {
        "draft": True, "ready": True, "sent": True, "received": True, "granted": False, "declined": False, "withdrawn": False
    }  # fmt: skip


def test_OT2_a_void_label_is_destroyed_and_a_person_says_so() -> None:
    assert "destroy_label" not in [one.code for one in open_duties("surrender", "received", ())]
    assert "destroy_label" in [one.code for one in open_duties("surrender", "granted", ())]
    assert "destroy_label" not in [one.code for one in open_duties("surrender", "granted", {"destroy_label"})]


def test_OT5_a_surrendered_licence_warns_to_buy_before_travel_at_the_full_rate() -> None:
    words = " ".join(one.words for one in open_duties("surrender", "ready", ()))
    assert "before the vehicle travels" in words
    assert "full rate" in words


def test_every_kind_names_its_duties_and_documents() -> None:
    assert set(DUTIES) == set(NEEDS) == set(KINDS)


def test_OT2_bank_evidence_shows_logo_name_and_number_and_the_last_one_counts() -> None:
    (need,) = NEEDS["surrender"]
    assert lacking(need, []) is None
    poor, good = DocumentGiven(code=need.code, shows=("logo",)), DocumentGiven(code=need.code, shows=need.shows)
    assert lacking(need, [poor]) == ("name", "number")
    assert lacking(need, [poor, good]) == ()
    assert lacking(need, [good, poor]) == ("name", "number")


@given(st.lists(st.tuples(st.sampled_from(get_args(Payment)), st.integers(0, 10**9)), max_size=12))
def test_no_more_comes_back_than_was_paid_and_nothing_is_lost(payments: list[tuple[Payment, int]]) -> None:
    in_hand = 0
    for number, (kind, cents) in enumerate(payments):
        if kind == "recovered" and cents > in_hand:
            with pytest.raises(TooMuchBack):
                paid_so_far(payments[: number + 1])
            return
        in_hand += -cents if kind == "recovered" else cents
    assert paid_so_far(payments).kept == in_hand
