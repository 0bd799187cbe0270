"""What another claim or refund has of a licence's kilometres is told before anything is lodged (rules LI4, EL4; guarantee G4)."""

from dataclasses import replace
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.claims.domain.claim.claim import name_of_account
from services.claims.domain.claim.taken import How, Taken, claimed_upto, kilometres_free
from services.claims.domain.findings import Finding
from services.claims.domain.preflight.attacks import attack
from services.claims.domain.statement.statement import make_statement
from services.claims.domain.statement.to_do import Payee, to_do
from services.claims.domain.statement.window import claimable_range
from tests.unit.claims.builders import ledger, licence, record
from tests.unit.claims.judging import DAYS, FOLLOWING, POLICY, READINGS, USUAL, assessed, failing, of_rule
from tests.unit.claims.test_claims_preflight import case, subject

CLAIM, OTHER = UUID(int=9), UUID(int=10)


def taken(start: int, upto: int, how: How = "claim", state: str = "lodged") -> Taken:
    return Taken(
        how=how,
        start=start,
        upto=upto,
        reference="RUCOR-000007",
        source_id=CLAIM,
        other_id=OTHER,
        other="RUC 5",
        state=state,
    )


def test_LI4_a_claim_of_another_licence_fails_it_and_is_named() -> None:
    found = assessed(context=replace(USUAL, taken=(taken(4900, 5200),)))
    assert failing(found) == {"LI4"} and not found.eligible and found.state == "not_claimable"
    (finding,) = of_rule(found, "LI4")
    assert "4900 to 5000" in finding.reason and "licence RUC 5 in claim RUCOR-000007" in finding.reason
    assert dict(finding.inputs) == {
        "held_by": "claim", "reference": "RUCOR-000007", "source_id": str(CLAIM), "from_reading": "4900",
        "to_reading": "5000", "other": "RUC 5", "other_id": str(OTHER), "state": "lodged",
    }  # fmt: skip
    assert finding.source and not finding.waivable and not finding.waiting


def test_LI4_what_only_touches_the_range_or_lies_beyond_what_is_claimed_is_no_matter() -> None:
    for beside in (taken(3000, 4000), taken(5000, 6000)):
        found = assessed(context=replace(USUAL, taken=(beside,)))
        assert found.eligible, beside
    cut = assessed(context=replace(USUAL, taken=(taken(4900, 5200),), claimable_end=4900))
    assert of_rule(cut, "LI4")[0].outcome == "pass", "the register ends the claim where the other one begins"


@pytest.mark.parametrize("how", ["outside", "unused", "credit"])
def test_EL4_other_refunds_of_the_same_kilometres_fail_it_too(how: How) -> None:
    (finding,) = of_rule(assessed(context=replace(USUAL, taken=(taken(4500, 5000, how, ""),))), "LI4")
    assert finding.outcome == "fail" and ("claimed once" in finding.reason) == (how == "outside")


@given(st.integers(0, 30), st.integers(0, 30), st.lists(st.tuples(st.integers(0, 30), st.integers(1, 9)), max_size=4))
def test_LI4_it_fails_exactly_where_a_unit_of_distance_is_in_both(
    start: int, upto: int, others: list[tuple[int, int]]
) -> None:
    held = [taken(low, low + length) for low, length in others]
    units = {unit for one in held for unit in range(one.start + 1, one.upto + 1)}
    found = kilometres_free(start, upto, held)
    assert (found.outcome == "fail") == bool(units & set(range(start + 1, upto + 1)))


def test_OT3_a_claim_ends_where_the_register_or_the_window_does() -> None:
    one = licence()
    window = claimable_range(one, record([one, FOLLOWING], READINGS), ())
    assert claimed_upto(4000, 5000, window) == 5000
    assert claimed_upto(4000, 4250, window) == 4250
    assert claimed_upto(4000, 5000, replace(window, end=4300)) == 4300


@pytest.mark.parametrize(
    ("one", "route"),
    [
        (taken(4900, 5200), f"POST /v1/claims/{CLAIM}/withdraw"),
        (taken(4900, 5200, state="sent"), f"POST /v1/claims/{CLAIM}/second-application"),
        (taken(4900, 5200, "unused", "ready"), f"POST /v1/applications/{CLAIM}/withdraw"),
        (taken(4900, 5200, "credit"), f"POST /v1/licences/{CLAIM}/strike"),
        (taken(4900, 5200, "outside"), f"POST /v1/licences/{OTHER}/claimed-outside/strike"),
    ],
)
def test_LI4_what_gives_the_kilometres_back_is_to_be_done(one: Taken, route: str) -> None:
    of = licence()
    register = record([of, FOLLOWING], READINGS)
    statement = make_statement(of, register, ledger(*DAYS), POLICY.rate_rises)
    judged = assessed(of, register, context=replace(USUAL, taken=(one,)))
    verified = Finding(rule="CL2", outcome="pass", reason="", source="")
    own = name_of_account("Hill Farms", "Hill Farms")
    payee = Payee("Hill Farms", "a@b.nz", "06 388 0000", has_account=True, account_name=own)
    (found,) = to_do(of, register, statement, judged, verified, payee)
    assert (found.rule, found.route, found.final) == ("LI4", route, False)


def test_LI4_the_preflight_attacks_what_lodging_would_refuse() -> None:
    judged = assessed(context=replace(USUAL, taken=(taken(4900, 5200), replace(taken(4000, 4100), source_id=uuid4()))))
    (found,) = [one for one in attack(case(subject(assessment=judged))) if one.id == "same_kilometres"]
    assert found.outcome == "fails" and "RUCOR-000007" in found.answer and "1 more such" in found.answer
