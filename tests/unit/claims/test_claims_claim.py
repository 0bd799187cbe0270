"""The claim as a whole: rules CL1, EL3 (claim and sheets), EL8, PA1, CL5, and its states."""

from dataclasses import replace
from datetime import date
from uuid import uuid5

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.claims.domain.claim.claim import (
    Applicant,
    ClaimDraft,
    ClaimLine,
    assess_claim,
    pack,
)
from services.claims.domain.claim.eligibility import Finding, Waiver
from services.claims.policy import load
from tests.unit.claims.builders import CLAIMANT, NAMESPACE, nz

POLICY = load()
TODAY = date(2026, 6, 1)
APPLICANT = Applicant(
    claimant_id=CLAIMANT,
    name="Hill Farms Limited",
    customer_number="123456789",
    bank_account="01-0242-0100194-00",
    bank_account_name="Hill Farms Ltd",
    phone="06 388 0000",
    email="office@hill.example",
)


def line(number: str = "L1", plate: str = "ABC123", cents: int | None = 3040, km: int = 400) -> ClaimLine:
    return ClaimLine(
        licence_id=uuid5(NAMESPACE, number),
        claimant_id=CLAIMANT,
        plate=plate,
        licence_number=number,
        distance_km=km,
        estimate_cents=cents,
        reason_code=2,
        specify_type="Teltonika FMC130",
    )


DRAFT = ClaimDraft(
    applicant=APPLICANT,
    lines=(line(),),
    person_completing="R Hill",
    travel_description="Farm work on our own land",
    records_held="GPS tracking",
)


def found(draft: ClaimDraft, *waivers: Waiver) -> tuple[Finding, ...]:
    return assess_claim(draft, POLICY, TODAY, waivers)


def of_rule(findings: tuple[Finding, ...], rule: str) -> list[Finding]:
    return [finding for finding in findings if finding.rule == rule]


def missing(draft: ClaimDraft) -> set[str]:
    return {dict(finding.inputs)["field"] for finding in of_rule(found(draft), "CL1") if finding.outcome == "fail"}


def test_CL1_a_complete_claim_passes_every_rule() -> None:
    assert {finding.outcome for finding in found(DRAFT)} == {"pass"}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("person_completing", ""),
        ("travel_description", " "),
        ("records_held", ""),
        ("lines", ()),
    ],
)
def test_CL1_each_missing_field_of_the_claim_is_named(field: str, value: object) -> None:
    assert missing(replace(DRAFT, **{field: value})) == {field}  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("email", ""),
        ("email", "office"),
        ("phone", ""),
        ("phone", "388 0000"),
        ("phone", "06"),
        ("bank_account_name", ""),
        ("customer_number", "12345678"),
        ("customer_number", "12345678901"),
        ("address", ""),
    ],
)
def test_CL1_each_missing_field_of_the_applicant_is_named(field: str, value: str) -> None:
    other = {"customer_number": ""} if field == "address" else {}
    assert missing(replace(DRAFT, applicant=replace(APPLICANT, **{**other, field: value}))) == {field} | (
        {"address"} if field == "address" else set()
    )


def test_CL1_the_applicants_name_is_required() -> None:
    assert "applicant_name" in missing(replace(DRAFT, applicant=replace(APPLICANT, name="")))


def test_CL1_a_first_claim_has_a_blank_number_and_an_address() -> None:
    first = replace(APPLICANT, first_claim=True)
    assert missing(replace(DRAFT, applicant=first)) == {"customer_number", "address"}
    right = replace(first, customer_number="", address="12 Ridge Road, Taihape")
    assert missing(replace(DRAFT, applicant=right)) == set()


@pytest.mark.parametrize("phone", ["06 388 0000", "+64 6 388 0000", "(021) 555 123", "0064 21 555 123"])
def test_CL1_a_phone_number_carries_its_area_code(phone: str) -> None:
    assert missing(replace(DRAFT, applicant=replace(APPLICANT, phone=phone))) == set()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("plate", ""),
        ("licence_number", ""),
        ("distance_km", 0),
        ("reason_code", None),
        ("reason_code", 19),
        ("method", "Guess"),
        ("specify_type", ""),
    ],
)
def test_CL1_each_missing_field_of_a_line_is_named(field: str, value: object) -> None:
    wrong = replace(line(), **{field: value})  # type: ignore[arg-type]
    assert missing(replace(DRAFT, lines=(wrong,))) == {f"lines.{wrong.licence_id}.{field}"}


def test_CL1_method_other_requires_words() -> None:
    other = replace(line(), method="Other", specify_type="")
    assert "in words" in of_rule(found(replace(DRAFT, lines=(other,))), "CL1")[0].reason
    assert missing(replace(DRAFT, lines=(replace(other, specify_type="hubodometer log"),))) == set()


def test_PA1_a_claim_holds_one_claimants_licences() -> None:
    strange = replace(line("L9"), claimant_id=uuid5(NAMESPACE, "another"))
    assert [f.outcome for f in of_rule(found(replace(DRAFT, lines=(line(), strange))), "PA1")] == ["fail"]


@pytest.mark.parametrize(("cents", "outcome"), [((1000, 999), "fail"), ((1000, 1000), "pass"), ((2000,), "pass")])
def test_EL3_20_dollars_on_the_whole_claim(cents: tuple[int, ...], outcome: str) -> None:
    lines = tuple(line(f"L{i}", cents=one) for i, one in enumerate(cents))
    assert of_rule(found(replace(DRAFT, lines=lines)), "EL3")[0].outcome == outcome


def test_EL3_an_unknown_rate_leaves_it_unknown_unless_the_rest_suffices() -> None:
    short = (line("L1", cents=1999), line("L2", cents=None))
    assert of_rule(found(replace(DRAFT, lines=short)), "EL3")[0].outcome == "unknown"
    enough = (line("L1", cents=2000), line("L2", cents=None))
    assert of_rule(found(replace(DRAFT, lines=enough)), "EL3")[0].outcome == "pass"


def test_EL3_a_sheet_alone_under_20_dollars_warns() -> None:
    lines = tuple(line(f"L{i:02}", cents=250) for i in range(10))
    outcomes = [finding.outcome for finding in of_rule(found(replace(DRAFT, lines=lines)), "EL3")]
    assert outcomes.count("warn") >= 1


def test_EL3_sheets_are_packed_so_that_none_is_under_20_dollars() -> None:
    rich = [line(f"A{i}", "AAA1", 500) for i in range(9)]
    poor = [line("B1", "BBB1", 100)]
    sheets = pack([*rich, *poor], 9, 2000)
    assert len(sheets) == 2
    assert all(sheet.known_cents >= 2000 for sheet in sheets)


def test_FO1_entries_of_one_plate_stay_together_where_they_can() -> None:
    lines = [
        line(f"{plate}{i}", plate, 3000)
        for plate, count in (("AAA1", 6), ("BBB1", 6), ("CCC1", 3))
        for i in range(count)
    ]
    sheets = pack(lines, 9, 2000)
    assert len(sheets) == 2
    homes = {
        plate: {n for n, sheet in enumerate(sheets) for one in sheet.lines if one.plate == plate}
        for plate in ("AAA1", "BBB1", "CCC1")
    }
    assert all(len(where) == 1 for where in homes.values())


@given(
    st.lists(
        st.tuples(st.sampled_from(["A1", "B2", "C3", "D4"]), st.one_of(st.none(), st.integers(0, 4000))), max_size=40
    ),
    st.randoms(use_true_random=False),
)
def test_EL3_packing_keeps_every_line_once_on_the_fewest_sheets_in_any_order(rows, chance) -> None:  # noqa: ANN001 - hypothesis
    lines = [line(f"L{i:03}", plate, cents) for i, (plate, cents) in enumerate(rows)]
    sheets = pack(lines, 9, 2000)
    assert sorted(one.licence_number for sheet in sheets for one in sheet.lines) == [
        one.licence_number for one in lines
    ]
    assert len(sheets) == -(-len(lines) // 9)
    assert all(1 <= len(sheet.lines) <= 9 for sheet in sheets)
    for sheet in sheets:
        plates = [one.plate for one in sheet.lines]
        assert plates == sorted(plates)
    assert pack(chance.sample(lines, len(lines)), 9, 2000) == sheets


def test_EL3_sheets_are_only_poor_where_the_claim_is_too_small_for_them() -> None:
    lines = [line(f"L{i:02}", f"P{i}", 450) for i in range(10)]
    assert all(sheet.known_cents >= 2000 for sheet in pack(lines, 9, 2000))


def test_EL8_no_account_fails() -> None:
    none = replace(DRAFT, applicant=replace(APPLICANT, bank_account=""))
    assert of_rule(found(none), "EL8")[0].outcome == "fail"


def test_EL8_a_wrong_check_digit_fails_and_an_unknown_branch_warns() -> None:
    for account, outcome in (("01-0242-0100195-00", "fail"), ("31-9999-0000000-00", "warn")):
        changed = replace(DRAFT, applicant=replace(APPLICANT, bank_account=account))
        assert of_rule(found(changed), "EL8")[0].outcome == outcome


def test_EL8_another_account_name_fails_until_a_person_confirms_it_with_a_reason() -> None:
    other = replace(DRAFT, applicant=replace(APPLICANT, bank_account_name="R Hill"))
    assert of_rule(found(other), "EL8")[1].outcome == "fail"
    waiver = Waiver(rule="EL8", reason="trading name", actor="R Hill", at=nz(2026, 5, 1), covers=frozenset({"key"}))
    assert of_rule(found(other, waiver), "EL8")[1].outcome == "fail", "an account without a key is nobody's"
    another = replace(other, applicant=replace(other.applicant, account_key="another"))
    assert of_rule(found(another, waiver), "EL8")[1].outcome == "fail"
    other = replace(other, applicant=replace(other.applicant, account_key="key"))
    confirmed = of_rule(found(other, waiver), "EL8")[1]
    assert confirmed.outcome == "warn"
    assert "trading name" in confirmed.reason


def test_RE3_no_finding_prints_the_account() -> None:
    for account in ("01-0242-0100194-00", "01-0242-0100195-00", "31-9999-0000000-00"):
        changed = replace(DRAFT, applicant=replace(APPLICANT, bank_account=account))
        assert not any("0100194" in f.reason or "0100195" in f.reason for f in found(changed))


def test_EL2_the_earliest_deadline_of_its_lines_is_the_claims() -> None:
    lines = (
        replace(line("L1"), latest_receipt_on=date(2027, 1, 1)),
        replace(line("L2"), latest_receipt_on=date(2026, 7, 1)),
    )
    deadline = of_rule(found(replace(DRAFT, lines=lines)), "EL2")[0]
    assert (deadline.outcome, "L2" in deadline.reason) == ("pass", True)
    late = (replace(line(), latest_receipt_on=date(2026, 5, 31)),)
    assert of_rule(found(replace(DRAFT, lines=late)), "EL2")[0].outcome == "fail"
